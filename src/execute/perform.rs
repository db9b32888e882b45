//! Leads a procedure to its end: asks it for a stage, has the stage checked, carries it out, looks at
//! what the stage says to look at, and asks again. It makes no choices.

use serde::Serialize;
use thiserror::Error;

use super::look::look_after;
use super::runner::run_stage;
use crate::decide::{Next, Procedure, Refusal};
use crate::facts::Observation;
use crate::fleet::Fleet;
use crate::plan::{Action, Outcome, StagePlan, Step, Violation};
use crate::report::{Event, Sink};

/// How a procedure ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Performance {
    /// Every step that was begun, and how it ended, in the order of their ends within a stage.
    pub steps: Vec<(Step, Outcome)>,
    /// Why it did not go on to its end; empty when it did.
    pub refused: Vec<Refusal>,
}

impl Performance {
    /// Whether it came to its end.
    pub fn is_finished(&self) -> bool {
        self.refused.is_empty()
    }

    /// Whether anything was changed, or may have been.
    pub fn has_changed(&self) -> bool {
        self.steps.iter().any(|(_, outcome)| {
            matches!(
                outcome,
                Outcome::Changed | Outcome::Partial { .. } | Outcome::Unknown { .. }
            )
        })
    }

    /// Steps that did not reach their state. What was waited for in vain and came when it was waited for once
    /// more is none.
    pub fn failures(&self) -> impl Iterator<Item = &(Step, Outcome)> {
        let failed = self.steps.iter().enumerate();
        failed.filter_map(|(at, ended)| {
            let (step, outcome) = ended;
            let came = || {
                self.steps[at..]
                    .iter()
                    .any(|later| is_acker_of(step, later))
            };
            (!outcome.is_good() && !came()).then_some(ended)
        })
    }
}

/// Whether a replica attached that a step waited for.
fn is_acker_of(waited: &Step, (step, outcome): &(Step, Outcome)) -> bool {
    let waits = |step: &Step| matches!(step.action, Action::AwaitAcker { .. });
    waits(waited) && waits(step) && outcome.is_good() && step.host == waited.host
}

/// A stage that breaks a rule: a defect of hactl. Nothing of that stage was carried out.
#[derive(Debug, Error)]
#[error("a step would break a safety rule: {0}")]
pub struct Unsafe(#[from] pub Violation);

/// Performs a procedure from an observation. `inspect` is the second pair of eyes on each stage.
///
/// # Errors
/// A stage that `inspect` finds to break a rule.
pub async fn perform<F: Fleet, P: Procedure>(
    fleet: &F,
    procedure: &mut P,
    mut seen: Observation,
    mut inspect: impl FnMut(&StagePlan, &Observation) -> Vec<Violation>,
    sink: &dyn Sink,
) -> Result<(Performance, Observation), Unsafe> {
    let mut performance = Performance {
        steps: Vec::new(),
        refused: Vec::new(),
    };
    loop {
        let stage = match procedure.next(&seen) {
            Next::Stage(stage) => stage,
            Next::Done => return Ok((performance, seen)),
            Next::Refused(refusals) => {
                performance.refused = refusals;
                return Ok((performance, seen));
            }
        };
        if let Some(violation) = inspect(&stage, &seen).into_iter().next() {
            return Err(Unsafe(violation));
        }
        sink.event(&Event::StageStarted {
            play: stage.play.clone(),
        });
        let ended = run_stage(fleet, &stage, &|_, outcome| outcome, sink).await;
        procedure.ended(&ended);
        seen = look_after(fleet, &stage.look, seen, &ended).await;
        performance.steps.extend(ended);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fixture::name;
    use crate::plan::OnFailure;

    fn step(host: &str, action: Action, outcome: Outcome) -> (Step, Outcome) {
        let step = Step {
            task: "T".to_owned(),
            host: name(host),
            action,
            why: "W".to_owned(),
            on_failure: OnFailure::Stop,
        };
        (step, outcome)
    }

    #[test]
    fn a_replica_that_attached_later_has_attached() {
        let failed = || Outcome::Failed {
            error: "too late".to_owned(),
            hint: None,
        };
        let within = Duration::from_secs(2);
        let waits = Action::AwaitAcker { within };
        let failures = |steps: Vec<(Step, Outcome)>| {
            let performance = Performance {
                steps,
                refused: Vec::new(),
            };
            performance.failures().count()
        };
        let early = || step("db2", waits.clone(), failed());
        let later = |host| step(host, waits.clone(), Outcome::Already);
        assert_eq!(failures(vec![early()]), 1);
        assert_eq!(failures(vec![early(), later("db2")]), 0);
        assert_eq!(failures(vec![later("db2"), early()]), 1);
        assert_eq!(failures(vec![early(), later("db3")]), 1);
        let other = step("db2", Action::AttachByPosition, Outcome::Already);
        assert_eq!(failures(vec![early(), other]), 1);
    }
}
