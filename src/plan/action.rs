//! The closed list of things that can be done to a host. Data only, and each of them is idempotent. Wording
//! for a person lives here too, so that plan, progress, journal and JSON use the same sentence.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::inventory::{HookPoint, HostName};
use crate::mysql::{AccountRole, BinlogName, GtidSet, Switch};
use crate::plan::{
    AccountMeans, Awaited, Command, PathChange, Proof, Query, ServerConfig, TakesEffect,
};

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
    /// Bring a server's option file in line, and the server with it: proven by the server's own program
    /// first, undone where the server does not start with it. Done when the server answers again, and
    /// follows or is followed as before.
    Configure(ServerConfig),
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
    /// Bring one of the inventory's accounts in line. Only on the primary: it replicates.
    EnsureAccount {
        /// Which account.
        role: AccountRole,
        /// By which statements.
        means: AccountMeans,
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
        /// What differs, in words; nothing when it has this source already and only stands.
        differs: Vec<String>,
    },
    /// Give this replica its next source and let it stand, so that a later [`Action::Replicate`] only
    /// starts it. It receives nothing from a server that may not be promoted after all. A replica that
    /// cannot take it in time is left as it is, which is no failure: it was only to save time.
    Repoint {
        /// The server that it shall replicate from.
        source: HostName,
        /// How long writers wait for it at most.
        within: Duration,
    },
    /// Wait a moment before the next step on this host: writers wait for what others do meanwhile, and
    /// this host would only take processors and disks that they share. Changes nothing.
    GiveWay {
        /// For how long.
        pause: Duration,
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
        /// Whether a neighbour that holds the address is asked for first.
        neighbours: Neighbours,
        /// After how long without renewal the kernel takes it off again; `None` is never.
        lease: Option<Duration>,
    },
    /// Take an address off an interface.
    RemoveVip {
        /// Address with prefix length.
        address: String,
        /// The interface.
        interface: String,
    },
    /// Take a file away.
    RemoveFile {
        /// Absolute path.
        path: String,
    },
    /// Make a failed primary harmless: VIP off, server killed, and nothing starts it until it rejoins
    /// (S12).
    Fence {
        /// By which means.
        method: FenceMethod,
    },
    /// Let a fenced server be started again, read-only, and start it.
    Unfence,
    /// Stop the receiver, then apply everything that was received (S1 to S6). The applier is left
    /// running, the receiver stopped, on every flavor.
    Drain {
        /// Whether that outlasts a restart.
        at_boot: Receiving,
    },
    /// Read what the dead primary's binary log holds beyond what this server has, and apply it here
    /// (S15). Needs ssh to the dead host.
    Salvage {
        /// The dead primary.
        from: HostName,
        /// Up to where this server had received, in the dead primary's binary log.
        after: Option<(BinlogName, u64)>,
    },
    /// Fetch from another replica what that one has more, and apply it. Receiver stopped afterwards.
    CatchUp {
        /// The replica that is ahead.
        source: HostName,
        /// What must have been applied then.
        until: GtidSet,
    },
    /// Wait until this replica has applied a position; it goes on replicating.
    AwaitPosition {
        /// What must have been applied.
        position: GtidSet,
        /// How long at most.
        within: Duration,
    },
    /// Make this replica no replica any more, and prove that it commits. It still refuses clients' writes
    /// afterwards.
    Promote {
        /// How long the locks of others, and what is not applied yet, may hold it up.
        within: Duration,
        /// How it proves it.
        proof: Proof,
    },
    /// Wait until a replica acknowledges what is committed here.
    AwaitAcker {
        /// How long at most.
        within: Duration,
    },
    /// Let this replica fetch from its source under another server id for a moment, and then under its own
    /// again. A source whose earlier dump thread for it does not come to its end lets nobody in by that
    /// id, and ends the thread when anybody comes by another.
    FetchAnew,
    /// Let this replica attach to its source by file and position, once all that it has received is applied.
    /// That acknowledges everything before the position, which attaching by GTID does not (`MariaDB`).
    /// It stays so until it is told to follow by GTID again.
    AttachByPosition,
    /// Take the address that clients come by off a live primary, and make it refuse writes within a
    /// bound (S8), side by side; with both done, end its clients' sessions. Fails and leaves it
    /// writable when it is blocked for longer; the address may be gone then.
    Demote {
        /// How long at most.
        within: Duration,
        /// The writer VIP, with prefix length, where this server's host holds it.
        vip: Option<String>,
    },
    /// Start a crashed server once so that it cuts off the tail that nobody acknowledged (S9), then
    /// as usual. Nothing is changed where the server cannot.
    Rewind,
    /// Write what this server executed and another has not, as SQL, to a file on this machine.
    SaveErrant {
        /// The server that counts.
        beside: HostName,
        /// The transactions.
        transactions: GtidSet,
        /// The file.
        path: String,
    },
    /// Write what the log of this stopped server holds and another has not executed, as SQL, to a file on
    /// this machine. Nothing is written where there is no such thing; what cannot be read is a failure.
    SaveTail {
        /// The server that counts.
        beside: HostName,
        /// The file.
        path: String,
    },
    /// Run the inventory's hook on this machine.
    RunHook {
        /// Which.
        hook: HookPoint,
    },
    /// Run a user's command on the host.
    Run(Command),
    /// Ask or tell a server what a user's statement says.
    Query(Query),
    /// Make a folder, a link, give an owner and a mode, or take a path away.
    SetPath(PathChange),
    /// Set a parameter of the kernel until the next boot.
    SetSysctl {
        /// Its name: `vm.swappiness`.
        name: String,
        /// Its value.
        value: String,
    },
    /// Wait until something is so. Changes nothing.
    Await {
        /// What.
        what: Awaited,
        /// How long at most.
        within: Duration,
    },
}

