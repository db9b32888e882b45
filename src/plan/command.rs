//! A user's command on a host, as data. It travels as a script on standard input; its words become an
//! argument vector on the host, so they must never hold a secret.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// What is run.
    pub invocation: Invocation,
    /// The folder to run it in; the login's or root's own where none is given.
    pub folder: Option<String>,
    /// As whom.
    pub user: RunAs,
    /// What it reads; never shown, since it is the one place for what should not be seen in `ps`.
    #[serde(skip)]
    pub input: Option<String>,
    /// A path that exists when it has ended well, as far as it is told.
    pub leaves: Option<String>,
    /// A path that does not exist any more then.
    pub takes: Option<String>,
    /// How long it may take. It is ended then, with all that it started.
    pub within: Duration,
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invocation {
    /// A program and its arguments; no shell looks at them.
    Words(Vec<String>),
    /// A text for `/bin/sh`.
    Shell(String),
}

/// As whom something runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunAs {
    /// Root.
    #[default]
    Root,
    /// Whom ssh logs in as.
    Login,
    /// This user.
    User(String),
}

/// How much of a command a person is shown.
const SHOWN: usize = 60;

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.invocation {
            Invocation::Words(words) => words.join(" "),
            Invocation::Shell(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "run `{}…`", &text[..end])?,
            None => write!(f, "run `{text}`")?,
        }
        match &self.user {
            RunAs::Root => Ok(()),
            RunAs::Login => f.write_str(" as the login user"),
            RunAs::User(user) => write!(f, " as {user}"),
        }
    }
}
