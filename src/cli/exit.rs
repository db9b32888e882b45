//! Exit codes. They are part of the interface: pipelines branch on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, nothing to do, healthy.
    Ok,
    /// Failed before any change.
    Failed,
    /// The command line is wrong.
    Usage,
    /// `verify` found something, or changes are pending.
    Findings,
    /// A host was unreachable, and nothing worse.
    Unreachable,
    /// Failed or incomplete after changes began.
    Incomplete,
    /// Refused by a safety rule, or a lock is held.
    Refused,
    /// Interrupted by a signal.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Findings => 3,
            Exit::Unreachable => 4,
            Exit::Incomplete => 5,
            Exit::Refused => 6,
            Exit::Interrupted => 130,
        })
    }
}