/// By which means a failed primary is made harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceMethod {
    /// Over ssh: its host answers.
    Ssh,
    /// By the inventory's command or script, run on this machine: power, switch port, hypervisor.
    Command,
}

/// What a drained replica does when its server starts again, before it was given a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiving {
    /// It does not receive: its source is dead or cut off, and what it would acknowledge to that one is
    /// lost (S4, S12).
    Held,
    /// It goes on as before: its source lives and takes no writes, so there is nothing to receive
    /// that must not be, and a change of leadership that broke off here is as good as not begun.
    Resumes,
}

/// Whether a neighbour that holds an address is looked for before it is added elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbours {
    /// Ask the network first; takes a second. An address that answers is not added.
    Ask,
    /// Do not: the old holder is fenced or proven harmless, or the address is being renewed.
    Known,
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
            Self::Configure(config) => config.takes == TakesEffect::Restart,
            Self::RemoveVip { .. } | Self::Fence { .. } | Self::Demote { .. } => true,
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
            Self::Configure(config) => config.fmt(f),
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
            Self::EnsureAccount {
                role,
                means,
                differs,
            } => write!(f, "{role} account: {means}{}", differs.join(" and ")),
            Self::Seed { into, emptied } => write_seed(f, into, emptied),
            Self::Replicate { source, .. } => {
                write!(f, "replicate from {source}")
            }
            Self::GiveWay { pause } => write!(f, "give way for {} ms", pause.as_millis()),
            Self::Repoint { source, .. } => write!(f, "take {source} as its next source"),
            Self::ProveReplication { replicas } => {
                write!(f, "write a row and read it on {}", names(replicas))
            }
            Self::AddVip {
                address,
                interface,
                lease,
                ..
            } => match lease {
                None => write!(f, "add {address} to {interface}"),
                Some(lease) => write!(f, "add {address} to {interface} for {lease:?}"),
            },
            Self::RemoveVip { address, interface } => {
                write!(f, "remove {address} from {interface}")
            }
            Self::RemoveFile { path } => write!(f, "remove {path}"),
            Self::Fence {
                method: FenceMethod::Ssh,
            } => f.write_str("fence: VIP off, server killed and masked"),
            Self::Fence {
                method: FenceMethod::Command,
            } => f.write_str("fence by the inventory's command"),
            Self::Unfence => f.write_str("unmask and start the server, read-only"),
            Self::Drain { .. } => f.write_str("stop receiving and apply what was received"),
            Self::Salvage { from, .. } => {
                write!(f, "apply the tail of {from}'s binary log")
            }
            Self::CatchUp { source, .. } => write!(f, "fetch from {source} what it has more"),
            Self::AwaitPosition { position, .. } => write!(f, "wait until {position} is applied"),
            Self::Promote {
                proof: Proof::OwnRow,
                ..
            } => f.write_str("promote, and prove that it commits"),
            Self::Promote {
                proof: Proof::Applied,
                ..
            } => f.write_str("promote"),
            Self::FetchAnew => {
                f.write_str("fetch under another server id for a moment, then under its own")
            }
            Self::AttachByPosition => {
                f.write_str("attach by position, which acknowledges all that it has")
            }
            Self::AwaitAcker { .. } => f.write_str("wait until a replica acknowledges"),
            Self::Demote { vip: None, .. } => {
                f.write_str("refuse writes and end clients' sessions")
            }
            Self::Demote { vip: Some(vip), .. } => {
                write!(f, "remove {vip}, refuse writes and end clients' sessions")
            }
            Self::Rewind => f.write_str("cut off the tail that no replica acknowledged"),
            Self::SaveErrant { path, .. } => write!(f, "save what only it has to {path}"),
            Self::SaveTail { beside, path } => {
                write!(
                    f,
                    "save what its log holds and {beside} lacks, if anything, to {path}"
                )
            }
            Self::RunHook { hook } => write!(f, "run the hook {hook}"),
            Self::Run(command) => command.fmt(f),
            Self::Query(query) => query.fmt(f),
            Self::SetPath(change) => change.fmt(f),
            Self::SetSysctl { name, value } => write!(f, "set {name} to {value}"),
            Self::Await { what, .. } => write!(f, "wait until {what}"),
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
