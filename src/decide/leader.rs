//! Whom to watch: the primary as the servers show it, also when it is dead, and also in the middle of
//! a change of leadership that somebody left half done (S23). It must never choose between two servers
//! that are both up and both writable.

use std::collections::BTreeSet;

use crate::decide::left_behind::was_replaced;
use crate::decide::{Topology, TopologyError};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::mysql::{OwnSchema, ServerFacts};

/// The primary, dead or alive.
///
/// # Errors
/// There is none, or more than one.
pub fn leader(cluster: &Cluster, seen: &Observation) -> Result<HostName, TopologyError> {
    let writable = |host: &HostName| {
        seen.server(host)
            .is_some_and(|facts| facts.read_only.is_writable() && facts.replica.is_none())
    };
    let lacks = |host: &HostName, other: &HostName| {
        let executed = [host, other].map(|host| seen.server(host).map(|facts| &facts.executed));
        let [Some(own), Some(others)] = executed else {
            return false;
        };
        others.contains(own) && !own.contains(others)
    };
    let is_member = |host: &HostName| {
        seen.server(host)
            .is_some_and(|facts| facts.own_schema == OwnSchema::Present)
    };
    match Topology::of(cluster, seen, &BTreeSet::new()) {
        Ok(shape) => Ok(shape.primary),
        // A member that follows nobody and takes no writes: a promotion that was not brought to its end.
        // It is the failover of the one that is gone.
        Err(TopologyError::DataElsewhere { holder, named, .. })
            if seen.server(&named).is_none() && is_member(&holder) =>
        {
            Ok(named)
        }
        // Some were repointed and some not. Who takes writes leads; if nobody does, the one that is
        // gone still counts, so that its failover is brought to its end.
        Err(TopologyError::TwoPrimaries { first, second }) => {
            let is_up = |host: &HostName| seen.server(host).is_some();
            match (writable(&first), writable(&second)) {
                (true, false) => Ok(first),
                (false, true) => Ok(second),
                (false, false) if !is_up(&first) && is_up(&second) => Ok(first),
                (false, false) if is_up(&first) && !is_up(&second) => Ok(second),
                // Both are up and read-only: the one that lacks something was left for the other.
                (false, false) if lacks(&first, &second) => Ok(first),
                (false, false) if lacks(&second, &first) => Ok(second),
                _ => Err(TopologyError::TwoPrimaries { first, second }),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether it is shown that another host leads than the one that is watched: it takes writes; or the one
/// that is watched follows by now, or was failed over from. That the inventory names it, or that nobody who
/// answers follows the one that is watched, shows nothing: a primary that takes no more connections and
/// whose replicas are away looks the same.
pub fn leads_instead(seen: &Observation, host: &HostName, watched: &HostName) -> bool {
    let takes_writes = |facts: &ServerFacts| facts.read_only.is_writable();
    host != watched
        && (seen.server(host).is_some_and(takes_writes)
            || seen.server(watched).is_some_and(ServerFacts::is_replica)
            || was_replaced(seen, watched))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Mark, ServerView};
    use crate::fixture::{self, Mutate as _, name};
    use crate::mysql::{Flavor, GtidSet, Switch};

    /// db1 leads, its replicas are db2, db3 and db4.
    fn seen() -> (Cluster, Observation) {
        let cluster = fixture::cluster(Flavor::MariaDb, 4);
        let seen = fixture::healthy(&cluster);
        (cluster, seen)
    }

    fn promote(seen: &mut Observation, host: &str, read_only: Switch) {
        seen.server_mut(host).replica = None;
        seen.server_mut(host).read_only.read_only = read_only;
    }

    fn follow(cluster: &Cluster, seen: &mut Observation, host: &str, source: &str) {
        let status = fixture::following(cluster, &name(source));
        seen.server_mut(host).replica = Some(status);
    }

    #[test]
    fn a_dead_primary_is_the_one_to_watch() {
        let (cluster, mut seen) = seen();
        seen.reached_mut("db1").server = ServerView::Stopped;
        assert_eq!(leader(&cluster, &seen), Ok(name("db1")));
        // Promoted, and nobody follows it yet: the failover is not at its end.
        promote(&mut seen, "db2", Switch::On);
        assert_eq!(leader(&cluster, &seen), Ok(name("db1")));
    }

    #[test]
    fn half_repointed_replicas_follow_who_takes_writes_or_else_the_dead() {
        let (cluster, mut seen) = seen();
        seen.reached_mut("db1").server = ServerView::Stopped;
        promote(&mut seen, "db2", Switch::On);
        follow(&cluster, &mut seen, "db3", "db2");
        assert_eq!(leader(&cluster, &seen), Ok(name("db1")));
        promote(&mut seen, "db2", Switch::Off);
        assert_eq!(leader(&cluster, &seen), Ok(name("db2")));
    }

    #[test]
    fn of_two_that_are_up_and_read_only_the_one_that_lacks_something_was_left() {
        let (cluster, mut seen) = seen();
        seen.server_mut("db1").read_only.read_only = Switch::On;
        promote(&mut seen, "db2", Switch::On);
        follow(&cluster, &mut seen, "db3", "db2");
        assert!(leader(&cluster, &seen).is_err());
        let own = GtidSet::parse(Flavor::MariaDb, "7-2-1").unwrap();
        let facts = seen.server_mut("db2");
        facts.executed = facts.executed.union(&own).unwrap();
        assert_eq!(leader(&cluster, &seen), Ok(name("db1")));
    }

    #[test]
    fn the_last_server_that_takes_writes_leads_whatever_the_inventory_says() {
        let (cluster, mut seen) = seen();
        for host in ["db1", "db3", "db4"] {
            seen.reached_mut(host).server = ServerView::Stopped;
        }
        promote(&mut seen, "db2", Switch::Off);
        assert_eq!(leader(&cluster, &seen), Ok(name("db2")));
    }

    #[test]
    fn between_two_that_take_writes_nobody_chooses() {
        let (cluster, mut seen) = seen();
        promote(&mut seen, "db2", Switch::Off);
        follow(&cluster, &mut seen, "db3", "db2");
        let both = TopologyError::TwoPrimaries {
            first: name("db1"),
            second: name("db2"),
        };
        assert_eq!(leader(&cluster, &seen), Err(both));
    }

    /// The primary has no connection left for us, one replica is down and the other was away: the
    /// inventory's first primary is not the leader for that.
    #[test]
    fn a_watched_primary_that_lets_nobody_in_is_not_taken_for_another() {
        for flavor in [Flavor::MariaDb, Flavor::MySql] {
            let cluster = fixture::cluster(flavor, 3);
            let mut seen = fixture::healthy(&cluster);
            seen.reached_mut("db1").server = ServerView::Stopped;
            seen.reached_mut("db2").server = fixture::refused(1040);
            let (db1, db2) = (name("db1"), name("db2"));
            for away in [true, false] {
                if away {
                    seen.reached_mut("db3").server = ServerView::Stopped;
                    assert_eq!(leader(&cluster, &seen), Ok(db1.clone()));
                } else {
                    seen = fixture::healthy(&cluster);
                    follow(&cluster, &mut seen, "db3", "db2");
                    seen.reached_mut("db1").server = ServerView::Stopped;
                    seen.reached_mut("db2").server = fixture::refused(1040);
                    assert_eq!(leader(&cluster, &seen), Ok(db2.clone()));
                }
                assert!(!leads_instead(&seen, &db1, &db2));
            }
            // Nor is a follower's word enough that the watched primary leads no more.
            assert!(!leads_instead(&seen, &db2, &db1));
            seen.reached_mut("db3").os.marks.failover = Some(Mark {
                at: 0,
                by: "root@control".to_owned(),
                host: Some(db1.clone()),
                text: "failed over to db2".to_owned(),
            });
            assert!(leads_instead(&seen, &db2, &db1));
        }
    }
}
