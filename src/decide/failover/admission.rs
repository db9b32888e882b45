//! Whether a failover may begin at all: the primary does not answer, nobody is at work on the cluster,
//! and the last failover was long enough ago (S21).

use super::election::Standing;
use super::{Case, fencing::names};
use crate::decide::left_behind::is_marked;
use crate::decide::topology::host_of;
use crate::decide::{Harm, Refusal};
use crate::facts::{HostView, Mark, Observation, ServerView};
use crate::inventory::{Cluster, HostName};
use crate::mysql::ThreadState;

/// Everything that forbids a failover before anybody is elected.
pub(super) fn refusals(cluster: &Cluster, seen: &Observation, case: &Case) -> Vec<Refusal> {
    let checks = [
        unknown_host(cluster, case),
        replica(seen, case),
        maintenance(seen, case),
        follows_another(cluster, seen, case),
    ];
    checks.into_iter().flatten().collect()
}

/// What depends on who was elected: a promotion that has begun is always finished.
pub(super) fn refusals_of(
    cluster: &Cluster,
    seen: &Observation,
    case: &Case,
    standing: Standing,
) -> Vec<Refusal> {
    if standing.is_begun() {
        return Vec::new();
    }
    let checks = [alive(seen, case), too_soon(cluster, seen, case)];
    checks.into_iter().flatten().collect()
}

fn unknown_host(cluster: &Cluster, case: &Case) -> Option<Refusal> {
    cluster.host(&case.dead).is_none().then(|| Refusal {
        host: Some(case.dead.clone()),
        reason: format!("{} is not in this inventory", case.dead),
        way_out: "correct the inventory, or the host's name".to_owned(),
    })
}

/// Who follows another is no primary, dead or alive.
fn replica(seen: &Observation, case: &Case) -> Option<Refusal> {
    let dead = &case.dead;
    let status = seen.server(dead)?.replica.as_ref()?;
    Some(Refusal {
        host: Some(dead.clone()),
        reason: format!("{dead} is up and a replica of {}", status.source_host),
        way_out: "look who leads with `hactl status`".to_owned(),
    })
}

/// A replica that is fed by another server than the dead one, which nobody can ask and no failover left
/// behind: that one may lead, and take writes at this moment.
fn follows_another(cluster: &Cluster, seen: &Observation, case: &Case) -> Option<Refusal> {
    if case.permits(Harm::Unfenced) {
        return None;
    }
    let (host, source) = seen.servers().find_map(|(host, facts)| {
        let status = facts.replica.as_ref()?;
        let source = host_of(cluster, status)?;
        // A receiver that was stopped fetched what the dead one's failover needed.
        let is_fed = status.receiver != ThreadState::Stopped;
        let is_other = *host != case.dead && source != case.dead;
        let may_lead = seen.server(&source).is_none() && !is_marked(seen, &source);
        (is_fed && is_other && may_lead).then_some((host, source))
    })?;
    Some(Refusal {
        host: Some(host.clone()),
        reason: format!(
            "{host} follows {source}, not {}; {source} cannot be asked, and may be the one that takes writes",
            case.dead
        ),
        way_out: format!(
            "look at {source} first; if it is down for good, run `hactl failover`, which acts on whom {host} follows"
        ),
    })
}

/// A server that takes writes, or that says no by itself, is alive (S14); not one that says that it is
/// shutting down, which may take it long and is not called off.
fn alive(seen: &Observation, case: &Case) -> Option<Refusal> {
    let dead = &case.dead;
    let Some(HostView::Reached(reached)) = seen.view(dead) else {
        return None;
    };
    let reason = match &reached.server {
        ServerView::Up(facts) if facts.read_only.is_writable() => {
            format!("{dead} answers and takes writes: it is alive")
        }
        ServerView::Refused(fault) if fault.number.is_some() && !fault.is_farewell() => {
            format!("{dead} is alive: its server answers {}", fault.text)
        }
        _ => return None,
    };
    Some(Refusal {
        host: Some(dead.clone()),
        reason,
        way_out: "to move the primary, run `hactl switchover`".to_owned(),
    })
}

/// Somebody is at work on the whole cluster, or on the primary.
fn maintenance(seen: &Observation, case: &Case) -> Option<Refusal> {
    let concerns = |mark: &&Mark| mark.host.as_ref().is_none_or(|host| *host == case.dead);
    let (host, mark) = seen.all_reached().find_map(|(host, reached)| {
        let mark = reached.os.marks.maintenance.as_ref().filter(concerns)?;
        Some((host, mark))
    })?;
    let what = match &mark.host {
        Some(host) => host.to_string(),
        None => "the cluster".to_owned(),
    };
    Some(Refusal {
        host: Some(host.clone()),
        reason: format!(
            "{what} is in maintenance, set by {}: {}",
            mark.by, mark.text
        ),
        way_out: match &mark.host {
            Some(host) => format!("`hactl maintenance off {host}`, then run again"),
            None => "`hactl maintenance off`, then run again".to_owned(),
        },
    })
}

fn too_soon(cluster: &Cluster, seen: &Observation, case: &Case) -> Option<Refusal> {
    if case.permits(Harm::IgnoreLast) {
        return None;
    }
    let marks = seen
        .all_reached()
        .filter_map(|(_, reached)| reached.os.marks.failover.as_ref());
    let latest = marks.max_by_key(|mark| mark.at)?;
    let ago = seen.taken_at.saturating_sub(latest.at);
    let least = cluster.failover.min_interval;
    // A mark from the future is a clock that was set back: as if it were of now.
    let is_long_ago = u64::try_from(ago).is_ok_and(|ago| ago >= least.as_secs());
    (!is_long_ago).then(|| Refusal {
        host: None,
        reason: format!(
            "the last failover was {} s ago ({}, by {}), and `failover: min_interval` is {} s: a second one so soon hides a fault that moves along",
            ago.max(0),
            latest.text,
            latest.by,
            least.as_secs()
        ),
        way_out: format!("look for the reason, then `hactl failover {}`", Harm::IgnoreLast),
    })
}

/// Replicas that are not seen and may have what nobody else has, unless the dead server's own log can
/// be read, or they did not acknowledge when it last answered.
pub(super) fn unseen_ahead(
    case: &Case,
    seen_members: &std::collections::BTreeSet<HostName>,
    unseen: &[&HostName],
) -> Option<Refusal> {
    if unseen.is_empty() || case.permits(Harm::UnseenReplica) {
        return None;
    }
    let acked_elsewhere = case
        .memory
        .as_ref()
        .is_some_and(|memory| memory.was_lossless() && memory.acked_only_to(seen_members));
    (!acked_elsewhere).then(|| Refusal {
        host: unseen.first().map(|host| (*host).clone()),
        reason: format!(
            "{} cannot be asked, and may have transactions that no other replica has; nor can the log of {} be read",
            names(unseen.iter().copied()),
            case.dead
        ),
        way_out: format!(
            "bring {} back, or run `hactl failover {}`, which {}",
            names(unseen.iter().copied()),
            Harm::UnseenReplica,
            Harm::UnseenReplica.meaning()
        ),
    })
}
