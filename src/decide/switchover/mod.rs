//! The planned move of the writer to another server: clients are cut off, the old primary stops taking
//! writes, the target applies the last of them, and only then takes its own. It must never leave two
//! servers that take writes, and never end with none without saying so: what fails before the promotion
//! is undone, what fails after it is gone on with.

mod candidate;
mod checks;
mod parties;
mod stages;
#[cfg(test)]
mod tests;
mod undo;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use candidate::Contest;
use parties::Standing;
use stages::{Stages, is_open};
use words::{because, finish_first, unique, unknown_target};

use crate::decide::{Next, Procedure, Refusal};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::plan::{Action, DataLoss, LeadershipRules, OldPrimary, Outcome, Plan, Step};

/// How often a stage is tried that must not be left half done.
const ATTEMPTS: u8 = 2;

/// What a switchover may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchoverLimits {
    /// How long writers may wait in each bounded step: for the old primary to stop, and for the target
    /// to have everything. A replica that is further behind is no candidate.
    pub max_wait: Duration,
}

impl Default for SwitchoverLimits {
    fn default() -> Self {
        Self {
            max_wait: Duration::from_secs(10),
        }
    }
}

/// A switchover on its way.
#[derive(Clone, Debug)]
pub struct Switchover<'a> {
    cluster: &'a Cluster,
    old: Option<HostName>,
    target: HostName,
    limits: SwitchoverLimits,
    because: Vec<String>,
    phase: Phase,
    /// What went wrong so far, with its way out.
    troubles: Vec<Refusal>,
    /// The VIP was taken away from whoever else held it after the promotion.
    cleared: bool,
    /// The replicas that were given their next source before the promotion, until somebody looks at them.
    repointed: BTreeSet<HostName>,
    /// The promotion's own answer was that it is done: there is no way back.
    promoted: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Say that it begins.
    Announce,
    /// Cut clients off.
    Cut,
    /// Hand over, if the old primary has stopped.
    HandOver,
    /// Promote and open the target, if it has everything; nobody has looked since.
    TakeOver,
    /// The target was to be promoted; nobody has looked since. `attempt` counts promotions.
    HandedOver { attempt: u8 },
    /// Something went wrong before the point of no return, and both were looked at.
    Judge { attempt: u8 },
    /// The old primary gets back what it had; `attempt` counts from one.
    Undo { attempt: u8 },
    /// Promoted: there is no way back.
    Lead { attempt: u8 },
}

impl<'a> Switchover<'a> {
    /// Checks whether the writer can be moved, to `target` or to the best of the replicas. One that was
    /// interrupted after the promotion is gone on with.
    ///
    /// # Errors
    /// Everything that stands in the way, each with its way out. Nothing has been touched then.
    pub fn new(
        cluster: &'a Cluster,
        seen: &Observation,
        target: Option<&HostName>,
        limits: SwitchoverLimits,
    ) -> Result<Self, Vec<Refusal>> {
        if let Some(unknown) = target.filter(|host| cluster.host(host).is_none()) {
            return Err(vec![unknown_target(cluster, unknown)]);
        }
        let standing = match parties::standing(cluster, seen, target) {
            Ok(standing) => standing,
            Err(refusal) => return Err(vec![refusal]),
        };
        let mut refusals: Vec<_> = checks::no_time(limits.max_wait).into_iter().collect();
        let found = match standing {
            Standing::HandedOver { from, to } => {
                refusals.extend(checks::all_there(cluster, seen, &to));
                refusals.extend(
                    target
                        .filter(|host| **host != to)
                        .map(|_| finish_first(&to)),
                );
                Self {
                    cluster,
                    because: vec![format!(
                        "{to} was promoted by a switchover that was interrupted"
                    )],
                    old: from,
                    target: to,
                    limits,
                    phase: Phase::Lead { attempt: 1 },
                    troubles: Vec::new(),
                    cleared: false,
                    repointed: BTreeSet::new(),
                    promoted: false,
                }
            }
            Standing::Led(leader) => {
                refusals.extend(checks::all_there(cluster, seen, &leader));
                Self::from_leader(cluster, seen, leader, target, limits, &mut refusals)?
            }
        };
        if refusals.is_empty() {
            Ok(found)
        } else {
            Err(refusals)
        }
    }

