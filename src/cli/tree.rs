//! The topology as a tree: the primary, and below it who follows it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::decide::{Role, Topology};
use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::{ServerFacts, Switch, ThreadState};

const BAD: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)))
    .bold();
const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));

/// The tree as text.
pub(super) fn render(cluster: &Cluster, seen: &Observation) -> String {
    let mut text = format!(
        "{} ({}, {})\n",
        cluster.name, cluster.server.flavor, cluster.durability
    );
    let nobody = std::collections::BTreeSet::new();
    match Topology::of(cluster, seen, &nobody) {
        Ok(topology) => {
            let _ = writeln!(
                text,
                "{}",
                line(cluster, seen, &topology.primary, Role::Primary)
            );
            let others: Vec<_> = topology.replicas(cluster).collect();
            for (index, host) in others.iter().enumerate() {
                let branch = if index + 1 == others.len() {
                    "└─ "
                } else {
                    "├─ "
                };
                let _ = writeln!(
                    text,
                    "{branch}{}",
                    line(cluster, seen, &host.name, Role::Replica)
                );
            }
        }
        Err(error) => {
            let _ = writeln!(text, "{BAD}{error}{BAD:#}\n  hint: {}", error.hint());
            for host in cluster.hosts.keys() {
                let _ = writeln!(text, "?  {}", line(cluster, seen, host, Role::Replica));
            }
        }
    }
    text
}

fn line(cluster: &Cluster, seen: &Observation, name: &HostName, role: Role) -> String {
    let Some(host) = cluster.host(name) else {
        return name.to_string();
    };
    let state = match seen.view(name) {
        None => "not looked at".to_owned(),
        Some(HostView::Unreachable(why)) => format!("{BAD}unreachable{BAD:#}: {}", why.text),
        Some(HostView::Reached(reached)) => match &reached.server {
            ServerView::Absent => format!("{BAD}no server installed{BAD:#}"),
            ServerView::Stopped if reached.os.marks.fenced.is_some() => {
                format!("{BAD}stopped, fenced{BAD:#}")
            }
            ServerView::Stopped => format!("{BAD}stopped{BAD:#}"),
            ServerView::Refused(fault) => format!("{BAD}no answer{BAD:#}: {}", fault.text),
            ServerView::Up(facts) => {
                let mut words = vec![facts.dialect.version.to_string()];
                words.extend(match role {
                    Role::Primary => primary_words(facts),
                    Role::Replica => replica_words(cluster, facts),
                });
                if cluster
                    .vip
                    .as_ref()
                    .is_some_and(|vip| reached.os.has_address(vip.address))
                {
                    words.push(format!("{GOOD}VIP{GOOD:#}"));
                }
                words.push(format!("gtid {}", short(&facts.executed.to_string())));
                words.join(", ")
            }
        },
    };
    format!(
        "{} {}:{} {role}: {state}",
        host.name, host.address, host.port
    )
}

fn primary_words(facts: &ServerFacts) -> Vec<String> {
    let mut words = vec![writable(facts, Role::Primary)];
    words.push(
        match (
            facts.semi_sync.source_enabled,
            facts.semi_sync.source_active,
        ) {
            (Some(Switch::On), Some(Switch::On)) => match facts.semi_sync.clients {
                0 => format!("{BAD}semi-sync: no replica acknowledges{BAD:#}"),
                1 => "semi-sync: 1 replica acknowledges".to_owned(),
                many => format!("semi-sync: {many} replicas acknowledge"),
            },
            (Some(Switch::On), _) => format!("{BAD}semi-sync fell back{BAD:#}"),
            _ => "no semi-sync".to_owned(),
        },
    );
    words
}

fn replica_words(cluster: &Cluster, facts: &ServerFacts) -> Vec<String> {
    let Some(status) = &facts.replica else {
        return vec![
            format!("{BAD}not a replica{BAD:#}"),
            writable(facts, Role::Replica),
        ];
    };
    let thread = |name: &str, state: ThreadState| match state {
        ThreadState::Running => None,
        ThreadState::Connecting => Some(format!("{BAD}{name} connecting{BAD:#}")),
        ThreadState::Stopped => Some(format!("{BAD}{name} stopped{BAD:#}")),
    };
    let mut words = vec![writable(facts, Role::Replica)];
    words.extend(thread("receiver", status.receiver));
    words.extend(thread("applier", status.applier));
    words.push(match status.lag {
        Some(lag) => format!("lag {}s", lag.as_secs()),
        None => format!("{BAD}lag unknown{BAD:#}"),
    });
    if facts.semi_sync.replica_active == Some(Switch::On) {
        words.push("semi-sync".to_owned());
    }
    let source = |host: &&Host| host.address.to_string() == status.source_host;
    match cluster.hosts.values().find(source) {
        Some(host) => words.push(format!("from {}", host.name)),
        None => words.push(format!("{BAD}from {}{BAD:#}", status.source_host)),
    }
    words
}

fn writable(facts: &ServerFacts, role: Role) -> String {
    match (role, facts.read_only.is_writable()) {
        (Role::Primary, true) => format!("{GOOD}writable{GOOD:#}"),
        (Role::Primary, false) => format!("{BAD}read-only{BAD:#}"),
        (Role::Replica, true) => format!("{BAD}writable{BAD:#}"),
        (Role::Replica, false) => "read-only".to_owned(),
    }
}

/// A GTID set of a server with a long history fills a screen; its end says most.
fn short(gtid: &str) -> String {
    const LONGEST: usize = 48;
    let plain: String = gtid.split_whitespace().collect();
    if plain.is_empty() {
        return "none".to_owned();
    }
    let length = plain.chars().count();
    if length <= LONGEST {
        return plain;
    }
    let end: String = plain.chars().skip(length - LONGEST).collect();
    format!("…{end}")
}
