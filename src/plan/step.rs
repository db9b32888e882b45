//! A step is an action with its place, its reason and its neighbours; a plan is all steps in order,
//! with the reasons for the whole. Neither holds a secret or a choice.

use serde::Serialize;

use crate::inventory::HostName;
use crate::plan::{Action, DataLoss, StagePlan};

/// One action on one host, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The task that asks for it, in the playbook's words.
    pub task: String,
    /// Where.
    pub host: HostName,
    /// What.
    #[serde(flatten)]
    pub action: Action,
    /// Why: what was seen that is not as it should be.
    pub why: String,
    /// What its failure means for the whole.
    pub on_failure: OnFailure,
}

/// What a step's failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing that comes after it is done.
    #[default]
    Stop,
    /// It is reported, the host's later steps of this stage are left out, and the others go on: one
    /// replica never blocks a promotion (S16).
    GoOn,
}

/// Everything that a command would do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What it is for: `bootstrap cluster shop`.
    pub intent: String,
    /// What was seen that led to it.
    pub because: Vec<String>,
    /// The data that it gives up, in words; empty when it gives up none.
    pub loses: Vec<String>,
    /// What of the old primary's is lost, where another server takes its place.
    pub loss: Option<DataLoss>,
    /// The stages, one after the other; all hosts of a stage run side by side.
    pub stages: Vec<StagePlan>,
}

impl Plan {
    /// Every step in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.stages.iter().flat_map(|stage| stage.steps.iter())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    /// The number of steps, and of hosts that they touch.
    pub fn size(&self) -> (usize, usize) {
        let hosts: std::collections::BTreeSet<_> = self.steps().map(|step| &step.host).collect();
        (self.steps().count(), hosts.len())
    }
}