    fn from_leader(
        cluster: &'a Cluster,
        seen: &Observation,
        leader: HostName,
        target: Option<&HostName>,
        limits: SwitchoverLimits,
        refusals: &mut Vec<Refusal>,
    ) -> Result<Self, Vec<Refusal>> {
        let stays = target == Some(&leader);
        let contest = Contest {
            cluster,
            seen,
            primary: &leader,
            max_wait: limits.max_wait,
        };
        let target = match target {
            Some(target) => {
                let host = cluster.host(target).filter(|_| !stays);
                refusals.extend(host.into_iter().flat_map(|host| contest.objections(host)));
                target.clone()
            }
            None => match contest.best() {
                Ok(best) => best,
                Err(objections) => {
                    refusals.extend(objections);
                    return Err(unique(std::mem::take(refusals)));
                }
            },
        };
        let (because, phase) = if stays {
            let reason = format!("{leader} is the primary already");
            (vec![reason], Phase::Lead { attempt: 1 })
        } else {
            refusals.extend(checks::fit_to_switch(&contest, cluster.durability, &target));
            (because(seen, &leader, &target), Phase::Announce)
        };
        *refusals = unique(std::mem::take(refusals));
        Ok(Self {
            cluster,
            old: (!stays).then_some(leader),
            target,
            limits,
            because,
            phase,
            troubles: Vec::new(),
            cleared: false,
            repointed: BTreeSet::new(),
            promoted: false,
        })
    }

    /// The server that shall lead.
    pub fn target(&self) -> &HostName {
        &self.target
    }

    /// The server that led; `None` when that no longer matters.
    pub fn old_primary(&self) -> Option<&HostName> {
        self.old.as_ref()
    }

