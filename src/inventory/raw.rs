//! The inventory as it is written, key by key. Its doc comments are the schema's descriptions.
//!
//! It must never hold a resolved secret: passwords are references here.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Become, Durability, FenceContract, Prefer, Promotion, ReplicationMode, Scalar};
use crate::mysql::Flavor;

/// A cluster of MariaDB or MySQL servers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "hactl inventory")]
pub(super) struct RawInventory {
    /// The cluster's name: letters, digits, `-`, `.`, `_`.
    pub(super) cluster: String,
    /// What runs on the hosts.
    pub(super) server: RawServer,
    /// How the hosts are reached, on top of `~/.ssh/config`; each host can override key by key.
    #[serde(default)]
    pub(super) ssh: RawSsh,
    /// The database accounts that hactl makes and uses.
    pub(super) accounts: RawAccounts,
    /// Virtual addresses.
    #[serde(default)]
    pub(super) vip: Option<RawVip>,
    /// What an acknowledged commit is worth when the primary dies; `lossless` by default with two replicas or
    /// more.
    #[serde(default)]
    pub(super) durability: Option<Durability>,
    /// How replicas are connected to their source.
    #[serde(default)]
    pub(super) replication: RawReplication,
    /// How a failover behaves.
    #[serde(default)]
    pub(super) failover: RawFailover,
    /// Commands that run on this machine around a failover.
    #[serde(default)]
    pub(super) hooks: RawHooks,
    /// Variables for playbooks and templates.
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Scalar>,
    /// Variables of groups; which hosts are in one, they say themselves.
    #[serde(default)]
    pub(super) groups: BTreeMap<String, RawGroup>,
    /// The hosts by name.
    pub(super) hosts: BTreeMap<String, RawHost>,
}

