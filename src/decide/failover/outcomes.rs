//! What the end of a step means for the whole: which means was tried in vain, who is unfit now, and what
//! stops a failover.

use super::fencing::Means;
use super::state::{Failover, Phase, Promotion, Salvage};
use crate::decide::{Harm, Refusal};
use crate::inventory::HostName;
use crate::plan::{Action, OnFailure, Outcome, Step};

impl Failover<'_> {
    /// Takes the end of one step into account.
    pub(super) fn note_end(&mut self, step: &Step, outcome: &Outcome) {
        let error = match outcome {
            Outcome::Changed | Outcome::Already | Outcome::Said { .. } => None,
            Outcome::Failed { error, .. }
            | Outcome::Partial { error, .. }
            | Outcome::Unknown { error } => Some(error.as_str()),
        };
        match (&step.action, error) {
            (Action::Fence { .. }, None) => self.is_fenced = true,
            (Action::Fence { method }, Some(_)) => {
                self.in_vain.insert(*method);
                self.means = None;
                self.phase = Phase::Secure;
            }
            (Action::Drain { .. }, Some(error)) => {
                self.undrained.insert(step.host.clone(), error.to_owned());
            }
            (Action::Salvage { .. }, _) => self.salvaged(outcome),
            (Action::CatchUp { source, .. }, Some(error)) => {
                let why = format!("it could not fetch from {source} what it lacks: {error}");
                self.unfit.insert(step.host.clone(), why);
            }
            (Action::Promote { .. }, None) => {
                self.promotion = Promotion::Done;
                self.phase = Phase::Open;
            }
            (Action::Promote { .. }, Some(error)) => self.unpromoted(&step.host, error),
            (Action::AwaitAcker { .. }, Some(_)) if self.case.permits(Harm::Uncovered) => {
                self.is_uncovered = true;
                self.phase = Phase::Open;
            }
            (_, Some(error)) if step.on_failure == OnFailure::Stop => {
                self.failure = Some(self.stopped_at(step, error));
            }
            _ => {}
        }
    }

    fn salvaged(&mut self, outcome: &Outcome) {
        self.missing = None;
        match outcome {
            Outcome::Changed | Outcome::Already | Outcome::Said { .. } => {
                self.salvage = Salvage::Done;
                self.loss = self.loss_with_tail();
            }
            Outcome::Partial { missing, .. } => {
                self.salvage = Salvage::Failed;
                self.missing = Some(*missing);
            }
            Outcome::Failed { .. } | Outcome::Unknown { .. } => self.salvage = Salvage::Failed,
        }
    }

    fn unpromoted(&mut self, host: &HostName, error: &str) {
        if self.promotion == Promotion::Again {
            self.failure = Some(Refusal {
                host: Some(host.clone()),
                reason: format!(
                    "{host} is no replica any more and could not be proven to commit: {error}"
                ),
                way_out: format!(
                    "repair {host} and run `hactl failover` again: it goes on from there"
                ),
            });
        } else {
            self.promotion = Promotion::Unclear(error.to_owned());
        }
    }

    /// A step that must not fail has failed.
    fn stopped_at(&self, step: &Step, error: &str) -> Refusal {
        let way_out = match &step.action {
            Action::AwaitAcker { .. } => format!(
                "bring a replica back and run `hactl failover` again; or `hactl failover {}`, which {}",
                Harm::Uncovered,
                Harm::Uncovered.meaning()
            ),
            Action::RunHook { hook } => {
                format!("repair what the hook {hook} says, then run `hactl failover` again")
            }
            _ => "run `hactl failover` again: it goes on from what it finds".to_owned(),
        };
        let beside = match self.means {
            Some(Means::Permitted) => ", unfenced by permission",
            _ => "",
        };
        Refusal {
            host: Some(step.host.clone()),
            reason: format!("{}: {} failed{beside}: {error}", step.host, step.action),
            way_out,
        }
    }
}
