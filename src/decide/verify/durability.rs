//! Settings without which an acknowledged row can be lost or a failover cannot be done.

use super::Context;
use crate::decide::{Finding, Severity};
use crate::inventory::{Durability, HostName};
use crate::mysql::{ServerFacts, Switch};

const NEXT: &str = "run `hactl bootstrap`; if it finds nothing to do, restart the server: it runs with older settings than its file";

fn each(
    context: &Context<'_>,
    find: impl Fn(&HostName, &ServerFacts) -> Option<Finding>,
) -> Vec<Finding> {
    context
        .seen
        .servers()
        .filter_map(|(host, facts)| find(host, facts))
        .collect()
}

fn wrong(host: &HostName, code: &'static str, message: String) -> Finding {
    Finding::on(host, Severity::Error, code, message, NEXT)
}

/// The binary log is on, in row format, and holds what was replicated.
pub(super) fn binary_log(context: &Context<'_>) -> Vec<Finding> {
    each(context, |host, facts| {
        if facts.log_bin() == Some(Switch::Off) {
            return Some(wrong(
                host,
                "BinaryLogOff",
                "the binary log is off".to_owned(),
            ));
        }
        if let Some(format) = facts.binlog_format().filter(|format| *format != "ROW") {
            let message = format!("binlog_format is {format}, not ROW");
            return Some(wrong(host, "BinaryLogNotRow", message));
        }
        (facts.logs_replica_updates() == Some(Switch::Off)).then(|| {
            let message = "what is replicated does not enter the binary log: it cannot lead others";
            wrong(host, "ReplicaUpdatesNotLogged", message.to_owned())
        })
    })
}

/// A commit is on disk before it is acknowledged.
pub(super) fn flushes(context: &Context<'_>) -> Vec<Finding> {
    let mut wanted = vec![
        ("sync_binlog", "1"),
        ("innodb_flush_log_at_trx_commit", "1"),
    ];
    if context.cluster.durability == Durability::Lossless {
        wanted.push(("sync_relay_log", "1"));
    }
    let mut findings = Vec::new();
    for (name, value) in wanted {
        findings.extend(each(context, |host, facts| {
            let seen = facts.variable(name).filter(|seen| *seen != value)?;
            Some(wrong(
                host,
                "NotDurable",
                format!("{name} is {seen}, not {value}: a power cut can lose acknowledged rows"),
            ))
        }));
    }
    findings
}

/// GTIDs are on and strict.
pub(super) fn gtid(context: &Context<'_>) -> Vec<Finding> {
    each(context, |host, facts| {
        (facts.strict_gtid() == Some(Switch::Off)).then(|| {
            wrong(
                host,
                "GtidNotStrict",
                "GTIDs are off or not strict".to_owned(),
            )
        })
    })
}

/// Nothing throws away what was received and not applied.
pub(super) fn relay_logs(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["relay_log_purge", "relay_log_recovery"] {
        findings.extend(each(context, |host, facts| {
            (facts.switch(name) == Some(Switch::On)).then(|| {
                wrong(
                    host,
                    "RelayLogPurged",
                    format!("{name} is on: received rows can be thrown away"),
                )
            })
        }));
    }
    findings
}
