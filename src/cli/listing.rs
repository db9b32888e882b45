//! `--list-tasks` and `--list-hosts`: what a playbook would be about. Nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use super::args::{Global, OutputFormat, Show};
use super::play::Work;
use super::screen::{print, show};
use super::{CliError, session};
use crate::decide::Topology;
use crate::fleet::Fleet as _;
use crate::playbook::{Pattern, Play};

/// Whether a list was asked for, and shown.
pub(super) enum Listed {
    /// The command is over.
    Yes,
    /// Go on.
    No,
}

/// Shows the list that was asked for.
pub(super) async fn list(global: &Global, args: &Show, work: &Work) -> Result<Listed, CliError> {
    let shown = if args.list_tasks {
        tasks(work)
    } else if args.list_hosts {
        hosts(work, &topology(global, work).await?)
    } else {
        return Ok(Listed::No);
    };
    match global.output {
        OutputFormat::Human => show(shown.0.trim_end()),
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Junit => {
            print(&shown.1.to_string());
        }
    }
    Ok(Listed::Yes)
}

/// Text, and the same as data.
type Both = (String, serde_json::Value);

fn tasks(work: &Work) -> Both {
    let (mut text, mut data) = (String::new(), Vec::new());
    for play in &work.playbook.plays {
        let _ = writeln!(text, "{} (hosts: {})", play.name, play.hosts);
        let mut listed = Vec::new();
        for task in play.tasks.iter().filter(|task| work.selection.takes(task)) {
            let tags = if task.tags.is_empty() {
                String::new()
            } else {
                let tags: Vec<&str> = task.tags.iter().map(String::as_str).collect();
                format!("  [{}]", tags.join(", "))
            };
            let _ = writeln!(text, "  {}{tags}", task.name);
            listed.push(json!({
                "name": task.name,
                "tags": task.tags,
                "place": task.place.to_string(),
            }));
        }
        data.push(json!({
            "play": play.name,
            "hosts": play.hosts.to_string(),
            "tasks": listed,
        }));
    }
    (text, data.into())
}

fn hosts(work: &Work, topology: &Topology) -> Both {
    let (mut text, mut data) = (String::new(), Vec::new());
    for play in &work.playbook.plays {
        let of_play: Vec<&str> = work
            .cluster
            .hosts
            .values()
            .filter(|host| {
                let limit = work.selection.limit.as_ref();
                play.hosts.matches(host, topology)
                    && limit.is_none_or(|limit| limit.matches(host, topology))
            })
            .map(|host| host.name.as_ref())
            .collect();
        let shown = if of_play.is_empty() {
            "none".to_owned()
        } else {
            of_play.join(", ")
        };
        let _ = writeln!(text, "{} (hosts: {}): {shown}", play.name, play.hosts);
        data.push(json!({ "play": play.name, "hosts": of_play }));
    }
    (text, data.into())
}

/// Who leads is asked of the hosts only where a pattern depends on it.
async fn topology(global: &Global, work: &Work) -> Result<Topology, CliError> {
    let limit = work.selection.limit.as_ref();
    let of_plays = |play: &Play| play.hosts.needs_topology();
    if !limit.is_some_and(Pattern::needs_topology) && !work.playbook.plays.iter().any(of_plays) {
        return Ok(work.first_topology());
    }
    let fleet = session::connect(global, &work.cluster).await;
    let seen = fleet.observe(&BTreeMap::new()).await;
    Topology::of(&work.cluster, &seen, &BTreeSet::new()).map_err(|error| CliError::NotThere {
        message: format!("nobody knows who leads: {error}"),
        hint: error.hint(),
    })
}
