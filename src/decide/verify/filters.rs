//! No server leaves out rows: neither a replica of what it receives, nor a server of what it logs. A filtered
//! replica looks healthy and lacks data.

use super::Context;
use crate::decide::{Finding, Severity};
use crate::inventory::Promotion;

/// Options that keep rows out of the binary log. No status that is safe to ask for says whether they are in
/// force, so the files are read.
const LOGGED: [&str; 2] = ["binlog_do_db", "binlog_ignore_db"];

const NEXT: &str = "take the filter away and reseed the replicas that lack rows (`hactl bootstrap --reseed HOST`); a replica with a part of the data belongs outside of the cluster";

/// Every row is logged, and every row is applied.
pub(super) fn filters(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        // One that never leads may lack what it likes.
        let never = context
            .cluster
            .host(host)
            .is_some_and(|host| host.promotion == Promotion::Never);
        let severity = if never {
            Severity::Info
        } else {
            Severity::Error
        };
        let wrong = |code, message| Finding::on(host, severity, code, message, NEXT);
        let applied = facts
            .replica
            .as_ref()
            .map_or(&[][..], |status| &status.filters);
        if !applied.is_empty() {
            let message = format!(
                "does not apply every row that it receives: {}",
                applied.join(", ")
            );
            findings.push(wrong("ReplicationFiltered", message));
        }
        let inspected = context.seen.os(host).and_then(|os| os.inspected.as_ref());
        let options = inspected.and_then(|inspected| inspected.options.as_ref());
        let logged: Vec<_> = options
            .into_iter()
            .flatten()
            .filter(|(name, _)| LOGGED.contains(&name.as_str()))
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !logged.is_empty() {
            let message = format!(
                "its files keep rows out of the binary log, so that no replica gets them: {}",
                logged.join(", ")
            );
            findings.push(wrong("BinaryLogFiltered", message));
        }
    }
    findings
}
