//! How an action ended. A dropped link is not a failure: the action may have happened, and only
//! another look can tell.

use serde::Serialize;

use crate::plan::Answer;

/// The end of one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Done now.
    Changed,
    /// It was so already.
    Already,
    /// Not done.
    Failed {
        /// What, where, why.
        error: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// A command or a query came to its end and said this; whoever asked judges what it means.
    Said {
        /// What it said.
        answer: Answer,
    },
    /// Done in part; what is missing was counted.
    Partial {
        /// What, where, why.
        error: String,
        /// What to do next.
        hint: Option<String>,
        /// How many transactions are missing.
        missing: u64,
    },
    /// The answer was lost: it may have happened. Never retried blindly; observed again.
    Unknown {
        /// What was lost.
        error: String,
    },
}

impl Outcome {
    /// Whether the wanted state was reached for certain.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Changed | Self::Already)
    }
}
