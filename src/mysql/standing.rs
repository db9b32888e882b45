//! What a server says of its part in replication, in two questions that take about a millisecond: for
//! loops that wait, where the whole of [`super::ServerFacts`] would be most of the wait. Must never
//! take "the positions are equal" alone for "everything is applied" where workers may still be at it.

use super::replica_status::ReplicaStatus;
use super::row::{FactError, Reader};
use super::semi_sync::read_switch;
use super::server_facts::ReadOnly;
use super::session::Switch;
use super::{Dialect, Flavor, GtidSet, Row, Rows, Statement};

/// A server's part in replication at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Replication from the default source, if it is a replica.
    pub replica: Option<ReplicaStatus>,
    /// Channels beyond the default one.
    pub other_channels: Vec<String>,
    /// Everything it has executed.
    pub executed: GtidSet,
    /// Where it would go on as a replica; `None` where that is what it has executed (`MySQL`).
    pub resumes_at: Option<GtidSet>,
    /// Whether it refuses writes.
    pub read_only: ReadOnly,
    /// Workers of the applier that are in the middle of a transaction, where positions do not tell.
    busy_workers: u32,
}

/// How much of what was received is applied. Only of use when the receiver is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// All of it; also said of a server that is no replica.
    Applied,
    /// The applier has come to the end of the relay log and waits, while the position says that there
    /// is more. It is the rest of a transaction that was cut off in the middle, and which nobody
    /// acknowledged; or the position is not known. True once it has stayed so for a moment: a thread
    /// that has not woken up yet looks the same.
    Settled,
    /// Not all.
    Pending,
}

impl Standing {
    /// How much of what was received is applied.
    pub fn received(&self) -> Received {
        let Some(replica) = &self.replica else {
            return Received::Applied;
        };
        let waits = replica.waits_for_more();
        let counted = match self.executed.flavor() {
            // Counted by transactions: the position lags behind several workers by up to 0.3 s
            // (`replica_checkpoint_period`).
            Flavor::MySql => match &replica.retrieved {
                Some(retrieved) if !self.executed.contains(retrieved) => return Received::Pending,
                Some(retrieved) => waits && !retrieved.is_empty(),
                None => false,
            },
            // What it says to have received in GTIDs is not the truth there (S5).
            Flavor::MariaDb if self.busy_workers > 0 => return Received::Pending,
            Flavor::MariaDb => false,
        };
        if counted || replica.relay_log_applied() {
            Received::Applied
        } else if waits {
            Received::Settled
        } else {
            Received::Pending
        }
    }

    /// Whether it follows a source, or is set up to.
    pub fn is_replica(&self) -> bool {
        self.replica.is_some() || !self.other_channels.is_empty()
    }
}

impl Dialect {
    /// The questions for [`Self::read_standing`], for one round trip.
    pub fn standing_queries(self) -> [Statement; 2] {
        let own = if self.is_mariadb() {
            "SELECT @@GLOBAL.read_only AS read_only, @@GLOBAL.gtid_binlog_pos AS binlog_pos, \
             @@GLOBAL.gtid_slave_pos AS slave_pos, \
             (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Slave_worker' \
             AND STATE <> 'Waiting for work from SQL thread') AS busy_workers"
        } else {
            "SELECT @@GLOBAL.read_only AS read_only, @@GLOBAL.super_read_only AS super_read_only, \
             @@GLOBAL.gtid_executed AS executed"
        };
        [
            Statement::new(self.replica_status_query()),
            Statement::new(own),
        ]
    }

    /// Makes a standing of the answers to [`Self::standing_queries`], in their order.
    pub fn read_standing(self, answers: &[Rows]) -> Result<Standing, FactError> {
        let fact = "standing";
        let [statuses, own] = answers else {
            return Err(FactError::NoResult { fact });
        };
        let row = own.first().ok_or(FactError::NoResult { fact })?;
        let reader = Reader { fact, row };
        let (replica, other_channels) = self.read_statuses(statuses)?;
        let (executed, resumes_at) = self.read_executed(reader)?;
        Ok(Standing {
            replica,
            other_channels,
            executed,
            resumes_at,
            read_only: ReadOnly {
                read_only: read_flag(row, "read_only").unwrap_or(Switch::On),
                super_read_only: read_flag(row, "super_read_only"),
            },
            busy_workers: reader.parse(&["busy_workers"], "a number")?.unwrap_or(0),
        })
    }

    fn read_statuses(self, rows: &Rows) -> Result<(Option<ReplicaStatus>, Vec<String>), FactError> {
        let (mut default, mut others) = (None, Vec::new());
        for row in rows {
            let status = self.read_replica_status(row)?;
            if status.channel.is_empty() {
                default = Some(status);
            } else {
                others.push(status.channel);
            }
        }
        Ok((default, others))
    }

