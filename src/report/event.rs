//! What happens during a run, as data. No event holds a secret, since no step does.

use serde::Serialize;

use crate::inventory::HostName;
use crate::plan::{Copying, Outcome, Step};

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A command began.
    Started {
        /// The command: `bootstrap cluster shop`.
        intent: String,
    },
    /// A stage began.
    StageStarted {
        /// Its play.
        play: String,
    },
    /// A step began.
    StepStarted {
        /// Which.
        step: Step,
    },
    /// A long step is this far.
    Progress {
        /// Where.
        host: HostName,
        /// Short, for a person.
        text: String,
    },
    /// Data are being copied to a host.
    Copying {
        /// To whom.
        host: HostName,
        /// How far it is.
        #[serde(flatten)]
        copying: Copying,
    },
    /// A step ended.
    StepEnded {
        /// Which.
        step: Step,
        /// How.
        outcome: Outcome,
        /// How long it took.
        milliseconds: u64,
    },
    /// Something worth saying that is no step.
    Note {
        /// For a person.
        text: String,
        /// What it rests on and what to do next, where it is more than a sentence.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        details: Vec<String>,
    },
}

/// A reader of events.
pub trait Sink: Send + Sync {
    /// Takes one event. It must return at once.
    fn event(&self, event: &Event);
}
