//! Several readers of one stream.

use super::{Event, Sink};

/// Hands each event to every reader, in order.
#[derive(Default)]
pub struct Tee<'a>(pub Vec<&'a dyn Sink>);

impl Sink for Tee<'_> {
    fn event(&self, event: &Event) {
        for sink in &self.0 {
            sink.event(event);
        }
    }
}
