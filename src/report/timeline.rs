//! Events as a timeline in milliseconds: when each step began and ended, counted from when the timeline
//! was made. It must never be asked what to do: it only says where the time went.

use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use super::{Event, Sink};
use crate::plan::{Outcome, Step};

/// A running timeline.
#[derive(Debug)]
pub struct Timeline {
    zero: Instant,
    spans: Mutex<Vec<Span>>,
}

/// One step in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Milliseconds from the timeline's zero to the step's begin.
    pub begun: u64,
    /// Milliseconds from the timeline's zero to its end; `None` while it runs, or when it was cut off.
    pub ended: Option<u64>,
    /// Which step.
    #[serde(flatten)]
    pub step: Step,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

impl Span {
    /// Whether it reached its state.
    pub fn is_good(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_good)
    }
}

impl Timeline {
    /// A timeline with its zero at a moment: the begin of a run, the first sign of trouble.
    pub fn since(zero: Instant) -> Self {
        Self {
            zero,
            spans: Mutex::default(),
        }
    }

    /// Milliseconds since its zero.
    pub fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Every step that was begun, in the order of the begins.
    pub fn spans(&self) -> Vec<Span> {
        self.spans
            .lock()
            .map(|spans| spans.clone())
            .unwrap_or_default()
    }

    /// Whether anything was changed, or may have been.
    pub fn has_changes(&self) -> bool {
        self.spans().iter().any(|span| {
            !matches!(
                span.outcome,
                Some(Outcome::Already | Outcome::Failed { .. })
            )
        })
    }
}

impl Sink for Timeline {
    fn event(&self, event: &Event) {
        let now = self.now();
        let Ok(mut spans) = self.spans.lock() else {
            return;
        };
        match event {
            Event::StepStarted { step } => spans.push(Span {
                begun: now,
                ended: None,
                step: step.clone(),
                outcome: None,
            }),
            Event::StepEnded { step, outcome, .. } => {
                let open = |span: &&mut Span| span.ended.is_none() && span.step == *step;
                if let Some(span) = spans.iter_mut().find(open) {
                    span.ended = Some(now);
                    span.outcome = Some(outcome.clone());
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, OnFailure};

    fn step(host: &str) -> Step {
        Step {
            task: "Promote".to_owned(),
            host: crate::fixture::name(host),
            action: Action::Promote {
                within: std::time::Duration::from_secs(1),
                proof: crate::plan::Proof::OwnRow,
            },
            why: "it was chosen".to_owned(),
            on_failure: OnFailure::Stop,
        }
    }

    fn ended(host: &str, outcome: Outcome) -> Event {
        Event::StepEnded {
            step: step(host),
            outcome,
            milliseconds: 1,
        }
    }

    #[test]
    fn steps_side_by_side_end_each_for_itself() {
        let timeline = Timeline::since(Instant::now());
        for host in ["db1", "db2"] {
            timeline.event(&Event::StepStarted { step: step(host) });
        }
        timeline.event(&ended("db2", Outcome::Already));
        let spans = timeline.spans();
        assert!(spans[0].ended.is_none() && spans[0].outcome.is_none());
        assert!(spans[1].ended >= Some(spans[1].begun) && spans[1].is_good());
        // What was begun and not heard of again may have happened.
        assert!(timeline.has_changes());
        timeline.event(&ended(
            "db1",
            Outcome::Failed {
                error: "no".to_owned(),
                hint: None,
            },
        ));
        assert!(!timeline.has_changes() && !timeline.spans()[0].is_good());
    }

    #[test]
    fn a_lost_answer_is_a_change() {
        let timeline = Timeline::since(Instant::now());
        timeline.event(&Event::StepStarted { step: step("db1") });
        timeline.event(&ended(
            "db1",
            Outcome::Unknown {
                error: "link lost".to_owned(),
            },
        ));
        assert!(timeline.has_changes());
    }
}
