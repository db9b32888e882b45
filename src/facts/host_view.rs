//! What is known of one host. "Could not look" and "looked, and it is not there" must never become
//! the same value.

use serde::Serialize;

use crate::facts::{LoginCheck, OsFacts};
use crate::mysql::{Dialect, Flavor, ServerFacts, error_code};

/// A host, as far as it could be seen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostView {
    /// ssh did not get through, so nothing is known of the server either.
    Unreachable(Unreachable),
    /// ssh works.
    Reached(Box<Reached>),
}

/// Why a host could not be reached.
#[derive(Clone, Debug, Serialize)]
pub struct Unreachable {
    /// The class of the failure, which decides what is said next.
    pub kind: UnreachableKind,
    /// One line for a person: what happened, where.
    pub text: String,
    /// What to do next.
    pub hint: String,
}

/// Classes of "could not get in".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnreachableKind {
    /// The network or the host did not answer; the only kind that may mean the host is down.
    Network,
    /// The host key is unknown or has changed.
    HostKey,
    /// The host refused our key.
    Authentication,
    /// Logged in, but not allowed to become root.
    Root,
    /// Anything else that stopped us.
    Other,
}

/// A host that answered over ssh.
#[derive(Clone, Debug, Serialize)]
pub struct Reached {
    /// The machine: packages, files, units, addresses.
    pub os: OsFacts,
    /// The database server on it.
    pub server: ServerView,
    /// Whether the replication account could log in from here to the servers that lead or may lead;
    /// asked by `verify`.
    pub logins: Vec<LoginCheck>,
}

impl Reached {
    /// The dialect that is or will be spoken here: by the running server, else by the installed
    /// program, else the one to assume of the flavor.
    pub fn dialect(&self, flavor: Flavor) -> Dialect {
        let installed = || self.os.server_program.as_ref()?.dialect();
        self.server
            .dialect()
            .or_else(installed)
            .unwrap_or_else(|| Dialect::default_dialect(flavor))
    }
}

/// A database server, as far as it could be seen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerView {
    /// No server program is installed.
    Absent,
    /// Installed, and its unit does not run.
    Stopped,
    /// It runs, and would not let us in or did not answer.
    Refused(SqlFault),
    /// It answered.
    Up(Box<ServerFacts>),
}

/// An SQL-level failure, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SqlFault {
    /// The server's error number, where the server itself answered.
    pub number: Option<u16>,
    /// One line for a person.
    pub text: String,
}

impl SqlFault {
    /// Whether the server knows us and said no: to the password, to the way of logging in, or to an account
    /// that is locked or whose password has expired. Such a server is alive.
    pub fn is_access_denied(&self) -> bool {
        matches!(
            self.number,
            Some(
                error_code::ACCESS_DENIED
                    | error_code::ACCESS_DENIED_NO_PASSWORD
                    | error_code::ACCOUNT_LOCKED_MARIADB
                    | error_code::ACCOUNT_LOCKED_MYSQL
                    | error_code::PASSWORD_EXPIRED
                    | error_code::PASSWORD_EXPIRED_AT_LOGIN
            )
        )
    }

    /// Whether the server said that it is shutting down: the last word of one that serves nobody any
    /// more.
    pub fn is_farewell(&self) -> bool {
        self.number == Some(error_code::SHUTDOWN_IN_PROGRESS)
    }
}

impl ServerView {
    /// The facts of a server that answered.
    pub fn up(&self) -> Option<&ServerFacts> {
        match self {
            Self::Up(facts) => Some(facts),
            Self::Absent | Self::Stopped | Self::Refused(_) => None,
        }
    }

    /// The dialect of a server that answered.
    pub fn dialect(&self) -> Option<Dialect> {
        self.up().map(|facts| facts.dialect)
    }
}
