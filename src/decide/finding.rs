//! The two things that deciding says to a person: a finding (something is not as it should be) and a
//! refusal (something will not be done). Both name the next step; neither carries out anything.

use std::fmt;

use serde::Serialize;

use crate::facts::{Unreachable, UnreachableKind};
use crate::inventory::HostName;
use crate::plan::{Outcome, Step};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Works now, and will hurt later.
    Warning,
    /// Broken or unsafe now.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name to search for and to filter by, in the field's words: `PrimaryIsReadOnly`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Where; `None` when it concerns the cluster as a whole.
    pub host: Option<HostName>,
    /// What was seen, with the decisive values.
    pub message: String,
    /// What to do next.
    pub next: String,
}

impl Finding {
    /// A server that was made harmless, and waits for its rejoin.
    pub const FENCED: &'static str = "Fenced";
    /// A server beside the primary that a watcher gets no answer from.
    pub const REPLICA_UNREACHABLE: &'static str = "ReplicaUnreachable";

    /// A finding about one host.
    pub fn on(
        host: &HostName,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            host: Some(host.clone()),
            message: message.into(),
            next: next.into(),
        }
    }

    /// A host that could not be looked at; nothing else is concluded about it.
    pub fn unreachable(host: &HostName, why: &Unreachable) -> Self {
        let code = match why.kind {
            UnreachableKind::Network => "HostUnreachable",
            UnreachableKind::HostKey => "HostKeyNotTrusted",
            UnreachableKind::Authentication => "LoginRefused",
            UnreachableKind::Root => "NoRootAccess",
            UnreachableKind::Other => "HostUnusable",
        };
        Self::on(
            host,
            Severity::Error,
            code,
            why.text.clone(),
            why.hint.clone(),
        )
    }

    /// A finding about the cluster.
    pub fn cluster(
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            host: None,
            message: message.into(),
            next: next.into(),
        }
    }
}

/// Something that will not be done, and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where; `None` when it concerns the cluster as a whole.
    pub host: Option<HostName>,
    /// What is refused, and what was seen that forbids it.
    pub reason: String,
    /// The command or the change that gets past it.
    pub way_out: String,
}

impl Refusal {
    /// A refusal because of one host.
    pub fn on(host: &HostName, reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            host: Some(host.clone()),
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }

    /// A refusal because of the cluster as a whole.
    pub fn cluster(reason: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self {
            host: None,
            reason: reason.into(),
            way_out: way_out.into(),
        }
    }

    /// Why a procedure does not go on after a step; `None` after a step that reached its state.
    pub fn after(step: &Step, outcome: &Outcome) -> Option<Self> {
        let (host, what) = (&step.host, &step.action);
        match outcome {
            Outcome::Changed | Outcome::Already | Outcome::Said { .. } => None,
            Outcome::Failed { error, hint } | Outcome::Partial { error, hint, .. } => {
                let hint = hint.as_deref();
                let way_out = hint.unwrap_or("remove the cause, then run again");
                Some(Self::on(
                    host,
                    format!("on {host}, to {what}: {error}"),
                    way_out,
                ))
            }
            Outcome::Unknown { error } => Some(Self::on(
                host,
                format!("on {host}, to {what}: the answer was lost: {error}"),
                "look at the connection, then run again",
            )),
        }
    }
}
