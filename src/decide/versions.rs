//! Whose version stands in the way of whom: servers that would be too old, or too new, to follow another.
//! What was not seen is neither.

use std::collections::BTreeSet;
use std::fmt;

use super::{Finding, Severity, Topology};
use crate::facts::{Observation, Reached, ServerProgram};
use crate::inventory::{Cluster, HostName};
use crate::mysql::{Compatibility, Dialect, Version};

/// A server and what it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Versioned {
    pub(super) host: HostName,
    pub(super) version: Version,
}

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.host, self.version)
    }
}

/// The servers that are too old to understand all that `source` may write, were they to follow it.
pub(super) fn too_old_behind(seen: &Observation, source: &HostName) -> Vec<Versioned> {
    let Some(of_source) = seen.server(source).map(|facts| facts.dialect) else {
        return Vec::new();
    };
    let is_older = |dialect: Dialect| dialect.behind(of_source) == Compatibility::ReplicaOlder;
    seen.servers()
        .filter(|(host, facts)| *host != source && is_older(facts.dialect))
        .map(|(host, facts)| Versioned {
            host: host.clone(),
            version: facts.dialect.version,
        })
        .collect()
}

/// `db1 (10.11.18) and db3 (10.11.18)`.
pub(super) fn listed(servers: &[Versioned]) -> String {
    let texts: Vec<_> = servers.iter().map(ToString::to_string).collect();
    texts.join(" and ")
}

/// The dialect of the server that runs, is installed or would be installed on a host; `None` when none of
/// these is known.
fn prospective(cluster: &Cluster, reached: &Reached) -> Option<Dialect> {
    if let Some(facts) = reached.server.up() {
        return Some(facts.dialect);
    }
    let program = reached.os.server_program.as_ref();
    if let Some(installed) = program.and_then(ServerProgram::dialect) {
        return Some(installed);
    }
    let version = installable(cluster, reached)?.parse().ok()?;
    Some(Dialect::new(cluster.server.flavor, version))
}

/// The upstream part of the version that the package manager would install: `1:10.11.18-0+deb12u1`.
pub(super) fn installable(cluster: &Cluster, reached: &Reached) -> Option<String> {
    let dialect = Dialect::default_dialect(cluster.server.flavor);
    let version = reached
        .os
        .packages
        .get(dialect.server_package())?
        .candidate
        .as_deref()?;
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    Some(upstream.split('-').next().unwrap_or(upstream).to_owned())
}

/// Servers that are not there yet, and would be older than the one that they are to follow. Rows from it
/// may be loaded and replicated all the same, so that nothing is refused.
pub(super) fn older_to_be(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    let Ok(topology) = Topology::of(cluster, seen, &BTreeSet::new()) else {
        return Vec::new();
    };
    let primary = &topology.primary;
    let dialect = |host: &HostName| prospective(cluster, seen.reached(host)?);
    let Some(source) = dialect(primary) else {
        return Vec::new();
    };
    let finding = |host: &HostName| {
        let own = dialect(host).filter(|_| seen.server(host).is_none())?;
        (own.behind(source) == Compatibility::ReplicaOlder).then(|| {
            Finding::on(
                host,
                Severity::Warning,
                "ReplicaOlderThanPrimary",
                format!(
                    "its server would be {own}, older than {primary} with {}: it may not understand all that \
                     the primary writes",
                    source.version
                ),
                "give all hosts package sources of one release",
            )
        })
    };
    cluster.hosts.keys().filter_map(finding).collect()
}
