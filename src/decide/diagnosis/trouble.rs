//! What is wrong while the primary serves: semi-sync without anybody who acknowledges, replicas that are
//! away, stopped, behind, or take writes. None of it is a reason to fail over.

use std::time::Duration;

use super::sight::{Sight, Witness, millis};
use crate::decide::topology::host_of;
use crate::decide::{Finding, Severity};
use crate::facts::{Beat, ServerPulse};
use crate::inventory::HostName;
use crate::mysql::{ReplicaStatus, Switch, ThreadState};

/// From this lag on a replica is worth a word: a failover would wait for it.
const LAG: Duration = Duration::from_secs(30);
/// An acknowledgement that takes longer was lost, or a replica is not well that says it is.
const STUCK: Duration = Duration::from_secs(2);

/// Everything that is wrong.
pub(super) fn trouble(sight: &Sight<'_>, beat: &Beat) -> Vec<Finding> {
    let mut findings: Vec<Finding> = semi_sync(sight, beat).into_iter().collect();
    for (host, witness) in &sight.witnesses {
        match witness {
            Witness::Away => {
                findings.extend(away(sight, host));
                continue;
            }
            // Nothing is known of it.
            Witness::Unasked => continue,
            _ => {}
        }
        let last = sight.vigil.pulses.get(*host);
        if let Some(beat) = last.and_then(|pulse| pulse.last.as_ref()) {
            findings.extend(replica(sight, host, beat));
        }
    }
    findings
}

/// A server counts a replica that lost its power or its cable among those that acknowledge until TCP gives
/// it up, which takes a quarter of an hour: what the replicas say themselves is known in seconds.
fn semi_sync(sight: &Sight<'_>, beat: &Beat) -> Option<Finding> {
    let (semi_sync, leader) = (&beat.semi_sync, sight.leader);
    let receives = |(_, witness): &(_, Witness)| matches!(witness, Witness::Receives { .. });
    let is_deserted = semi_sync.waiting_sessions > 0 && !sight.witnesses.iter().any(receives);
    let is_stuck = beat
        .stuck
        .is_some_and(|since| sight.vigil.now.saturating_sub(since) >= millis(STUCK));
    let has_nobody = semi_sync.clients == 0 || is_deserted;
    let is_blocked = has_nobody || is_stuck;
    if semi_sync.source_enabled != Some(Switch::On) || !is_blocked {
        return None;
    }
    let (severity, message) = match semi_sync.waiting_sessions {
        0 => (
            Severity::Warning,
            "waits for acknowledgements, and no replica would give one: the next commit will wait"
                .to_owned(),
        ),
        waiting => (
            Severity::Error,
            format!(
                "is alive; {waiting} commits wait for an acknowledgement that no replica gives"
            ),
        ),
    };
    Some(Finding::on(
        leader,
        severity,
        "SemiSyncBlocked",
        message,
        if has_nobody {
            way_back(sight)
        } else {
            "an acknowledgement that was lost is given once more within seconds; `hactl verify` says more if it lasts".to_owned()
        },
    ))
}

/// What gives it somebody who acknowledges. A fenced member, and any other whose server is stopped on a
/// machine that answers, comes back by one command.
fn way_back(sight: &Sight<'_>) -> String {
    let is_stopped = |host: &&HostName| {
        let pulse = sight.vigil.pulses.get(*host);
        pulse.is_some_and(|pulse| matches!(pulse.server, ServerPulse::Refuses { .. }))
    };
    let mut hosts = sight.witnesses.iter().map(|(host, _)| *host);
    match hosts.find(is_stopped) {
        Some(host) => format!(
            "run `hactl rejoin {host}`, whose server does not run (fenced, if it was failed over from): it acknowledges then; or repair a replica"
        ),
        None => "bring a replica back: `hactl verify` names what is wrong with them".to_owned(),
    }
}

/// `None` for one that was not asked yet: nothing is known of it.
fn away(sight: &Sight<'_>, host: &HostName) -> Option<Finding> {
    let message = match &sight.vigil.pulses.get(host)?.server {
        ServerPulse::Unknown => return None,
        ServerPulse::Answers { at } => format!("has given no answer for {}", sight.since(*at)),
        ServerPulse::Rejects { since, text, .. } => {
            format!("has said no for {}: {text}", sight.since(*since))
        }
        ServerPulse::Refuses { since, .. } => {
            format!("has refused connections for {}", sight.since(*since))
        }
        ServerPulse::Silent { since, text } => {
            format!("has given no answer for {}: {text}", sight.since(*since))
        }
    };
    Some(Finding::on(
        host,
        Severity::Warning,
        Finding::REPLICA_UNREACHABLE,
        message,
        "look at its server and its network: `hactl status`",
    ))
}

fn replica(sight: &Sight<'_>, host: &HostName, beat: &Beat) -> Vec<Finding> {
    let mut findings = Vec::new();
    if beat.read_only.is_writable() {
        findings.push(Finding::on(
            host,
            Severity::Error,
            "ReplicaIsWritable",
            format!("takes writes beside {}", sight.leader),
            "find out who writes there: `hactl verify`",
        ));
    }
    match &beat.replica {
        None => findings.push(Finding::on(
            host,
            Severity::Error,
            "NotReplicating",
            format!("is not a replica of {}", sight.leader),
            format!("run `hactl rejoin {host}`"),
        )),
        // It may know before us that the primary is gone; that is the primary's trouble.
        Some(status) if status.receiver == ThreadState::Connecting && was_served(sight, beat) => {}
        Some(status) => findings.extend(replication(sight, host, status)),
    }
    findings
}

/// Whether a replica has received so lately that the primary may have died since its own last answer.
fn was_served(sight: &Sight<'_>, beat: &Beat) -> bool {
    let silence = millis(sight.cluster.failover.silence);
    beat.received
        .is_some_and(|at| sight.now.saturating_sub(at) < silence)
}

fn replication(sight: &Sight<'_>, host: &HostName, status: &ReplicaStatus) -> Option<Finding> {
    let leader = sight.leader;
    let error = status
        .last_sql_error
        .as_ref()
        .or(status.last_io_error.as_ref());
    let error = error.map_or_else(String::new, |error| {
        format!(": error {}: {}", error.number, error.text)
    });
    let found = |severity, code, message: String| {
        Some(Finding::on(
            host,
            severity,
            code,
            message,
            format!("`hactl verify` says more; `hactl rejoin {host}` repairs it"),
        ))
    };
    if host_of(sight.cluster, status).as_ref() != Some(leader) {
        let message = format!("replicates from {}, not from {leader}", status.source_host);
        return found(Severity::Error, "ConnectedToWrongPrimary", message);
    }
    match (status.receiver, status.applier) {
        (ThreadState::Connecting, _) => {
            let message = format!("cannot connect to {leader}, which answers here{error}");
            found(Severity::Error, "ReplicaConnecting", message)
        }
        (ThreadState::Stopped, _) => {
            let message = format!("has its receiver stopped{error}");
            found(Severity::Error, "ReplicationStopped", message)
        }
        (_, applier) if applier != ThreadState::Running => {
            let message = format!("has its applier stopped{error}");
            found(Severity::Error, "ReplicationStopped", message)
        }
        _ => {
            let lag = status.lag.filter(|lag| *lag >= LAG)?;
            let message = format!("is {} s behind", lag.as_secs());
            found(Severity::Warning, "ReplicaLagging", message)
        }
    }
}