/// How replicas are connected to their source.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Replication")]
pub(super) struct RawReplication {
    /// How a replica that was seeded attaches to its source.
    #[serde(default)]
    pub(super) mode: ReplicationMode,
    /// Whether it is encrypted.
    #[serde(default)]
    #[schemars(extend("default" = "native"))]
    pub(super) tls: RawTls,
    /// The certificate of the authority, a file on every host; with `tls: verified`.
    #[serde(default)]
    pub(super) ca: Option<String>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Tls")]
pub(super) enum RawTls {
    /// Encrypted where every server has a key by itself.
    #[default]
    Native,
    /// Never encrypted.
    Off,
    /// Encrypted, whoever answers.
    Required,
    /// Encrypted, and the source's certificate is for its address, by the authority `ca`.
    Verified,
}

/// What runs on the hosts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Server")]
pub(super) struct RawServer {
    /// Which family of servers.
    pub(super) flavor: Flavor,
    /// The version that must be installed, in quotes: "10.11".
    #[serde(default)]
    pub(super) version: Option<String>,
    /// Packages to install instead of the distribution's usual ones.
    #[serde(default)]
    pub(super) packages: Vec<String>,
    /// The TCP port of the servers.
    #[serde(default)]
    #[schemars(extend("default" = 3306))]
    pub(super) port: Option<u16>,
    /// Settings for my.cnf on all hosts.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, Scalar>,
}

/// How a host is reached by ssh.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Ssh")]
pub(super) struct RawSsh {
    /// The login user.
    #[serde(default)]
    pub(super) user: Option<String>,
    /// sshd's port.
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// The private key's file; relative to the inventory's folder.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// The file of known host keys; relative to the inventory's folder.
    #[serde(default)]
    pub(super) known_hosts: Option<String>,
    /// A host to jump over: `[user@]host[:port]`.
    #[serde(default)]
    pub(super) jump: Option<String>,
    /// How the login user becomes root.
    #[serde(default)]
    #[schemars(extend("default" = "none"))]
    pub(super) r#become: Option<Become>,
    /// Where the password is that sudo wants: `env:NAME`, `file:PATH` or `cmd:COMMAND`.
    #[serde(default)]
    pub(super) become_password: Option<Hidden>,
    /// Whether ssh compresses what it carries: replicas are seeded faster over a slow link, and slower over a fast
    /// one. Left to `~/.ssh/config` where nothing is said.
    #[serde(default)]
    pub(super) compression: Option<bool>,
    /// How long a connection may take.
    // A number without a unit gets a message of its own.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "10s"))]
    pub(super) connect_timeout: Option<Scalar>,
}

/// The database accounts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Accounts")]
pub(super) struct RawAccounts {
    /// Replicas log in to their source with it.
    pub(super) replication: RawAccount,
    /// Probes read the servers' state with it.
    pub(super) monitor: RawAccount,
    /// hactl administers the servers with it.
    pub(super) admin: RawAccount,
}

/// One account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Account")]
pub(super) struct RawAccount {
    /// The user name.
    pub(super) user: String,
    /// From where it may log in; by default from anywhere (`%`), the admin account from its own host.
    #[serde(default)]
    pub(super) host: Option<String>,
    /// Where the password is: `env:NAME`, `file:PATH` or `cmd:COMMAND`.
    pub(super) password: Hidden,
}

/// Text that `Debug` does not show: a person may have written the password itself.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Hidden(pub(super) String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Virtual addresses.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Vip")]
pub(super) struct RawVip {
    /// The address that applications write to.
    pub(super) writer: RawWriterVip,
    /// After how long without a watcher's renewal the kernel takes the address off: 10s. Never by default.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) lease: Option<Scalar>,
}

/// The address that applications write to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WriterVip")]
pub(super) struct RawWriterVip {
    /// The address with its prefix length: 192.0.2.90/24.
    pub(super) address: String,
    /// The network interface that carries it.
    pub(super) interface: String,
}

/// How a failover behaves.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Failover")]
pub(super) struct RawFailover {
    /// How often a watcher asks each server.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "500ms"))]
    pub(super) probe_interval: Option<Scalar>,
    /// After how long without any answer a server counts as silent.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "1500ms"))]
    pub(super) silence: Option<Scalar>,
    /// What is tried first when only the server's process died.
    #[serde(default)]
    pub(super) prefer: Prefer,
    /// How long `in-place` waits for the same server to come back.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "10s"))]
    pub(super) in_place_wait: Option<Scalar>,
    /// No second automatic failover within this time.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "1h"))]
    pub(super) min_interval: Option<Scalar>,
    /// What makes a primary harmless that ssh does not reach.
    #[serde(default)]
    pub(super) fence: Option<RawFence>,
}

/// A program on this machine that makes a host harmless for certain.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Fence")]
pub(super) struct RawFence {
    /// The command line, for `/bin/sh -c`.
    pub(super) command: String,
    /// What it is called with and how it answers.
    #[serde(default)]
    pub(super) contract: FenceContract,
    /// How long it may take.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "10s"))]
    pub(super) timeout: Option<Scalar>,
}

/// Commands that run on this machine around a failover, for `/bin/sh -c`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Hooks")]
pub(super) struct RawHooks {
    /// Before the failed primary is made harmless; its failure stops the failover.
    #[serde(default)]
    pub(super) before_fence: Option<String>,
    /// After it.
    #[serde(default)]
    pub(super) after_fence: Option<String>,
    /// Before a replica is promoted; its failure stops the failover.
    #[serde(default)]
    pub(super) before_promote: Option<String>,
    /// After clients can write again.
    #[serde(default)]
    pub(super) after_promote: Option<String>,
    /// After a failover that could not be finished.
    #[serde(default)]
    pub(super) failed: Option<String>,
    /// How long each may take.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("default" = "10s"))]
    pub(super) timeout: Option<Scalar>,
}

/// A group of hosts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Group")]
pub(super) struct RawGroup {
    /// Variables of its hosts, over those of all.
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Scalar>,
}

/// One host.
// Ansible's words for how it is reached have become its own by now.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Host", transform = super::ansible::describe)]
pub(super) struct RawHost {
    /// Its IP address (or DNS name): ssh goes there, and the other servers replicate from it.
    /// Required.
    pub(super) address: String,
    /// Whether it becomes the first primary; exactly one host does.
    #[serde(default)]
    pub(super) primary: bool,
    /// Whether a failover may choose it.
    #[serde(default)]
    pub(super) promotion: Promotion,
    /// Its `server_id`; by default made of its address.
    #[serde(default)]
    pub(super) server_id: Option<u32>,
    /// Its server's TCP port, where it differs.
    #[serde(default)]
    pub(super) port: Option<u16>,
    /// Settings for its my.cnf, on top of `server.settings`.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, Scalar>,
    /// How it is reached, where that differs.
    #[serde(default)]
    pub(super) ssh: RawSsh,
    /// Groups that it is in, for playbooks and `--limit`.
    #[serde(default)]
    pub(super) groups: Vec<String>,
    /// Its own variables, over those of its groups.
    #[serde(default)]
    pub(super) vars: BTreeMap<String, Scalar>,
    /// Its network interface for the VIP, where it differs.
    #[serde(default)]
    pub(super) interface: Option<String>,
}
