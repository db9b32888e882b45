//! What went wrong, as a person reads it: what, where, why, and what to do next.

use std::fmt::Write as _;
use std::path::PathBuf;

use thiserror::Error;

use super::Exit;
use super::findings::count;
use crate::decide::{Finding, Refusal};
use crate::execute::{JournalError, RunError, Unsafe};
use crate::fleet::lock::LockError;
use crate::inventory::InventoryError;
use crate::plan::Violation;
use crate::playbook::{PlaybookError, TaskError};
use crate::watch::WatchError;
use crate::yaml::Paint;

/// A command that did not get to its end.
#[derive(Debug, Error)]
pub enum CliError {
    /// The inventory.
    #[error("the inventory cannot be used")]
    Inventory(#[from] InventoryError),
    /// A playbook.
    #[error("the playbook cannot be used")]
    Playbook(#[from] PlaybookError),
    /// A template.
    #[error("a template cannot be used")]
    Template(#[from] TaskError),
    /// The machine that hactl runs on.
    #[error("cannot {what}")]
    Local {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder or file that was named.
    #[error("cannot read {path}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Things that stand in the way.
    #[error("cannot begin: {} must be removed first; nothing was changed", count(.0.len(), "obstacle"))]
    Preflight(Vec<Finding>),
    /// Safety rules.
    #[error("refused; nothing was changed")]
    Refused(Vec<Refusal>),
    /// A plan that could be begun, and would not get to its end.
    #[error("refused; nothing was changed. If it were begun, it would end like this")]
    Doomed(Vec<Refusal>),
    /// A stage of the plan broke a rule that holds for any plan.
    #[error("the plan would break a safety rule: {0}; nothing was changed")]
    Unsafe(Violation),
    /// Another hactl.
    #[error("another hactl is at work, or the lock cannot be taken; nothing was changed")]
    Lock(#[from] LockError),
    /// A watch could not begin.
    #[error("cannot watch; nothing was changed")]
    Watch(#[from] WatchError),
    /// It would change something and nobody said yes.
    #[error("this would change something, and there is no terminal to ask on")]
    NoConsent,
    /// A host that is not in the inventory.
    #[error("no host `{0}` in the inventory")]
    NoSuchHost(String),
    /// Something was asked for that is not there.
    #[error("{message}")]
    NotThere {
        /// What.
        message: String,
        /// What is there.
        hint: String,
    },
    /// Variables of the command line.
    #[error("{0}")]
    Variables(crate::yaml::Diagnostics),
    /// It stopped in the middle.
    #[error("stopped in the middle")]
    Stopped {
        /// Why.
        source: RunError,
        /// Where the journal is.
        journal: PathBuf,
    },
    /// A change of leadership failed before anything was changed.
    #[error("failed; nothing was changed")]
    FailedEarly(Vec<Refusal>),
    /// A change of leadership did not get to its end, after changes began.
    #[error("not finished; changes were begun")]
    Halted {
        /// Why, and whether it was undone.
        refusals: Vec<Refusal>,
        /// Where the journal is, if there could be one.
        journal: Option<PathBuf>,
    },
    /// A stage broke a rule after changes began: a defect of hactl.
    #[error("stopped in the middle, and nothing more was done")]
    Cut(#[from] Unsafe),
    /// What was shown is no longer what would be done.
    #[error("the cluster changed while the plan was shown; nothing was changed")]
    Overtaken,
}

impl CliError {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Preflight(findings) => {
                let unreachable = |finding: &Finding| finding.code == "HostUnreachable";
                if findings.iter().all(unreachable) {
                    Exit::Unreachable
                } else {
                    Exit::Failed
                }
            }
            Self::Refused(_)
            | Self::Doomed(_)
            | Self::Unsafe(_)
            | Self::Overtaken
            | Self::NoConsent
            | Self::Watch(WatchError::Post(LockError::Held { .. }))
            | Self::Lock(LockError::Held { .. }) => Exit::Refused,
            Self::NoSuchHost(_) | Self::NotThere { .. } | Self::Variables(_) => Exit::Usage,
            Self::Stopped { .. } | Self::Halted { .. } | Self::Cut(_) => Exit::Incomplete,
            _ => Exit::Failed,
        }
    }

    /// The whole text for a person.
    pub fn render(&self) -> String {
        match self {
            Self::Inventory(error) => error.render(Paint::Colored),
            Self::Playbook(PlaybookError::Invalid(diagnostics)) => {
                diagnostics.render(Paint::Colored)
            }
            Self::Variables(diagnostics) => diagnostics.render(Paint::Colored),
            Self::Preflight(findings) => {
                let mut text = headline(self);
                for finding in findings {
                    let place = finding
                        .host
                        .as_ref()
                        .map_or("cluster", |host| host.as_ref());
                    let _ = write!(
                        text,
                        "\n  {place}: {} [{}]\n    hint: {}",
                        finding.message, finding.code, finding.next
                    );
                }
                text
            }
            Self::Refused(refusals) | Self::Doomed(refusals) | Self::FailedEarly(refusals) => {
                headline(self) + &reasons(refusals)
            }
            Self::Halted { refusals, journal } => {
                let mut text = headline(self) + &reasons(refusals);
                if let Some(journal) = journal {
                    let _ = write!(text, "\nwhat was done: {}", journal.display());
                }
                text
            }
            _ => self.chain(),
        }
    }

    fn chain(&self) -> String {
        let mut text = headline(self);
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let _ = write!(text, "\n  caused by: {error}");
            source = error.source();
        }
        if let Some(hint) = self.hint() {
            let _ = write!(text, "\nhint: {hint}");
        }
        text
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Lock(error) => Some(error.hint()),
            Self::Watch(error) => Some(error.hint()),
            Self::NoConsent => {
                Some("look at the plan with --check, then run with --yes".to_owned())
            }
            Self::Overtaken => Some("run the command again and look at the new plan".to_owned()),
            Self::Cut(_) => Some(
                "this is a defect of hactl: report it with the journal; `hactl status` shows the \
                 cluster as it is, and the same command goes on from there"
                    .to_owned(),
            ),
            Self::NotThere { hint, .. } => Some(hint.clone()),
            Self::NoSuchHost(_) => Some("host names are the keys under `hosts:`".to_owned()),
            Self::Stopped { journal, .. } => Some(format!(
                "run the command again, it looks first and goes on from there; what was done: {}",
                journal.display()
            )),
            Self::Journal(_) => {
                Some("set XDG_STATE_HOME to a folder that can be written to".to_owned())
            }
            Self::Unreadable { .. } => Some("name a folder that exists and can be read".to_owned()),
            _ => None,
        }
    }
}

/// Each with its way out.
fn reasons(refusals: &[Refusal]) -> String {
    let mut text = String::new();
    for refusal in refusals {
        let _ = write!(
            text,
            "\n  {}\n    hint: {}",
            refusal.reason, refusal.way_out
        );
    }
    text
}

fn headline(error: &CliError) -> String {
    let red = anstyle::Style::new()
        .fg_color(Some(anstyle::AnsiColor::Red.into()))
        .bold();
    format!("{red}error{red:#}: {error}")
}
