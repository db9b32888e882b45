//! Who a server is: flavor, version, id, UUID. Two of one name make replication lose rows in silence.

use std::collections::BTreeMap;

use super::Context;
use crate::decide::{Finding, Severity};
use crate::facts::Observation;
use crate::inventory::HostName;

/// The flavor is the inventory's, and no replica is older than its source.
pub(super) fn versions(context: &Context<'_>) -> Vec<Finding> {
    let wanted = context.cluster.server.flavor;
    let mut findings = Vec::new();
    let source = context
        .seen
        .server(&context.topology.primary)
        .map(|facts| facts.dialect);
    for (host, facts) in context.seen.servers() {
        if facts.dialect.flavor != wanted {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "WrongFlavor",
                format!(
                    "runs {}, the inventory wants {wanted}; by GTID the two do not replicate from each other",
                    facts.dialect
                ),
                "correct `server: flavor`, or replace the server",
            ));
        }
        let version = facts.dialect.version;
        // Numbers of two flavors say nothing about each other.
        if let Some(source) = source.filter(|source| source.flavor == facts.dialect.flavor)
            && let source = source.version
            && (version.major, version.minor) < (source.major, source.minor)
        {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "ReplicaOlderThanPrimary",
                format!("runs {version}, older than the primary's {source}"),
                "upgrade the replica first, then the primary",
            ));
        }
    }
    findings
}

/// No two servers share an id, and each has the inventory's.
pub(super) fn server_ids(context: &Context<'_>) -> Vec<Finding> {
    let mut by_id: BTreeMap<String, Vec<&HostName>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        by_id
            .entry(facts.server_id.to_string())
            .or_default()
            .push(host);
        let Some(wanted) = context.cluster.host(host).map(|known| known.server_id) else {
            continue;
        };
        if facts.server_id != wanted {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "ServerIdDiffers",
                format!("has server_id {}, not {wanted}", facts.server_id),
                "run `hactl bootstrap`",
            ));
        }
    }
    findings.extend(clashes(
        by_id,
        "DuplicateServerId",
        "server_id",
        "give each host a `server_id` of its own and run `hactl bootstrap`",
    ));
    findings
}

/// No two servers share a UUID.
pub(super) fn server_uuids(context: &Context<'_>) -> Vec<Finding> {
    duplicate_uuids(context.seen)
}

/// Servers with one UUID: a copied data folder. The preflight looks for them, too.
pub(in crate::decide) fn duplicate_uuids(seen: &Observation) -> Vec<Finding> {
    let mut by_uuid: BTreeMap<String, Vec<&HostName>> = BTreeMap::new();
    for (host, facts) in seen.servers() {
        if let Some(uuid) = &facts.server_uuid {
            by_uuid.entry(uuid.clone()).or_default().push(host);
        }
    }
    clashes(
        by_uuid,
        "DuplicateServerUuid",
        "server UUID",
        "it is a copied data folder: stop the copy, delete auto.cnf in its data folder, start it again",
    )
}

fn clashes(
    by_name: BTreeMap<String, Vec<&HostName>>,
    code: &'static str,
    what: &str,
    next: &str,
) -> Vec<Finding> {
    by_name
        .into_iter()
        .filter(|(_, hosts)| hosts.len() > 1)
        .map(|(name, hosts)| {
            let names = hosts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" and ");
            Finding::cluster(
                Severity::Error,
                code,
                format!("{names} share {what} {name}"),
                next,
            )
        })
        .collect()
}
