//! Semi-sync: enabled is not working. The status and the number of clients are read back.

use std::time::Duration;

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, Role, Severity};
use crate::inventory::{Durability, Promotion};
use crate::mysql::{Switch, WaitPoint};

/// A primary that waits less than this does give up one day.
const PATIENT_MS: u64 = 3_600_000;

/// Acknowledgements come in less.
const SLOW: Duration = Duration::from_secs(3);

/// The primary waits, and somebody acknowledges.
pub(super) fn source(context: &Context<'_>) -> Vec<Finding> {
    let primary = &context.topology.primary;
    let Some(facts) = context.seen.server(primary) else {
        return Vec::new();
    };
    if context.topology.replicas(context.cluster).next().is_none() {
        return Vec::new();
    }
    let semi_sync = &facts.semi_sync;
    let wrong = |code, message: String, next: &str| {
        Finding::on(primary, Severity::Error, code, message, next)
    };
    let mut findings = Vec::new();
    if semi_sync.source_enabled != Some(Switch::On) {
        findings.push(wrong(
            "SemiSyncOff",
            "does not wait for a replica's acknowledgement: a failover can lose rows".to_owned(),
            "run `hactl bootstrap`",
        ));
        return findings;
    }
    if semi_sync.clients == 0 {
        findings.push(wrong(
            "SemiSyncBlocked",
            "waits for acknowledgements, and no replica gives them: commits wait".to_owned(),
            &way_back(context),
        ));
    } else if let Some(waits) = facts.unacknowledged.filter(|waits| *waits >= SLOW) {
        findings.push(wrong(
            "SemiSyncBlocked",
            format!(
                "a commit has waited {} s for an acknowledgement, though {} replicas are attached",
                waits.as_secs(),
                semi_sync.clients
            ),
            "run `hactl failover --watch`, which repairs an acknowledgement that was lost; look at the \
             replicas' disks if it finds none",
        ));
    } else if semi_sync.source_active != Some(Switch::On) {
        findings.push(wrong(
            "SemiSyncFellBack",
            "acknowledges commits without waiting for a replica".to_owned(),
            "write a row; if it stays so, run `hactl bootstrap`",
        ));
    } else if !may_succeed(context) {
        findings.push(Finding::on(
            primary,
            Severity::Warning,
            "SemiSyncUncovered",
            "only replicas that may not be promoted acknowledge its commits",
            "let another replica acknowledge, or give one of these another `promotion` than `never`",
        ));
    }
    findings
}

/// Every server waits at the right point and for as long as it takes: each replica's settings are a
/// primary's after a failover.
pub(super) fn settings(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if context.topology.replicas(context.cluster).next().is_none() {
        return findings;
    }
    for (host, facts) in context.seen.servers() {
        let semi_sync = &facts.semi_sync;
        let once = if *host == context.topology.primary {
            ""
        } else {
            "once it leads, "
        };
        let mut wrong = |code, message: String| {
            let next =
                "run `hactl bootstrap`; the server needs a restart if it finds nothing to do";
            findings.push(Finding::on(host, Severity::Error, code, message, next));
        };
        if semi_sync.wait_point == Some(WaitPoint::AfterCommit) {
            wrong(
                "SemiSyncAfterCommit",
                format!("{once}others see a commit before a replica has it (AFTER_COMMIT)"),
            );
        }
        if context.cluster.durability != Durability::Lossless {
            continue;
        }
        if let Some(timeout) = semi_sync.timeout_ms.filter(|timeout| *timeout < PATIENT_MS) {
            wrong(
                "SemiSyncFallsBack",
                format!("{once}it gives up waiting after {timeout} ms, without a word"),
            );
        }
        if semi_sync.wait_without_replica == Some(Switch::Off) {
            wrong(
                "SemiSyncFallsBack",
                format!("{once}it does not wait at all when no replica is attached"),
            );
        }
    }
    findings
}

/// What gives it somebody who acknowledges: a member that a failover left behind waits for a command.
fn way_back(context: &Context<'_>) -> String {
    let (cluster, seen) = (context.cluster, context.seen);
    let mut left = cluster.hosts.keys();
    match left.find(|host| awaits_rejoin(cluster, seen, host).is_some()) {
        Some(host) => format!(
            "run `hactl rejoin {host}`: it waits for that, and acknowledges then; or repair a replica"
        ),
        None => "bring a replica back: `hactl verify` names what is wrong with them".to_owned(),
    }
}

/// Whether someone who acknowledges may also be promoted, or may do so for all that is known.
fn may_succeed(context: &Context<'_>) -> bool {
    context.topology.replicas(context.cluster).any(|host| {
        let acknowledges = context
            .seen
            .server(&host.name)
            .is_none_or(|facts| facts.semi_sync.replica_active == Some(Switch::On));
        acknowledges && host.promotion != Promotion::Never
    })
}

/// Replicas acknowledge, and wait for nobody.
pub(super) fn replicas(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        if context.topology.role(host) == Role::Primary || facts.replica.is_none() {
            continue;
        }
        if facts.semi_sync.source_enabled == Some(Switch::On) {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "ReplicaWaitsForAcks",
                "is a replica and waits for acknowledgements itself: its applier will stand still",
                "run `hactl bootstrap`",
            ));
        }
        if facts.semi_sync.replica_active != Some(Switch::On) {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "ReplicaDoesNotAck",
                "does not acknowledge what it receives",
                "run `hactl bootstrap`; if it finds nothing to do, restart the server",
            ));
        }
    }
    findings
}