    fn read_executed(self, reader: Reader<'_>) -> Result<(GtidSet, Option<GtidSet>), FactError> {
        let set = |name: &'static str| {
            let text = reader.required(&[name])?;
            GtidSet::parse(self.flavor, text)
                .map_err(|_| reader.unreadable(&[name], text, "a GTID set"))
        };
        if !self.is_mariadb() {
            return Ok((set("executed")?, None));
        }
        let (logged, applied) = (set("binlog_pos")?, set("slave_pos")?);
        // As in the facts: of two transactions with one number, what it logged itself is what it has.
        let executed = logged.union(&applied).unwrap_or(logged);
        Ok((executed, Some(applied)))
    }
}

/// A flag; whatever is not plainly off refuses writes (`MariaDB` 12 has more words than on and off).
fn read_flag(row: &Row, name: &str) -> Option<Switch> {
    let text = row.get(name)?.as_deref();
    Some(read_switch(text).unwrap_or(Switch::On))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MYSQL_9_7};

    fn row(pairs: &[(&str, &str)]) -> Row {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned())))
            .collect()
    }

    fn mariadb(read: &str, exec: &str, applier: &str, busy: &str) -> Standing {
        let status = row(&[
            ("Connection_name", ""),
            ("Master_Host", "10.0.0.1"),
            ("Master_Port", "3306"),
            ("Slave_IO_Running", "No"),
            ("Slave_SQL_Running", "Yes"),
            ("Master_Log_File", "binlog.000002"),
            ("Relay_Master_Log_File", "binlog.000002"),
            ("Read_Master_Log_Pos", read),
            ("Exec_Master_Log_Pos", exec),
            ("Slave_SQL_Running_State", applier),
        ]);
        let own = row(&[
            ("read_only", "1"),
            ("binlog_pos", "0-1-9"),
            ("slave_pos", "0-1-7"),
            ("busy_workers", busy),
        ]);
        MARIADB_10_11
            .read_standing(&[vec![status], vec![own]])
            .unwrap()
    }

    const WAITS: &str = "Slave has read all relay log; waiting for more updates";

    #[test]
    fn mariadb_counts_by_position_and_by_busy_workers() {
        assert_eq!(mariadb("500", "500", "", "0").received(), Received::Applied);
        assert_eq!(mariadb("500", "400", "", "0").received(), Received::Pending);
        assert_eq!(
            mariadb("500", "500", WAITS, "1").received(),
            Received::Pending
        );
        assert_eq!(
            mariadb("500", "400", WAITS, "0").received(),
            Received::Settled
        );
    }

    #[test]
    fn mariadb_has_executed_what_it_logged_and_what_it_applied() {
        let standing = mariadb("4", "4", "", "0");
        assert_eq!(standing.executed.to_string(), "0-1-9");
        assert_eq!(standing.resumes_at.unwrap().to_string(), "0-1-7");
        assert!(standing.read_only.is_full());
    }

    fn mysql(retrieved: &str, executed: &str, exec_pos: &str, applier: &str) -> Standing {
        let status = row(&[
            ("Channel_Name", ""),
            ("Source_Host", "10.0.0.1"),
            ("Source_Port", "3306"),
            ("Replica_IO_Running", "No"),
            ("Replica_SQL_Running", "Yes"),
            ("Source_Log_File", "binlog.000002"),
            ("Relay_Source_Log_File", "binlog.000002"),
            ("Read_Source_Log_Pos", "500"),
            ("Exec_Source_Log_Pos", exec_pos),
            ("Retrieved_Gtid_Set", retrieved),
            ("Replica_SQL_Running_State", applier),
        ]);
        let own = row(&[
            ("read_only", "0"),
            ("super_read_only", "0"),
            ("executed", executed),
        ]);
        MYSQL_9_7.read_standing(&[vec![status], vec![own]]).unwrap()
    }

    #[test]
    fn mysql_counts_transactions_and_does_not_wait_for_its_checkpoint() {
        let (one, two) = (
            "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5",
            "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-6",
        );
        let waits = "Replica has read all relay log; waiting for more updates";
        assert_eq!(mysql(one, one, "400", waits).received(), Received::Applied);
        assert_eq!(mysql(two, one, "500", waits).received(), Received::Pending);
        assert_eq!(mysql(one, one, "400", "").received(), Received::Pending);
        assert_eq!(mysql(one, one, "500", "").received(), Received::Applied);
        assert_eq!(mysql("", one, "400", waits).received(), Received::Settled);
    }

    #[test]
    fn a_server_that_follows_nobody_has_nothing_left_to_apply() {
        let own = row(&[
            ("read_only", "0"),
            ("super_read_only", "0"),
            ("executed", ""),
        ]);
        let standing = MYSQL_9_7.read_standing(&[Rows::new(), vec![own]]).unwrap();
        assert_eq!(standing.received(), Received::Applied);
        assert!(!standing.is_replica() && standing.read_only.is_writable());
    }

    #[test]
    fn an_answer_that_broke_off_is_no_standing() {
        for dialect in ALL {
            assert!(dialect.read_standing(&[Rows::new()]).is_err());
            assert!(dialect.read_standing(&[Rows::new(), Rows::new()]).is_err());
        }
    }
}
