//! What must hold before clients are cut off, said all together: a switchover that is refused has touched
//! nothing.

use std::time::Duration;

use super::candidate::Contest;
use crate::decide::Refusal;
use crate::facts::{HostView, Observation, Reached, ServerView};
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::{SemiSyncSupport, Switch};

/// Every host answers, and so does its server; a fenced one is harmless as it is.
pub(super) fn all_there(cluster: &Cluster, seen: &Observation, primary: &HostName) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for host in cluster.hosts.keys() {
        let (reason, way_out) = match seen.view(host) {
            None => (format!("{host} was not looked at"), "run again".to_owned()),
            Some(HostView::Unreachable(why)) => (
                format!("{host} cannot be reached: {}", why.text),
                way_back(host, primary),
            ),
            Some(HostView::Reached(reached)) => match &reached.server {
                ServerView::Up(_) => continue,
                ServerView::Stopped | ServerView::Absent if is_fenced(reached) => continue,
                ServerView::Stopped | ServerView::Absent => {
                    (format!("no server runs on {host}"), way_back(host, primary))
                }
                ServerView::Refused(fault) => (
                    format!("the server on {host} does not answer: {}", fault.text),
                    way_back(host, primary),
                ),
            },
        };
        refusals.push(Refusal::on(host, reason, way_out));
    }
    refusals
}

fn is_fenced(reached: &Reached) -> bool {
    reached.os.marks.fenced.is_some()
}

fn way_back(host: &HostName, primary: &HostName) -> String {
    if host == primary {
        "a primary that is dead is left by `hactl failover`".to_owned()
    } else {
        format!("bring it back (`hactl rejoin {host}`), or take it out of the inventory")
    }
}

/// The primary can be made to stop, and what comes after it would not wait for ever.
pub(super) fn fit_to_switch(
    contest: &Contest<'_>,
    durability: Durability,
    target: &HostName,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let primary = contest.primary;
    if let Some(facts) = contest.seen.server(primary) {
        let semi_sync = &facts.semi_sync;
        if semi_sync.clients == 0 && semi_sync.waiting_sessions > 0 {
            refusals.push(Refusal::on(
                primary,
                format!(
                    "{} commits on {primary} wait for an acknowledgement that no replica gives: it could not be made read-only",
                    semi_sync.waiting_sessions
                ),
                "bring a replica back: `hactl verify` names what is wrong with them",
            ));
        }
        if let Some(write) = facts
            .oldest_write
            .as_ref()
            .filter(|write| write.age >= contest.max_wait)
        {
            refusals.push(Refusal::on(
                primary,
                format!("on {primary}, {write}: it would be rolled back"),
                format!(
                    "wait until it is committed, end it (`KILL {}`), or permit it by a longer `--max-wait`",
                    write.session
                ),
            ));
        }
        if !facts.other_channels.is_empty() {
            refusals.push(Refusal::on(
                primary,
                format!(
                    "{primary} replicates by channels that hactl does not manage: {}",
                    facts.other_channels.join(", ")
                ),
                "remove them, or move them by hand",
            ));
        }
    }
    if durability == Durability::Lossless
        && !contest
            .seen
            .servers()
            .any(|(host, _)| acknowledges(contest.seen, host, target))
    {
        refusals.push(Refusal::on(
            target,
            format!(
                "nobody would acknowledge what {target} commits, and `durability: lossless` promises that somebody does"
            ),
            "run `hactl bootstrap`, which turns semi-sync on at the replicas",
        ));
    }
    if durability == Durability::Lossless
        && let Some(facts) = contest.seen.server(target)
        && facts.semi_sync.support == SemiSyncSupport::Missing
    {
        refusals.push(Refusal::on(
            target,
            format!("{target} has no semi-sync, and `durability: lossless` needs it"),
            "run `hactl bootstrap`, which loads it",
        ));
    }
    refusals.extend(no_interface(contest, target));
    refusals
}

/// Whether a host acknowledges once `target` leads.
fn acknowledges(seen: &Observation, host: &HostName, target: &HostName) -> bool {
    host != target
        && seen.server(host).is_some_and(|facts| {
            facts.semi_sync.support == SemiSyncSupport::Present
                && facts.semi_sync.replica_enabled != Some(Switch::Off)
        })
}

fn no_interface(contest: &Contest<'_>, target: &HostName) -> Option<Refusal> {
    let interface = contest.cluster.vip_interface(target)?;
    let os = contest.seen.os(target)?;
    // A look in the middle of a run does not list them.
    let known = os.interfaces.is_empty() || os.interfaces.iter().any(|seen| seen == interface);
    (!known).then(|| {
        Refusal::on(
            target,
            format!(
                "{target} has no interface {interface} for the writer VIP; it has {}",
                os.interfaces.join(", ")
            ),
            "correct `vip: writer: interface`, or set `interface` on this host",
        )
    })
}

/// A wait that can never be met.
pub(super) fn no_time(max_wait: Duration) -> Option<Refusal> {
    max_wait.is_zero().then(|| {
        Refusal::cluster(
            "a switch that may wait for no time at all cannot be done",
            "give it some seconds: `--max-wait 10s`",
        )
    })
}
