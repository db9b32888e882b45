//! Seeding by the servers' own logical dump: the commands at both ends of the stream, and what its
//! text tells. Must never put a secret on a command line (both ends log in as root over the unix
//! socket), and never take a dump without its closing line for a whole one.

use super::gtid::GtidError;
use super::{BinlogName, Dialect, GtidSet, Statement};

/// The largest packet both ends accept: 1 GiB, the servers' own limit.
const LARGEST_PACKET: &str = "--max-allowed-packet=1073741824";

/// Bytes of the stream's head that [`Dialect::read_dump_position`] needs. A GTID set of hundreds of
/// sources still fits.
pub const HEAD_LENGTH: usize = 256 * 1024;

/// Bytes of the stream's tail that it and [`Dialect::dump_is_complete`] need.
pub const TAIL_LENGTH: usize = 64 * 1024;

impl Dialect {
    /// What programs at both ends need to reach their own server as root.
    pub(super) fn local_login(self, program: &str) -> Vec<String> {
        // No option files: a `[mysqldump]` section with `where=` or `ignore-table=` would thin out
        // the seed.
        vec![
            program.to_owned(),
            "--no-defaults".to_owned(),
            "--user=root".to_owned(),
            "--protocol=socket".to_owned(),
            format!("--socket={}", self.socket_path()),
            "--default-character-set=utf8mb4".to_owned(),
            LARGEST_PACKET.to_owned(),
        ]
    }

    /// Dumps a whole server, consistently and without blocking it, with the position as a comment.
    ///
    /// What the primary once was as a replica stays behind: `mysql.gtid_slave_pos`,
    /// `mysql.slave_*`.
    pub fn dump_command(self) -> Vec<String> {
        let mut words = self.local_login(self.dump_tool());
        let common = [
            "--single-transaction",
            "--quick",
            "--all-databases",
            "--routines",
            "--events",
            "--triggers",
            "--hex-blob",
            "--flush-privileges",
        ];
        let own: &[&str] = if self.is_mariadb() {
            &[
                "--master-data=2",
                "--gtid",
                "--ignore-table=mysql.gtid_slave_pos",
            ]
        } else {
            &[
                "--source-data=2",
                "--set-gtid-purged=COMMENTED",
                "--ignore-table=mysql.slave_master_info",
                "--ignore-table=mysql.slave_relay_log_info",
                "--ignore-table=mysql.slave_worker_info",
            ]
        };
        words.extend(common.iter().chain(own).map(|word| (*word).to_owned()));
        words
    }

    /// About how many bytes the rows of all databases take, by the server's statistics: one row, one
    /// column `bytes`, NULL where there are none.
    pub fn data_length_query(self) -> Statement {
        Statement::new(
            "SELECT CAST(SUM(DATA_LENGTH) AS UNSIGNED) AS bytes FROM information_schema.TABLES \
             WHERE TABLE_TYPE = 'BASE TABLE'",
        )
    }

    /// Loads a dump from standard input, out of sight of the server's own binary log. The server
    /// must accept root's writes: `super_read_only` off.
    pub fn import_command(self) -> Vec<String> {
        let mut words = self.local_login(self.client());
        words.push("--binary-mode".to_owned());
        words.push(
            "--init-command=SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0"
                .to_owned(),
        );
        words
    }

    /// The position that a dump stands for, from its first [`HEAD_LENGTH`] and last [`TAIL_LENGTH`]
    /// bytes; `None` when it names none. `MySQL` writes it at the head; so did `MariaDB` (10.5.23),
    /// which has it at the tail now (10.11.18 and 11.8.6).
    ///
    /// Data cannot fake it: the head ends where the first database begins, the tail is read from
    /// behind, and only lines of the dump's own making start like these there.
    pub fn read_dump_position(self, head: &str, tail: &str) -> Result<Option<GtidSet>, GtidError> {
        let head = head.split("\n-- Current Database:").next().unwrap_or(head);
        let text = if self.is_mariadb() {
            position_line(head.lines()).or_else(|| position_line(tail.lines().rev()))
        } else {
            gtid_purged(head)
        };
        let parsed = text
            .map(|text| GtidSet::parse(self.flavor, &text))
            .transpose()?;
        Ok(parsed.filter(|set| !set.is_empty()))
    }

    /// The same position as a file and an offset in the binary log of the server that was dumped, from the
    /// first [`HEAD_LENGTH`] bytes. Every version writes it there (`MariaDB` 10.5.23, 10.11.18 and
    /// 11.8.6, `MySQL` 9.7.4), before the first database, where no data can fake it.
    pub fn read_dump_place(self, head: &str) -> Option<(BinlogName, u64)> {
        let (head, _) = head.split_once("\n-- Current Database:")?;
        let mut lines = head.lines();
        if self.is_mariadb() {
            return lines.find_map(|line| place_line(line, "CHANGE MASTER", "MASTER"));
        }
        lines.find_map(|line| {
            // Before 8.0.23 it had the other's words.
            place_line(line, "CHANGE REPLICATION SOURCE", "SOURCE")
                .or_else(|| place_line(line, "CHANGE MASTER", "MASTER"))
        })
    }

