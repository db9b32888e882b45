//! Events as live lines on a terminal: one line per host that is at work, and a lasting line for each
//! step that ended.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::page::fold;
use super::plain::{Heading, ended};
use super::{Event, Sink};
use crate::inventory::HostName;
use crate::plan::Action;

/// The screen's width; it may change while hactl runs.
fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// Live lines.
#[derive(Debug)]
pub struct Bars {
    screen: MultiProgress,
    lines: Mutex<BTreeMap<HostName, ProgressBar>>,
    heading: Heading,
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            screen: MultiProgress::new(),
            lines: Mutex::default(),
            heading: Heading::default(),
        }
    }
}

impl Bars {
    fn say(&self, line: &str) {
        // Fails only when the terminal is gone.
        let _ = self.screen.println(fold(line, columns()));
    }

    fn clear(&self, host: &HostName) {
        let Ok(mut lines) = self.lines.lock() else {
            return;
        };
        if let Some(line) = lines.remove(host) {
            line.finish_and_clear();
            self.screen.remove(&line);
        }
    }

    fn with_line(&self, host: &HostName, change: impl FnOnce(&ProgressBar)) {
        let Ok(mut lines) = self.lines.lock() else {
            return;
        };
        let line = lines.entry(host.clone()).or_insert_with(|| {
            let line = self.screen.add(ProgressBar::new_spinner());
            // The template is a constant; the default style serves as well.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}") {
                line.set_style(style);
            }
            line.set_prefix(host.to_string());
            line.enable_steady_tick(Duration::from_millis(100));
            line
        });
        change(line);
    }
}

impl Sink for Bars {
    fn event(&self, event: &Event) {
        match event {
            Event::Started { .. } => {}
            Event::StageStarted { play } => {
                if let Some(line) = self.heading.line(play) {
                    self.say(&line);
                }
            }
            Event::StepStarted { step } => {
                self.with_line(&step.host, |line| line.set_message(step.action.to_string()));
            }
            Event::Progress { host, text } => {
                self.with_line(host, |line| line.set_message(text.clone()));
            }
            Event::Copying { host, copying } => {
                self.with_line(host, |line| line.set_message(copying.to_string()));
            }
            Event::StepEnded {
                step,
                outcome,
                milliseconds,
            } => {
                self.say(&ended(
                    &step.host,
                    &step.action.to_string(),
                    outcome,
                    *milliseconds,
                ));
                self.clear(&step.host);
                if let Action::Seed { into, .. } = &step.action {
                    for replica in into {
                        self.clear(replica);
                    }
                }
            }
            Event::Note { text, details } => {
                self.say(text);
                for detail in details {
                    self.say(&format!("    {detail}"));
                }
            }
        }
    }
}
