//! Who replicates from whom, and so who the primary is. What runs beats what the inventory says:
//! `primary: true` names the *first* primary only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::decide::left_behind::was_replaced;
use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::{OwnSchema, ReplicaStatus, Seeding};

/// A host's part in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes the writes.
    Primary,
    /// Replicates from the primary.
    Replica,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        })
    }
}

/// How the primary was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrimaryBasis {
    /// Other servers replicate from it.
    Replication,
    /// Nothing replicates any more, and of the cluster's members it leads: it alone takes writes, or it
    /// alone is left of those that no failover replaced.
    Alone,
    /// Nothing replicates yet; the inventory names it.
    Inventory,
}

/// The cluster's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// The primary, which may be down.
    pub primary: HostName,
    /// How it was recognised.
    pub basis: PrimaryBasis,
    /// For each server that is a replica: the inventory's host that it replicates from, or `None`
    /// when its source is not in the inventory.
    pub sources: BTreeMap<HostName, Option<HostName>>,
}

/// Why there is no one primary.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopologyError {
    /// Two servers have replicas and replicate from nobody.
    #[error(
        "two servers act as primary: {first} and {second} both have replicas and follow nobody"
    )]
    TwoPrimaries {
        /// One of them.
        first: HostName,
        /// Another.
        second: HostName,
    },
    /// Nothing replicates, and two members of the cluster take writes.
    #[error("two servers take writes, and nothing replicates: {first} and {second}")]
    TwoWriters {
        /// One of them.
        first: HostName,
        /// Another.
        second: HostName,
    },
    /// Every server that has replicas is a replica itself.
    #[error("no server stands at the top: {} replicate from each other", names(.members))]
    Loop {
        /// The servers in the loop.
        members: Vec<HostName>,
    },
    /// Nothing replicates, and the server that holds data is not the one that the inventory names.
    #[error(
        "{holder} holds databases ({}), while {named}, which the inventory names as primary, has none",
        .databases.join(", ")
    )]
    DataElsewhere {
        /// The server with data.
        holder: HostName,
        /// Its databases.
        databases: Vec<String>,
        /// The inventory's primary.
        named: HostName,
    },
}

impl TopologyError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::TwoPrimaries { first, second } => format!(
                "stop replication on the replicas of the one that should not lead ({first} or {second}), then run again"
            ),
            Self::TwoWriters { first, second } => format!(
                "find out which of them clients write to and make the other read-only ({first} or {second}); then `hactl rejoin` that one, which says what only it has"
            ),
            Self::Loop { .. } => "stop and reset replication on the server that should lead \
                 (STOP and RESET REPLICA ALL), then run again"
                .to_owned(),
            Self::DataElsewhere { holder, named, .. } => format!(
                "write `primary: true` on {holder} instead of {named}; or, if its data may go, run again with --reseed {holder}"
            ),
        }
    }
}

impl Topology {
    /// Reads the shape off an observation. `discarded` are hosts whose data the operator has given up.
    pub fn of(
        cluster: &Cluster,
        seen: &Observation,
        discarded: &BTreeSet<HostName>,
    ) -> Result<Self, TopologyError> {
        let sources: BTreeMap<_, _> = seen
            .servers()
            .filter_map(|(host, facts)| {
                let status = facts.replica.as_ref()?;
                Some((host.clone(), host_of(cluster, status)))
            })
            .collect();
        let followed: BTreeSet<_> = sources.values().flatten().cloned().collect();
        let tops: BTreeSet<_> = followed
            .iter()
            .filter(|host| !sources.contains_key(*host))
            .map(|host| successor(cluster, seen, host).unwrap_or(host))
            .collect();
        let tops: Vec<_> = tops.into_iter().collect();
        let (primary, basis) = match tops.as_slice() {
            [top] => ((*top).clone(), PrimaryBasis::Replication),
            [first, second, ..] => {
                return Err(TopologyError::TwoPrimaries {
                    first: (*first).clone(),
                    second: (*second).clone(),
                });
            }
            [] if followed.is_empty() => match last_member(cluster, seen, discarded)? {
                Some(member) => (member, PrimaryBasis::Alone),
                None => (
                    named_primary(cluster, seen, discarded)?,
                    PrimaryBasis::Inventory,
                ),
            },
            [] => {
                return Err(TopologyError::Loop {
                    members: followed.into_iter().collect(),
                });
            }
        };
        Ok(Self {
            primary,
            basis,
            sources,
        })
    }

    /// A host's part.
    pub fn role(&self, host: &HostName) -> Role {
        if *host == self.primary {
            Role::Primary
        } else {
            Role::Replica
        }
    }