    /// The rules for the second checker of each stage.
    pub fn rules(&self) -> LeadershipRules<'a> {
        let old = self.old.as_ref().unwrap_or(&self.target).clone();
        LeadershipRules::new(self.cluster, old, OldPrimary::Demoted, BTreeSet::new())
    }

    fn stages(&self) -> Stages<'_> {
        Stages {
            cluster: self.cluster,
            old: self.old.as_ref(),
            target: &self.target,
            max_wait: self.limits.max_wait,
            repointed: &self.repointed,
        }
    }

    fn cut(&mut self, seen: &Observation) -> Next {
        if !self.troubles.is_empty() {
            // Nothing was changed yet.
            return Next::Refused(std::mem::take(&mut self.troubles));
        }
        self.phase = Phase::HandOver;
        Next::Stage(self.stages().cut(seen))
    }

    fn hand_over(&mut self, seen: &Observation) -> Next {
        let stopped = self
            .old
            .as_ref()
            .and_then(|old| seen.server(old))
            .filter(|facts| facts.read_only.is_full());
        match stopped {
            Some(facts) if self.troubles.is_empty() => {
                let stages = self.stages();
                let stage = stages.hand_over(&facts.executed, seen);
                self.phase = if stages.early(seen).is_empty() {
                    Phase::HandedOver { attempt: 1 }
                } else {
                    Phase::TakeOver
                };
                Next::Stage(stage)
            }
            Some(_) => self.undo(seen, 1),
            None => {
                if self.troubles.is_empty() {
                    let refusal = self.not_stopped(seen);
                    self.troubles.push(refusal);
                }
                self.undo(seen, 1)
            }
        }
    }

    fn take_over(&mut self, seen: &Observation) -> Next {
        if self.troubles.is_empty() {
            let stage = self.stages().take_over(seen);
            self.phase = Phase::HandedOver { attempt: 1 };
            return Next::Stage(stage);
        }
        self.phase = Phase::Judge { attempt: 1 };
        Next::Stage(self.stages().look_again())
    }

    /// Whoever was told that it is promoted is past the way back, whatever failed after it.
    fn handed_over(&mut self, seen: &Observation, attempt: u8) -> Next {
        if self.troubles.is_empty() || self.promoted {
            self.repointed.clear();
            return self.lead(seen, 1);
        }
        self.phase = Phase::Judge { attempt };
        Next::Stage(self.stages().look_again())
    }

    /// After trouble, with both seen anew: a target that is still a replica was not promoted. One that is
    /// none was, perhaps without its proof, and is asked for it once more. Clients cannot write to it in
    /// either case, nor if it is out of sight, so the old primary may always have its writes back.
    fn judge(&mut self, seen: &Observation, attempt: u8) -> Next {
        let target = seen.server(&self.target);
        let is_promoted = target.is_some_and(|facts| !facts.is_replica());
        if is_promoted && attempt < ATTEMPTS {
            self.troubles.clear();
            self.phase = Phase::HandedOver {
                attempt: attempt + 1,
            };
            return Next::Stage(self.stages().promote_again());
        }
        self.undo(seen, 1)
    }

    fn undo(&mut self, seen: &Observation, attempt: u8) -> Next {
        let old = self.old.as_ref();
        if let Some(old) = old.filter(|old| attempt > 1 && is_open(self.cluster, seen, old)) {
            let mut refusals = vec![self.undone(old)];
            refusals.extend(self.troubles.iter().cloned());
            refusals.extend(self.astray(old, seen));
            return Next::Refused(unique(refusals));
        }
        let can_undo = old.is_some_and(|old| seen.server(old).is_some());
        if !can_undo || attempt > ATTEMPTS {
            let mut refusals = std::mem::take(&mut self.troubles);
            refusals.insert(0, self.not_undone(seen));
            return Next::Refused(refusals);
        }
        self.phase = Phase::Undo {
            attempt: attempt + 1,
        };
        let stage = self.stages().undo(seen);
        self.repointed.clear();
        Next::Stage(stage)
    }

    fn lead(&mut self, seen: &Observation, attempt: u8) -> Next {
        if let Some(clear) = self.stages().clear(&self.target, seen) {
            if self.cleared {
                return Next::Refused(self.left_over(seen, &clear));
            }
            self.cleared = true;
            self.troubles.clear();
            self.phase = Phase::Lead { attempt };
            return Next::Stage(clear);
        }
        let stage = self.stages().lead(seen);
        if stage.steps.is_empty() {
            return Next::Done;
        }
        if attempt > ATTEMPTS {
            return Next::Refused(self.left_over(seen, &stage));
        }
        self.repointed.clear();
        self.troubles.clear();
        self.phase = Phase::Lead {
            attempt: attempt + 1,
        };
        Next::Stage(stage)
    }
}

impl Procedure for Switchover<'_> {
    fn heading(&self) -> Plan {
        Plan {
            intent: match &self.old {
                Some(old) => format!("switch {} from {old} to {}", self.cluster.name, self.target),
                None => format!("keep {} on {}", self.cluster.name, self.target),
            },
            because: self.because.clone(),
            loses: Vec::new(),
            loss: self.old.as_ref().map(|old| DataLoss::Nothing {
                because: format!(
                    "{old} takes no more writes, and {} has all that it committed, before the promotion",
                    self.target
                ),
            }),
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        match self.phase {
            Phase::Announce => {
                self.phase = Phase::Cut;
                match self.stages().announce() {
                    Some(stage) => Next::Stage(stage),
                    None => self.cut(seen),
                }
            }
            Phase::Cut => self.cut(seen),
            Phase::HandOver => self.hand_over(seen),
            Phase::TakeOver => self.take_over(seen),
            Phase::HandedOver { attempt } => self.handed_over(seen, attempt),
            Phase::Judge { attempt } => self.judge(seen, attempt),
            Phase::Undo { attempt } => self.undo(seen, attempt),
            Phase::Lead { attempt } => self.lead(seen, attempt),
        }
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        for (step, outcome) in ended {
            let trouble = Refusal::after(step, outcome);
            match step.action {
                Action::Repoint { .. } => {
                    // If it failed, that is nobody's trouble: it follows later.
                    self.repointed.insert(step.host.clone());
                    continue;
                }
                Action::Promote { .. } => self.promoted = trouble.is_none(),
                _ => {}
            }
            self.troubles.extend(trouble);
        }
    }
}
