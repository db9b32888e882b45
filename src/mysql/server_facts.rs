//! What a server says about itself, typed. Must never fill a gap with a guess: what was not
//! answered is an error of the reading, and what the server does not have is `None`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use super::account::{AccountFacts, AccountName};
use super::event::EventFacts;
use super::gtid::BinlogState;
use super::open_write::OpenWrite;
use super::replica_status::ReplicaStatus;
use super::semi_sync::{SemiSync, read_switch};
use super::session::Switch;
use super::{Dialect, Flavor, GtidSet};

/// A database of this name marks a server whose seeding was begun and not finished (S23): it is
/// created before the import and dropped, with the binary log off, when the position is set.
pub const SEEDING_SCHEMA: &str = "hactl_seeding";

/// Both flags that refuse writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReadOnly {
    /// `read_only`: refuses all but privileged accounts.
    pub read_only: Switch,
    /// `super_read_only`: refuses those too. `None` where the flavor has no such flag.
    pub super_read_only: Option<Switch>,
}

impl ReadOnly {
    /// Whether the server refuses writes as far as it can.
    pub fn is_full(self) -> bool {
        self.read_only == Switch::On && self.super_read_only != Some(Switch::Off)
    }

    /// Whether ordinary accounts can write.
    pub fn is_writable(self) -> bool {
        self.read_only == Switch::Off
    }
}

/// Whether a seeding was left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seeding {
    /// There is no sign of one.
    None,
    /// One was begun and not finished: what the server holds is not to be trusted.
    Unfinished,
}

/// A replica that is connected, or announced itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AttachedReplica {
    /// Its `server_id`.
    pub server_id: u32,
    /// Its `report_host`; empty when it announced none.
    pub host: String,
    /// Its `report_port`.
    pub port: u16,
}

/// Facts of one server at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServerFacts {
    /// Flavor and version.
    pub dialect: Dialect,
    /// Its `server_id`.
    pub server_id: u32,
    /// Its UUID, where the flavor has one.
    pub server_uuid: Option<String>,
    /// The host name as the server knows it.
    pub hostname: String,
    /// The TCP port it listens on.
    pub port: u16,
    /// Whether it refuses writes.
    pub read_only: ReadOnly,
    /// The global variables that were asked for, by lower-case name.
    pub variables: BTreeMap<String, String>,
    /// Everything it has executed: on `MariaDB` the further of what it logged and what it applied,
    /// by domain.
    pub executed: GtidSet,
    /// What is no longer in its binary logs; `None` where the flavor does not say.
    pub purged: Option<GtidSet>,
    /// The end of its own binary log in GTIDs.
    pub binlog_pos: Option<GtidSet>,
    /// What replication applied, or a seed declared (`MariaDB`).
    pub slave_pos: Option<GtidSet>,
    /// Each server's last GTID in its own binary log (`MariaDB`).
    pub binlog_state: Option<BinlogState>,
    /// Replication from the default source, if it is a replica.
    pub replica: Option<ReplicaStatus>,
    /// Channels beyond the default one: hactl does not manage them, and must not ignore them.
    pub other_channels: Vec<String>,
    /// Semi-sync.
    pub semi_sync: SemiSync,
    /// Databases of users: without the server's own and hactl's own.
    pub databases: Vec<String>,
    /// Scheduled events.
    pub events: Vec<EventFacts>,
    /// Whether hactl's own schema is there.
    pub own_schema: OwnSchema,
    /// Whether a seeding was left unfinished.
    pub seeding: Seeding,
    /// Those of the accounts asked for that are there.
    pub accounts: BTreeMap<AccountName, AccountFacts>,
    /// Anonymous accounts, which take logins away from named ones.
    pub anonymous_accounts: Vec<AccountName>,
    /// Replicas that announced themselves.
    pub replicas_attached: Vec<AttachedReplica>,
    /// The oldest transaction of a client that has changed something, if one is open.
    pub oldest_write: Option<OpenWrite>,
    /// Connections that fetch the binary log at present.
    pub dump_threads: u32,
    /// For how long the oldest of those has been at its end without coming to it, where there is one.
    pub ending_dump: Option<Duration>,
    /// For how long the oldest commit that waits for a replica's acknowledgement has done so, where one does;
    /// whole seconds, of its statement.
    pub unacknowledged: Option<Duration>,
    /// Settings that beat my.cnf at the next boot, by name.
    pub persisted: BTreeMap<String, String>,
    /// Variables that were set by SQL since it started, with their global values; `None` where nobody
    /// asked. See [`Dialect::tells_global_from_session`].
    pub set_since_start: Option<BTreeMap<String, String>>,
    /// Those of the settings asked about that can be set while it runs, where it has a view that says so;
    /// see [`Self::takes_live`].
    #[serde(skip)]
    pub settable: BTreeSet<String>,
    /// How long it runs.
    pub uptime: Duration,
    /// Open connections.
    pub connections: u32,
}

/// Whether hactl's own schema is on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnSchema {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

impl ServerFacts {
    /// A variable's value, by lower-case name; `None` when this server does not have it.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A variable that is on or off.
    pub fn switch(&self, name: &str) -> Option<Switch> {
        read_switch(self.variable(name))
    }

    /// Whether it writes a binary log.
    pub fn log_bin(&self) -> Option<Switch> {
        self.switch("log_bin")
    }

    /// `ROW`, `MIXED` or `STATEMENT`.
    pub fn binlog_format(&self) -> Option<&str> {
        self.variable("binlog_format")
    }

    /// Whether what a replica applies enters its own binary log.
    pub fn logs_replica_updates(&self) -> Option<Switch> {
        self.switch("log_replica_updates")
            .or_else(|| self.switch("log_slave_updates"))
    }

    /// Whether out-of-order and unsafe transactions are refused.
    pub fn strict_gtid(&self) -> Option<Switch> {
        match self.dialect.flavor {
            Flavor::MariaDb => self.switch("gtid_strict_mode"),
            Flavor::MySql => {
                let on = self.variable("gtid_mode") == Some("ON")
                    && self.variable("enforce_gtid_consistency") == Some("ON");
                Some(if on { Switch::On } else { Switch::Off })
            }
        }
    }

    /// Seconds of silence after which a replica takes its source for gone.
    pub fn net_timeout_s(&self) -> Option<u32> {
        let value = self
            .variable("replica_net_timeout")
            .or_else(|| self.variable("slave_net_timeout"));
        value.and_then(|text| text.parse().ok())
    }

    /// Whether it is on its way to be a replica, or is one.
    pub fn is_replica(&self) -> bool {
        self.replica.is_some() || !self.other_channels.is_empty()
    }

    /// Whether every ordinary connection is taken, and whoever asked had the spare one: both servers keep one
    /// beyond `max_connections` for those who may administer connections.
    pub fn is_full(&self) -> bool {
        let most = self.variable("max_connections");
        most.and_then(|most| most.parse().ok())
            .is_some_and(|most: u32| self.connections > most)
    }

    /// Persisted read-only settings: they beat my.cnf at the next boot (S11).
    pub fn persisted_read_only(&self) -> impl Iterator<Item = (&str, &str)> {
        let about = ["read_only", "super_read_only"];
        self.persisted
            .iter()
            .filter(move |(name, _)| about.contains(&name.as_str()))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
