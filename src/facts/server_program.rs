//! The database server's program that is installed on a host, which is not always the one that runs.

use serde::Serialize;

use crate::mysql::{Dialect, identify_program};

/// What the installed server program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerProgram {
    /// A flavor at a version.
    Known(Dialect),
    /// It says nothing of itself that could be read; its own words.
    Unknown(String),
}

impl ServerProgram {
    /// From the first line that it prints for `--version`.
    pub fn of_line(line: &str) -> Self {
        match identify_program(line) {
            Ok((flavor, version)) => Self::Known(Dialect { flavor, version }),
            Err(_) => Self::Unknown(line.to_owned()),
        }
    }

    /// What a server that it is started as will speak, if that is known.
    pub fn dialect(&self) -> Option<Dialect> {
        match self {
            Self::Known(dialect) => Some(*dialect),
            Self::Unknown(_) => None,
        }
    }
}
