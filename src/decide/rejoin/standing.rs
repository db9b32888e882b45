//! What a server that comes back has beside the one that leads: less, the same, or something of its own.
//! Not being able to compare is an answer of its own and must never pass for "nothing".

use crate::decide::topology::host_of;
use crate::inventory::{Cluster, HostName};
use crate::mysql::error_code::SOURCE_LOG_UNUSABLE;
use crate::mysql::{
    GtidSet, OwnSchema, Positioning, ReplicaStatus, Seeding, ServerFacts, ThreadState,
};

/// A server beside its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::decide) enum Standing {
    /// It follows the leader, with both threads at work.
    Follows,
    /// It can follow: the leader has all that it has.
    Behind,
    /// It has nothing at all, or what an unfinished seed of ours left.
    Empty,
    /// It executed what the leader has not.
    Ahead(GtidSet),
    /// It cannot go on from where it stands, and why.
    Stuck(String),
}

impl Standing {
    /// Compares.
    pub(in crate::decide) fn of(
        cluster: &Cluster,
        (host, facts): (&HostName, &ServerFacts),
        (leader, led): (&HostName, &ServerFacts),
    ) -> Self {
        if facts.seeding == Seeding::Unfinished {
            return Self::Empty;
        }
        if facts.executed.is_empty() {
            return match (facts.databases.as_slice(), facts.own_schema) {
                ([], OwnSchema::Absent) => Self::Empty,
                (databases, _) => Self::Stuck(format!(
                    "{host} holds databases ({}), and no GTID says where they come from",
                    databases.join(", ")
                )),
            };
        }
        if let Some(errant) = facts.errant_set_beside(led) {
            return Self::Ahead(errant);
        }
        if !comparable(facts, led) {
            return Self::Stuck(format!(
                "what {host} and {leader} have executed cannot be compared ({} and {})",
                facts.executed, led.executed
            ));
        }
        if let Some(purged) = led
            .purged
            .as_ref()
            .filter(|set| !facts.executed.contains(set))
        {
            return Self::Stuck(format!(
                "{leader} has purged binary logs that {host} would need: {purged}"
            ));
        }
        let Some(status) = &facts.replica else {
            return Self::Behind;
        };
        if let Some(why) = stuck(host, leader, status) {
            return Self::Stuck(why);
        }
        if in_line(cluster, facts, leader) {
            Self::Follows
        } else {
            Self::Behind
        }
    }
}

/// Whether a server follows a leader, with both threads at work.
pub(super) fn in_line(cluster: &Cluster, facts: &ServerFacts, leader: &HostName) -> bool {
    facts.replica.as_ref().is_some_and(|status| {
        host_of(cluster, status).as_ref() == Some(leader)
            && cluster.replication_mode.accepts(status.using_gtid)
            && status.receiver == ThreadState::Running
            && status.applier == ThreadState::Running
    })
}

/// Whether the absence of errant transactions was seen, or nothing was.
fn comparable(facts: &ServerFacts, led: &ServerFacts) -> bool {
    let logs = [facts, led].map(|facts| facts.binlog_state.is_some());
    let same_flavor = facts.executed.flavor() == led.executed.flavor();
    // A flavor either has such a state or compares without one.
    same_flavor
        && (logs == [true, true] || facts.server_uuid.is_some() && led.server_uuid.is_some())
}

fn stuck(host: &HostName, leader: &HostName, status: &ReplicaStatus) -> Option<String> {
    if let Some(error) = &status.last_sql_error
        && status.applier == ThreadState::Stopped
        && !status.misses_an_applied_relay_log()
    {
        return Some(format!("{host} cannot apply what it received: {error}"));
    }
    // A place in the log is not a history: by GTID it may well go on.
    if status.using_gtid == Positioning::File {
        return None;
    }
    let error = status.last_io_error.as_ref()?;
    (error.number == SOURCE_LOG_UNUSABLE && status.receiver != ThreadState::Running)
        .then(|| format!("{leader} no longer has what {host} would go on from: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Mutate as _, cluster, cluster_with, following, healthy, name};
    use crate::mysql::{Flavor, ServerError};

    /// Killed while it forgot its source: it looks for a relay log that it had applied and deleted.
    #[test]
    fn an_applier_that_misses_what_it_applied_is_not_stuck() {
        let (db1, db3) = (name("db1"), name("db3"));
        let mut status = following(&cluster(Flavor::MySql, 3), &db1);
        status.applier = ThreadState::Stopped;
        status.last_sql_error = Some(ServerError {
            number: 13124,
            text: "Replica failed to initialize applier metadata structure".to_owned(),
        });
        status.read_source_log = Some("binlog.000002".parse().unwrap());
        status.exec_source_log.clone_from(&status.read_source_log);
        assert_eq!(stuck(&db3, &db1, &status), None);
        status.read_source_pos += 1;
        let said = stuck(&db3, &db1, &status).unwrap_or_default();
        assert!(said.contains("cannot apply what it received"), "{said}");
    }
    /// After a crash its source may lack the end of a file, and have what was in it all the same.
    #[test]
    fn a_place_that_is_gone_is_no_history_that_is_gone() {
        let (db1, db3) = (name("db1"), name("db3"));
        let mut status = following(&cluster(Flavor::MariaDb, 3), &db1);
        status.receiver = ThreadState::Stopped;
        status.last_io_error = Some(ServerError {
            number: SOURCE_LOG_UNUSABLE,
            text: "Client requested master to start replication from impossible position"
                .to_owned(),
        });
        assert!(stuck(&db3, &db1, &status).is_some());
        status.using_gtid = Positioning::File;
        assert_eq!(stuck(&db3, &db1, &status), None);
    }

    #[test]
    fn who_follows_by_position_is_in_line_where_that_is_the_mode() {
        for (more, is_in_line) in [("", false), ("replication: {mode: position}\n", true)] {
            let cluster = cluster_with(Flavor::MariaDb, 3, more);
            let mut seen = healthy(&cluster);
            let db1 = name("db1");
            assert!(in_line(&cluster, seen.server_mut("db2"), &db1));
            seen.replica_mut("db2").using_gtid = Positioning::File;
            let facts = seen.server_mut("db2");
            assert_eq!(in_line(&cluster, facts, &db1), is_in_line, "{more}");
        }
    }
}
