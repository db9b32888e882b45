//! What a watcher does beside watching: looks at the whole cluster now and then, repairs what is safe
//! to repair, and says what is not. It runs beside the senses, never in their way, and only under the
//! cluster's lock. It must never repair what somebody has in maintenance or is working on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::decide::{self, Finding, Maintenance, Repairs};
use crate::execute;
use crate::facts::{Observation, Vigil};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::HostName;
use crate::plan::{Action, CheckContext, Outcome, Step, check};
use crate::report::Sink;

use super::attempt::{answering, with_silent};

/// How long a host may take to be looked at.
const LOOK: Duration = Duration::from_secs(3);
/// How long a repair may go on when the primary has died.
const YIELD: Duration = Duration::from_millis(300);

/// What a round of upkeep found.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Said to a person: what is wrong and is not repaired by itself. None when the primary could not be
    /// asked: nothing that was said is over for that.
    pub(super) told: Option<Vec<Finding>>,
    /// One line each: what was repaired, or could not be.
    pub(super) repaired: Vec<String>,
    /// The cluster is left alone, in words.
    pub(super) maintenance: Option<String>,
    /// Somebody else leads by now.
    pub(super) leader: Option<HostName>,
}

/// A round at work, beside the watch.
#[derive(Debug)]
pub(super) struct Upkeep {
    task: JoinHandle<Round>,
    /// Set before the first step of a repair.
    acts: Arc<AtomicBool>,
}

impl Upkeep {
    /// Begins a round.
    pub(super) fn begin(
        fleet: &Arc<LiveFleet>,
        leader: &HostName,
        vigil: &Vigil,
        sink: &Arc<dyn Sink>,
    ) -> Self {
        let acts = Arc::new(AtomicBool::new(false));
        let (fleet, sink, told) = (Arc::clone(fleet), Arc::clone(sink), Arc::clone(&acts));
        let (leader, vigil) = (leader.clone(), vigil.clone());
        Self {
            task: tokio::spawn(async move { round(&fleet, &leader, &vigil, &*sink, &told).await }),
            acts,
        }
    }

    /// Whether there is something to take up.
    pub(super) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// What it found. A round that panicked is a defect; the watch goes on without it.
    pub(super) async fn round(self) -> Option<Round> {
        let ended = self.task.await;
        ended
            .inspect_err(|error| tracing::error!("upkeep ended early: {error}"))
            .ok()
    }

    /// Ends it for something more urgent: at once while it only looks, and soon when it repairs.
    pub(super) async fn end(mut self) {
        // A step that is cut off here is seen again by the look that follows.
        if self.acts.load(Ordering::SeqCst) && timeout(YIELD, &mut self.task).await.is_ok() {
            // It has given its answer; to ask for it again would be a panic.
            return;
        }
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Looks, and repairs what is safe.
async fn round(
    fleet: &LiveFleet,
    leader: &HostName,
    vigil: &Vigil,
    sink: &dyn Sink,
    acts: &AtomicBool,
) -> Round {
    let hosts = answering(fleet.cluster(), vigil);
    let view = async || with_silent(fleet.look(&hosts, LOOK).await, fleet.cluster(), vigil);
    let seen = view().await;
    leave_spare_connections(fleet, &seen).await;
    let mut round = judge(fleet, &seen, leader);
    let Some(needed) = decide::repairs(fleet.cluster(), &seen, leader) else {
        return round;
    };
    round.told = Some(needed.told);
    if round.maintenance.is_some() || round.leader.is_some() || needed.safe.is_empty() {
        return round;
    }
    // Whoever holds the lock is at work on the cluster: what looks broken may be on its way.
    let Ok(lock) = execute::acquire(fleet, "repair", &hosts).await else {
        return round;
    };
    let seen = view().await;
    if let Some(needed) = decide::repairs(fleet.cluster(), &seen, leader)
        && judge(fleet, &seen, leader).leader.is_none()
    {
        acts.store(true, Ordering::SeqCst);
        round.repaired = repair(fleet, leader, needed, seen, sink).await;
    }
    lock.release().await;
    round
}

/// Our session may have the one connection that a full server keeps for replicas and administrators: a
/// replica that is needed to let commits go on must find it free.
async fn leave_spare_connections(fleet: &LiveFleet, seen: &Observation) {
    for (host, facts) in seen.servers() {
        if facts.is_full()
            && let Ok(connection) = fleet.connection(host)
        {
            connection.forget_session().await;
        }
    }
}

fn judge(fleet: &LiveFleet, seen: &Observation, leader: &HostName) -> Round {
    let whole = Maintenance::of(seen).whole;
    let now = decide::leader(fleet.cluster(), seen).ok();
    Round {
        maintenance: whole.map(|mark| format!("in maintenance since {}: {}", mark.by, mark.text)),
        leader: now.filter(|now| decide::leads_instead(seen, now, leader)),
        ..Round::default()
    }
}

async fn repair(
    fleet: &LiveFleet,
    leader: &HostName,
    needed: Repairs,
    seen: Observation,
    sink: &dyn Sink,
) -> Vec<String> {
    let mut repair = decide::Repair::new(fleet.cluster(), leader, needed);
    let consent = &BTreeSet::new();
    let inspect = |stage: &_, seen: &_| {
        let primary = leader;
        check(
            stage,
            &CheckContext {
                primary,
                consent,
                seen,
            },
        )
    };
    match execute::perform(fleet, &mut repair, seen, inspect, sink).await {
        Err(error) => vec![format!("a repair was not made: {error}")],
        Ok((performance, _)) => performance.steps.iter().map(line).collect(),
    }
}

fn line((step, outcome): &(Step, Outcome)) -> String {
    let Step {
        host, action, why, ..
    } = step;
    let is_fence = matches!(action, Action::Fence { .. });
    match outcome {
        Outcome::Changed | Outcome::Already | Outcome::Said { .. } if is_fence => {
            format!("{host} fenced: {why}; next: `hactl rejoin {host}` brings it back as a replica")
        }
        Outcome::Changed | Outcome::Already | Outcome::Said { .. } => {
            format!("{host} repaired: {action} ({why})")
        }
        Outcome::Failed { error, .. }
        | Outcome::Partial { error, .. }
        | Outcome::Unknown { error } => {
            format!("{host} not repaired: {action} ({why}): {error}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_round_that_repaired_and_is_over_ends() {
        let upkeep = Upkeep {
            task: tokio::spawn(async { Round::default() }),
            acts: Arc::new(AtomicBool::new(true)),
        };
        while !upkeep.has_ended() {
            tokio::task::yield_now().await;
        }
        upkeep.end().await;
    }
}