    /// The cluster's replicas, in the inventory's order of names.
    pub fn replicas<'a>(&'a self, cluster: &'a Cluster) -> impl Iterator<Item = &'a Host> {
        cluster
            .hosts
            .values()
            .filter(|host| host.name != self.primary)
    }

    /// Whether a host already serves in a running cluster: it leads replicas, or it follows.
    pub fn serves(&self, host: &HostName) -> bool {
        self.sources.contains_key(host)
            || (*host == self.primary && self.basis != PrimaryBasis::Inventory)
    }
}

/// The inventory's host that a replica follows.
pub(crate) fn host_of(cluster: &Cluster, status: &ReplicaStatus) -> Option<HostName> {
    cluster
        .hosts
        .values()
        .find(|host| {
            host.port == status.source_port
                && (host.address.to_string() == status.source_host
                    || host.name.as_ref() == status.source_host)
        })
        .map(|host| host.name.clone())
}

/// Who took over from a primary that replicas still follow: they were away when it failed. It leads when it
/// takes writes, has the writer VIP, and was itself told of the failover, which is the last thing that
/// a failover does. Short of that, the failover is not at its end, and the failed one is who it is about.
fn successor<'a>(
    cluster: &Cluster,
    seen: &'a Observation,
    replaced: &HostName,
) -> Option<&'a HostName> {
    let takes_writes = |host: &HostName| {
        let facts = seen.server(host);
        facts.is_some_and(|facts| !facts.is_replica() && facts.read_only.is_writable())
    };
    if takes_writes(replaced) {
        return None;
    }
    let mut heirs = seen.all_reached().filter(|(host, reached)| {
        let mark = reached.os.marks.failover.as_ref();
        let is_told = mark.and_then(|mark| mark.host.as_ref()) == Some(replaced);
        let vip = cluster.vip.as_ref();
        let has_vip = vip.is_none_or(|vip| reached.os.has_address(vip.address));
        is_told && has_vip && takes_writes(host)
    });
    match (heirs.next(), heirs.next()) {
        (Some((heir, _)), None) => Some(heir),
        _ => None,
    }
}

/// Who leads where nothing replicates any more: a failover of two hosts ends like this. A new server takes
/// writes as well, but only a member has the cluster's own schema.
fn last_member(
    cluster: &Cluster,
    seen: &Observation,
    discarded: &BTreeSet<HostName>,
) -> Result<Option<HostName>, TopologyError> {
    let named = cluster.initial_primary();
    let members: Vec<_> = seen
        .servers()
        .filter(|(host, facts)| {
            let is_whole = facts.seeding != Seeding::Unfinished;
            let is_member = facts.own_schema == OwnSchema::Present && facts.replica.is_none();
            is_whole && is_member && !discarded.contains(*host)
        })
        .collect();
    let mut writers = members
        .iter()
        .filter(|(_, facts)| facts.read_only.is_writable());
    match (writers.next(), writers.next()) {
        (Some((only, _)), None) => return Ok(Some((*only).clone())),
        (Some((first, _)), Some((second, _))) => {
            return Err(TopologyError::TwoWriters {
                first: (*first).clone(),
                second: (*second).clone(),
            });
        }
        (None, _) => {}
    }
    // The mark is written when the failover is done, and stays when its host is long back: it counts only
    // while the host is away. Before it is written, the dead primary is the one whose failover must end.
    let is_gone = seen.server(named).is_none();
    match members.as_slice() {
        [(only, _)] if is_gone && was_replaced(seen, named) => Ok(Some((*only).clone())),
        _ => Ok(None),
    }
}

fn named_primary(
    cluster: &Cluster,
    seen: &Observation,
    discarded: &BTreeSet<HostName>,
) -> Result<HostName, TopologyError> {
    let named = cluster.initial_primary().clone();
    let databases = |host: &HostName| match seen.view(host) {
        Some(HostView::Reached(reached)) => match &reached.server {
            ServerView::Up(facts) if facts.seeding != Seeding::Unfinished => {
                facts.databases.clone()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    if !databases(&named).is_empty() {
        return Ok(named);
    }
    for host in cluster
        .hosts
        .keys()
        .filter(|host| **host != named && !discarded.contains(*host))
    {
        let held = databases(host);
        if !held.is_empty() {
            return Err(TopologyError::DataElsewhere {
                holder: host.clone(),
                databases: held,
                named,
            });
        }
    }
    Ok(named)
}

fn names(hosts: &[HostName]) -> String {
    hosts
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
