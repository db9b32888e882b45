//! Statements that let a replica go on from a place in its source's binary log, a file and an offset in it,
//! and not from its GTIDs. A place must be that of everything that the replica has: what lies between the
//! two would be skipped, or applied twice.

use super::quote::quote_literal;
use super::{BinlogName, Dialect, SourceOptions, Statement};

impl Dialect {
    /// Lets a `MariaDB` replica ask for what follows a place in its source's log, not a GTID, from the next
    /// time that it starts. Both threads must be stopped, the relay log drained, and the place that of
    /// the last event that was applied.
    pub fn position_by_file(self, log: &BinlogName, position: u64) -> Statement {
        let log = quote_literal(&log.to_string());
        Statement::new(format!(
            "CHANGE MASTER TO MASTER_LOG_FILE = {log}, MASTER_LOG_POS = {position}, MASTER_USE_GTID = no"
        ))
    }

    /// Points this server at a source as [`Self::change_source`] does, and at a place in its binary log, without
    /// GTID: for a server that was filled with what the source held there, and is not started yet.
    pub fn change_source_at(
        self,
        source: &SourceOptions,
        (log, offset): (&BinlogName, u64),
    ) -> Statement {
        let statement = self.source_options(source);
        let log = quote_literal(log.as_str());
        let place = if self.is_mariadb() {
            format!(
                ", MASTER_DELAY = 0, MASTER_LOG_FILE = {log}, MASTER_LOG_POS = {offset}, \
                 MASTER_USE_GTID = no"
            )
        } else {
            format!(
                ", SOURCE_DELAY = 0, SOURCE_LOG_FILE = {log}, SOURCE_LOG_POS = {offset}, \
                 SOURCE_AUTO_POSITION = 0"
            )
        };
        statement.plain(&place).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{MARIADB_10_11, MYSQL_9_7};
    use crate::mysql::replication::tests::source;

    #[test]
    fn a_place_in_the_source_s_log_is_written_whole() {
        let log = "binlog.000042".parse().unwrap();
        assert_eq!(
            MARIADB_10_11.position_by_file(&log, 882_625).text(),
            "CHANGE MASTER TO MASTER_LOG_FILE = 'binlog.000042', MASTER_LOG_POS = 882625, \
             MASTER_USE_GTID = no"
        );
    }

    #[test]
    fn a_place_to_begin_at_comes_with_every_option() {
        let log: BinlogName = "binlog.000042".parse().unwrap();
        for (dialect, end) in [
            (
                MARIADB_10_11,
                "MASTER_DELAY = 0, MASTER_LOG_FILE = 'binlog.000042', MASTER_LOG_POS = 6138, \
                 MASTER_USE_GTID = no",
            ),
            (
                MYSQL_9_7,
                "SOURCE_DELAY = 0, SOURCE_LOG_FILE = 'binlog.000042', SOURCE_LOG_POS = 6138, \
                 SOURCE_AUTO_POSITION = 0",
            ),
        ] {
            let by_place = dialect.change_source_at(&source(), (&log, 6138));
            let by_gtid = dialect.change_source(&source());
            let (common, _) = by_gtid
                .text()
                .split_once(end.split_once(' ').unwrap().0)
                .unwrap();
            assert_eq!(by_place.text(), format!("{common}{end}"));
        }
    }
}
