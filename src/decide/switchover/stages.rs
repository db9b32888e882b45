//! The stages of a switchover, each made from who the parties are and what is seen. What they hold is done
//! at most twice with the same end; none of them decides whether it should be.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::decide::first_followers::{first, pause};
use crate::decide::topology::host_of;
use crate::decide::wait_for_nobody::wait_for_nobody;
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HookPoint, HostName};
use crate::mysql::{GtidSet, SemiSyncSupport, ServerFacts, Switch, ThreadState};
use crate::plan::{
    Action, LiveVariable, Look, Neighbours, OnFailure, Proof, Receiving, StagePlan, Step,
};

/// How long a replica may take to attach itself to the new primary and acknowledge.
const ATTACH: Duration = Duration::from_secs(10);

/// The same of those that were given their next source early. Where none of them makes it, the old primary
/// is next to acknowledge, and it follows only once the promotion is proven.
const ATTACH_EARLY: Duration = Duration::from_secs(2);

/// How long writers wait at most for a replica that is given its next source before the promotion. One
/// that has applied everything took 17 to 20 ms on idle servers (measured, 10.11); one that takes longer
/// than this is given it after the promotion.
const REPOINT: Duration = Duration::from_millis(150);

/// The two servers, and what they are part of.
#[derive(Clone, Copy)]
pub(super) struct Stages<'a> {
    pub(super) cluster: &'a Cluster,
    /// Leads until now.
    pub(super) old: Option<&'a HostName>,
    /// Shall lead.
    pub(super) target: &'a HostName,
    pub(super) max_wait: Duration,
    /// The replicas that were to take the target as their next source: they stand, as a rule.
    pub(super) repointed: &'a BTreeSet<HostName>,
}

fn step(host: &HostName, task: &str, action: Action, why: impl Into<String>) -> Step {
    Step {
        task: task.to_owned(),
        host: host.clone(),
        action,
        why: why.into(),
        on_failure: OnFailure::Stop,
    }
}

pub(super) fn go_on(step: Step) -> Step {
    Step {
        on_failure: OnFailure::GoOn,
        ..step
    }
}

pub(super) fn stage(play: String, steps: Vec<Step>, look: Look) -> StagePlan {
    StagePlan { play, steps, look }
}

pub(super) fn set(host: &HostName, variable: LiveVariable, value: Switch, why: &str) -> Step {
    let task = match value {
        Switch::On => format!("{variable} on"),
        Switch::Off => format!("{variable} off"),
    };
    step(host, &task, Action::SetVariable { variable, value }, why)
}

