//! A binary log as SQL text: the commands that make it of files, and the one that runs it. For servers
//! that are dead, and for what a person should read. Must never put a secret on a command line, and
//! never change a transaction's GTID: what is applied elsewhere stays the same transaction.

use super::{BinlogState, Dialect, GtidSet};

/// Where a log's first event is.
pub const LOG_BEGINS: u64 = 4;

/// A transaction in the text of `MySQL`, for `awk`.
const MYSQL_GTID: &str = "^SET @@SESSION.GTID_NEXT= '[0-9a-fA-F-]+:";

impl Dialect {
    /// Makes text of a log's events from an offset in the first of the files on; the files follow as
    /// further words.
    pub fn binlog_text_command(self, from: u64) -> Vec<String> {
        vec![
            self.binlog_tool().to_owned(),
            // An option file's `database=` or `stop-position=` would leave transactions out.
            "--no-defaults".to_owned(),
            format!("--start-position={from}"),
        ]
    }

    /// Runs such a text from standard input, as root over the unix socket, and into the server's own
    /// binary log. The server must accept root's writes: `super_read_only` off.
    pub fn run_binlog_text_command(self) -> Vec<String> {
        let mut words = self.local_login(self.client());
        words.push("--binary-mode".to_owned());
        words
    }

    /// Makes text, for a person and to be run, of what another server does not have; the files follow as
    /// further words.
    ///
    /// Where the program cannot choose by GTID, all is printed, and [`Self::errant_filter`] chooses.
    pub fn errant_text_command(self, beside: &GtidSet) -> Vec<String> {
        let mut words = vec![
            self.binlog_tool().to_owned(),
            "--no-defaults".to_owned(),
            "--verbose".to_owned(),
        ];
        if !self.is_mariadb() && !beside.is_empty() {
            words.push(format!("--exclude-gtids={beside}"));
        }
        words
    }

    /// Chooses from such a text, as an `awk` program: all but the transactions that another server
    /// has, by its position and its log's state. `None` where the program that makes the text does.
    ///
    /// `mysqlbinlog` of `MariaDB` takes GTIDs from 10.8 on only, and there as one position of a
    /// domain; two servers that wrote in one domain at the same time need each writer's own.
    pub fn errant_filter(self, beside: &GtidSet, state: Option<&BinlogState>) -> Option<String> {
        let has = written(beside, state)?;
        // A line `# at N` stands before each event; it is held back until it is known what comes. The
        // text sets a session's variables only when they change: they stay, whoever's transaction
        // they were first set for. `Start` describes the format of what follows.
        Some(format!(
            "BEGIN {{\n{has}keep = 1\n}}\n\
             /^# at [0-9]+$/ {{ at = $0; next }}\n\
             match($0, /\\tGTID [0-9]+-[0-9]+-[0-9]+/) {{\n\
             split(substr($0, RSTART + 6, RLENGTH - 6), part, \"-\")\n\
             keep = part[3] + 0 > has[part[1] \"-\" part[2]] + 0\n}}\n\
             /\\tStart: binlog / || /^# End of log file/ {{ keep = 1 }}\n\
             keep {{ if (at != \"\") print at; print }}\n\
             {{ at = \"\" }}\n\
             !keep && (/^DELIMITER/ || (/SET @@session\\./ && !/gtid_seq_no/)) {{ print }}\n"
        ))
    }

    /// Names what [`Self::errant_filter`] would choose from one log's text, as an `awk` program: lines for
    /// [`super::Tail`], and `.` behind them where the log has any transaction at all. It fails on a
    /// text that shows no event: what cannot be read must not be taken for nothing.
    pub fn errant_names(self, beside: &GtidSet, state: Option<&BinlogState>) -> Option<String> {
        let has = written(beside, state)?;
        Some(format!(
            "BEGIN {{\n{has}}}\n\
             match($0, /\\tGTID [0-9]+-[0-9]+-[0-9]+/) {{\n\
             any = 1\n\
             split(substr($0, RSTART + 6, RLENGTH - 6), part, \"-\")\n\
             key = part[1] \"-\" part[2]\n\
             if (part[3] + 0 > has[key] + 0) {{\n\
             if (!(key in count)) first[key] = part[3]\n\
             last[key] = part[3]\n\
             count[key]++\n}}\n}}\n\
             /\\tStart: binlog / {{ is_text = 1 }}\n\
             /^# The rest of the binlog is encrypted/ {{ is_encrypted = 1 }}\n\
             END {{\n\
             if (!is_text || is_encrypted) exit 1\n\
             for (key in count) print key, first[key], last[key], count[key]\n\
             if (any) print \".\"\n}}\n"
        ))
    }

    /// [`Self::errant_filter`], which fails where it has chosen fewer than so many transactions.
    pub fn errant_filter_of(
        self,
        beside: &GtidSet,
        state: Option<&BinlogState>,
        count: u64,
    ) -> Option<String> {
        let filter = self.errant_filter(beside, state)?;
        Some(format!(
            "{filter}\
             keep && /\\tGTID [0-9]+-[0-9]+-[0-9]+/ {{ chosen++ }}\n\
             END {{ exit (chosen + 0 < {count}) }}\n"
        ))
    }

