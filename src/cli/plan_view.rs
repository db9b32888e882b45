//! Shows a plan before it is carried out: each thing once, with the hosts that it is done on.

use std::fmt::Write as _;

use super::findings::count;
use crate::plan::{Action, Plan, StagePlan, Step, unified_diff};
use crate::playbook::Undecided;

/// Whether the changes inside files are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// One line per step.
    Steps,
    /// The unified difference of each file as well.
    Diffs,
}

/// The plan as text.
pub(super) fn render(plan: &Plan, detail: Detail) -> String {
    let mut text = format!("Plan: {}\n", plan.intent);
    for reason in &plan.because {
        let _ = writeln!(text, "  {reason}");
    }
    let mut heading = "";
    for stage in &plan.stages {
        if stage.play != heading {
            heading = &stage.play;
            let _ = writeln!(text, "\n{heading}");
        }
        for alike in alike(stage) {
            text.push_str(&line(&alike));
            for step in alike {
                text.push_str(&diff(step, detail));
            }
        }
    }
    for loss in &plan.loses {
        let _ = writeln!(text, "\nGIVES UP: {loss}");
    }
    if let Some(loss) = &plan.loss {
        let word = if loss.is_nothing() { "Lost" } else { "LOST" };
        let _ = writeln!(text, "\n{word}: {loss}");
    }
    let (steps, hosts) = plan.size();
    let _ = writeln!(
        text,
        "\n{} on {}; each stage looks again before it acts.",
        count(steps, "step"),
        count(hosts, "host"),
    );
    text
}

/// A plan without steps, as text.
pub(super) fn nothing(plan: &Plan) -> String {
    let mut text = format!("Nothing to do: {}", plan.intent);
    for reason in &plan.because {
        let _ = write!(text, "\n  {reason}");
    }
    text
}

/// What a plan cannot say yet, as text; nothing where it says all.
pub(super) fn undecided(undecided: &[Undecided]) -> String {
    let mut text = String::new();
    for open in undecided {
        if text.is_empty() {
            text.push_str("\nNot known before others have run:\n");
        }
        let _ = writeln!(
            text,
            "  {}: {} (rests on `{}`)",
            open.host, open.task, open.waits_for
        );
    }
    text
}

/// Neighbouring steps that do the same for the same reason on different hosts.
fn alike(stage: &StagePlan) -> Vec<Vec<&Step>> {
    let mut groups: Vec<Vec<&Step>> = Vec::new();
    for step in &stage.steps {
        let same = |other: &&Step| {
            other.why == step.why && other.action.to_string() == step.action.to_string()
        };
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(same) => group.push(step),
            _ => groups.push(vec![step]),
        }
    }
    groups
}

fn line(alike: &[&Step]) -> String {
    let Some(first) = alike.first() else {
        return String::new();
    };
    let hosts: Vec<_> = alike.iter().map(|step| step.host.as_ref()).collect();
    format!("  {}: {} ({})\n", hosts.join(", "), first.action, first.why)
}

fn diff(step: &Step, detail: Detail) -> String {
    let file = match (&step.action, detail) {
        (Action::WriteFile(file), Detail::Diffs) => file,
        (Action::Configure(config), Detail::Diffs) => &config.file,
        _ => return String::new(),
    };
    let mut text = String::new();
    for line in unified_diff(step.host.as_ref(), file).lines() {
        let _ = writeln!(text, "    {line}");
    }
    text
}
