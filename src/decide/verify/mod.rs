//! What is wrong with a running cluster: a table of checks, each with a code, a severity, a sentence
//! and the next step. A wrong finding is worse than none: what could not be seen is never reported as
//! wrong, only as not seen.

mod accounts;
mod durability;
mod hosts;
mod identity;
mod replication;
mod semi_sync;
mod units;
mod vip;
mod writable;

pub(in crate::decide) use identity::duplicate_uuids;
pub use units::needs;

use std::collections::BTreeSet;

use crate::decide::{Finding, Severity, Topology};
use crate::facts::Observation;
use crate::inventory::Cluster;

/// One check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// What it looks at, for lists.
    pub about: &'static str,
    /// Everything that it finds.
    pub find: fn(&Context<'_>) -> Vec<Finding>,
}

/// What checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The inventory.
    pub cluster: &'a Cluster,
    /// What was seen.
    pub seen: &'a Observation,
    /// Who leads.
    pub topology: &'a Topology,
}

/// All checks, in the order in which a person would ask.
pub const CHECKS: &[Check] = &[
    Check {
        about: "ssh and root access",
        find: hosts::reachable,
    },
    Check {
        about: "servers are installed, up and answering",
        find: hosts::servers_up,
    },
    Check {
        about: "units of systemd",
        find: units::as_wanted,
    },
    Check {
        about: "flavor and version",
        find: identity::versions,
    },
    Check {
        about: "server ids",
        find: identity::server_ids,
    },
    Check {
        about: "server UUIDs",
        find: identity::server_uuids,
    },
    Check {
        about: "binary log",
        find: durability::binary_log,
    },
    Check {
        about: "durability",
        find: durability::flushes,
    },
    Check {
        about: "GTID",
        find: durability::gtid,
    },
    Check {
        about: "relay logs are kept",
        find: durability::relay_logs,
    },
    Check {
        about: "the primary is writable",
        find: writable::primary,
    },
    Check {
        about: "replicas are read-only",
        find: writable::replicas,
    },
    Check {
        about: "replicas follow the primary",
        find: replication::sources,
    },
    Check {
        about: "replication threads",
        find: replication::threads,
    },
    Check {
        about: "replication is encrypted as wanted",
        find: replication::encryption,
    },
    Check {
        about: "lag",
        find: replication::lag,
    },
    Check {
        about: "errant transactions",
        find: replication::errant,
    },
    Check {
        about: "unfinished seeds",
        find: replication::seeds,
    },
    Check {
        about: "semi-sync on the primary",
        find: semi_sync::source,
    },
    Check {
        about: "semi-sync on the replicas",
        find: semi_sync::replicas,
    },
    Check {
        about: "accounts",
        find: accounts::present,
    },
    Check {
        about: "the replication account logs in",
        find: accounts::replication_login,
    },
    Check {
        about: "writer VIP",
        find: vip::writer,
    },
];

/// Runs every check.
pub fn verify(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    let topology = match Topology::of(cluster, seen, &BTreeSet::new()) {
        Ok(topology) => topology,
        Err(error) => {
            return vec![Finding::cluster(
                Severity::Error,
                "NoPrimary",
                error.to_string(),
                error.hint(),
            )];
        }
    };
    let context = Context {
        cluster,
        seen,
        topology: &topology,
    };
    CHECKS
        .iter()
        .flat_map(|check| (check.find)(&context))
        .collect()
}

#[cfg(test)]
mod tests;
