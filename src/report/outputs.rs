//! What hooks, fences and other steps said on the way, for the report; how far a copy is, is none of it. They were bounded and rid of
//! secrets where they were run; it must never hold more lines than a person would read.

use std::sync::Mutex;

use super::{Event, Sink};

/// How many lines are kept; the first ones, since the last are on the screen.
const KEPT: usize = 500;

/// Keeps what was said.
#[derive(Debug, Default)]
pub struct Outputs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lines: Vec<String>,
}

impl Outputs {
    /// `db1: what it said`, in order.
    pub fn lines(&self) -> Vec<String> {
        let kept = self.0.lock();
        kept.map(|kept| kept.lines.clone()).unwrap_or_default()
    }
}

impl Sink for Outputs {
    fn event(&self, event: &Event) {
        let Ok(mut kept) = self.0.lock() else {
            return;
        };
        if let Event::Progress { host, text } = event {
            match kept.lines.len() {
                0..KEPT => kept.lines.push(format!("{host}: {text}")),
                KEPT => kept.lines.push("(the rest is left out)".to_owned()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::name;

    #[test]
    fn what_is_said_is_kept_up_to_a_bound() {
        let outputs = Outputs::default();
        for line in 0..KEPT + 9 {
            outputs.event(&Event::Progress {
                host: name("db1"),
                text: format!("line {line}"),
            });
        }
        let lines = outputs.lines();
        assert_eq!(lines[0], "db1: line 0");
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!(lines[KEPT], "(the rest is left out)");
    }
}
