//! A failover's report as text: what, why, when, what was given up, what to do next. It must never
//! call an unfinished failover done.

use std::fmt::Write as _;

use super::{FailoverReport, Span};
use crate::plan::Outcome;

/// How many of the slowest steps the summary names.
const SLOWEST: usize = 3;

/// The whole report.
pub(super) fn render(report: &FailoverReport) -> String {
    let mut text = format!("{}\n{}\n", headline(report), "=".repeat(72));
    let _ = writeln!(
        text,
        "cluster {}, led by {}\nfirst sign of trouble: {} (0 ms below)\n\nWhy{}",
        report.cluster,
        report.by,
        report.first_sign,
        verdict(report)
    );
    for reason in &report.because {
        let _ = writeln!(text, "  {reason}");
    }
    text.push_str(&losses(report));
    text.push_str("\nTimeline in ms\n");
    for moment in &report.moments {
        let _ = writeln!(text, "  {:>7}           {}", moment.at, moment.what);
    }
    for span in &report.steps {
        text.push_str(&line(span));
    }
    let _ = writeln!(text, "  {:>7}           end", report.milliseconds);
    if !report.outputs.is_empty() {
        text.push_str("\nOutput of hooks and fences\n");
        for output in &report.outputs {
            let _ = writeln!(text, "  {output}");
        }
    }
    for refusal in &report.refused {
        let _ = writeln!(
            text,
            "\nNOT FINISHED: {}\n  next: {}",
            refusal.reason, refusal.way_out
        );
    }
    text.push_str("\nExecuted before -> after\n");
    for (host, before) in &report.positions_before {
        let after = report.positions_after.get(host);
        let after = after.map_or("not seen", String::as_str);
        let _ = writeln!(text, "  {host}: {before}\n    -> {after}");
    }
    if let Some(next) = next(report) {
        let _ = writeln!(text, "\n{next}");
    }
    text
}

/// What is printed at the end.
pub(super) fn summary(report: &FailoverReport) -> String {
    let mut text = headline(report);
    let slowest: Vec<String> = report.slowest(SLOWEST).into_iter().map(short).collect();
    if !slowest.is_empty() {
        let _ = write!(text, "\n  longest: {}", slowest.join(", "));
    }
    match &report.loss {
        Some(loss) if !loss.is_nothing() => {
            let _ = write!(text, "\n  LOST: {loss}");
        }
        Some(loss) if report.is_finished() => {
            let _ = write!(text, "\n  lost: {loss}");
        }
        _ => {}
    }
    for span in report.steps.iter().filter(|span| !span.is_good()) {
        let _ = write!(
            text,
            "\n  not done: {}: {}",
            span.step.host, span.step.action
        );
    }
    if let Some(next) = next(report) {
        let _ = write!(text, "\n  {next}");
    }
    text
}

fn headline(report: &FailoverReport) -> String {
    let FailoverReport {
        failed,
        milliseconds,
        ..
    } = report;
    match (&report.leads, report.is_finished()) {
        (Some(leads), true) if leads == failed => {
            format!("{failed} leads again: recovered in place in {milliseconds} ms")
        }
        (Some(leads), true) => {
            let open = report.writable_after.map_or_else(String::new, |after| {
                format!("clients could write after {after} ms, ")
            });
            format!("failed over from {failed} to {leads}: {open}all done after {milliseconds} ms")
        }
        _ => format!("failover from {failed} NOT FINISHED after {milliseconds} ms"),
    }
}

/// The verdict's name, where the first reason does not begin with it.
fn verdict(report: &FailoverReport) -> String {
    match report.because.first() {
        Some(first) if first.starts_with(&report.code) => String::new(),
        _ => format!(": {}", report.code),
    }
}

fn losses(report: &FailoverReport) -> String {
    let Some(loss) = &report.loss else {
        return String::new();
    };
    let settled = if report.is_finished() {
        ""
    } else {
        " (it is not finished: as far as is known by now)"
    };
    format!("\nLost: {}{settled}\n  {}\n", loss.extent(), loss.because())
}

fn next(report: &FailoverReport) -> Option<String> {
    if !report.is_finished() {
        return Some(
            "next: look with `hactl status`; `hactl failover` goes on from there".to_owned(),
        );
    }
    let failed = &report.failed;
    (report.leads.as_ref() != Some(failed))
        .then(|| format!("next: `hactl rejoin {failed}` when its machine is well again"))
}

/// `     80 +   20  db2: stop the receiver (…)`.
fn line(span: &Span) -> String {
    let took = span.ended.map_or_else(
        || "   cut off".to_owned(),
        |ended| format!("{:>+10}", ended - span.begun),
    );
    let mut text = format!(
        "  {:>7}{took} {}: {} ({})\n",
        span.begun, span.step.host, span.step.action, span.step.why
    );
    match &span.outcome {
        Some(Outcome::Failed { error, hint } | Outcome::Partial { error, hint, .. }) => {
            let _ = writeln!(text, "{:20}FAILED: {error}", "");
            if let Some(hint) = hint {
                let _ = writeln!(text, "{:20}hint: {hint}", "");
            }
        }
        Some(Outcome::Unknown { error }) => {
            let _ = writeln!(text, "{:20}UNKNOWN, it may have happened: {error}", "");
        }
        Some(Outcome::Changed | Outcome::Already | Outcome::Said { .. }) | None => {}
    }
    text
}

fn short(span: &Span) -> String {
    let took = span.ended.map_or(0, |ended| ended - span.begun);
    format!("{took} ms {}: {}", span.step.host, span.step.action)
}

#[cfg(test)]
mod tests {
    use super::super::failover_report::samples::{report, span};
    use super::*;
    use crate::decide::Refusal;
    use crate::plan::{Action, DataLoss, Receiving};

    #[test]
    fn a_finished_failover_says_how_long_and_what_next() {
        let text = render(&report());
        for expected in [
            "failed over from db1 to db2: clients could write after 200 ms, all done after 240 ms",
            "Why: DeadPrimary\n  refused by db1:3306",
            "Lost: nothing that was acknowledged",
            "       30           taken for dead",
            "      100       +90 db2: ",
            "db2: 0-1-10\n    -> 0-2-11",
            "next: `hactl rejoin db1`",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }

    #[test]
    fn an_unfinished_one_is_never_called_done() {
        let mut unfinished = report();
        unfinished.refused = vec![Refusal {
            host: None,
            reason: "db2 could not be promoted".to_owned(),
            way_out: "look at its log".to_owned(),
        }];
        unfinished.loss = Some(DataLoss::AtMost {
            transactions: 3,
            because: "counted in the log".to_owned(),
        });
        unfinished.steps.push(span(
            "db3",
            Action::Drain {
                at_boot: Receiving::Held,
            },
            200,
            None,
        ));
        let (text, summary) = (render(&unfinished), summary(&unfinished));
        for text in [&text, &summary] {
            assert!(text.contains("NOT FINISHED after 240 ms"), "{text}");
            assert!(text.contains("at most 3 transactions"), "{text}");
            assert!(!text.contains("hactl rejoin"), "{text}");
        }
        assert!(text.contains("cut off db3"), "{text}");
        assert!(summary.contains("not done: db3"), "{summary}");
    }

    #[test]
    fn a_recovery_in_place_is_told_as_one() {
        let mut in_place = report();
        in_place.leads = Some(in_place.failed.clone());
        let summary = summary(&in_place);
        assert!(summary.starts_with("db1 leads again"), "{summary}");
        assert!(!summary.contains("rejoin"), "{summary}");
    }
}
