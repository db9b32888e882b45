//! Events as JSON lines on standard output, for programs.

use std::io::Write as _;

use super::{Event, Sink};

/// Writes one JSON object per event.
#[derive(Debug, Default)]
pub struct JsonLines;

impl Sink for JsonLines {
    fn event(&self, event: &Event) {
        let Ok(line) = serde_json::to_string(event) else {
            return;
        };
        // A closed pipe must not stop the work in the middle.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}
