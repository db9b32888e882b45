//! The machine under a database server: login, distribution, packages, files, units, addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use crate::facts::{ClockOffset, Inspected, Marks, PackageManager, ServerProgram};

/// Facts of one machine. Maps hold what was asked for; a missing entry means "not asked".
#[derive(Clone, Debug, Default, Serialize)]
pub struct OsFacts {
    /// `hostname`, as the machine says it.
    pub hostname: String,
    /// Who we are there.
    pub login: Login,
    /// `ID` of os-release: `debian`, `ubuntu`, …
    pub distribution: String,
    /// `PRETTY_NAME` of os-release: `Debian GNU/Linux 12 (bookworm)`.
    pub distribution_name: String,
    /// `VERSION_CODENAME` of os-release, or its `VERSION_ID`.
    pub release: String,
    /// The machine's clock, seconds since the Unix epoch.
    pub clock: i64,
    /// By how much it is ahead of this machine's.
    pub clock_offset: Option<ClockOffset>,
    /// Free bytes where the data folder is or will be.
    pub disk_free: Option<u64>,
    /// The server program, where it is installed.
    pub server_program: Option<ServerProgram>,
    /// SHA-256 in hex of the password that the replica uses towards its source, where the server
    /// keeps it in a file that only root reads.
    #[serde(skip)]
    pub source_password_sha256: Option<String>,
    /// What installs packages there; asked together with packages.
    pub package_manager: Option<PackageManager>,
    /// Packages by name.
    pub packages: BTreeMap<String, PackageFacts>,
    /// Files by absolute path.
    pub files: BTreeMap<String, FileFacts>,
    /// Paths of which only the outside was asked for.
    pub paths: BTreeMap<String, PathFacts>,
    /// Parameters of the kernel by name; `None` where it has no such parameter.
    pub sysctls: BTreeMap<String, Option<String>>,
    /// TCP ports that were asked about, and whether anything listens there.
    pub ports: BTreeMap<u16, bool>,
    /// Units by name.
    pub units: BTreeMap<String, UnitFacts>,
    /// Names of network interfaces.
    pub interfaces: Vec<String>,
    /// Every address on every interface.
    pub addresses: Vec<InterfaceAddress>,
    /// What hactl left there for this cluster.
    pub marks: Marks,
    /// Who holds the watchers' lock there: user, controller, pid and since when.
    pub watcher: Option<String>,
    /// What only a whole check asks.
    pub inspected: Option<Inspected>,
}

impl OsFacts {
    /// Whether an address is on any interface of this machine.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|held| held.address == address)
    }
}

/// Whom ssh logged in as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The login name.
    pub user: String,
    /// The login's user id; 0 needs no sudo.
    pub uid: u32,
    /// How scripts became root.
    pub root: RootAccess,
}

/// How a script has root's rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RootAccess {
    /// The login is root.
    Direct,
    /// By sudo, with a password or without.
    Sudo,
    /// Not at all.
    #[default]
    None,
}

/// One package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PackageFacts {
    /// The installed version.
    pub installed: Option<String>,
    /// What would be installed, where apt says so. `None` also when the package lists are empty; dnf and yum
    /// are not asked, since they may fetch their lists first.
    pub candidate: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFacts {
    /// Nothing at that path.
    Absent,
    /// A regular file.
    Present {
        /// Its whole content.
        content: String,
        /// Owner's name.
        owner: String,
        /// Group's name.
        group: String,
        /// Permission bits in octal without a leading zero: `644`.
        mode: String,
    },
    /// Something that is no regular file.
    Other(String),
}

/// The outside of one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathFacts {
    /// Nothing there.
    Absent,
    /// Something.
    Present {
        /// What it is.
        kind: PathKind,
        /// Owner's name.
        owner: String,
        /// Group's name.
        group: String,
        /// Permission bits in octal without a leading zero.
        mode: String,
    },
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, and what it names.
    Link(String),
    /// Something else, in words.
    Other(String),
}

/// One systemd unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitFacts {
    /// Whether it runs.
    pub state: UnitState,
    /// `systemctl is-enabled`: `enabled`, `disabled`, `masked`, `static`, …
    pub enablement: String,
    /// Whether its configuration was written after it started: it runs with an older one.
    pub stale: bool,
    /// When systemd starts it again by itself: `on-failure`, `no`, …; empty for units that are no service.
    pub restart: String,
    /// Whether its files were written after systemd read them.
    pub unread: bool,
}

impl UnitFacts {
    /// A unit that systemd does not know.
    pub fn unknown() -> Self {
        Self {
            state: UnitState::NotFound,
            enablement: String::new(),
            stale: false,
            restart: String::new(),
            unread: false,
        }
    }

    /// Whether it starts at boot.
    pub fn is_enabled(&self) -> bool {
        self.enablement.starts_with("enabled")
    }
}

/// Whether a unit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// Running, or listening, or done with success and remaining.
    Active,
    /// On its way up or down.
    Changing,
    /// Not running.
    Inactive,
    /// Not running, after a failure.
    Failed,
    /// No such unit.
    NotFound,
}

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InterfaceAddress {
    /// Interface name.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Prefix length in bits.
    pub prefix_len: u8,
}
