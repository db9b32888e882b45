//! Replication: from the right source, running, in time, and without rows of the replica's own.

use std::time::Duration;

use super::Context;
use crate::decide::{Finding, PrimaryBasis, Role, Severity};
use crate::inventory::HostName;
use crate::mysql::{OwnSchema, Positioning, ReplicaStatus, Seeding, ServerFacts, ThreadState};

/// From this lag on a replica is worth a word: a failover would wait for it.
const LAG: Duration = Duration::from_secs(30);

fn replicas<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a HostName, &'a ServerFacts)> {
    context
        .seen
        .servers()
        .filter(|(host, _)| context.topology.role(host) == Role::Replica)
}

fn following<'a>(
    context: &'a Context<'_>,
) -> impl Iterator<Item = (&'a HostName, &'a ReplicaStatus)> {
    replicas(context).filter_map(|(host, facts)| Some((host, facts.replica.as_ref()?)))
}

/// Every replica follows the primary, and nobody else.
pub(super) fn sources(context: &Context<'_>) -> Vec<Finding> {
    let primary = &context.topology.primary;
    let mut findings = Vec::new();
    for (host, facts) in replicas(context) {
        match (&facts.replica, context.topology.sources.get(host)) {
            (None, _) => findings.push(Finding::on(
                host,
                Severity::Error,
                "NotReplicating",
                format!("is not a replica of {primary}"),
                come_back(context, host, facts),
            )),
            (Some(_), Some(Some(source))) if source == primary => {}
            (Some(status), _) => findings.push(Finding::on(
                host,
                Severity::Error,
                "ConnectedToWrongPrimary",
                format!(
                    "replicates from {}:{}, not from {primary}",
                    status.source_host, status.source_port
                ),
                follow_again(context, host, facts),
            )),
        }
    }
    findings
}

/// What only it has received is a decision about data, which a rejoin names; bootstrap loses none of it, and
/// refuses.
fn follow_again(context: &Context<'_>, host: &HostName, facts: &ServerFacts) -> String {
    let primary = &context.topology.primary;
    let led = context.seen.server(primary);
    let has_own = led.is_some_and(|led| facts.errant_beside(led).is_some());
    if has_own {
        format!("`hactl rejoin {host}` says how to go on")
    } else {
        format!("`hactl rejoin {host}` makes it follow {primary}; so does `hactl bootstrap`")
    }
}

/// A server that was a member once comes back by a rejoin; any other is made one by bootstrap.
fn come_back(context: &Context<'_>, host: &HostName, facts: &ServerFacts) -> String {
    let runs = context.topology.basis != PrimaryBasis::Inventory;
    if runs && facts.own_schema == OwnSchema::Present {
        format!("run `hactl rejoin {host}`")
    } else {
        "run `hactl bootstrap`".to_owned()
    }
}

/// The connection to the source is protected as the inventory demands.
pub(super) fn encryption(context: &Context<'_>) -> Vec<Finding> {
    let tls = &context.cluster.replication_tls;
    let differs = |status| tls.differences(status).join(" and ");
    following(context)
        .map(|(host, status)| (host, differs(status)))
        .filter(|(_, differs)| tls.is_demanded() && !differs.is_empty())
        .map(|(host, differs)| {
            let message =
                format!("replicates otherwise than `replication: tls` demands: {differs}");
            let next = "run `hactl bootstrap`";
            Finding::on(
                host,
                Severity::Error,
                "ReplicationUnprotected",
                message,
                next,
            )
        })
        .collect()
}

/// Replicas know where they are as the inventory wants it. One that does not run may be on its way: its host
/// applies what was received by position before it goes on.
pub(super) fn positioning(context: &Context<'_>) -> Vec<Finding> {
    let mode = context.cluster.replication_mode;
    let runs = |status: &ReplicaStatus| {
        status.receiver == ThreadState::Running && status.applier == ThreadState::Running
    };
    let warn = |host, code, message: &str| {
        let next = "run `hactl bootstrap`";
        Finding::on(host, Severity::Warning, code, message, next)
    };
    following(context)
        .filter(|(_, status)| runs(status) && !mode.accepts(status.using_gtid))
        .filter_map(|(host, status)| match status.using_gtid {
            Positioning::Gtid => None,
            Positioning::File => Some(warn(
                host,
                "FollowsByPosition",
                "follows by file and position, not by GTID, and the inventory does not say `replication: {mode: position}`",
            )),
            Positioning::GtidWithOwnWrites => Some(warn(
                host,
                "CountsOwnWrites",
                "follows by GTID from its own writes on: one errant transaction would stop it, or skip what it lacks",
            )),
        })
        .collect()
}

/// Both threads run.
pub(super) fn threads(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, status) in following(context) {
        for (name, state, error) in [
            ("receiver", status.receiver, &status.last_io_error),
            ("applier", status.applier, &status.last_sql_error),
        ] {
            let error = error.as_ref().map_or_else(String::new, |error| {
                format!(": error {}: {}", error.number, error.text)
            });
            let (code, word) = match state {
                ThreadState::Running => continue,
                ThreadState::Connecting => ("ReplicaConnecting", "cannot connect to the primary"),
                ThreadState::Stopped => ("ReplicationStopped", "is stopped"),
            };
            findings.push(Finding::on(
                host,
                Severity::Error,
                code,
                format!("the {name} {word}{error}"),
                "repair what the error names, then run `hactl bootstrap`: it applies what was received before it starts replication again",
            ));
        }
    }
    findings
}

/// What was written is applied soon.
pub(super) fn lag(context: &Context<'_>) -> Vec<Finding> {
    following(context)
        .filter(|(_, status)| {
            status.receiver == ThreadState::Running && status.applier == ThreadState::Running
        })
        .filter_map(|(host, status)| match status.lag {
            None => Some(Finding::on(
                host,
                Severity::Warning,
                "LagUnknown",
                "the server does not know its lag although both threads run",
                "look again in a few seconds with `hactl verify --wait 30s`",
            )),
            Some(lag) if lag >= LAG => Some(Finding::on(
                host,
                Severity::Warning,
                "ReplicaLagging",
                format!("is {} s behind", lag.as_secs()),
                "wait, or look for a long transaction or a slow disk",
            )),
            Some(_) => None,
        })
        .collect()
}

/// No replica has executed what the primary has not.
pub(super) fn errant(context: &Context<'_>) -> Vec<Finding> {
    let Some(primary) = context.seen.server(&context.topology.primary) else {
        return Vec::new();
    };
    replicas(context)
        .filter_map(|(host, facts)| {
            let errant = facts.errant_beside(primary)?;
            Some(Finding::on(
                host,
                Severity::Error,
                "ErrantGtid",
                format!("has executed transactions that the primary has not: {errant}"),
                format!("`hactl rejoin {host}` says how to go on: it keeps them as SQL before anything goes"),
            ))
        })
        .collect()
}

/// No server is left half seeded.
pub(super) fn seeds(context: &Context<'_>) -> Vec<Finding> {
    replicas(context)
        .filter(|(_, facts)| facts.seeding == Seeding::Unfinished)
        .map(|(host, _)| {
            Finding::on(
                host,
                Severity::Error,
                "HalfSeeded",
                "a seed was begun and not finished; its data is incomplete",
                "run `hactl bootstrap`, which loads it anew",
            )
        })
        .collect()
}
