//! What a switchover says when it does not begin, does not end, or was undone: what, where, and the command
//! that gets on from there.

use super::Switchover;
use super::parties;
use super::stages::is_open;
use crate::decide::Refusal;
use crate::decide::versions::{listed, too_old_behind};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::plan::{Action, StagePlan};

impl Switchover<'_> {
    pub(super) fn not_stopped(&self, seen: &Observation) -> Refusal {
        let old = self.old.as_ref().unwrap_or(&self.target);
        let state = if seen.server(old).is_some() {
            "still takes writes"
        } else {
            "was lost sight of"
        };
        Refusal::on(
            old,
            format!("{old} {state} after clients were cut off"),
            format!(
                "run `hactl verify`, then `hactl switchover --to {}`",
                self.target
            ),
        )
    }

    pub(super) fn undone(&self, old: &HostName) -> Refusal {
        let target = &self.target;
        Refusal::on(
            old,
            format!("the switch to {target} was undone: {old} takes writes as before"),
            format!("remove the cause, then run `hactl switchover --to {target}` again"),
        )
    }

    /// A target that was promoted without proof, and could not be made a replica again.
    pub(super) fn astray(&self, old: &HostName, seen: &Observation) -> Option<Refusal> {
        let target = &self.target;
        (!self.stages().follows(target, old, seen)).then(|| {
            Refusal::on(
                target,
                format!("{target} does not follow {old} any more"),
                format!("run `hactl rejoin {target}`"),
            )
        })
    }

    pub(super) fn not_undone(&self, seen: &Observation) -> Refusal {
        let old = self.old.as_ref().unwrap_or(&self.target);
        match seen.server(old) {
            Some(_) => Refusal::on(
                old,
                format!("{old} could not be given back its writer VIP and its writes"),
                format!(
                    "clients cannot write now: run `hactl switchover --to {old}` as soon as it can be changed"
                ),
            ),
            None => Refusal::on(
                old,
                format!(
                    "{old} went away in the middle; {} takes no writes yet",
                    self.target
                ),
                format!(
                    "clients cannot write now: `hactl failover` if {old} is dead, else `hactl switchover --to {}` when it is back",
                    self.target
                ),
            ),
        }
    }

    /// What a finished promotion still lacks after all attempts.
    pub(super) fn left_over(&mut self, seen: &Observation, stage: &StagePlan) -> Vec<Refusal> {
        let mut refusals = std::mem::take(&mut self.troubles);
        let target = &self.target;
        if !is_open(self.cluster, seen, target) {
            refusals.insert(
                0,
                Refusal::on(
                    target,
                    format!("{target} was promoted, and clients cannot write to it yet"),
                    format!(
                        "remove the cause, then run `hactl switchover --to {target}`: it goes on from here"
                    ),
                ),
            );
        }
        for step in &stage.steps {
            if matches!(step.action, Action::Replicate { .. }) {
                let host = &step.host;
                refusals.push(Refusal::on(
                    host,
                    format!("{host} does not follow {target}"),
                    format!("run `hactl rejoin {host}`"),
                ));
            }
        }
        unique(refusals)
    }
}

pub(super) fn because(seen: &Observation, leader: &HostName, target: &HostName) -> Vec<String> {
    let lag = seen
        .server(target)
        .and_then(|facts| facts.replica.as_ref()?.lag);
    let alive = match lag {
        Some(lag) => format!(
            "{leader} leads and is alive; {target} follows it, {} s behind",
            lag.as_secs()
        ),
        None => format!("{leader} leads and is alive"),
    };
    std::iter::once(alive)
        .chain(would_be_ahead(seen, target))
        .collect()
}

/// The last step of an upgrade goes this way: it is said, and not refused.
fn would_be_ahead(seen: &Observation, target: &HostName) -> Option<String> {
    let older = too_old_behind(seen, target);
    let version = seen.server(target)?.dialect.version;
    (!older.is_empty()).then(|| {
        format!(
            "{target} runs {version}: older servers will follow it, which may not understand all that it \
             writes: {}",
            listed(&older)
        )
    })
}

pub(super) fn unknown_target(cluster: &Cluster, unknown: &HostName) -> Refusal {
    Refusal::cluster(
        format!("{unknown} is not in the inventory"),
        format!("choose one of {}", parties::names(cluster.hosts.keys())),
    )
}

pub(super) fn finish_first(promoted: &HostName) -> Refusal {
    Refusal::on(
        promoted,
        format!("an interrupted switchover has promoted {promoted} already"),
        format!("run `hactl switchover --to {promoted}` first, which finishes it"),
    )
}

/// One and the same said once.
pub(super) fn unique(refusals: Vec<Refusal>) -> Vec<Refusal> {
    let mut said = Vec::new();
    for refusal in refusals {
        if !said.contains(&refusal) {
            said.push(refusal);
        }
    }
    said
}
