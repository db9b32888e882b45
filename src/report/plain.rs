//! Events as plain lines on standard error, for logs and pipelines: one line when a step ends, and one
//! every ten seconds for a long one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Event, Sink};
use crate::inventory::HostName;
use crate::plan::Outcome;

/// How often a long step is heard of.
const EVERY: Duration = Duration::from_secs(10);

/// Plain lines.
#[derive(Debug, Default)]
pub struct Plain {
    told: Mutex<BTreeMap<HostName, Instant>>,
    heading: Heading,
}

impl Sink for Plain {
    fn event(&self, event: &Event) {
        if let Some(line) = self.line(event) {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }
}

impl Plain {
    /// How far a long step is, unless that was said a short time ago.
    fn seldom(&self, host: &HostName, text: &dyn std::fmt::Display) -> Option<String> {
        let mut told = self.told.lock().ok()?;
        let last = told.entry(host.clone()).or_insert_with(Instant::now);
        if last.elapsed() < EVERY {
            return None;
        }
        *last = Instant::now();
        Some(format!("{host}: … {text}"))
    }

    fn line(&self, event: &Event) -> Option<String> {
        match event {
            Event::Started { .. } => None,
            Event::StageStarted { play } => self.heading.line(play),
            Event::StepStarted { step } => {
                let mut told = self.told.lock().ok()?;
                told.insert(step.host.clone(), Instant::now());
                None
            }
            Event::Progress { host, text } => self.seldom(host, text),
            Event::Copying { host, copying } => self.seldom(host, copying),
            Event::StepEnded {
                step,
                outcome,
                milliseconds,
            } => Some(ended(
                &step.host,
                &step.action.to_string(),
                outcome,
                *milliseconds,
            )),
            Event::Note { text, details } if details.is_empty() => Some(text.clone()),
            // One line, to be found in a log as a whole.
            Event::Note { text, details } => Some(format!("{text}: {}", details.join("; "))),
        }
    }
}

/// `db2: restart mariadb (1.2s)`, or the error.
pub(super) fn ended(host: &HostName, what: &str, outcome: &Outcome, milliseconds: u64) -> String {
    let took = seconds(milliseconds);
    match outcome {
        Outcome::Changed | Outcome::Said { .. } => format!("{host}: {what} ({took})"),
        Outcome::Already => format!("{host}: {what}: it was so already ({took})"),
        Outcome::Failed { error, hint } | Outcome::Partial { error, hint, .. } => {
            let mut line = format!("{host}: FAILED {what} ({took})\n  {error}");
            if let Some(hint) = hint {
                line.push_str("\n  hint: ");
                line.push_str(hint);
            }
            line
        }
        Outcome::Unknown { error } => format!(
            "{host}: UNKNOWN {what} ({took})\n  {error}\n  it may have happened; hint: run again, it looks first"
        ),
    }
}

/// `34ms`, `1.4s`: what is over at once is counted as an outage is.
fn seconds(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        return format!("{milliseconds}ms");
    }
    format!("{}.{}s", milliseconds / 1000, milliseconds % 1000 / 100)
}

/// The play that was last begun: a play of many stages is named once.
#[derive(Debug, Default)]
pub(super) struct Heading {
    last: Mutex<String>,
}

impl Heading {
    /// The line for a play, unless it was the last one already.
    pub(super) fn line(&self, play: &str) -> Option<String> {
        let mut last = self.last.lock().ok()?;
        if *last == play {
            return None;
        }
        play.clone_into(&mut last);
        Some(format!("-- {play}"))
    }
}
