//! What hactl itself has left on a host for every later hactl to see: files in one folder, written and
//! taken away like any other file. They are hints for people and watchers; no safety rule may rest on
//! one alone, since a host can be away when it is written.

use serde::{Deserialize, Serialize};

use crate::inventory::{ClusterName, HostName};

/// The marks of one cluster on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Marks {
    /// Watchers leave this host, or the whole cluster, alone.
    pub maintenance: Option<Mark>,
    /// The latest failover of the cluster, as far as this host heard of it.
    pub failover: Option<Mark>,
    /// This host's server was fenced, and waits for its rejoin.
    pub fenced: Option<Mark>,
}

/// One mark: one JSON object in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When, in seconds since the Unix epoch by the controller's clock.
    pub at: i64,
    /// Who set it: user, machine and process of the controller.
    pub by: String,
    /// What it concerns: the host in maintenance (`None`: the whole cluster), the failed primary.
    pub host: Option<HostName>,
    /// One line for a person.
    pub text: String,
}

/// Kinds of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// [`Marks::maintenance`].
    Maintenance,
    /// [`Marks::failover`].
    Failover,
    /// [`Marks::fenced`].
    Fenced,
}

impl MarkKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Maintenance, Self::Failover, Self::Fenced];

    /// The name of the file, without its folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance.json",
            Self::Failover => "failover.json",
            Self::Fenced => "fenced.json",
        }
    }

    /// The file's absolute path on a host. Not below `/run`: a mark outlives a reboot.
    pub fn path(self, cluster: &ClusterName) -> String {
        format!("{}/{}", Self::folder(cluster), self.file_name())
    }

    /// The folder of all marks of a cluster.
    pub fn folder(cluster: &ClusterName) -> String {
        format!("/var/lib/hactl/{cluster}")
    }
}
