//! One stream of events, and its readers: progress for a terminal, plain lines, JSON lines, the
//! journal. A reader never influences what happens.

mod event;
mod failover_report;
mod failover_text;
mod json_lines;
mod junit;
mod outputs;
mod page;
mod plain;
mod progress;
mod tee;
mod timeline;

pub use event::{Event, Sink};
pub use failover_report::{FailoverCase, FailoverReport, Moment, ReportError};
pub use json_lines::JsonLines;
pub use junit::{Case, CaseResult, junit};
pub use outputs::Outputs;
pub use page::fold;
pub use plain::Plain;
pub use progress::Bars;
pub use tee::Tee;
pub use timeline::{Span, Timeline};
