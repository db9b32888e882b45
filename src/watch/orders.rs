//! What a watcher is told, and why it may not even begin. Nothing in here permits a harm by default.

use std::collections::BTreeSet;
use std::path::PathBuf;

use thiserror::Error;

use crate::decide::{Harm, TopologyError};
use crate::fleet::lock::LockError;

/// What a watcher is told to do.
#[derive(Clone, Debug)]
pub struct Orders {
    /// What may be risked.
    pub allowed: BTreeSet<Harm>,
    /// When it ends by itself.
    pub until: Until,
    /// The folder for reports.
    pub reports: PathBuf,
}

/// When a watcher ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// After the first failover that was finished.
    FailedOver,
}

/// Why a watch could not begin.
#[derive(Debug, Error)]
pub enum WatchError {
    /// Somebody else watches, or it cannot be known.
    #[error("another watcher is at its post, or the post cannot be taken")]
    Post(#[source] LockError),
    /// There is no one primary to watch.
    #[error("there is no one primary to watch")]
    NoPrimary(#[source] TopologyError),
    /// The inventory names the first primary, which may long be another.
    #[error("no server answers, and so nobody says who leads")]
    NobodyAnswers,
}

impl WatchError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Post(error) => error.hint(),
            Self::NoPrimary(error) => error.hint(),
            Self::NobodyAnswers => {
                "`hactl status` says why; one server that answers is enough to begin".to_owned()
            }
        }
    }
}
