//! Replicas that a failover did not reach, and that still follow the primary that it replaced. They are made
//! to follow the new one once all that they received is applied and the new one has all of it: what
//! only such a replica has must never be copied over, nor thrown away.

use std::collections::BTreeSet;

use super::{Bench, Repairs};
use crate::decide::left_behind;
use crate::decide::rejoin::standing::Standing;
use crate::decide::topology::host_of;
use crate::decide::{Finding, Next, Procedure, Severity};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::mysql::{ReplicaStatus, ServerFacts, ThreadState};
use crate::plan::{Action, Look, OnFailure, Outcome, Plan, Receiving, StagePlan, Step};

/// What a watcher repairs in one go: the safe repairs, and then the new source of each replica that was
/// drained by them.
#[derive(Clone, Debug)]
pub struct Repair<'a> {
    cluster: &'a Cluster,
    leader: HostName,
    first: Option<StagePlan>,
    phase: Phase,
    drained: BTreeSet<HostName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Repair,
    Repoint,
    Done,
}

impl<'a> Repair<'a> {
    /// Makes these repairs beside this leader.
    pub fn new(cluster: &'a Cluster, leader: &HostName, mut needed: Repairs) -> Self {
        Self {
            cluster,
            leader: leader.clone(),
            first: needed.safe.pop(),
            phase: Phase::Repair,
            drained: BTreeSet::new(),
        }
    }

    /// Whoever was drained and has nothing of its own now.
    fn repoint(&self, seen: &Observation) -> Option<StagePlan> {
        let led = seen.server(&self.leader)?;
        if led.is_replica() || !led.read_only.is_writable() {
            return None;
        }
        let may_follow = |host: &&HostName| {
            seen.server(host).is_some_and(|facts| {
                let status = facts.replica.as_ref();
                status.is_some_and(stands_still)
                    && is_contained(self.cluster, (host, facts), (&self.leader, led))
            })
        };
        let steps: Vec<_> = self
            .drained
            .iter()
            .filter(may_follow)
            .map(|host| Step {
                task: WRONG_PRIMARY.to_owned(),
                host: host.clone(),
                action: follow(&self.leader, "source"),
                why: format!("{} has all that it has received", self.leader),
                on_failure: OnFailure::GoOn,
            })
            .collect();
        (!steps.is_empty()).then(|| StagePlan {
            play: "Repoint".to_owned(),
            steps,
            look: Look::All,
        })
    }
}

impl Procedure for Repair<'_> {
    fn heading(&self) -> Plan {
        Plan {
            intent: "repair".to_owned(),
            because: Vec::new(),
            loses: Vec::new(),
            loss: None,
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        let stage = match self.phase {
            Phase::Repair => {
                self.phase = Phase::Repoint;
                self.first.take()
            }
            Phase::Repoint => {
                self.phase = Phase::Done;
                self.repoint(seen)
            }
            Phase::Done => None,
        };
        stage.map_or(Next::Done, Next::Stage)
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        let drained = ended.iter().filter(|(step, outcome)| {
            matches!(step.action, Action::Drain { .. }) && outcome.is_good()
        });
        self.drained
            .extend(drained.map(|(step, _)| step.host.clone()));
    }
}

const WRONG_PRIMARY: &str = "ConnectedToWrongPrimary";

impl Bench<'_> {
    /// It follows somebody else than the leader.
    pub(super) fn wrong_source(
        &mut self,
        host: &HostName,
        (facts, status): (&ServerFacts, &ReplicaStatus),
        led: &ServerFacts,
    ) {
        let (cluster, leader) = (self.cluster, self.leader);
        let from = format!("{}:{}", status.source_host, status.source_port);
        let source = host_of(cluster, status);
        let was_replaced = source.is_some_and(|source| was_replaced(self.seen, &source));
        // Somebody holds it back on purpose: to apply what it has would take all that time.
        let is_delayed = status.delay_s > 0;
        if !was_replaced || is_delayed || !is_contained(cluster, (host, facts), (leader, led)) {
            self.tell(
                host,
                WRONG_PRIMARY,
                format!("replicates from {from}, not from {leader}"),
                format!("`hactl rejoin {host}` makes it follow {leader}"),
            );
            return;
        }
        let finding = Finding::on(
            host,
            Severity::Warning,
            WRONG_PRIMARY,
            format!("was away when {leader} took over, and still follows {from}"),
            format!("nothing; if it does not follow {leader} then, `hactl rejoin {host}`"),
        );
        // What is received and not applied shows in no position: compared once more after it.
        let drain = Action::Drain {
            at_boot: Receiving::Held,
        };
        self.repair(host, drain, finding);
    }
}

/// A failover replaced it, and it has not come back as a primary or a replica since.
fn was_replaced(seen: &Observation, source: &HostName) -> bool {
    let is_harmless = |facts: &ServerFacts| !facts.is_replica() && facts.read_only.is_full();
    left_behind::is_marked(seen, source) && seen.server(source).is_none_or(is_harmless)
}

/// Nothing more arrives, and what has arrived is being applied.
fn stands_still(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Stopped && status.applier == ThreadState::Running
}

/// Whether the leader has all that a server has executed, and can serve it from there on.
fn is_contained(
    cluster: &Cluster,
    server: (&HostName, &ServerFacts),
    leader: (&HostName, &ServerFacts),
) -> bool {
    Standing::of(cluster, server, leader) == Standing::Behind
}

pub(super) fn follow(leader: &HostName, differs: &str) -> Action {
    Action::Replicate {
        source: leader.clone(),
        differs: vec![differs.to_owned()],
    }
}
