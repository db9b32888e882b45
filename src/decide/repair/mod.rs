//! What a watcher may repair by itself beside a healthy primary, and what it only says. Whatever could cost
//! data, or undo what a person did on purpose, is only said; a host in maintenance is left alone.

mod lost_ack;
mod repoint;
mod stuck_dump;
#[cfg(test)]
mod tests;
mod threads;

pub use repoint::Repair;

use std::time::Duration;

use crate::decide::left_behind;
use crate::decide::topology::host_of;
use crate::decide::{Finding, Maintenance, Severity};
use crate::facts::{HostView, Observation, Reached, ServerView};
use crate::inventory::{Cluster, HostName, WriterVip};
use crate::mysql::{OwnSchema, ReplicaStatus, Seeding, ServerFacts, Switch};
use crate::plan::{
    Action, FenceMethod, LiveVariable, Look, Neighbours, OnFailure, StagePlan, Step,
};

/// From this lag on a replica is worth a word.
const LAG: Duration = Duration::from_secs(30);

/// What there is to repair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// May be carried out without asking: one stage, or none.
    pub safe: Vec<StagePlan>,
    /// Is said. What is repaired is said, too.
    pub told: Vec<Finding>,
}

/// Looks for it. Nothing is repaired unless `leader` is up, takes writes and follows nobody: everything
/// else is the business of a failover, and none is the answer. It says neither that all is well nor that
/// anything is over.
pub fn repairs(cluster: &Cluster, seen: &Observation, leader: &HostName) -> Option<Repairs> {
    let led = seen.server(leader)?;
    if led.is_replica() || !led.read_only.is_writable() {
        return None;
    }
    let mut bench = Bench {
        cluster,
        seen,
        leader,
        maintenance: Maintenance::of(seen),
        steps: Vec::new(),
        told: Vec::new(),
    };
    for host in cluster.hosts.keys().filter(|host| *host != leader) {
        bench.replica(host, led);
    }
    bench.stuck_dump(led);
    bench.lost_acknowledgement(led);
    bench.writer_vip();
    let safe = (!bench.steps.is_empty()).then(|| StagePlan {
        play: "Repair".to_owned(),
        steps: bench.steps,
        look: Look::All,
    });
    Some(Repairs {
        safe: safe.into_iter().collect(),
        told: bench.told,
    })
}

struct Bench<'a> {
    cluster: &'a Cluster,
    seen: &'a Observation,
    leader: &'a HostName,
    maintenance: Maintenance,
    steps: Vec<Step>,
    told: Vec<Finding>,
}