    /// Makes text of a log's events from an offset in the first of the files on, for
    /// [`Self::count_missing`]; the files follow as further words.
    pub fn missing_text_command(self, from: u64, executed: &GtidSet) -> Vec<String> {
        let mut words = self.binlog_text_command(from);
        if !self.is_mariadb() && !executed.is_empty() {
            words.push(format!("--exclude-gtids={executed}"));
        }
        words
    }

    /// Counts in such a text the transactions that a server has not executed, as an `awk` program. It
    /// fails on a text that is none, or that ends with the line `torn`: what cannot be read is not
    /// counted, and must not be taken for nothing.
    pub fn count_missing(self, executed: &GtidSet) -> String {
        let counted = match executed {
            GtidSet::MariaDb(position) => {
                let has: String = position
                    .gtids()
                    .map(|gtid| format!("has[{}] = {};\n", gtid.domain, gtid.sequence))
                    .collect();
                format!(
                    "BEGIN {{\n{has}}}\n\
                     match($0, /\\tGTID [0-9]+-[0-9]+-[0-9]+/) {{\n\
                     split(substr($0, RSTART + 6, RLENGTH - 6), part, \"-\")\n\
                     if (part[3] + 0 > has[part[1]] + 0) count++\n}}\n"
                )
            }
            // The text holds no others; tags stand between the UUID and the number.
            GtidSet::MySql(_) => format!("/{MYSQL_GTID}/ {{ count++ }}\n"),
        };
        format!(
            "{counted}\
             /^DELIMITER/ {{ is_text = 1 }}\n\
             $0 == \"torn\" {{ is_torn = 1 }}\n\
             END {{ if (!is_text || is_torn) exit 1; print count + 0 }}\n"
        )
    }

    /// Finds in such a text the first transaction that a server has not executed, as an `awk` program
    /// that prints its offset and ends; nothing when there is none. `None` where a server passes over
    /// by itself what it has executed.
    pub fn first_missing(self, executed: &GtidSet) -> Option<String> {
        let GtidSet::MariaDb(position) = executed else {
            return None;
        };
        let has: String = position
            .gtids()
            .map(|gtid| format!("has[{}] = {};\n", gtid.domain, gtid.sequence))
            .collect();
        Some(format!(
            "BEGIN {{\n{has}}}\n\
             /^# at [0-9]+$/ {{ at = $3; next }}\n\
             match($0, /\\tGTID [0-9]+-[0-9]+-[0-9]+/) {{\n\
             split(substr($0, RSTART + 6, RLENGTH - 6), part, \"-\")\n\
             if (part[3] + 0 > has[part[1]] + 0) {{ print at; exit }}\n}}\n"
        ))
    }

    /// The same in one whole log's text from [`Self::missing_text_command`], of which nobody knows where to
    /// begin. A server that passes over what it has executed begins at the log's own beginning.
    pub fn first_missing_of_log(self, executed: &GtidSet) -> String {
        self.first_missing(executed)
            .unwrap_or_else(|| format!("/{MYSQL_GTID}/ {{ print {LOG_BEGINS}; exit }}\n"))
    }
}

/// The last number of each server in each domain that another server has, as statements of `awk`.
fn written(beside: &GtidSet, state: Option<&BinlogState>) -> Option<String> {
    let GtidSet::MariaDb(position) = beside else {
        return None;
    };
    let state = state.into_iter().flat_map(BinlogState::gtids);
    let has = state.chain(position.gtids()).map(|gtid| {
        let key = format!("\"{}-{}\"", gtid.domain, gtid.server_id);
        let last = gtid.sequence;
        format!("if (has[{key}] < {last}) has[{key}] = {last};\n")
    });
    Some(has.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::Flavor;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_5, MYSQL_9_7};

    #[test]
    fn the_text_of_a_log_begins_where_it_should_and_is_left_whole() {
        for dialect in ALL {
            let words = dialect.binlog_text_command(812);
            assert_eq!(words[1..], ["--no-defaults", "--start-position=812"]);
            let run = dialect.run_binlog_text_command();
            assert!(
                !run.iter().any(|word| word.contains("sql_log_bin")),
                "{run:?}"
            );
        }
    }

    #[test]
    fn what_another_server_has_is_left_out() {
        let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5";
        let beside = GtidSet::parse(Flavor::MySql, uuid).unwrap();
        let words = MYSQL_9_7.errant_text_command(&beside);
        assert!(words.contains(&format!("--exclude-gtids={uuid}")));
        assert_eq!(MYSQL_9_7.errant_filter(&beside, None), None);

        let beside = GtidSet::parse(Flavor::MariaDb, "0-2-60").unwrap();
        let state: BinlogState = "0-1-50,0-2-60".parse().unwrap();
        let filter = MARIADB_10_5.errant_filter(&beside, Some(&state)).unwrap();
        assert!(filter.contains("has[\"0-1\"] = 50"), "{filter}");
        assert!(filter.contains("has[\"0-2\"] = 60"), "{filter}");
    }
}
