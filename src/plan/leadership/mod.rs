//! The second pair of eyes on a change of leadership: rules that each of its stages must keep, written
//! apart from whoever orders the stages. It must never share code with `decide`: a mistake there is
//! what it is here to find.

use std::collections::BTreeSet;

use crate::facts::{Observation, ServerView};
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::{ServerFacts, Switch, ThreadState};
use crate::plan::{
    Action, LiveVariable, Look, Neighbours, Proof, Receiving, StagePlan, Step, Violation,
};

/// What became of the primary that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldPrimary {
    /// It failed: it must be fenced, or cut off from everybody who acknowledges.
    Dead,
    /// It lives: it must refuse writes.
    Demoted,
}

/// A rule that does not bind in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiver {
    /// A command of the inventory answers for an unreachable primary being harmless.
    FencedByCommand,
    /// A person permits that it is not.
    Unfenced,
    /// A person permits writes without an acknowledging replica.
    Uncovered,
}

/// The rules. One value inspects each stage of one run, once, in order: it knows that way what was
/// promoted in an earlier stage that nobody has looked at since.
#[derive(Clone, Debug)]
pub struct LeadershipRules<'a> {
    cluster: &'a Cluster,
    old: HostName,
    state: OldPrimary,
    waived: BTreeSet<Waiver>,
    /// The steps of earlier stages on hosts that nobody has looked at since.
    unseen: Vec<Step>,
}

impl<'a> LeadershipRules<'a> {
    /// The rules for replacing `old`.
    pub fn new(
        cluster: &'a Cluster,
        old: HostName,
        state: OldPrimary,
        waived: BTreeSet<Waiver>,
    ) -> Self {
        Self {
            cluster,
            old,
            state,
            waived,
            unseen: Vec::new(),
        }
    }

    /// Every rule that a stage breaks, on what was seen before it.
    pub fn violations(&mut self, stage: &StagePlan, seen: &Observation) -> Vec<Violation> {
        let mut found = Vec::new();
        for (host, steps) in stage.by_host() {
            let mut earlier = self.since(host);
            for step in steps {
                found.extend(self.broken(host, step, &earlier, seen));
                earlier.push(step);
            }
        }
        self.remember(stage);
        found
    }

    /// What was done on a host since somebody looked at it. Of a primary that died everything has to be
    /// seen, or done in the same stage.
    fn since(&self, host: &HostName) -> Vec<&Step> {
        let steps = self.unseen.iter().filter(|step| step.host == *host);
        steps
            .filter(|_| self.state == OldPrimary::Demoted)
            .collect()
    }

    /// From a look on, what is seen is the truth.
    fn remember(&mut self, stage: &StagePlan) {
        self.unseen.extend(stage.steps.iter().cloned());
        match &stage.look {
            Look::All => self.unseen.clear(),
            Look::At(hosts) | Look::Servers(hosts) => {
                self.unseen.retain(|step| !hosts.contains(&step.host));
            }
            Look::None => {}
        }
    }

    /// Promotions that nobody has looked at.
    fn promoted(&self) -> impl Iterator<Item = &HostName> {
        let is_promote = |step: &&Step| matches!(step.action, Action::Promote { .. });
        self.unseen.iter().filter(is_promote).map(|step| &step.host)
    }

    fn broken(
        &self,
        host: &HostName,
        step: &Step,
        earlier: &[&Step],
        seen: &Observation,
    ) -> Option<Violation> {
        match &step.action {
            Action::Promote { .. } => self.promote(host, earlier, seen),
            Action::SetVariable {
                variable: LiveVariable::ReadOnly,
                value: Switch::Off,
            } => self.open(host, earlier, seen),
            Action::SetVariable {
                variable: LiveVariable::SemiSyncSource,
                value: Switch::On,
            } => {
                let may_wait = self.leads(host, earlier, seen)
                    || (self.has_ended(seen) && has_everything(earlier));
                (!may_wait).then(|| Violation::WaitingReplica(host.clone()))
            }
            Action::AddVip {
                address,
                neighbours,
                ..
            } => self
                .uncovered_vip(host, earlier, seen)
                .or_else(|| self.vip_twice(host, address, *neighbours, seen)),
            Action::Replicate { source, .. } => self.replicate(host, source, earlier, seen),
            Action::Repoint { source, .. } => self.repoint(host, source, seen),
            // What a restart would undo proves nothing of a failed primary.
            Action::Drain {
                at_boot: Receiving::Resumes,
            } => (self.state == OldPrimary::Dead).then(|| Violation::Undrained(host.clone())),
            Action::Fence { .. } => {
                (*host != self.old).then(|| Violation::FenceOfOther(host.clone()))
            }
            _ => None,
        }
    }

