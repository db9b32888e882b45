//! One host as a person wants it.
//!
//! It must never say what a host *is*: that is observed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Account, Address, HostName, Scalar, SshTarget};
use crate::mysql::{SourceOptions, SourceTls};

/// A host of the cluster, everything filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// What it is called.
    pub name: HostName,
    /// Where its server listens; other servers replicate from this address.
    pub address: Address,
    /// The server's TCP port.
    pub port: u16,
    /// Unique in the cluster; given, or [`Address::derived_server_id`].
    pub server_id: u32,
    /// What it becomes when there is no topology yet.
    pub initial: InitialRole,
    /// Whether a failover may choose it.
    pub promotion: Promotion,
    /// `server.settings`, overlaid by the host's own. Names have `_`, never `-`.
    pub settings: BTreeMap<String, Scalar>,
    /// The groups that it is in, for `hosts:` of playbooks and `--limit`; sorted.
    pub groups: Vec<String>,
    /// Variables of its groups, in the order of their names, overlaid by its own.
    pub vars: BTreeMap<String, Scalar>,
    /// The network interface for the writer VIP, where this host's differs from `vip.writer.interface`.
    pub interface: Option<String>,
    /// How it is reached by ssh.
    pub ssh: SshTarget,
}

/// What a host becomes on the very first bootstrap. A running topology is never changed because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InitialRole {
    /// The first primary; one host has this role.
    Primary,
    /// A replica of it.
    Replica,
}

/// Whether a host may become the primary. It breaks ties between hosts that are equally far; it never
/// makes a host win that is behind another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Promotion {
    /// Rather than the others.
    Prefer,
    /// Like any other.
    #[default]
    Allow,
    /// Only when there is no other.
    Avoid,
    /// Not at all: a backup or reporting replica.
    Never,
}

/// Attempts to reconnect are a second apart: a primary that comes back is followed at once.
const CONNECT_RETRY: u32 = 1;
/// Below `replica_net_timeout` of 3 seconds by enough for two beats to be lost.
const HEARTBEAT: u32 = 1;

impl Host {
    /// This host as the source of a replica.
    pub(super) fn as_source(&self, replication: &Account, tls: &SourceTls) -> SourceOptions {
        SourceOptions {
            host: self.address.to_string(),
            port: self.port,
            user: replication.user.clone(),
            password: replication.password.clone(),
            connect_retry_s: CONNECT_RETRY,
            heartbeat_s: HEARTBEAT,
            tls: tls.clone(),
        }
    }
}
