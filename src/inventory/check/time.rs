//! Checks of spans of time: the unit, the shortest, the longest.
//!
//! It must never round: a person sees what was written, or why it cannot be.

use std::time::Duration;

use super::super::{Scalar, duration};
use super::{Checker, wrong};

/// A span of time that a person may write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Where nothing is written.
    pub(super) default: Duration,
    /// The shortest, and why nothing shorter makes sense.
    pub(super) least: (Duration, &'static str),
    /// The longest, and why nothing longer makes sense.
    pub(super) most: (Duration, &'static str),
}

impl Checker<'_> {
    /// The span at a path, or its default; `None` for one that is wrong, which is reported.
    pub(super) fn time(
        &mut self,
        path: &[&str],
        written: Option<&Scalar>,
        span: &Span,
    ) -> Option<Duration> {
        let Some(written) = written else {
            return Some(span.default);
        };
        let key = path.last().copied().unwrap_or_default();
        let (least, most) = (duration::text(span.least.0), duration::text(span.most.0));
        let problem = match duration::parse(&written.to_string()) {
            None => {
                let help = with_unit(written, span).unwrap_or_else(|| {
                    format!(
                        "write a number and a unit, such as {}",
                        duration::text(span.default)
                    )
                });
                wrong(
                    format!("`{key}` is no span of time"),
                    format!("{least} to {most}"),
                    help,
                )
            }
            Some(time) if time < span.least.0 => wrong(
                format!("`{key}` is too short"),
                span.least.1,
                format!("write {least} or more"),
            ),
            Some(time) if time > span.most.0 => wrong(
                format!("`{key}` is too long"),
                span.most.1,
                format!("write {most} or less"),
            ),
            Some(time) => return Some(time),
        };
        self.value(path, problem);
        None
    }
}

/// What a number without a unit can have meant.
fn with_unit(written: &Scalar, span: &Span) -> Option<String> {
    let Scalar::Int(number) = written else {
        return None;
    };
    ["ms", "s", "m", "h"]
        .iter()
        .map(|unit| format!("{number}{unit}"))
        .find(|text| {
            duration::parse(text).is_some_and(|time| (span.least.0..=span.most.0).contains(&time))
        })
        .map(|text| format!("add the unit: {text}"))
}
