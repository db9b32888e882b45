//! A server's option file as it should be, and how the running server comes to have what is in it. Must
//! never hold a secret: the file is shown in diffs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::plan::FileChange;

/// Brings a server and its option file in line. The file is tried by the server's own program before
/// anything relies on it; a server that does not start with it gets the old one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerConfig {
    /// The file.
    pub file: FileChange,
    /// The server's unit.
    pub unit: String,
    /// How it takes effect.
    pub takes: TakesEffect,
}

/// How a new option file takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakesEffect {
    /// The running server is told each of these settings; it goes on running.
    Live(BTreeMap<String, String>),
    /// The server is restarted, or started.
    Restart,
}

impl ServerConfig {
    /// Whether the file gets another content; otherwise the server is restarted with the one that it has.
    pub fn changes_the_file(&self) -> bool {
        self.file.before.as_ref() != Some(&self.file.content)
    }
}

impl fmt::Display for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, unit) = (&self.file.path, &self.unit);
        match (&self.file.before, &self.takes) {
            (Some(before), TakesEffect::Restart) if *before == self.file.content => {
                write!(f, "restart {unit}")
            }
            (None, TakesEffect::Restart) => write!(f, "create {path} and restart {unit}"),
            (Some(_), TakesEffect::Restart) => write!(f, "change {path} and restart {unit}"),
            (_, TakesEffect::Live(settings)) => {
                let mut lead = if self.changes_the_file() {
                    write!(f, "change {path}")?;
                    ", set live: "
                } else {
                    "set back live: "
                };
                for (name, value) in settings {
                    write!(f, "{lead}{name} = {value}")?;
                    lead = ", ";
                }
                Ok(())
            }
        }
    }
}
