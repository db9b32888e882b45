//! Who a server is: flavor, version, id, UUID. Two of one name make replication lose rows in silence.

use std::collections::BTreeMap;

use super::Context;
use super::accounts::may_lead;
use crate::decide::versions::{listed, too_old_behind};
use crate::decide::{Finding, Severity};
use crate::facts::Observation;
use crate::inventory::HostName;
use crate::mysql::{Compatibility, Dialect};

/// The flavor is the inventory's, and every server can follow whoever leads now or may lead later.
pub(super) fn versions(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        findings.extend(wrong_flavor(context, host, facts.dialect));
        findings.extend(older_than_primary(context, host, facts.dialect));
        findings.extend(newer_than_followers(context, host, facts.dialect));
        findings.extend(step_left_out(context, host, facts.dialect));
    }
    findings
}

fn wrong_flavor(context: &Context<'_>, host: &HostName, own: Dialect) -> Option<Finding> {
    let wanted = context.cluster.server.flavor;
    (own.flavor != wanted).then(|| {
        Finding::on(
            host,
            Severity::Error,
            "WrongFlavor",
            format!(
                "runs {own}, the inventory wants {wanted}; by GTID the two do not replicate from each other"
            ),
            "correct `server: flavor`, or replace the server",
        )
    })
}

fn older_than_primary(context: &Context<'_>, host: &HostName, own: Dialect) -> Option<Finding> {
    let source = context.seen.server(&context.topology.primary)?.dialect;
    (own.behind(source) == Compatibility::ReplicaOlder).then(|| {
        Finding::on(
            host,
            Severity::Warning,
            "ReplicaOlderThanPrimary",
            format!(
                "runs {}, older than the primary's {}: it may not understand all that the primary writes",
                own.version, source.version
            ),
            "upgrade the replica; the primary is upgraded last",
        )
    })
}

/// A newer replica is as it should be in the middle of an upgrade. It is another matter once it leads.
fn newer_than_followers(context: &Context<'_>, host: &HostName, own: Dialect) -> Option<Finding> {
    if *host == context.topology.primary || !may_lead(context.cluster).contains(host) {
        return None;
    }
    let older = too_old_behind(context.seen, host);
    (!older.is_empty()).then(|| {
        Finding::on(
            host,
            Severity::Warning,
            "CandidateNewerThanOthers",
            format!(
                "runs {}; after a switchover or failover to it, older servers would follow it that may not \
                 understand all that it writes: {}",
                own.version,
                listed(&older)
            ),
            "upgrade those before it leads; until then `promotion: avoid` lets others lead first",
        )
    })
}

/// Behind the primary, or behind one that may lead.
fn step_left_out(context: &Context<'_>, host: &HostName, own: Dialect) -> Option<Finding> {
    let primary = &context.topology.primary;
    let candidates = may_lead(context.cluster);
    let mut sources = std::iter::once(primary)
        .chain(&candidates)
        .filter(|source| *source != host);
    let left_out = sources.find_map(|source| {
        let its = context.seen.server(source)?.dialect;
        match own.behind(its) {
            Compatibility::StepLeftOut(step) => Some((source, its.version, step)),
            _ => None,
        }
    });
    let (source, its, step) = left_out?;
    let when = if source == primary {
        "follows"
    } else {
        "would follow after a switchover or failover"
    };
    Some(Finding::on(
        host,
        Severity::Warning,
        "SeriesLeftOut",
        format!(
            "runs {}, too new for {source} with {its}, which it {when}: replication is supported from one \
             long-term series to the next, and {step} lies between",
            own.version
        ),
        format!("upgrade in steps: all servers to {step} first"),
    ))
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
                "run `hactl bootstrap`; if it finds nothing to do, restart the server: SQL has set it since it started",
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
