//! How the failed primary is made harmless, or proven to be, before another is promoted (S12). A proof
//! rests on what is seen now and on what semi-sync guarantees, never on a mark or on hope.

use std::collections::BTreeSet;

use super::Case;
use crate::decide::{Harm, Refusal};
use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::ThreadState;
use crate::plan::FenceMethod;

/// Why the failed primary can do no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// It is made harmless by this.
    Fence(FenceMethod),
    /// It cannot acknowledge a commit: nobody is left who would acknowledge to it.
    Proof(String),
    /// A person permits the harm.
    Permitted,
}

/// The means to use, the surest first; those that were tried in vain are left out.
pub(super) fn choose(
    cluster: &Cluster,
    seen: &Observation,
    case: &Case,
    in_vain: &BTreeSet<FenceMethod>,
) -> Result<Means, Refusal> {
    if seen.reached(&case.dead).is_some() && !in_vain.contains(&FenceMethod::Ssh) {
        return Ok(Means::Fence(FenceMethod::Ssh));
    }
    if cluster.failover.fence.is_some() && !in_vain.contains(&FenceMethod::Command) {
        return Ok(Means::Fence(FenceMethod::Command));
    }
    match proof(cluster, seen, case) {
        Ok(proof) => Ok(Means::Proof(proof)),
        Err(_) if case.permits(Harm::Unfenced) => Ok(Means::Permitted),
        Err(lack) => Err(unfenced(cluster, seen, case, &lack)),
    }
}

/// That it cannot acknowledge anything once every replica's receiver is stopped; or what is lacking.
fn proof(cluster: &Cluster, seen: &Observation, case: &Case) -> Result<String, String> {
    let dead = &case.dead;
    if cluster.durability != Durability::Lossless {
        return Err(format!(
            "durability is {}: its commits go on without a replica after a while",
            cluster.durability
        ));
    }
    if let Some(memory) = case.memory.as_ref().filter(|memory| !memory.was_lossless()) {
        let active = memory.semi_sync.source_active;
        return Err(format!(
            "durability is lossless, but semi-sync was not so when it last answered (status {active:?}, timeout {:?} ms, wait point {:?})",
            memory.semi_sync.timeout_ms, memory.semi_sync.wait_point
        ));
    }
    for host in cluster.hosts.keys().filter(|host| *host != dead) {
        let acks = match seen.view(host) {
            Some(HostView::Reached(reached)) => match &reached.server {
                ServerView::Absent | ServerView::Up(_) => None,
                // Its unit starts replication from the old primary again, whenever somebody starts it.
                ServerView::Stopped => Some("its server is stopped, and may start".to_owned()),
                ServerView::Refused(fault) => Some(fault.text.clone()),
            },
            Some(HostView::Unreachable(why)) => Some(why.text.clone()),
            None => Some("it was not looked at".to_owned()),
        };
        if let Some(why) = acks {
            return Err(format!(
                "{host} is not seen and may acknowledge to it ({why})"
            ));
        }
    }
    Ok(format!(
        "under durability lossless {dead} acknowledges nothing without a replica, and all of {} have stopped receiving from it",
        names(cluster.hosts.keys().filter(|host| *host != dead))
    ))
}

/// That the proof holds now: nobody receives any more.
pub(super) fn still_receiving<'a>(
    cluster: &'a Cluster,
    seen: &Observation,
    dead: &HostName,
) -> Option<&'a HostName> {
    cluster.hosts.keys().find(|host| {
        let receives = |facts: &crate::mysql::ServerFacts| {
            let status = facts.replica.as_ref();
            let from_dead =
                status.and_then(|status| crate::decide::topology::host_of(cluster, status));
            status.is_some_and(|status| status.receiver != ThreadState::Stopped)
                && from_dead.as_ref() == Some(dead)
        };
        *host != dead && seen.server(host).is_some_and(receives)
    })
}

fn unfenced(cluster: &Cluster, seen: &Observation, case: &Case, lack: &str) -> Refusal {
    let dead = &case.dead;
    let ssh = match seen.view(dead) {
        Some(HostView::Unreachable(why)) => format!("ssh does not reach it: {}", why.text),
        Some(HostView::Reached(_)) => "fencing it over ssh failed".to_owned(),
        None => "it was not looked at".to_owned(),
    };
    let command = match cluster.failover.fence {
        Some(_) => "the inventory's fence command failed",
        None => "the inventory has no fence command",
    };
    Refusal {
        host: Some(dead.clone()),
        reason: format!(
            "{dead} may still take writes, and would lose them: {ssh}; {command}; and it is not proven harmless: {lack}"
        ),
        way_out: format!(
            "power {dead} off and give `failover: fence:` a command that does so; or run `hactl failover {}`, which {}",
            Harm::Unfenced,
            Harm::Unfenced.meaning()
        ),
    }
}

pub(super) fn names<'a>(hosts: impl Iterator<Item = &'a HostName>) -> String {
    hosts
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
