//! Shows findings: the worst first, each with its code and the next step.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::decide::{Finding, Severity};

/// The findings as text, without the table's trouble of wrapping long sentences.
pub(super) fn render(findings: &[&Finding]) -> String {
    let mut text = String::new();
    let mut sorted = findings.to_vec();
    sorted.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.host.cmp(&b.host))
    });
    for finding in sorted {
        let style = style(finding.severity);
        let place = finding
            .host
            .as_ref()
            .map_or("cluster", |host| host.as_ref());
        let _ = writeln!(
            text,
            "{style}{}{style:#} {place}: {} [{}]\n    next: {}",
            finding.severity, finding.message, finding.code, finding.next
        );
    }
    text
}

/// `1 error`, `2 errors`, `no errors`.
pub(super) fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Info => AnsiColor::Cyan,
    };
    Style::new().fg_color(Some(color.into())).bold()
}
