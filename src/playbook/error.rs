//! What can be wrong with a playbook. Everything that can be known without a host is found at load.

use thiserror::Error;

use crate::playbook::Place;
use crate::yaml::Diagnostics;

/// A playbook that cannot be used.
#[derive(Debug, Error)]
pub enum PlaybookError {
    /// The file is not what a playbook is; each diagnostic has its place.
    #[error("the playbook is not valid")]
    Invalid(Diagnostics),
    /// A file that a playbook names is not there.
    #[error("no playbook `{name}`; there are: {known}")]
    NotFound {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A task could not be worked out for a host.
    #[error("{place}: task \"{task}\" on {host}")]
    Task {
        /// Where the task stands.
        place: Place,
        /// Its name.
        task: String,
        /// For which host.
        host: String,
        /// Why.
        source: TaskError,
    },
}

/// Why a task could not be worked out.
#[derive(Debug, Error)]
pub enum TaskError {
    /// A template or an expression failed.
    #[error("{name}, line {line}: {detail}")]
    Template {
        /// The template's file, or the expression's text.
        name: String,
        /// 1-based line within it.
        line: usize,
        /// The engine's words; never a variable's value.
        detail: String,
    },
    /// A template file that does not exist.
    #[error("no template `{name}`; there are: {known}")]
    NoTemplate {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A file to copy that does not exist.
    #[error("no file `{name}` to copy; there are: {known}")]
    NoFile {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// It rests on what another task says when it runs, which it has not yet.
    #[error("it rests on `{name}`, which is known once its task has run")]
    NotYet {
        /// The name that it is registered under.
        name: String,
    },
    /// What was asserted does not hold.
    #[error("{0}")]
    Asserted(String),
    /// The arguments do not make sense on this host.
    #[error("{0}")]
    Arguments(String),
}
