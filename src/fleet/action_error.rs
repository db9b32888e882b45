//! Why an action did not reach its end, on which host, and what to do next. No text in here ever
//! holds a secret: statements are shown in their masked form.

use std::time::Duration;

use thiserror::Error;

use crate::facts::SqlFault;
use crate::fleet::sql::SqlError;
use crate::fleet::ssh::{Effect, LinkError};
use crate::inventory::HostName;
use crate::plan::Outcome;

/// A failed action.
#[derive(Debug, Error)]
pub enum ActionError {
    /// ssh failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// There is no connection to the host.
    #[error("{host}: not connected")]
    NotConnected {
        /// Which host.
        host: HostName,
    },
    /// A script ended with a failure.
    #[error("{host}: {what} ended with status {status}: {stderr}")]
    Script {
        /// Where.
        host: HostName,
        /// What it was for.
        what: &'static str,
        /// Its exit status.
        status: i32,
        /// The end of what it wrote to its error output.
        stderr: String,
        /// What to do next, where it is known.
        hint: Option<String>,
    },
    /// No session on the server.
    #[error("{}", .0.text)]
    Login(SqlFault),
    /// A statement failed.
    #[error("{host}: `{statement}` failed: {source}")]
    Statement {
        /// Where.
        host: HostName,
        /// The statement, secrets masked.
        statement: String,
        /// The server's answer.
        source: SqlError,
    },
    /// A bounded wait ran out.
    #[error("{host}: {what} not within {after:?}")]
    TimedOut {
        /// Where.
        host: HostName,
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The server is not as it must be for this action.
    #[error("{host}: {reason}")]
    Unfit {
        /// Where.
        host: HostName,
        /// What was seen.
        reason: String,
        /// What to do next.
        hint: String,
    },
}

impl ActionError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Link(error) => Some(error.hint()),
            Self::Script { hint, .. } => hint.clone(),
            Self::Unfit { hint, .. } => Some(hint.clone()),
            Self::TimedOut { host, .. } => Some(format!(
                "look at the server's log on {host}; run again to go on from here"
            )),
            Self::NotConnected { .. } | Self::Login(_) | Self::Statement { .. } => None,
        }
    }

    /// Whether it may have happened although the answer was lost.
    fn may_have_happened(&self) -> bool {
        match self {
            Self::Link(error) => error.effect() != Effect::None,
            Self::Statement { source, .. } => !source.server_answered(),
            _ => false,
        }
    }
}

impl From<ActionError> for Outcome {
    fn from(error: ActionError) -> Self {
        if error.may_have_happened() {
            Self::Unknown {
                error: error.to_string(),
            }
        } else {
            Self::Failed {
                hint: error.hint(),
                error: error.to_string(),
            }
        }
    }
}
