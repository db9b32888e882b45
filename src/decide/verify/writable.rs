//! Exactly one server takes writes.

use super::Context;
use crate::decide::{Finding, Role, Severity};

/// The primary takes writes. One that is up and does not is a fault that a restart makes.
pub(super) fn primary(context: &Context<'_>) -> Vec<Finding> {
    let primary = &context.topology.primary;
    let Some(facts) = context.seen.server(primary) else {
        return Vec::new();
    };
    if facts.read_only.is_writable() {
        return Vec::new();
    }
    vec![Finding::on(
        primary,
        Severity::Error,
        "PrimaryIsReadOnly",
        "leads the cluster and is read-only, as every server is after a restart",
        "run `hactl bootstrap`, which makes it writable if it still leads",
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
