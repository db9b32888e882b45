//! The lean set of questions that a watcher asks again and again, as the monitor account, all in one
//! round trip, and what they answer. Must never ask what takes long, takes a lock, or needs more than
//! the monitor may do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Statement;
use super::queries::literals;
use super::read_facts::{Results, needed};
use super::row::FactError;
use super::{Dialect, FactName, FactQuery, GtidSet, ReadOnly, ReplicaStatus, Rows, SemiSync};

/// What a server says of itself in a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct BeatFacts {
    /// Its `server_id`.
    pub server_id: u32,
    /// How long it runs, in whole seconds.
    pub uptime: Duration,
    /// Whether it refuses writes.
    pub read_only: ReadOnly,
    /// Everything it has executed.
    pub executed: GtidSet,
    /// Semi-sync.
    pub semi_sync: SemiSync,
    /// Replication from the default source, if it is a replica.
    pub replica: Option<ReplicaStatus>,
    /// How many heartbeats it has received from its source; `None` when it is no replica.
    pub heartbeats: Option<u64>,
}

impl BeatFacts {
    /// Whether something came from the source between an earlier beat and this one: an event, or a
    /// heartbeat. A receiver that was started anew counts from 0 again, and has received something by
    /// then: the source's greeting.
    pub fn has_received_since(&self, earlier: &Self) -> bool {
        let read = |beat: &Self| {
            let replica = beat.replica.as_ref()?;
            Some((replica.read_source_log.clone(), replica.read_source_pos))
        };
        let (now, then) = (read(self), read(earlier));
        now.is_some() && then.is_some() && (now, self.heartbeats) != (then, earlier.heartbeats)
    }
}

/// Variables that a beat needs, besides those of semi-sync.
const VARIABLES: &[&str] = &["server_id", "read_only", "super_read_only"];

impl Dialect {
    /// The questions of a beat.
    pub fn beat_queries(self) -> Vec<FactQuery> {
        let ask = |name, text: String| FactQuery {
            name,
            statement: Statement::new(text),
        };
        let mut queries = vec![
            ask(
                FactName::Variables,
                format!(
                    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({}) \
                     OR Variable_name LIKE 'rpl\\_semi\\_sync\\_%'",
                    literals(VARIABLES)
                ),
            ),
            ask(
                FactName::Status,
                "SHOW GLOBAL STATUS WHERE Variable_name = 'Uptime' \
                 OR Variable_name LIKE 'Rpl\\_semi\\_sync\\_%'"
                    .to_owned(),
            ),
            ask(FactName::Positions, self.positions_query().to_owned()),
            ask(
                FactName::ReplicaStatus,
                self.replica_status_query().to_owned(),
            ),
        ];
        if !self.is_mariadb() {
            queries.push(ask(
                FactName::ReplicaOptions,
                "SELECT CHANNEL_NAME AS channel, c.HEARTBEAT_INTERVAL AS heartbeat_s, \
                 s.COUNT_RECEIVED_HEARTBEATS AS heartbeats \
                 FROM performance_schema.replication_connection_status AS s \
                 JOIN performance_schema.replication_connection_configuration AS c \
                 USING (CHANNEL_NAME)"
                    .to_owned(),
            ));
        }
        queries
    }

    /// Reads the answers to [`Self::beat_queries`].
    pub fn read_beat(self, answers: &BTreeMap<FactName, Rows>) -> Result<BeatFacts, FactError> {
        let results = Results(answers);
        let variables = results.map(FactName::Variables, "Variable_name", "Value")?;
        let status = results.map(FactName::Status, "Variable_name", "Value")?;
        let (replica, _) = self.read_replication(&results)?;
        Ok(BeatFacts {
            server_id: needed(&variables, FactName::Variables, "server_id", "a number")?,
            uptime: Duration::from_secs(needed(&status, FactName::Status, "uptime", "seconds")?),
            read_only: self.read_read_only(&variables)?,
            executed: self.read_positions(&results)?.executed,
            semi_sync: Self::read_semi_sync(&variables, &status),
            heartbeats: match replica {
                Some(_) => self.read_heartbeats(&results)?,
                None => None,
            },
            replica,
        })
    }

