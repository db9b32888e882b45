//! Who follows a new primary first. Writers wait for one acknowledging replica; when ten are repointed at
//! once, each is slower by what the others take of shared processors, disks and links (measured: 310 ms
//! instead of 60 ms until the first of ten acknowledges, on shared processors). It must never keep a
//! replica from following: the others give way for a moment and need nobody's leave to go on.

use std::time::Duration;

use crate::facts::Observation;
use crate::inventory::HostName;
use crate::mysql::Switch;
use crate::plan::{Action, OnFailure, Step};

/// So many are first: one to acknowledge, and one more in case that it does not.
const FIRST: usize = 2;

/// How long the others give way. A replica is repointed in 60 ms where it is alone (measured).
const PAUSE: Duration = Duration::from_millis(100);

/// Those of the hosts that are first: replicas that acknowledge. Where there is none, nobody is waited
/// for, and nobody gives way.
pub(super) fn first<'a>(
    hosts: impl Iterator<Item = &'a HostName>,
    seen: &Observation,
) -> Vec<&'a HostName> {
    let acknowledges = |host: &&HostName| {
        let facts = seen.server(host);
        facts.is_some_and(|facts| facts.semi_sync.replica_enabled == Some(Switch::On))
    };
    hosts.filter(acknowledges).take(FIRST).collect()
}

/// The pause of a host that is not among the first.
pub(super) fn pause(host: &HostName, first: &[&HostName]) -> Option<Step> {
    (!first.is_empty() && !first.contains(&host)).then(|| give_way(host))
}

fn give_way(host: &HostName) -> Step {
    Step {
        task: "Give way".to_owned(),
        host: host.clone(),
        action: Action::GiveWay { pause: PAUSE },
        why: "writers wait for the first replica that acknowledges, not for this one".to_owned(),
        on_failure: OnFailure::GoOn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Mutate as _, cluster, healthy, name};
    use crate::mysql::Flavor;

    fn late(hosts: usize, deaf: &[&str]) -> Vec<String> {
        let cluster = cluster(Flavor::MariaDb, hosts);
        let mut seen = healthy(&cluster);
        for host in deaf {
            seen.server_mut(host).semi_sync.replica_enabled = Some(Switch::Off);
        }
        let leader = name("db1");
        let followers = || cluster.hosts.keys().filter(|host| **host != leader);
        let first = first(followers(), &seen);
        let late = followers().filter_map(|host| pause(host, &first));
        late.map(|step| step.host.to_string()).collect()
    }

    #[test]
    fn two_that_acknowledge_are_first() {
        assert_eq!(late(2, &[]), [""; 0]);
        assert_eq!(late(3, &[]), [""; 0]);
        assert_eq!(late(5, &[]), ["db4", "db5"]);
        assert_eq!(late(5, &["db2"]), ["db2", "db5"]);
        assert_eq!(late(3, &["db2"]), ["db2"]);
    }

    #[test]
    fn where_nobody_acknowledges_nobody_is_waited_for() {
        assert_eq!(late(5, &["db2", "db3", "db4", "db5"]), [""; 0]);
    }
}
