//! The closed list of things that can be done to a host. Data only, and each of them is idempotent:
//! doing it twice is doing it once. Wording for a person lives here too, so that plan, progress,
//! journal and JSON use the same sentence.

use std::fmt;

use serde::Serialize;

use crate::inventory::HostName;
use crate::mysql::{AccountRole, Switch};

/// One thing to do on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// Install packages by the distribution's package manager.
    InstallPackages {
        /// Package names.
        packages: Vec<String>,
    },
    /// Write a file: to a temporary file in the same folder, then renamed over the old one.
    WriteFile(FileChange),
    /// `systemctl daemon-reload`.
    ReloadUnits,
    /// Change a unit's state.
    SetUnit {
        /// The unit's name.
        unit: String,
        /// What to do with it.
        change: UnitChange,
    },
    /// Create hactl's own administration account as root on the host, outside the binary log.
    InstallAdmin,
    /// Set a variable of a running server; never written to its files.
    SetVariable {
        /// Which.
        variable: LiveVariable,
        /// To what.
        value: Switch,
    },
    /// Create one of the inventory's accounts, or bring its password and privileges in line. Only on
    /// the primary: it replicates.
    EnsureAccount {
        /// Which account.
        role: AccountRole,
        /// What differs, in words.
        differs: Vec<String>,
    },
    /// Dump this server and load the dump into replicas, all at once.
    Seed {
        /// The replicas to fill.
        into: Vec<HostName>,
        /// Those of them whose present content is dropped first.
        emptied: Vec<HostName>,
    },
    /// Point this replica at its source and start it, losing nothing that it has received.
    Replicate {
        /// The server to replicate from.
        source: HostName,
        /// What differs, in words.
        differs: Vec<String>,
    },
    /// Write a row here and read it on every replica, then compare GTIDs.
    ProveReplication {
        /// The replicas to read it on.
        replicas: Vec<HostName>,
    },
    /// Add an address to an interface and announce it by gratuitous ARP.
    AddVip {
        /// Address with prefix length.
        address: String,
        /// The interface.
        interface: String,
    },
    /// Take an address off an interface.
    RemoveVip {
        /// Address with prefix length.
        address: String,
        /// The interface.
        interface: String,
    },
}

/// A file as it should be, and as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Absolute path.
    pub path: String,
    /// The whole new content.
    pub content: String,
    /// Owner's name.
    pub owner: String,
    /// Group's name.
    pub group: String,
    /// Permission bits in octal without a leading zero.
    pub mode: String,
    /// The content before; `None` where there was no file.
    pub before: Option<String>,
}

/// What to do with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitChange {
    /// Start it now.
    Start,
    /// Stop it now.
    Stop,
    /// Stop it and start it.
    Restart,
    /// Start it at boot.
    Enable,
    /// Do not start it at boot.
    Disable,
    /// Let nothing start it at all.
    Mask,
}

/// Variables that hactl switches on a running server. The roles are switched live and never written
/// to a file, since a server must boot harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveVariable {
    /// No writes by clients; on MySQL none by privileged ones either.
    ReadOnly,
    /// A commit waits until a replica has acknowledged it.
    SemiSyncSource,
}

impl fmt::Display for LiveVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "read-only",
            Self::SemiSyncSource => "semi-sync as source",
        })
    }
}

impl Action {
    /// Whether clients of a running cluster can notice it.
    pub fn interrupts_clients(&self) -> bool {
        match self {
            Self::SetUnit { change, .. } => {
                matches!(change, UnitChange::Restart | UnitChange::Stop)
            }
            Self::RemoveVip { .. } => true,
            Self::SetVariable { variable, value } => {
                *variable == LiveVariable::ReadOnly && *value == Switch::On
            }
            _ => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InstallPackages { packages } => write!(f, "install {}", packages.join(", ")),
            Self::WriteFile(file) => match file.before {
                None => write!(f, "create {}", file.path),
                Some(_) => write!(f, "change {}", file.path),
            },
            Self::ReloadUnits => f.write_str("reload systemd's units"),
            Self::SetUnit { unit, change } => {
                let verb = match change {
                    UnitChange::Start => "start",
                    UnitChange::Stop => "stop",
                    UnitChange::Restart => "restart",
                    UnitChange::Enable => "enable",
                    UnitChange::Disable => "disable",
                    UnitChange::Mask => "mask",
                };
                write!(f, "{verb} {unit}")
            }
            Self::InstallAdmin => f.write_str("create the admin account"),
            Self::SetVariable { variable, value } => match value {
                Switch::On => write!(f, "turn {variable} on"),
                Switch::Off => write!(f, "turn {variable} off"),
            },
            Self::EnsureAccount { role, differs } => {
                write!(f, "{role} account: {}", differs.join(" and "))
            }
            Self::Seed { into, emptied } => write_seed(f, into, emptied),
            Self::Replicate { source, .. } => {
                write!(f, "replicate from {source}")
            }
            Self::ProveReplication { replicas } => {
                write!(f, "write a row and read it on {}", names(replicas))
            }
            Self::AddVip { address, interface } => write!(f, "add {address} to {interface}"),
            Self::RemoveVip { address, interface } => {
                write!(f, "remove {address} from {interface}")
            }
        }
    }
}

fn write_seed(f: &mut fmt::Formatter<'_>, into: &[HostName], emptied: &[HostName]) -> fmt::Result {
    write!(f, "dump and load into {}", names(into))?;
    if !emptied.is_empty() {
        write!(f, " (after dropping every database on {})", names(emptied))?;
    }
    Ok(())
}

fn names(hosts: &[HostName]) -> String {
    hosts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