    fn promote(&self, host: &HostName, earlier: &[&Step], seen: &Observation) -> Option<Violation> {
        if let Some(other) = other_writable(host, seen) {
            return Some(Violation::WritableTwice {
                host: host.clone(),
                other: other.clone(),
            });
        }
        if let Some(other) = self.promoted().find(|other| *other != host) {
            return Some(Violation::PromotedTwice {
                host: host.clone(),
                other: other.clone(),
            });
        }
        if !self.is_harmless(seen) {
            return Some(Violation::PromotedBesideOld {
                host: host.clone(),
                old: self.old.clone(),
            });
        }
        still_receives(host, earlier, seen).then(|| Violation::Undrained(host.clone()))
    }

    /// Whether the old primary can do no harm, by what is seen of it and of everybody else.
    fn is_harmless(&self, seen: &Observation) -> bool {
        if self.waived.contains(&Waiver::Unfenced) {
            return true;
        }
        let Some(reached) = seen.reached(&self.old) else {
            return self.state == OldPrimary::Dead
                && (self.waived.contains(&Waiver::FencedByCommand) || self.is_cut_off(seen));
        };
        let unit = reached.dialect(self.cluster.server.flavor).service_unit();
        let is_masked = reached
            .os
            .units
            .get(unit)
            .is_some_and(|unit| unit.enablement.starts_with("masked"));
        let is_kept_down = is_masked || reached.os.marks.fenced.is_some();
        match (self.state, &reached.server) {
            (OldPrimary::Demoted, ServerView::Up(facts)) => facts.read_only.is_full(),
            (OldPrimary::Dead, ServerView::Stopped) if is_kept_down => true,
            (OldPrimary::Dead, ServerView::Absent) => true,
            (OldPrimary::Dead, _) => self.is_cut_off(seen),
            (OldPrimary::Demoted, _) => false,
        }
    }

    /// Whether nobody is left who could acknowledge to it, and it acknowledges nothing without.
    fn is_cut_off(&self, seen: &Observation) -> bool {
        let others = self.cluster.hosts.keys().filter(|host| **host != self.old);
        self.cluster.durability == Durability::Lossless
            && others.into_iter().all(|host| match seen.reached(host) {
                None => false,
                Some(reached) => match &reached.server {
                    ServerView::Up(facts) => !self.receives_from_old(facts),
                    ServerView::Absent => true,
                    // One that is stopped may be started, and then receives again.
                    ServerView::Stopped | ServerView::Refused(_) => false,
                },
            })
    }

    fn receives_from_old(&self, facts: &ServerFacts) -> bool {
        let Some(old) = self.cluster.host(&self.old) else {
            return true;
        };
        facts.replica.as_ref().is_some_and(|status| {
            let follows = status.source_port == old.port
                && (status.source_host == old.address.to_string()
                    || status.source_host == self.old.as_ref());
            follows && status.receiver != ThreadState::Stopped
        })
    }

    /// Whether a host is no replica any more, as far as this run knows when a step begins.
    fn leads(&self, host: &HostName, earlier: &[&Step], seen: &Observation) -> bool {
        self.promoted().any(|promoted| promoted == host)
            || earlier
                .iter()
                .any(|step| matches!(step.action, Action::Promote { .. }))
            || seen.server(host).is_some_and(|facts| !facts.is_replica())
    }

    fn open(&self, host: &HostName, earlier: &[&Step], seen: &Observation) -> Option<Violation> {
        if !self.leads(host, earlier, seen) {
            return Some(Violation::WritableReplica(host.clone()));
        }
        if let Some(other) = other_writable(host, seen) {
            return Some(Violation::WritableTwice {
                host: host.clone(),
                other: other.clone(),
            });
        }
        let waits = set_earlier(earlier, LiveVariable::SemiSyncSource).map_or_else(
            || {
                seen.server(host)
                    .and_then(|facts| facts.semi_sync.source_enabled)
            },
            Some,
        );
        let must_wait = self.cluster.durability == Durability::Lossless
            && !self.waived.contains(&Waiver::Uncovered);
        (must_wait && waits != Some(Switch::On)).then(|| Violation::OpenedUncovered(host.clone()))
    }

