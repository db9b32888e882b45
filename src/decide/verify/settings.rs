//! Servers run with what their files say: nothing that waits for a restart, and nothing that the next
//! restart takes back. What was set by SQL is known from the server itself, not by comparing every
//! variable with every file.

use std::collections::BTreeMap;

use super::Context;
use crate::decide::{Finding, Severity};
use crate::facts::RootAccess;
use crate::inventory::HostName;
use crate::mysql::{Agreement, ServerFacts, compare_setting};

/// Variables that are a role, a position or a gate, which hactl sets while servers run, or a filter, which
/// has a check of its own.
fn is_live(name: &str) -> bool {
    let roles = ["read_only", "super_read_only", "offline_mode"];
    roles.contains(&name)
        || name.starts_with("gtid_")
        || name.starts_with("replicate_")
        || (name.starts_with("rpl_semi_sync_") && name.ends_with("_enabled"))
}

/// Variables that have a check of their own, with a better sentence.
const JUDGED: [&str; 12] = [
    "binlog_format",
    "enforce_gtid_consistency",
    "innodb_flush_log_at_trx_commit",
    "log_replica_updates",
    "log_slave_updates",
    "relay_log_purge",
    "relay_log_recovery",
    "rpl_semi_sync_master_timeout",
    "rpl_semi_sync_master_wait_point",
    "rpl_semi_sync_source_timeout",
    "rpl_semi_sync_source_wait_point",
    "sync_binlog",
];

/// No file is newer than its server.
pub(super) fn loaded(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        let dialect = reached.dialect(context.cluster.server.flavor);
        let unit = reached.os.units.get(dialect.service_unit());
        let path = dialect.config_path();
        let is_told = |files: &Vec<super::FileDrift>| files.iter().any(|file| file.path == path);
        if reached.server.up().is_none()
            || !unit.is_some_and(|unit| unit.stale)
            || context.drift.get(host).is_some_and(is_told)
        {
            continue;
        }
        findings.push(Finding::on(
            host,
            Severity::Warning,
            "ConfigNotLoaded",
            format!("{path} was written after the server started: it runs with older settings"),
            "run `hactl bootstrap`, which restarts it",
        ));
    }
    findings
}

/// Nothing was set by hand that a restart takes back.
pub(super) fn set_by_hand(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        let Some((set, options)) = facts.set_since_start.as_ref().zip(options(context, host))
        else {
            continue;
        };
        for (name, running) in set {
            // What was persisted, too, no restart takes back.
            if is_live(name)
                || JUDGED.contains(&name.as_str())
                || facts.persisted.contains_key(name)
            {
                continue;
            }
            findings.extend(match options.get(name.as_str()) {
                Some(file) => differs(host, name, running, file),
                None => facts
                    .dialect
                    .tells_global_from_session()
                    .then(|| unknown_to_files(host, name, running)),
            });
        }
    }
    findings
}

fn differs(host: &HostName, name: &str, running: &str, file: &str) -> Option<Finding> {
    (compare_setting(name, file, running) == Agreement::Differ).then(|| {
        Finding::on(
            host,
            Severity::Warning,
            "SettingDiffersFromFile",
            format!("{name} was set to {running} by SQL, and its files say {file}, which the next restart brings back"),
            format!("write it into the inventory under `settings:`; or `hactl bootstrap` sets back what its own file says, and on {host} so does: SET GLOBAL {name} = {file}"),
        )
    })
}

fn unknown_to_files(host: &HostName, name: &str, running: &str) -> Finding {
    Finding::on(
        host,
        Severity::Info,
        "SettingNotInFile",
        format!(
            "{name} was set to {running} by SQL, and no file has it: the next restart forgets it"
        ),
        "write it into the inventory under `settings:` if it is to stay",
    )
}

/// Nothing that was persisted by SQL beats another value in a file.
pub(super) fn persisted(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        let Some(options) = options(context, host) else {
            continue;
        };
        for (name, value) in others_persisted(facts) {
            let Some(file) = options.get(name) else {
                continue;
            };
            if compare_setting(name, file, value) == Agreement::Differ {
                findings.push(Finding::on(
                    host,
                    Severity::Warning,
                    "PersistedBeatsFile",
                    format!("{name} was persisted as {value} by SQL, which beats {file} in its files at every start"),
                    format!("on {host}: RESET PERSIST {name}; then SET GLOBAL {name} = {file}, or restart it"),
                ));
            }
        }
    }
    findings
}

/// Those that no other check is about.
fn others_persisted(facts: &ServerFacts) -> impl Iterator<Item = (&str, &str)> {
    let all = facts.persisted.iter();
    all.map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !["read_only", "super_read_only"].contains(name))
}

/// The last value of each option. Who is not root may not see every file.
fn options<'a>(context: &'a Context<'_>, host: &HostName) -> Option<BTreeMap<&'a str, &'a str>> {
    let os = context.seen.os(host)?;
    let inspected = os.inspected.as_ref();
    let options = inspected.filter(|_| os.login.root != RootAccess::None)?;
    let options = options.options.as_ref()?;
    let pairs = options.iter();
    Some(
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect(),
    )
}
