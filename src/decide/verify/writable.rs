//! Exactly one server takes writes.

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, Role, Severity};
use crate::inventory::HostName;

/// The primary takes writes. One that is up and does not is a fault that a restart makes.
pub(super) fn primary(context: &Context<'_>) -> Vec<Finding> {
    let primary = &context.topology.primary;
    let Some(facts) = context.seen.server(primary) else {
        return Vec::new();
    };
    if facts.read_only.is_writable() {
        return Vec::new();
    }
    let waits = |host: &HostName| awaits_rejoin(context.cluster, context.seen, host).is_some();
    // Bootstrap leaves a cluster alone in which a member waits for its rejoin, and that needs a leader.
    let next = if context.cluster.hosts.keys().any(waits) {
        "run `hactl failover`, which makes it writable if nobody took its place"
    } else {
        "run `hactl bootstrap`, which makes it writable if it still leads"
    };
    vec![Finding::on(
        primary,
        Severity::Error,
        "PrimaryIsReadOnly",
        "leads the cluster and is read-only, as every server is after a restart",
        next,
    )]
}

/// No replica takes writes: what is written there never reaches the others.
pub(super) fn replicas(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        if context.topology.role(host) == Role::Replica && !facts.read_only.is_full() {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "ReplicaIsWritable",
                "is a replica and takes writes",
                "run `hactl bootstrap`, then look for errant transactions with `hactl verify`",
            ));
        }
        for (name, value) in facts.persisted_read_only() {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "ReadOnlyPersisted",
                format!("{name}={value} was persisted by SQL and beats my.cnf at the next boot"),
                format!("on {host}: RESET PERSIST {name}"),
            ));
        }
    }
    findings
}
