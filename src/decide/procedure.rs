//! A change of leadership, stage by stage. Each stage is worked out from what is seen before it, so a
//! run that was interrupted is gone on with by the next, and the same code draws up the plan (on
//! predictions) and leads the run (on observations). It must never do anything itself.

use crate::decide::Refusal;
use crate::facts::Observation;
use crate::inventory::Cluster;
use crate::plan::{Outcome, Plan, StagePlan, Step, predict};

/// A failover, a switchover, a rejoin, a repair.
pub trait Procedure {
    /// What it is for, and what led to it, to be shown above its stages; the stages are left empty.
    fn heading(&self) -> Plan;

    /// What to do now.
    fn next(&mut self, seen: &Observation) -> Next;

    /// Told how each step of the stage ended, before the next look.
    fn ended(&mut self, ended: &[(Step, Outcome)]);
}

/// What a procedure wants now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry this out, look at what it says to look at, and ask again.
    Stage(StagePlan),
    /// It is finished.
    Done,
    /// It will not go on as things are. Whatever it could undo is undone.
    Refused(Vec<Refusal>),
}

/// The whole plan, if every step does what it says.
///
/// # Errors
/// The refusals that it would meet.
pub fn foresee<P: Procedure + Clone>(
    cluster: &Cluster,
    procedure: &P,
    seen: &Observation,
) -> Result<Plan, Vec<Refusal>> {
    let mut procedure = procedure.clone();
    let mut expected = seen.clone();
    let mut plan = procedure.heading();
    loop {
        match procedure.next(&expected) {
            Next::Done => return Ok(plan),
            Next::Refused(refusals) => return Err(refusals),
            Next::Stage(stage) => {
                expected = predict(cluster, &expected, &stage);
                let changed = |step: &Step| (step.clone(), Outcome::Changed);
                procedure.ended(&stage.steps.iter().map(changed).collect::<Vec<_>>());
                plan.stages.push(stage);
            }
        }
    }
}
