//! The way back of a switchover: the old primary gets what it had, and who was to leave it follows it again.
//! It must never be taken once the target may take writes.

use super::stages::{Stages, go_on, replicate, set, stage};
use crate::decide::wait_for_nobody::wait_for_nobody;
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::Switch;
use crate::plan::{LiveVariable, Look, StagePlan, Step};

impl Stages<'_> {
    /// Gives the old primary back what it had. Only while the target takes no writes.
    pub(super) fn undo(&self, seen: &Observation) -> StagePlan {
        let mut steps = Vec::new();
        if let Some(old) = self.old {
            steps.extend(covered_again(self.cluster, old, seen));
            let why = "the switch did not succeed";
            steps.push(set(old, LiveVariable::ReadOnly, Switch::Off, why));
            let elsewhere = self.clear(old, seen).map(|stage| stage.steps);
            match elsewhere {
                Some(first) => steps.extend(first),
                None => steps.extend(self.add_vip(old)),
            }
            let target = seen.server(self.target);
            steps.extend(target.and_then(|facts| wait_for_nobody(self.target, facts)));
            steps.extend(self.back_in_line(old, seen));
            for host in self.repointed {
                let facts = seen.server(host);
                steps.extend(facts.map(|facts| go_on(replicate(host, old, facts))));
            }
        }
        stage("Undo".to_owned(), steps, Look::All)
    }

    /// The target as a replica of the old primary again, unless it has something of its own by now.
    fn back_in_line(&self, old: &HostName, seen: &Observation) -> Option<Step> {
        let facts = seen.server(self.target)?;
        let behind = seen
            .server(old)
            .is_some_and(|primary| primary.executed.contains(&facts.executed));
        let is_safe = facts.replica.is_some() || behind;
        (is_safe && !self.follows(self.target, old, seen))
            .then(|| go_on(replicate(self.target, old, facts)))
    }
}

/// Semi-sync of the old primary is not touched before the point of no return. Where it is off all the same
/// (the primary had been restarted), it comes back with the first write if a replica is there to
/// acknowledge, or must be.
fn covered_again(cluster: &Cluster, old: &HostName, seen: &Observation) -> Option<Step> {
    let semi_sync = &seen.server(old)?.semi_sync;
    let is_off = semi_sync.source_enabled == Some(Switch::Off);
    let is_wanted = semi_sync.clients > 0 || cluster.durability == Durability::Lossless;
    let why = "a commit shall be on a replica before it is acknowledged";
    (is_off && is_wanted).then(|| set(old, LiveVariable::SemiSyncSource, Switch::On, why))
}
