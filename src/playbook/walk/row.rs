//! One task on one host for one item: what it wants done, and what its end means.

use crate::inventory::HostName;
use crate::plan::{Access, Action, Outcome, Step};
use crate::playbook::names::Names;
use crate::playbook::{Change, Task, TaskResult};

/// A row of a stage.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) task: &'a Task,
    pub(super) host: HostName,
    /// Which of the loop's items, from 0.
    pub(super) index: usize,
    pub(super) item: Option<serde_json::Value>,
    pub(super) names: Names<'a>,
    pub(super) wants: Wants,
}

/// What a task comes to on a host.
#[derive(Clone, Debug)]
pub(super) enum Wants {
    /// Its `when` does not hold.
    Skipped,
    /// All is as it should be.
    Nothing,
    /// These changes.
    Changes(Vec<Change>),
}

impl Row<'_> {
    /// The steps of this row.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let changes: &[Change] = match &self.wants {
            Wants::Changes(changes) => changes,
            Wants::Skipped | Wants::Nothing => &[],
        };
        changes.iter().map(|change| Step {
            task: self.task.name.clone(),
            host: self.host.clone(),
            action: change.action.clone(),
            why: change.why.clone(),
            on_failure: crate::plan::OnFailure::Stop,
        })
    }

    /// Whether nothing that it does changes anything.
    pub(super) fn only_asks(&self) -> bool {
        self.steps().all(|step| is_question(&step.action))
    }

    /// Whether a step is of this row.
    pub(super) fn has(&self, step: &Step) -> bool {
        self.host == step.host && self.steps().any(|own| own == *step)
    }

    /// What the end of a step means: a command's by what it said and what the task makes of that.
    pub(super) fn judged(&self, step: &Step, outcome: &Outcome) -> (TaskResult, Outcome) {
        let mut result = TaskResult::of(outcome);
        // A question changes nothing unless the task says so.
        result.changed &= !is_question(&step.action);
        result.item.clone_from(&self.item);
        if !matches!(outcome, Outcome::Said { .. }) {
            return (result, outcome.clone());
        }
        let asked = |conditions: &[String], result: &TaskResult| {
            let names = self
                .names
                .with_result(self.task.register.as_deref(), result);
            names.all_hold(conditions)
        };
        if let Some(conditions) = &self.task.failed_when {
            match asked(conditions, &result) {
                Ok(failed) => result.failed = failed,
                Err(error) => return failure(result, format!("`failed_when`: {error}")),
            }
        }
        if result.failed {
            let said = said(&result);
            return failure(result, said);
        }
        if let Some(conditions) = &self.task.changed_when {
            match asked(conditions, &result) {
                Ok(changed) => result.changed = changed,
                Err(error) => return failure(result, format!("`changed_when`: {error}")),
            }
        }
        let outcome = if result.changed {
            Outcome::Changed
        } else {
            Outcome::Already
        };
        (result, outcome)
    }

    /// Whether a result is what the task waits for.
    pub(super) fn is_settled(&self, result: &TaskResult) -> Result<bool, String> {
        let Some(retry) = &self.task.retry else {
            return Ok(true);
        };
        if retry.until.is_empty() {
            return Ok(!result.failed);
        }
        let names = self
            .names
            .with_result(self.task.register.as_deref(), result);
        let held = names.all_hold(&retry.until);
        held.map_err(|error| format!("`until`: {error}"))
    }
}

fn is_question(action: &Action) -> bool {
    matches!(action, Action::Query(query) if query.access == Access::Read)
}

/// A failure always says why.
fn failure(mut result: TaskResult, error: String) -> (TaskResult, Outcome) {
    (result.failed, result.changed) = (true, false);
    result.msg = Some(error.clone());
    (result, Outcome::Failed { error, hint: None })
}

/// The last lines that a failed command said, for a message. They are for the screen and the journal of a
/// person who may run it; output as a whole is kept for the tasks that ask for it.
fn said(result: &TaskResult) -> String {
    const LINES: usize = 3;
    let errors = if result.stderr_lines.is_empty() {
        &result.stdout_lines
    } else {
        &result.stderr_lines
    };
    let last = &errors[errors.len().saturating_sub(LINES)..];
    let status = result.rc.unwrap_or_default();
    if last.is_empty() {
        format!("it ended with status {status}")
    } else {
        format!("it ended with status {status}: {}", last.join(" / "))
    }
}
