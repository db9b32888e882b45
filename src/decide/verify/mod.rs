//! What is wrong with a running cluster: a table of checks, each with a code, a severity, a sentence
//! and the next step. A wrong finding is worse than none: what could not be seen is never reported as
//! wrong, only as not seen.

mod accounts;
mod drift;
mod durability;
mod electable;
mod filters;
mod hosts;
mod identity;
mod machine;
mod needs;
mod replication;
mod semi_sync;
mod settings;
mod units;
mod vip;
mod vip_answers;
mod writable;

pub use accounts::may_lead;
pub use drift::{Drift, FileDrift};
pub(in crate::decide) use identity::duplicate_uuids;
pub use needs::needs;

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
    /// The files that bootstrap would write, where they were looked at.
    pub drift: &'a Drift,
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
        about: "systemd has read its files",
        find: drift::units_read,
    },
    Check {
        about: "restart policy",
        find: drift::restart_policy,
    },
    Check {
        about: "my.cnf",
        find: drift::config,
    },
    Check {
        about: "scripts and units of hactl",
        find: drift::files,
    },
    Check {
        about: "my.cnf is loaded",
        find: settings::loaded,
    },
    Check {
        about: "settings that a restart takes back",
        find: settings::set_by_hand,
    },
    Check {
        about: "settings persisted by SQL",
        find: settings::persisted,
    },
    Check {
        about: "clocks",
        find: machine::clocks,
    },
    Check {
        about: "disks",
        find: machine::disks,
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
        about: "replicas go on from where the inventory says",
        find: replication::positioning,
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
        about: "replication filters",
        find: filters::filters,
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
        about: "a replica could take over",
        find: electable::candidate,
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
        about: "semi-sync settings",
        find: semi_sync::settings,
    },
    Check {
        about: "accounts",
        find: accounts::present,
    },
    Check {
        about: "the replication account logs in wherever it may have to",
        find: accounts::replication_login,
    },
    Check {
        about: "writer VIP",
        find: vip::writer,
    },
    Check {
        about: "answers for the writer VIP",
        find: vip_answers::answers,
    },
];

/// What the checks found.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// By check, in their order.
    Checked(Vec<(Check, Vec<Finding>)>),
    /// Nobody leads, so that no check knows what to expect.
    Leaderless(Finding),
}

impl Verdict {
    /// Everything that was found.
    pub fn findings(&self) -> Vec<&Finding> {
        match self {
            Self::Checked(checks) => checks.iter().flat_map(|(_, found)| found).collect(),
            Self::Leaderless(finding) => vec![finding],
        }
    }
}

/// Runs every check.
pub fn verify(cluster: &Cluster, seen: &Observation, drift: &Drift) -> Verdict {
    let topology = match Topology::of(cluster, seen, &BTreeSet::new()) {
        Ok(topology) => topology,
        Err(error) => {
            return Verdict::Leaderless(Finding::cluster(
                Severity::Error,
                "NoPrimary",
                error.to_string(),
                error.hint(),
            ));
        }
    };
    let context = Context {
        cluster,
        seen,
        topology: &topology,
        drift,
    };
    let checks = CHECKS.iter().map(|check| (*check, (check.find)(&context)));
    Verdict::Checked(checks.collect())
}

#[cfg(test)]
mod tests;