    /// Whether the stream ends as a whole dump does.
    pub fn dump_is_complete(self, tail: &str) -> bool {
        tail.trim_end()
            .lines()
            .next_back()
            .is_some_and(|line| line.starts_with("-- Dump completed"))
    }
}

/// `MariaDB`'s line, without its `;`.
fn position_line<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let value = |line: &'a str| {
        let rest = line.strip_prefix("-- SET GLOBAL gtid_slave_pos=")?;
        rest.trim()
            .trim_end_matches(';')
            .strip_prefix('\'')?
            .strip_suffix('\'')
    };
    lines.find_map(value).map(str::to_owned)
}

/// The file and the offset of such a statement, which is a comment.
fn place_line(line: &str, statement: &str, word: &str) -> Option<(BinlogName, u64)> {
    let rest = line.strip_prefix(&format!("-- {statement} TO {word}_LOG_FILE='"))?;
    let (file, rest) = rest.split_once('\'')?;
    let offset = rest.strip_prefix(&format!(", {word}_LOG_POS="))?;
    let offset = offset.strip_suffix(';')?;
    Some((file.parse().ok()?, offset.parse().ok()?))
}

/// `MySQL`'s comment, which may span lines and, by version, has the `+` inside or outside of the
/// quotes.
fn gtid_purged(head: &str) -> Option<String> {
    let (_, rest) = head.split_once("GTID_PURGED=")?;
    let (value, _) = rest.split_once(';')?;
    let quoted: String = value.split('\'').skip(1).step_by(2).collect();
    Some(quoted.trim_start_matches('+').to_owned())
}

#[cfg(test)]
mod tests {
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_5, MARIADB_10_11, MYSQL_8_0, MYSQL_9_7};

    #[test]
    fn commands_hold_no_secret_and_read_no_option_file() {
        for dialect in ALL {
            for words in [dialect.dump_command(), dialect.import_command()] {
                assert_eq!(words[1], "--no-defaults", "must be the first option");
                assert!(!words.iter().any(|word| word.contains("password")));
            }
            assert!(
                dialect
                    .import_command()
                    .iter()
                    .any(|word| word.contains("sql_log_bin = 0"))
            );
        }
    }

    #[test]
    fn reads_the_forms_of_other_versions() {
        let head =
            "--\n\n-- SET GLOBAL gtid_slave_pos='0-1-2,1-2-3';\n\n-- Current Database: `a`\n";
        let position = MARIADB_10_5.read_dump_position(head, "").unwrap().unwrap();
        assert_eq!(position.to_string(), "0-1-2,1-2-3");
        let head = "/* SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'cd41674d-e562-11f1-9587-02fc00000001:1-9,\n\
                    dd41674d-e562-11f1-9587-02fc00000001:1-3:5';*/\n";
        let position = MYSQL_8_0.read_dump_position(head, "").unwrap().unwrap();
        assert_eq!(
            position.to_string(),
            "cd41674d-e562-11f1-9587-02fc00000001:1-9,\
             dd41674d-e562-11f1-9587-02fc00000001:1-3:5"
        );
    }

    #[test]
    fn a_place_is_read_before_the_first_database_only() {
        let place = |head: &str| {
            let place = MARIADB_10_11.read_dump_place(head);
            place.map(|(file, offset)| format!("{file}:{offset}"))
        };
        let line = "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.1000000', MASTER_LOG_POS=6102;\n";
        let database = "\n-- Current Database: `a`\n";
        let whole = format!("{line}{database}");
        assert_eq!(place(&whole), Some("binlog.1000000:6102".to_owned()));
        // Of what was cut off, nobody knows whether it was the head.
        assert_eq!(place(line), None);
        assert_eq!(place(&format!("--\n{database}{line}")), None);
        for broken in [
            "CHANGE MASTER TO MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4;\n",
            "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog', MASTER_LOG_POS=4;\n",
            "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=4\n",
            "-- CHANGE MASTER TO MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=;\n",
            "-- CHANGE MASTER TO MASTER_USE_GTID=slave_pos;\n",
        ] {
            assert_eq!(place(&format!("{broken}{database}")), None, "{broken}");
        }
    }

    #[test]
    fn data_cannot_fake_a_position_or_an_end() {
        let head = "-- dump\n\n-- Current Database: `a`\n-- SET GLOBAL gtid_slave_pos='9-9-9';\n";
        let tail = "-- SET GLOBAL gtid_slave_pos='9-9-9';\nEND */;;\n-- SET GLOBAL gtid_slave_pos='0-1-9';\n";
        let position = MARIADB_10_11
            .read_dump_position(head, tail)
            .unwrap()
            .unwrap();
        assert_eq!(position.to_string(), "0-1-9");
        assert_eq!(MARIADB_10_11.read_dump_position(head, ""), Ok(None));
        assert!(
            !MARIADB_10_11.dump_is_complete("-- Dump completed on 2026\nINSERT INTO t VALUES (")
        );
        assert!(!MYSQL_9_7.dump_is_complete(""));
    }
}