impl Stages<'_> {
    /// Both servers.
    fn both(&self) -> Look {
        let hosts: BTreeSet<_> = self.old.into_iter().chain([self.target]).cloned().collect();
        Look::At(hosts)
    }

    /// The inventory's hook, if it has one.
    pub(super) fn announce(&self) -> Option<StagePlan> {
        let hook = self.hook(HookPoint::BeforePromote)?;
        let play = "Before clients are cut off".to_owned();
        Some(stage(play, vec![hook], Look::None))
    }

    fn hook(&self, hook: HookPoint) -> Option<Step> {
        self.cluster.hooks.commands.get(&hook)?;
        let why = "the inventory has a hook for it";
        Some(step(self.target, "Hook", Action::RunHook { hook }, why))
    }

    /// Takes the VIP away wherever it is, and side by side the old primary's right to write. The order
    /// of these two is nothing that a client could use: the target takes no writes before both were
    /// seen to be done.
    pub(super) fn cut(&self, seen: &Observation) -> StagePlan {
        let mut steps = self.without_vip(seen);
        if let Some(old) = self.old {
            let mut vip = None;
            steps.retain(|step| match &step.action {
                Action::RemoveVip { address, .. } if step.host == *old => {
                    vip = Some(address.clone());
                    false
                }
                _ => true,
            });
            let action = Action::Demote {
                within: self.max_wait,
                vip,
            };
            let why = format!("{} takes over", self.target);
            steps.push(step(old, "No writes any more", action, why));
        }
        // Whoever held the VIP is looked at, too: it is not added before it is gone elsewhere.
        let hosts = steps.iter().map(|step| step.host.clone());
        let hosts = hosts.chain([self.target.clone()]).collect();
        stage("Cut clients off".to_owned(), steps, Look::Servers(hosts))
    }

    fn without_vip(&self, seen: &Observation) -> Vec<Step> {
        let Some(vip) = &self.cluster.vip else {
            return Vec::new();
        };
        let held = seen.all_reached().flat_map(|(host, reached)| {
            let held = reached.os.addresses.iter();
            held.filter(|held| held.address == vip.address)
                .map(move |held| {
                    let action = Action::RemoveVip {
                        address: format!("{}/{}", held.address, held.prefix_len),
                        interface: held.interface.clone(),
                    };
                    step(host, "Writer VIP off", action, "clients are cut off first")
                })
        });
        held.collect()
    }

    /// The replicas that are given their next source early, so that they acknowledge as soon as the target
    /// leads. None where they are too few for that.
    pub(super) fn early(&self, seen: &Observation) -> BTreeSet<HostName> {
        let early = first(self.siblings(seen), seen);
        let facts = seen.server(self.target);
        let needed = facts.map_or(1, |facts| facts.semi_sync.acks_needed.max(1));
        let are_enough = u32::try_from(early.len()).is_ok_and(|early| early >= needed);
        early.into_iter().filter(|_| are_enough).cloned().collect()
    }

    /// Waits for the last transaction. Where replicas follow early, they are given their next source
    /// meanwhile, and nothing is promoted yet; semi-sync is on before the first of them attaches itself,
    /// and from here on nothing commits at the target before it leads. Elsewhere the target is promoted.
    pub(super) fn hand_over(&self, position: &GtidSet, seen: &Observation) -> StagePlan {
        let await_position = Action::AwaitPosition {
            position: position.clone(),
            within: self.max_wait,
        };
        let mut steps = vec![
            step(
                self.target,
                "Everything is there",
                await_position,
                "what was committed before the cut must not be lost",
            ),
            step(
                self.target,
                "Relay log applied",
                Action::Drain {
                    at_boot: Receiving::Resumes,
                },
                "a promotion throws away what was received and not applied",
            ),
        ];
        let early = self.early(seen);
        if early.is_empty() {
            steps.push(self.promotion(Proof::OwnRow));
        } else if self.is_lossless() {
            steps.extend(self.cover(seen));
        }
        steps.extend(early.iter().map(|host| {
            let action = Action::Repoint {
                source: self.target.clone(),
                within: REPOINT,
            };
            let why = format!("{} shall lead", self.target);
            go_on(step(host, "Next source", action, why))
        }));
        stage(format!("Hand over to {}", self.target), steps, Look::None)
    }

    /// Promotes the target and opens it, while those that follow early attach themselves. The old primary
    /// follows later: it is no replica yet, and must have somebody proven to follow.
    pub(super) fn take_over(&self, seen: &Observation) -> StagePlan {
        let mut steps = vec![self.promotion(Proof::Applied)];
        if !self.is_lossless() {
            steps.extend(self.cover(seen));
        }
        steps.extend(self.await_acker(ATTACH_EARLY));
        steps.extend(self.let_write());
        let followers = self.repointed.iter().filter_map(|host| {
            let facts = seen.server(host)?;
            Some(self.follow(host, facts, seen))
        });
        steps.extend(followers.flatten());
        stage(format!("{} takes over", self.target), steps, Look::All)
    }

    /// The replicas that follow the old primary as the target does, and have nothing left to apply.
    fn siblings<'b>(&'b self, seen: &'b Observation) -> impl Iterator<Item = &'b HostName> {
        let hosts = self.cluster.hosts.keys();
        hosts.filter(move |host| {
            let lag = seen
                .server(host)
                .and_then(|facts| facts.replica.as_ref()?.lag);
            let old = self.old.filter(|old| host != old && *host != self.target);
            lag == Some(Duration::ZERO)
                && !is_fenced(host, seen)
                && old.is_some_and(|old| self.follows(host, old, seen))
        })
    }

    /// The promotion alone, once more.
    pub(super) fn promote_again(&self) -> StagePlan {
        let play = format!("Hand over to {}", self.target);
        let proof = if self.repointed.is_empty() {
            Proof::OwnRow
        } else {
            Proof::Applied
        };
        stage(play, vec![self.promotion(proof)], Look::None)
    }

    fn promotion(&self, proof: Proof) -> Step {
        let why = format!("{} shall lead", self.target);
        let action = Action::Promote {
            within: self.max_wait,
            proof,
        };
        step(self.target, "Promote", action, why)
    }

    /// A look at both, and nothing else: an answer was lost, or a step failed.
    pub(super) fn look_again(&self) -> StagePlan {
        stage("Look again".to_owned(), Vec::new(), self.both())
    }

    /// Opens the new primary and makes all others follow it. `seen` may be older than the promotion.
    pub(super) fn lead(&self, seen: &Observation) -> StagePlan {
        let mut steps = self.open(seen);
        let others = || {
            let hosts = self.cluster.hosts.keys();
            hosts.filter(|host| *host != self.target)
        };
        // The old primary last: it has more to do than to take another source.
        let siblings = others().filter(|host| Some(*host) != self.old);
        let first = first(siblings.chain(self.old), seen);
        let is_opened = !steps.is_empty();
        for host in others() {
            let follow = seen
                .server(host)
                .map(|facts| self.follow(host, facts, seen));
            let follow = follow.unwrap_or_default();
            if is_opened && !follow.is_empty() {
                steps.extend(pause(host, &first));
            }
            steps.extend(follow);
        }
        stage(format!("{} leads", self.target), steps, Look::All)
    }

    /// Takes the VIP away from all but one; `None` when nobody else is seen to hold it.
    pub(super) fn clear(&self, leader: &HostName, seen: &Observation) -> Option<StagePlan> {
        let mut steps = self.without_vip(seen);
        steps.retain(|step| step.host != *leader);
        let play = "No second writer VIP".to_owned();
        (!steps.is_empty()).then(|| stage(play, steps, Look::All))
    }

    fn open(&self, seen: &Observation) -> Vec<Step> {
        if self.is_open(seen) {
            return Vec::new();
        }
        let mut steps: Vec<_> = self.cover(seen).into_iter().collect();
        steps.extend(self.await_acker(ATTACH));
        steps.extend(self.let_write());
        steps
    }

    /// What the target commits from now on waits for a replica.
    fn cover(&self, seen: &Observation) -> Option<Step> {
        let semi_sync = seen
            .server(self.target)
            .map(|facts| facts.semi_sync.support);
        let is_there = semi_sync == Some(SemiSyncSupport::Present);
        let is_wanted = is_there || self.is_lossless();
        let why = "a commit shall be on a replica before it is acknowledged";
        let variable = LiveVariable::SemiSyncSource;
        (self.has_others() && is_wanted).then(|| set(self.target, variable, Switch::On, why))
    }

    fn await_acker(&self, within: Duration) -> Option<Step> {
        let why = "the first write must not be without cover";
        let action = Action::AwaitAcker { within };
        (self.has_others() && self.is_lossless())
            .then(|| step(self.target, "A replica acknowledges", action, why))
    }

    fn is_lossless(&self) -> bool {
        self.cluster.durability == Durability::Lossless
    }

    fn has_others(&self) -> bool {
        self.cluster.hosts.len() > 1
    }

    fn let_write(&self) -> Vec<Step> {
        let why = "everything is there, and nobody else takes writes";
        let mut steps = vec![set(self.target, LiveVariable::ReadOnly, Switch::Off, why)];
        steps.extend(self.add_vip(self.target));
        steps.extend(self.hook(HookPoint::AfterPromote).map(go_on));
        steps
    }

    /// Without a lifetime: only a watcher renews one, and it gives the address its lease at its next
    /// round.
    pub(super) fn add_vip(&self, host: &HostName) -> Option<Step> {
        let vip = self.cluster.vip.as_ref()?;
        let action = Action::AddVip {
            address: vip.to_string(),
            interface: self.cluster.vip_interface(host)?.to_owned(),
            neighbours: Neighbours::Known,
            lease: None,
        };
        Some(step(
            host,
            "Writer VIP on",
            action,
            format!("{host} takes writes"),
        ))
    }

    fn follow(&self, host: &HostName, facts: &ServerFacts, seen: &Observation) -> Vec<Step> {
        if is_fenced(host, seen) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        // Switching it off takes up to a second on one flavor, and with two hosts the new primary waits for
        // this replica's acknowledgement. Until then only what it applies waits, and no client.
        if self.repointed.contains(host) {
            let (source, differs) = (self.target.clone(), Vec::new());
            let action = Action::Replicate { source, differs };
            let why = format!("{} leads", self.target);
            steps.push(go_on(step(host, "Follow", action, why)));
        } else if !self.follows(host, self.target, seen) {
            steps.push(go_on(replicate(host, self.target, facts)));
        }
        steps.extend(wait_for_nobody(host, facts));
        steps
    }

    /// Whether a replica follows a host, with both threads at work.
    pub(super) fn follows(&self, host: &HostName, source: &HostName, seen: &Observation) -> bool {
        let status = seen.server(host).and_then(|facts| facts.replica.as_ref());
        status.is_some_and(|status| {
            host_of(self.cluster, status).as_ref() == Some(source)
                && status.receiver == ThreadState::Running
                && status.applier == ThreadState::Running
        })
    }

    /// Whether clients can write to the target by the VIP.
    pub(super) fn is_open(&self, seen: &Observation) -> bool {
        is_open(self.cluster, seen, self.target)
    }
}

/// Whether clients can write to a host by the VIP.
pub(super) fn is_open(cluster: &Cluster, seen: &Observation, host: &HostName) -> bool {
    let (Some(facts), Some(os)) = (seen.server(host), seen.os(host)) else {
        return false;
    };
    let writable = !facts.is_replica() && facts.read_only.is_writable();
    writable
        && cluster
            .vip
            .as_ref()
            .is_none_or(|vip| os.has_address(vip.address))
}

/// Whether a host waits for its rejoin.
fn is_fenced(host: &HostName, seen: &Observation) -> bool {
    seen.os(host).is_some_and(|os| os.marks.fenced.is_some())
}

pub(super) fn replicate(host: &HostName, source: &HostName, facts: &ServerFacts) -> Step {
    let differs = match &facts.replica {
        None => "is not a replica".to_owned(),
        Some(status) => format!("source is {}:{}", status.source_host, status.source_port),
    };
    let action = Action::Replicate {
        source: source.clone(),
        differs: vec![differs],
    };
    step(host, "Follow", action, format!("{source} leads"))
}
