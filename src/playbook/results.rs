//! What tasks with `register` left for those after them, on one host. In a plan nothing has run yet:
//! what is not known is said to be so, and never guessed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{Answer, Outcome};

/// The results of one host, by the name that they are registered under.
pub type Results = BTreeMap<String, Registered>;

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Registered {
    /// It is known once the task has run.
    NotYet,
    /// How the task ended.
    Known(Box<TaskResult>),
}

/// How a task ended on a host. The names of the fields are part of the user's interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskResult {
    /// Whether it changed something.
    pub changed: bool,
    /// Whether it failed.
    pub failed: bool,
    /// Whether it did not run: `when` did not hold, or there was nothing to do.
    pub skipped: bool,
    /// The exit status, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rc: Option<i32>,
    /// What a command printed, without the line break at its end.
    pub stdout: String,
    /// The same by line.
    pub stdout_lines: Vec<String>,
    /// What it printed as errors.
    pub stderr: String,
    /// The same by line.
    pub stderr_lines: Vec<String>,
    /// The rows of a query.
    pub rows: Vec<BTreeMap<String, Option<String>>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// The item, in a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<serde_json::Value>,
    /// Each item's own result, in a loop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<TaskResult>,
}

impl TaskResult {
    /// Of a task that had nothing to do.
    pub fn skipped() -> Self {
        Self {
            skipped: true,
            ..Self::default()
        }
    }

    /// Of a step as it ended; what a command said counts as a change and, by its status, as a failure.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Changed => Self {
                changed: true,
                ..Self::default()
            },
            Outcome::Already => Self::default(),
            Outcome::Failed { error, .. }
            | Outcome::Partial { error, .. }
            | Outcome::Unknown { error } => Self {
                failed: true,
                msg: Some(error.clone()),
                ..Self::default()
            },
            Outcome::Said { answer } => Self::said(answer),
        }
    }

    fn said(answer: &Answer) -> Self {
        let trimmed = |text: &str| text.trim_end_matches('\n').to_owned();
        let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect();
        Self {
            changed: true,
            failed: answer.status != 0,
            rc: Some(answer.status),
            stdout: trimmed(&answer.output),
            stdout_lines: lines(&answer.output),
            stderr: trimmed(&answer.errors),
            stderr_lines: lines(&answer.errors),
            rows: answer.rows.clone(),
            ..Self::default()
        }
    }

    /// Several as one: of a loop, or of a task that takes several steps.
    pub fn of_all(results: Vec<Self>) -> Self {
        let any = |is: fn(&Self) -> bool| results.iter().any(is);
        Self {
            changed: any(|result| result.changed),
            failed: any(|result| result.failed),
            skipped: results.iter().all(|result| result.skipped),
            msg: results.iter().find_map(|result| result.msg.clone()),
            results,
            ..Self::default()
        }
    }
}
