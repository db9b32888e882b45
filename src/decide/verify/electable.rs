//! Somebody could take over. Each fault of a replica has a finding of its own; this one says that none is
//! left without. A replica that was not seen may be fit.

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, Severity};
use crate::facts::{HostView, ServerView};
use crate::inventory::{Host, Promotion};
use crate::mysql::{Seeding, ServerFacts, Switch};

/// At least one replica could be promoted if the primary died now.
pub(super) fn candidate(context: &Context<'_>) -> Vec<Finding> {
    let replicas: Vec<_> = context.topology.replicas(context.cluster).collect();
    if replicas.is_empty() {
        return Vec::new();
    }
    let obstacles: Option<Vec<_>> = replicas
        .into_iter()
        .map(|host| Some(format!("{} {}", host.name, obstacle(context, host)?)))
        .collect();
    let Some(obstacles) = obstacles else {
        return Vec::new();
    };
    vec![Finding::cluster(
        Severity::Error,
        "NoCandidate",
        format!(
            "no replica could take over from {}: {}",
            context.topology.primary,
            obstacles.join("; ")
        ),
        "bring one of them back, or give one that may lead another `promotion` than `never`",
    )]
}

/// Why a host cannot be promoted, if it is known that it cannot.
fn obstacle(context: &Context<'_>, host: &Host) -> Option<String> {
    if host.promotion == Promotion::Never {
        return Some("has `promotion: never`".to_owned());
    }
    let name = &host.name;
    let HostView::Reached(reached) = context.seen.view(name)? else {
        return None;
    };
    if awaits_rejoin(context.cluster, context.seen, name).is_some() {
        return Some("waits for its rejoin".to_owned());
    }
    match &reached.server {
        ServerView::Absent => Some("has no server".to_owned()),
        ServerView::Stopped => Some("is stopped".to_owned()),
        ServerView::Refused(_) => None,
        ServerView::Up(facts) => unfit(context, facts).map(ToOwned::to_owned),
    }
}

fn unfit(context: &Context<'_>, facts: &ServerFacts) -> Option<&'static str> {
    let primary = context.seen.server(&context.topology.primary);
    let status = facts.replica.as_ref();
    if status.is_none() {
        Some("is no replica")
    } else if facts.seeding == Seeding::Unfinished {
        Some("was not seeded to the end")
    } else if facts.log_bin() == Some(Switch::Off)
        || facts.logs_replica_updates() == Some(Switch::Off)
    {
        Some("does not log what it applies")
    } else if status.is_some_and(|status| !status.filters.is_empty()) {
        Some("leaves out rows")
    } else if primary.is_some_and(|primary| facts.errant_beside(primary).is_some()) {
        Some("has errant transactions")
    } else {
        None
    }
}
