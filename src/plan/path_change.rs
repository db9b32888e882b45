//! What a path should be, and what is waited for, as data.

use std::fmt;

use serde::Serialize;

/// A path as it should be. What is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathChange {
    /// Absolute path.
    pub path: String,
    /// What it is.
    pub state: PathState,
    /// Owner's name.
    pub owner: Option<String>,
    /// Group's name.
    pub group: Option<String>,
    /// Permission bits in octal without a leading zero.
    pub mode: Option<String>,
}

/// What a path should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathState {
    /// A file that is there already.
    File,
    /// A folder.
    Folder,
    /// A symbolic link that names this.
    Link(String),
    /// Nothing; a folder is only taken away when it is empty.
    Absent,
}

impl fmt::Display for PathChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.state {
            PathState::File => write!(f, "change owner and mode of {path}"),
            PathState::Folder => write!(f, "folder {path}"),
            PathState::Link(target) => write!(f, "link {path} to {target}"),
            PathState::Absent => write!(f, "remove {path}"),
        }
    }
}

/// Something on a host that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// A TCP port of the host listens.
    PortOpen(u16),
    /// It does not.
    PortClosed(u16),
    /// A path exists.
    PathThere(String),
    /// It does not.
    PathGone(String),
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortOpen(port) => write!(f, "port {port} listens"),
            Self::PortClosed(port) => write!(f, "port {port} is closed"),
            Self::PathThere(path) => write!(f, "{path} exists"),
            Self::PathGone(path) => write!(f, "{path} is gone"),
        }
    }
}
