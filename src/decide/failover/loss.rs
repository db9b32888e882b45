//! What a failover loses: nothing, proven; or up to a number of transactions; or nobody can tell. It must
//! never promise more than is proven.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::{Case, fencing::names};
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HostName};

/// What is lost of what clients were told is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DataLoss {
    /// Nothing, for this reason.
    None(String),
    /// Perhaps something; the reason, and what can be said of its size.
    Possible(String),
}

impl DataLoss {
    /// What is known before anything is done.
    pub(super) fn foreseen(
        cluster: &Cluster,
        seen: &Observation,
        case: &Case,
        unseen: &[&HostName],
    ) -> Self {
        let dead = &case.dead;
        if seen.reached(dead).is_some() {
            return Self::None(format!(
                "the tail of {dead}'s binary log is read over ssh before anybody is promoted"
            ));
        }
        Self::without_tail(cluster, case, unseen)
    }

    /// What is known when the dead server's log cannot be read.
    pub(super) fn without_tail(cluster: &Cluster, case: &Case, unseen: &[&HostName]) -> Self {
        let dead = &case.dead;
        let Some(memory) = &case.memory else {
            return Self::Possible(format!(
                "nobody watched {dead} before it failed: whether its last commits had reached a replica is not known"
            ));
        };
        let seen: BTreeSet<HostName> = cluster
            .hosts
            .keys()
            .filter(|host| !unseen.contains(host))
            .cloned()
            .collect();
        if !unseen.is_empty() && !memory.acked_only_to(&seen) {
            return Self::Possible(format!(
                "{} acknowledged to {dead} and may have what nobody else has",
                names(unseen.iter().copied())
            ));
        }
        if cluster.durability == Durability::Lossless && memory.was_lossless() {
            return Self::None(format!(
                "durability is lossless, and semi-sync was active when {dead} last answered, with {} replicas: what was acknowledged is on one that is seen",
                memory.semi_sync.clients
            ));
        }
        Self::Possible(format!(
            "durability is {}, and semi-sync was {} when {dead} last answered, at {}; what it committed after that may be lost",
            cluster.durability,
            match memory.semi_sync.source_active {
                Some(crate::mysql::Switch::On) => "active",
                _ => "not active",
            },
            memory.executed
        ))
    }

    /// What a plan says that it gives up; nothing where nothing is lost.
    pub fn given_up(&self) -> Vec<String> {
        match self {
            Self::None(_) => Vec::new(),
            Self::Possible(why) => vec![why.clone()],
        }
    }
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None(why) => write!(f, "nothing that was acknowledged is lost: {why}"),
            Self::Possible(why) => write!(f, "acknowledged transactions may be lost: {why}"),
        }
    }
}