    fn uncovered_vip(
        &self,
        host: &HostName,
        earlier: &[&Step],
        seen: &Observation,
    ) -> Option<Violation> {
        let is_writable = set_earlier(earlier, LiveVariable::ReadOnly).map_or_else(
            || {
                seen.server(host)
                    .is_some_and(|facts| facts.read_only.is_writable() && !facts.is_replica())
            },
            |value| value == Switch::Off,
        );
        if !is_writable {
            return Some(Violation::VipBeforeWrites(host.clone()));
        }
        let awaited = earlier
            .iter()
            .any(|step| matches!(step.action, Action::AwaitAcker { .. }));
        let covered = awaited
            || seen
                .server(host)
                .is_some_and(|facts| facts.semi_sync.clients > 0);
        let must_cover = self.state == OldPrimary::Dead
            && self.cluster.durability == Durability::Lossless
            && !self.waived.contains(&Waiver::Uncovered);
        (must_cover && !covered).then(|| Violation::OpenedUncovered(host.clone()))
    }

    /// Another holder that can be seen; where a person permits an unfenced one, the network is asked.
    fn vip_twice(
        &self,
        host: &HostName,
        address: &str,
        neighbours: Neighbours,
        seen: &Observation,
    ) -> Option<Violation> {
        if self.waived.contains(&Waiver::Unfenced) && neighbours == Neighbours::Ask {
            return None;
        }
        let address = address.split('/').next()?.parse().ok()?;
        seen.all_reached()
            .find(|(other, reached)| *other != host && reached.os.has_address(address))
            .map(|(holder, _)| Violation::VipTwice {
                host: host.clone(),
                holder: holder.clone(),
            })
    }

    fn replicate(
        &self,
        host: &HostName,
        source: &HostName,
        earlier: &[&Step],
        seen: &Observation,
    ) -> Option<Violation> {
        // A replica that goes back to the old primary undoes a change that was given up. A host that has
        // everything may be followed before its promotion, but for the old primary, which is none yet.
        let is_heir = self.has_ended(seen) && has_everything(&self.since(source));
        let may_lead = self.leads(source, &[], seen) || (is_heir && *host != self.old);
        if *source != self.old && !may_lead {
            return Some(Violation::RepointedBeforeProof {
                host: host.clone(),
                leader: source.clone(),
            });
        }
        if self.promoted().any(|promoted| promoted == host) {
            return Some(Violation::PrimaryOverwritten(host.clone()));
        }
        // After a death, what is only half received may be nowhere else. A primary that was demoted
        // has handed over everything, and whoever is repointed gets the rest from the new one.
        let may_be_the_only_copy = self.state == OldPrimary::Dead && *source != self.old;
        (may_be_the_only_copy && still_receives(host, earlier, seen))
            .then(|| Violation::Undrained(host.clone()))
    }

    /// What it is still to get comes from whoever is promoted, since the old primary takes no more
    /// writes. A primary that died may have been heard by this replica alone.
    fn repoint(&self, host: &HostName, source: &HostName, seen: &Observation) -> Option<Violation> {
        if self.promoted().any(|promoted| promoted == host) {
            return Some(Violation::PrimaryOverwritten(host.clone()));
        }
        (!self.has_ended(seen)).then(|| Violation::RepointedBeforeProof {
            host: host.clone(),
            leader: source.clone(),
        })
    }

    /// Whether the old primary was asked to take no more writes, and takes none.
    fn has_ended(&self, seen: &Observation) -> bool {
        self.state == OldPrimary::Demoted && self.is_harmless(seen)
    }
}

/// Another server that takes writes.
fn other_writable<'a>(host: &HostName, seen: &'a Observation) -> Option<&'a HostName> {
    seen.servers()
        .find(|(other, facts)| *other != host && facts.read_only.is_writable())
        .map(|(other, _)| other)
}

/// Whether a host waited for the old primary's last transaction and then applied all that it had received.
fn has_everything(earlier: &[&Step]) -> bool {
    let waited = earlier
        .iter()
        .position(|step| matches!(step.action, Action::AwaitPosition { .. }));
    waited.is_some_and(|waited| {
        let mut later = earlier[waited..].iter();
        later.any(|step| matches!(step.action, Action::Drain { .. }))
    })
}

/// Whether a replica still receives when a step on it begins.
fn still_receives(host: &HostName, earlier: &[&Step], seen: &Observation) -> bool {
    let stopped = earlier
        .iter()
        .any(|step| matches!(step.action, Action::Drain { .. } | Action::CatchUp { .. }));
    let status = seen.server(host).and_then(|facts| facts.replica.as_ref());
    !stopped && status.is_some_and(|status| status.receiver == ThreadState::Running)
}

/// What the latest earlier step on the same host set a variable to.
fn set_earlier(earlier: &[&Step], which: LiveVariable) -> Option<Switch> {
    earlier.iter().rev().find_map(|step| match &step.action {
        Action::SetVariable { variable, value } if *variable == which => Some(*value),
        Action::Promote {
            proof: Proof::OwnRow,
            ..
        } if which == LiveVariable::SemiSyncSource => Some(Switch::Off),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
