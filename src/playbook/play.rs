//! A playbook after validation: plays, tasks, handlers. What was written wrong never gets this far.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::playbook::{Module, Pattern};

/// A list of plays, done one after the other.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// File name, for messages.
    pub name: String,
    /// The plays.
    pub plays: Vec<Play>,
}

/// Tasks for some of the hosts.
#[derive(Clone, Debug)]
pub struct Play {
    /// For a person.
    pub name: String,
    /// Which hosts.
    pub hosts: Pattern,
    /// How many hosts at a time.
    pub serial: Serial,
    /// In order.
    pub tasks: Vec<Task>,
    /// Done at the end of the play, once, if a task that changed something notified them.
    pub handlers: Vec<Handler>,
}

/// How many hosts a play takes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serial {
    /// All side by side.
    All,
    /// In batches of this size, replicas before the primary.
    Batch(usize),
}

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// For a person.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it makes true.
    pub module: Module,
    /// On which of the play's hosts.
    pub run_on: RunOn,
    /// An expression that must hold.
    pub when: Option<String>,
    /// Once per item, as `item`.
    pub items: Vec<String>,
    /// Handlers to run when it changes something.
    pub notify: Vec<String>,
}

/// A task that runs when notified.
pub type Handler = Task;

/// Which of a play's hosts a task is for. A change from one task to the next is a barrier: what one
/// part does is done before the other begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunOn {
    /// Every host of the play.
    #[default]
    All,
    /// The primary only.
    Primary,
    /// The replicas only.
    Replicas,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// File name.
    pub file: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
