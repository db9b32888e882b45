//! Files on the hosts are what bootstrap would write. What differs is found by the playbook's own tasks
//! and handed in; a host that nobody looked at so has no entry, and no finding.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, Severity};
use crate::facts::{FileFacts, Reached, RootAccess, ServerView};
use crate::inventory::HostName;

/// The files that bootstrap would write, by host.
pub type Drift = BTreeMap<HostName, Vec<FileDrift>>;

/// A file that is not what bootstrap would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDrift {
    /// Its absolute path.
    pub path: String,
    /// What differs: `the file is missing`, `content differs`, …
    pub why: String,
    /// Its content, if it is there.
    pub before: Option<String>,
    /// The content that bootstrap would write.
    pub wanted: String,
}

const NEXT: &str = "`hactl bootstrap --check --diff` shows the difference, `hactl bootstrap` ends it; your own settings belong into the inventory";

/// The most settings that a sentence names.
const NAMED: usize = 5;

/// A host's files, if they were looked at and a server is there that they are for.
fn drifted<'a>(
    context: &'a Context<'_>,
) -> impl Iterator<Item = (&'a HostName, &'a Reached, &'a FileDrift)> {
    let of_host = |(host, files): (&'a HostName, &'a Vec<FileDrift>)| {
        let reached = context.seen.reached(host)?;
        // Who is not root may see another content than there is.
        let is_for_us = !matches!(reached.server, ServerView::Absent)
            && reached.os.login.root != RootAccess::None
            && awaits_rejoin(context.cluster, context.seen, host).is_none();
        is_for_us.then(|| files.iter().map(move |file| (host, reached, file)))
    };
    context.drift.iter().filter_map(of_host).flatten()
}

fn is_config(context: &Context<'_>, reached: &Reached, file: &FileDrift) -> bool {
    file.path == reached.dialect(context.cluster.server.flavor).config_path()
}

/// The drop-in that sets the restart policy of the server's unit.
fn policy_path(context: &Context<'_>, reached: &Reached) -> String {
    let unit = reached
        .dialect(context.cluster.server.flavor)
        .service_unit();
    format!("/etc/systemd/system/{unit}.d/hactl.conf")
}

/// Each server's own part of my.cnf.
pub(super) fn config(context: &Context<'_>) -> Vec<Finding> {
    let own = drifted(context).filter(|(_, reached, file)| is_config(context, reached, file));
    own.map(|(host, _, file)| {
        let path = &file.path;
        let message = match &file.before {
            None => format!("{path} is missing: the server runs without hactl's settings"),
            Some(before) => match differing(before, &file.wanted).as_slice() {
                [] => format!("{path}: {}, its settings are the same", file.why),
                settings => format!("{path} was changed: {}", shortened(settings)),
            },
        };
        Finding::on(host, Severity::Warning, "ConfigDiffers", message, NEXT)
    })
    .collect()
}

/// The drop-in is as wanted, and nothing else has the last word.
pub(super) fn restart_policy(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of_policy = |(_, reached, file): &(&HostName, &Reached, &FileDrift)| {
        file.path == policy_path(context, reached)
    };
    let mut told = BTreeSet::new();
    for (host, _, file) in drifted(context).filter(of_policy) {
        told.insert(host);
        let message = format!(
            "{}, which sets when a server that died is started again: {}",
            file.path, file.why
        );
        findings.push(Finding::on(
            host,
            Severity::Warning,
            "RestartPolicyDiffers",
            message,
            NEXT,
        ));
    }
    for (host, reached) in context.seen.all_reached() {
        let unit = reached
            .dialect(context.cluster.server.flavor)
            .service_unit();
        let path = policy_path(context, reached);
        let Some(FileFacts::Present { content, .. }) = reached.os.files.get(&path) else {
            continue;
        };
        let wanted = content
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix("Restart="));
        let facts = reached.os.units.get(unit);
        let Some((wanted, facts)) = wanted.zip(facts) else {
            continue;
        };
        if !told.contains(host)
            && !facts.unread
            && !facts.restart.is_empty()
            && facts.restart != wanted
        {
            let message = format!(
                "systemd has Restart={} for {unit}, although {path} says {wanted}: something else has the last word",
                facts.restart
            );
            let next = format!(
                "on {host}: `systemctl cat {unit}` shows what; take it away, then `systemctl daemon-reload`"
            );
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "RestartPolicyDiffers",
                message,
                next,
            ));
        }
    }
    findings
}

/// systemd knows what its files say.
pub(super) fn units_read(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        if awaits_rejoin(context.cluster, context.seen, host).is_some() {
            continue;
        }
        let unread = reached.os.units.iter().filter(|(_, facts)| facts.unread);
        let names: Vec<_> = unread.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "UnitsNotReloaded",
                format!(
                    "systemd has not read the newest files of {}",
                    names.join(", ")
                ),
                format!("on {host}: systemctl daemon-reload"),
            ));
        }
    }
    findings
}

/// Everything else that bootstrap writes: scripts and units.
pub(super) fn files(context: &Context<'_>) -> Vec<Finding> {
    let mut by_host: BTreeMap<&HostName, Vec<String>> = BTreeMap::new();
    for (host, reached, file) in drifted(context) {
        if !is_config(context, reached, file) && file.path != policy_path(context, reached) {
            let text = format!("{} ({})", file.path, file.why);
            by_host.entry(host).or_default().push(text);
        }
    }
    let finding = |(host, files): (&HostName, Vec<String>)| {
        let message = format!("not as bootstrap leaves them: {}", files.join(", "));
        Finding::on(host, Severity::Warning, "FileDiffers", message, NEXT)
    };
    by_host.into_iter().map(finding).collect()
}

/// The settings of two files that differ, as `name = seen, not wanted`.
fn differing(seen: &str, wanted: &str) -> Vec<String> {
    let (seen, wanted) = (settings(seen), settings(wanted));
    let names: BTreeSet<_> = seen.keys().chain(wanted.keys()).collect();
    let differs = |name: &&&str| seen.get(**name) != wanted.get(**name);
    let say = |name: &&str| match (seen.get(*name), wanted.get(*name)) {
        (Some(seen), Some(wanted)) => format!("{name} = {seen}, not {wanted}"),
        (Some(_), None) => format!("{name} was added"),
        (None, _) => format!("{name} is missing"),
    };
    names.into_iter().filter(differs).map(say).collect()
}

fn settings(text: &str) -> BTreeMap<&str, String> {
    let mut settings: BTreeMap<&str, String> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';', '[', '!']) {
            continue;
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        let values = settings.entry(name.trim()).or_default();
        // An option that is given several times.
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(value.trim());
    }
    settings
}

fn shortened(settings: &[String]) -> String {
    let more = settings.len().saturating_sub(NAMED);
    let named = settings[..settings.len() - more].join("; ");
    if more == 0 {
        named
    } else {
        format!("{named}; and {more} more")
    }
}