    /// Heartbeats of the default channel, which hactl uses.
    fn read_heartbeats(self, results: &Results<'_>) -> Result<Option<u64>, FactError> {
        let (fact, channel, column) = if self.is_mariadb() {
            (
                FactName::ReplicaStatus,
                "Connection_name",
                "Slave_received_heartbeats",
            )
        } else {
            (FactName::ReplicaOptions, "channel", "heartbeats")
        };
        let mut readers = results.readers(fact)?;
        readers
            .find(|reader| reader.text(&[channel]).unwrap_or_default().is_empty())
            .map_or(Ok(None), |reader| {
                reader.parse_required(&[column], "a number").map(Some)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{
        ALL, MARIADB_10_5, MARIADB_10_11, MARIADB_11_8, MYSQL_9_7,
    };
    use crate::mysql::row::fixtures::rows;
    use crate::mysql::{Switch, ThreadState};

    const RECORDINGS: [(Dialect, &str, &str); 4] = [
        (
            MARIADB_10_5,
            include_str!("fixtures/mariadb-10.5-primary.tsv"),
            include_str!("fixtures/mariadb-10.5-replica.tsv"),
        ),
        (
            MARIADB_10_11,
            include_str!("fixtures/mariadb-10.11-primary.tsv"),
            include_str!("fixtures/mariadb-10.11-replica.tsv"),
        ),
        (
            MARIADB_11_8,
            include_str!("fixtures/mariadb-11.8-primary.tsv"),
            include_str!("fixtures/mariadb-11.8-replica.tsv"),
        ),
        (
            MYSQL_9_7,
            include_str!("fixtures/mysql-9.7-primary.tsv"),
            include_str!("fixtures/mysql-9.7-replica.tsv"),
        ),
    ];

    /// A recording holds more than a beat asks for; the heartbeats of `MySQL` are added, as the
    /// server prints them.
    fn answers(dialect: Dialect, recording: &str) -> BTreeMap<FactName, Rows> {
        let sections: BTreeMap<&str, &str> = recording
            .split("# ")
            .filter_map(|section| section.split_once('\n'))
            .collect();
        let names = dialect.beat_queries().into_iter().map(|query| query.name);
        names
            .map(|name| {
                let mut rows = rows(sections[name.as_str()]);
                if name == FactName::ReplicaOptions {
                    for row in &mut rows {
                        row.insert("heartbeats".to_owned(), Some("7".to_owned()));
                    }
                }
                (name, rows)
            })
            .collect()
    }

    fn beat(dialect: Dialect, recording: &str) -> BeatFacts {
        dialect.read_beat(&answers(dialect, recording)).unwrap()
    }

    #[test]
    fn a_beat_agrees_with_the_full_facts() {
        for (dialect, primary, replica) in RECORDINGS {
            let source = beat(dialect, primary);
            assert_eq!((source.server_id, source.replica.is_none()), (1, true));
            assert_eq!(source.heartbeats, None, "{dialect}");
            assert!(source.read_only.is_writable());
            assert_eq!(source.semi_sync.source_active, Some(Switch::On));
            assert_eq!(source.semi_sync.clients, 1);

            let target = beat(dialect, replica);
            assert_eq!(target.server_id, 2, "{dialect}");
            assert!(target.heartbeats.is_some(), "{dialect}");
            let status = target.replica.unwrap();
            assert_eq!(status.receiver, ThreadState::Running);
            assert!(status.heartbeat.is_some(), "{dialect}");
            assert_eq!(source.executed, target.executed, "{dialect}");
        }
    }

    #[test]
    fn an_event_or_a_heartbeat_is_something_received() {
        for (dialect, primary, replica) in RECORDINGS {
            let earlier = beat(dialect, replica);
            assert!(!earlier.has_received_since(&earlier), "{dialect}");

            let mut heartbeat = earlier.clone();
            heartbeat.heartbeats = heartbeat.heartbeats.map(|count| count + 1);
            assert!(heartbeat.has_received_since(&earlier));

            let mut event = earlier.clone();
            event.replica.as_mut().unwrap().read_source_pos += 40;
            assert!(event.has_received_since(&earlier));

            let source = beat(dialect, primary);
            assert!(!source.has_received_since(&source));
            assert!(!source.has_received_since(&earlier), "no replica any more");
        }
    }

    #[test]
    fn an_answer_that_broke_off_is_an_error() {
        for (dialect, _, replica) in RECORDINGS {
            let whole = answers(dialect, replica);
            for name in whole.keys() {
                let mut part = whole.clone();
                part.remove(name);
                assert!(dialect.read_beat(&part).is_err(), "{dialect} {name:?}");
            }
        }
    }

    #[test]
    fn a_beat_asks_of_the_monitor_no_more_than_it_may_do() {
        for dialect in ALL {
            for query in dialect.beat_queries() {
                let text = query.statement.text();
                assert!(!text.contains("mysql."), "{text}");
                assert!(!text.contains("information_schema"), "{text}");
            }
        }
    }
}
