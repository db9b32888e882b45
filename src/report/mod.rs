//! One stream of events, and its readers: progress for a terminal, plain lines, JSON lines, the
//! journal. A reader never influences what happens.

mod event;
mod json_lines;
mod plain;
mod progress;
mod tee;

pub use event::{Event, Sink};
pub use json_lines::JsonLines;
pub use plain::Plain;
pub use progress::Bars;
pub use tee::Tee;
