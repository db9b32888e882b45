//! A playbook after validation: plays, tasks, handlers. What was written wrong never gets this far.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::RunAs;
use crate::playbook::arguments::Vars;
use crate::playbook::{Module, Pattern, Serial, Word};

/// A list of plays, done one after the other.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// File name, for messages.
    pub name: String,
    /// The plays.
    pub plays: Vec<Play>,
    /// The words that an inventory has to explain.
    pub(super) words: Vec<Word>,
}

impl Playbook {
    /// Every task, handlers too, in the order of the files.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.plays
            .iter()
            .flat_map(|play| play.tasks.iter().chain(&play.handlers))
    }

    /// Whether it changes who leads, who follows, or what they hold: then every rule about the cluster
    /// as a whole applies, whatever part of it is acted on.
    pub fn concerns_cluster(&self) -> bool {
        self.tasks().any(|task| task.module.concerns_cluster())
    }
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
    /// Variables of all its tasks.
    pub vars: Vars,
    /// In order, blocks taken apart: [`Task::within`] says where each belongs.
    pub tasks: Vec<Task>,
    /// The blocks that catch or clean up, by [`Within::block`].
    pub blocks: Vec<Block>,
    /// Done at the end of the play, once, if a task that changed something notified them.
    pub handlers: Vec<Handler>,
}

/// A block that has more than tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What happens to a failure in its tasks.
    pub failure: Failing,
}

/// What happens to a failure inside of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// The `rescue` tasks run, and the host is well again.
    Caught,
    /// It goes on to whatever is around the block.
    Passes,
}

/// Where in a block a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// Which of the play's blocks.
    pub block: usize,
    /// In which of its lists.
    pub section: Section,
}

/// The lists of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// `block`.
    Tasks,
    /// `rescue`: where a task of the block failed.
    Rescue,
    /// `always`: whatever happened.
    Always,
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
    /// Expressions that must all hold, those of its blocks first.
    pub when: Vec<String>,
    /// Once per item, as `item`.
    pub items: Loop,
    /// Handlers to run when it changes something.
    pub notify: Vec<String>,
    /// The name under which later tasks find its result.
    pub register: Option<String>,
    /// Its own tags, its blocks' and its play's.
    pub tags: BTreeSet<String>,
    /// Variables of its blocks, outermost first, then its own.
    pub vars: Vec<Vars>,
    /// As whom a command runs.
    pub run_as: RunAs,
    /// How often it is tried.
    pub retry: Option<Retry>,
    /// Whether what a command said means that it changed something; all must hold.
    pub changed_when: Option<Vec<String>>,
    /// Whether what a command said means that it failed; all must hold.
    pub failed_when: Option<Vec<String>>,
    /// The blocks around it, outermost first.
    pub within: Vec<Within>,
}

impl Task {
    /// Whether something after it may rest on how it ended: then it stands between two barriers.
    pub fn is_awaited(&self) -> bool {
        self.register.is_some() || self.retry.is_some() || self.module.answers()
    }
}

/// A task that runs when notified.
pub type Handler = Task;

/// What a task is done once for each of.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loop {
    /// It is no loop.
    #[default]
    Once,
    /// These; texts in them may hold `{{ … }}`.
    Items(Vec<serde_json::Value>),
    /// The list that this expression gives.
    Expression(String),
}

/// A task that is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often after the first time.
    pub times: u32,
    /// The pause before each.
    pub delay: Duration,
    /// What must hold of its result; that it did not fail, where nothing is given.
    pub until: Vec<String>,
}

/// Which of a play's hosts a task is for. A change from one task to the next is a barrier: what one
/// part does is done before the other begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunOn {
    /// Every host of the play, side by side.
    #[default]
    All,
    /// Every host of the play, one after the other, the primary last.
    Each,
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