impl Bench<'_> {
    /// Repairs, and says so; only says it of a host in maintenance.
    fn repair(&mut self, host: &HostName, action: Action, mut finding: Finding) {
        if let Some(mark) = self.maintenance.of_host(host) {
            finding.next = format!(
                "left alone, for {host} is in maintenance ({}, by {}): `hactl maintenance off`",
                mark.text, mark.by
            );
        } else {
            let change = format!(" (repaired: {action})");
            self.steps.push(Step {
                task: finding.code.to_owned(),
                host: host.clone(),
                action,
                why: finding.message.clone(),
                on_failure: OnFailure::GoOn,
            });
            finding.message.push_str(&change);
        }
        self.told.push(finding);
    }

    fn tell(&mut self, host: &HostName, code: &'static str, message: String, next: String) {
        let finding = Finding::on(host, Severity::Warning, code, message, next);
        self.told.push(finding);
    }

    fn replica(&mut self, host: &HostName, led: &ServerFacts) {
        let seen = self.seen;
        let reached = match seen.view(host) {
            Some(HostView::Reached(reached)) => reached,
            Some(HostView::Unreachable(why)) => {
                self.told.push(Finding::unreachable(host, why));
                return;
            }
            None => return,
        };
        match &reached.server {
            ServerView::Up(facts) if facts.is_replica() => {
                self.vip_elsewhere(host, reached);
                self.following(host, facts, led);
            }
            ServerView::Up(facts) => self.stray(host, reached, facts),
            ServerView::Stopped => {
                self.vip_elsewhere(host, reached);
                self.stopped(host, reached);
            }
            ServerView::Absent => {}
            ServerView::Refused(fault) => self.refusing(host, reached, &fault.text),
        }
    }

    /// It lets nobody look. A failed primary that still has the VIP may be taking writes; of any other
    /// the VIP is taken away, and no more is known.
    fn refusing(&mut self, host: &HostName, reached: &Reached, text: &str) {
        let vip = self.vip();
        let holds_vip = vip.is_some_and(|vip| reached.os.has_address(vip.address));
        if holds_vip && left_behind::is_marked(self.seen, host) {
            self.returned(host, &format!("holds the writer VIP, and says: {text}"));
            return;
        }
        self.vip_elsewhere(host, reached);
        let next = format!("look at its log on {host}");
        self.tell(host, "ServerRefuses", text.to_owned(), next);
    }

    fn stopped(&mut self, host: &HostName, reached: &Reached) {
        let rejoin = format!("`hactl rejoin {host}` brings it back as a replica");
        match &reached.os.marks.fenced {
            Some(mark) => self.tell(
                host,
                Finding::FENCED,
                format!("is fenced: {}", mark.text),
                rejoin,
            ),
            None => self.tell(
                host,
                "DeadReplica",
                "the database server does not run".to_owned(),
                rejoin,
            ),
        }
    }

    /// Follows nobody beside a leader.
    fn stray(&mut self, host: &HostName, reached: &Reached, facts: &ServerFacts) {
        let rejoin = format!("`hactl rejoin {host}` brings it back as a replica");
        if facts.seeding == Seeding::Unfinished || facts.own_schema == OwnSchema::Absent {
            let next = "run `hactl bootstrap`, which makes it one".to_owned();
            self.vip_elsewhere(host, reached);
            self.tell(
                host,
                "NotReplicating",
                "is not a replica yet".to_owned(),
                next,
            );
            return;
        }
        let is_followed = self.seen.servers().any(|(_, other)| {
            let status = other.replica.as_ref();
            status
                .and_then(|status| host_of(self.cluster, status))
                .as_ref()
                == Some(host)
        });
        if is_followed {
            let leader = self.leader;
            self.tell(
                host,
                "TwoPrimaries",
                format!("has replicas and follows nobody, beside {leader}, which leads"),
                format!("`hactl switchover --to {leader}` makes all follow {leader}, once {host} takes no writes"),
            );
            return;
        }
        let takes_writes = facts.read_only.is_writable();
        let holds_vip = self
            .vip()
            .is_some_and(|vip| reached.os.has_address(vip.address));
        if takes_writes || holds_vip || left_behind::is_marked(self.seen, host) {
            let state = if takes_writes {
                "takes writes"
            } else {
                "is read-only"
            };
            self.returned(host, state);
        } else {
            let message = format!("follows nobody, while {} leads", self.leader);
            self.tell(host, "NotReplicating", message, rejoin);
        }
    }

    fn returned(&mut self, host: &HostName, state: &str) {
        let finding = Finding::on(
            host,
            Severity::Error,
            "FormerPrimaryReturned",
            format!("came back and {state}, while {} leads", self.leader),
            format!("`hactl rejoin {host}` brings it back as a replica"),
        );
        let method = FenceMethod::Ssh;
        self.repair(host, Action::Fence { method }, finding);
    }

    fn following(&mut self, host: &HostName, facts: &ServerFacts, led: &ServerFacts) {
        if !facts.read_only.is_full() {
            let finding = Finding::on(
                host,
                Severity::Error,
                "ReplicaIsWritable",
                "is a replica and takes writes",
                "look for errant transactions with `hactl verify`",
            );
            self.repair(host, set(LiveVariable::ReadOnly, Switch::On), finding);
        }
        if facts.semi_sync.source_enabled == Some(Switch::On) {
            let finding = Finding::on(
                host,
                Severity::Error,
                "ReplicaWaitsForAcks",
                "is a replica and waits for acknowledgements itself",
                "nothing; without it its applier would stand still",
            );
            self.repair(
                host,
                set(LiveVariable::SemiSyncSource, Switch::Off),
                finding,
            );
        }
        if let Some(errant) = facts.errant_beside(led) {
            self.tell(
                host,
                "ErrantGtid",
                format!(
                    "has executed transactions that {} has not: {errant}",
                    self.leader
                ),
                format!("`hactl rejoin {host}` says how to go on"),
            );
        }
        if let Some(status) = &facts.replica {
            if host_of(self.cluster, status).as_ref() == Some(self.leader) {
                self.replication(host, facts, status);
            } else {
                self.wrong_source(host, (facts, status), led);
            }
        }
    }

    fn replication(&mut self, host: &HostName, facts: &ServerFacts, status: &ReplicaStatus) {
        self.threads(host, facts, status);
        if !status.filters.is_empty() {
            self.tell(
                host,
                "ReplicaFilters",
                format!("does not get everything: {}", status.filters.join(", ")),
                "it cannot be promoted; remove the filters and reseed it".to_owned(),
            );
        }
        if let Some(lag) = status.lag.filter(|lag| *lag >= LAG) {
            self.tell(
                host,
                "ReplicaLagging",
                format!("is {} s behind", lag.as_secs()),
                "look for a long transaction or a slow disk: a failover would wait for it"
                    .to_owned(),
            );
        }
    }

    fn vip(&self) -> Option<&WriterVip> {
        self.cluster.vip.as_ref()
    }

    fn vip_elsewhere(&mut self, host: &HostName, reached: &Reached) {
        let Some(vip) = &self.cluster.vip else {
            return;
        };
        let held = reached.os.addresses.iter();
        for held in held.filter(|held| held.address == vip.address) {
            let finding = Finding::on(
                host,
                Severity::Error,
                "VipOnReplica",
                format!("holds the writer VIP {vip}, and {} leads", self.leader),
                "nothing, unless it comes back: then look for what else sets it",
            );
            let action = Action::RemoveVip {
                address: format!("{}/{}", held.address, held.prefix_len),
                interface: held.interface.clone(),
            };
            self.repair(host, action, finding);
        }
    }

    /// On the leader, once nobody else that is seen holds it. Hosts that are not seen may: then the
    /// network is asked.
    fn writer_vip(&mut self) {
        let (Some(vip), Some(os)) = (&self.cluster.vip, self.seen.os(self.leader)) else {
            return;
        };
        let is_elsewhere = self
            .seen
            .all_reached()
            .any(|(host, reached)| host != self.leader && reached.os.has_address(vip.address));
        let Some(interface) = self.cluster.vip_interface(self.leader) else {
            return;
        };
        let mut held = os
            .addresses
            .iter()
            .filter(|held| held.address == vip.address);
        if let Some(astray) = held.find(|held| held.interface != interface) {
            // Off first; the next look finds it missing.
            let finding = Finding::on(
                self.leader,
                Severity::Error,
                "VipOnOtherInterface",
                format!(
                    "holds the writer VIP {vip} on {}, not on {interface}",
                    astray.interface
                ),
                "nothing, unless it comes back: then look for what else sets it",
            );
            let action = Action::RemoveVip {
                address: format!("{}/{}", astray.address, astray.prefix_len),
                interface: astray.interface.clone(),
            };
            self.repair(self.leader, action, finding);
            return;
        }
        if os.has_address(vip.address) || is_elsewhere {
            return;
        }
        let all_seen = self
            .cluster
            .hosts
            .keys()
            .all(|host| self.seen.reached(host).is_some());
        let action = Action::AddVip {
            address: vip.to_string(),
            interface: interface.to_owned(),
            neighbours: if all_seen {
                Neighbours::Known
            } else {
                Neighbours::Ask
            },
            lease: vip.lease,
        };
        let finding = Finding::on(
            self.leader,
            Severity::Error,
            "VipMissing",
            format!("leads and does not hold the writer VIP {vip}"),
            "nothing, unless it goes again: then look for what else takes it away",
        );
        self.repair(self.leader, action, finding);
    }
}

fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}
