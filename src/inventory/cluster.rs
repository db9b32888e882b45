//! A cluster as a person wants it, checked and complete.
//!
//! It must never be built half: [`super::Inventory`] makes it, and what it holds makes sense together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    Accounts, Become, BecomePassword, ClusterName, FailoverPolicy, Hooks, Host, HostName,
    InitialRole, Scalar, WriterVip,
};
use crate::mysql::{Flavor, Positioning, SourceOptions, SourceTls};

/// What a person wants.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: ClusterName,
    /// What runs on its hosts.
    pub server: ServerSpec,
    /// The accounts that hactl makes.
    pub accounts: Accounts,
    /// The address that applications write to, where there is one.
    pub vip: Option<WriterVip>,
    /// What an acknowledged commit is worth: as given, else lossless with two replicas or more.
    pub durability: Durability,
    /// How a replica knows where to begin after its seed.
    pub replication_mode: ReplicationMode,
    /// How replicas protect the connection to their source.
    pub replication_tls: SourceTls,
    /// How a failover behaves.
    pub failover: FailoverPolicy,
    /// What runs on the controller around a failover.
    pub hooks: Hooks,
    /// Variables for playbooks and templates.
    pub vars: BTreeMap<String, Scalar>,
    /// The hosts; exactly one is the first primary.
    pub hosts: BTreeMap<HostName, Host>,
    first_primary: HostName,
}

/// What a cluster is made of, for [`Cluster::new`].
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) name: ClusterName,
    pub(super) server: ServerSpec,
    pub(super) accounts: Accounts,
    pub(super) vip: Option<WriterVip>,
    pub(super) durability: Option<Durability>,
    pub(super) replication_mode: ReplicationMode,
    pub(super) replication_tls: SourceTls,
    pub(super) failover: FailoverPolicy,
    pub(super) hooks: Hooks,
    pub(super) vars: BTreeMap<String, Scalar>,
    pub(super) hosts: BTreeMap<HostName, Host>,
}

impl Cluster {
    /// Puts checked parts together; `None` when no host is the first primary.
    pub(super) fn new(parts: Parts) -> Option<Self> {
        let first_primary = parts
            .hosts
            .values()
            .find(|host| host.initial == InitialRole::Primary)
            .map(|host| host.name.clone())?;
        let replicas = parts.hosts.len() - 1;
        let default = if replicas >= 2 {
            Durability::Lossless
        } else {
            Durability::Available
        };
        Some(Self {
            name: parts.name,
            server: parts.server,
            accounts: parts.accounts,
            vip: parts.vip,
            durability: parts.durability.unwrap_or(default),
            replication_mode: parts.replication_mode,
            replication_tls: parts.replication_tls,
            failover: parts.failover,
            hooks: parts.hooks,
            vars: parts.vars,
            hosts: parts.hosts,
            first_primary,
        })
    }

    /// The host of that name.
    pub fn host(&self, name: &HostName) -> Option<&Host> {
        self.hosts.get(name)
    }

    /// The hosts on which the login user becomes root by sudo.
    pub fn by_sudo(&self) -> Vec<&HostName> {
        let by_sudo = |host: &&Host| host.ssh.become_root == Become::Sudo;
        self.hosts
            .values()
            .filter(by_sudo)
            .map(|host| &host.name)
            .collect()
    }

    /// Gives sudo this password on all of them, whatever the inventory says.
    pub fn set_become_password(&mut self, password: &SecretString) {
        for host in self.hosts.values_mut() {
            if host.ssh.become_root == Become::Sudo {
                host.ssh.become_password = Some(BecomePassword(password.clone()));
            }
        }
    }

    /// The host that becomes the primary where no topology exists yet. It says nothing about a running one.
    pub fn initial_primary(&self) -> &HostName {
        &self.first_primary
    }

    /// A host as the source of replicas, with every option that they need.
    pub fn as_source(&self, host: &Host) -> SourceOptions {
        host.as_source(&self.accounts.replication, &self.replication_tls)
    }

    /// The interface that carries the writer VIP on a host; `None` without a VIP or such a host.
    pub fn vip_interface(&self, name: &HostName) -> Option<&str> {
        let vip = self.vip.as_ref()?;
        Some(
            self.host(name)?
                .interface
                .as_deref()
                .unwrap_or(&vip.interface),
        )
    }
}

/// What runs on the hosts.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSpec {
    /// MariaDB or MySQL.
    pub flavor: Flavor,
    /// The version that must be installed, as far as it is given: `10.11`, `8.4.3`.
    pub version: Option<String>,
    /// The packages to install instead of the distribution's usual ones; empty for those.
    pub packages: Vec<String>,
    /// The TCP port of hosts that name none.
    pub port: u16,
    /// Settings for my.cnf, on all hosts. Names have `_`, never `-`.
    pub settings: BTreeMap<String, Scalar>,
}

/// What an acknowledged commit is worth when the primary dies, and what that costs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// It is on a replica; writes wait when no replica acknowledges.
    Lossless,
    /// It is on a replica unless replicas were away for longer than a timeout; writes go on.
    Available,
}

/// How a replica knows where in its source's binary log it goes on.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ReplicationMode {
    /// By GTID, always.
    #[default]
    Gtid,
    /// By the file and the position of the dump that it was filled with, until it is given another source.
    Position,
}

impl ReplicationMode {
    /// Whether a replica may follow its source like this. What gives a replica another source does so by GTID
    /// in either mode.
    pub fn accepts(self, positioning: Positioning) -> bool {
        match positioning {
            Positioning::Gtid => true,
            Positioning::File => self == Self::Position,
            Positioning::GtidWithOwnWrites => false,
        }
    }
}

impl std::fmt::Display for Durability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lossless => "lossless",
            Self::Available => "available",
        })
    }
}
