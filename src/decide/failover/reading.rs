//! What a failover reads off an observation about the followers as a whole: who fetches, who will follow
//! the next primary and who must not, and how many of them acknowledge.

use std::collections::{BTreeMap, BTreeSet};

use super::election::Election;
use super::member::{Counting, Member, Part, members};
use crate::decide::demoted::is_demoted;
use crate::decide::topology::host_of;
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::mysql::{BinlogName, Seeding, ServerError, ServerFacts, ThreadState};

/// The followers when one of them leads.
pub(super) struct Siblings {
    /// Those to repoint, and the old primary of a switchover that was not finished.
    pub(super) follow: Vec<HostName>,
    /// Those that must not be, with the reason (S22).
    pub(super) left_out: BTreeMap<HostName, String>,
}

impl Siblings {
    pub(super) fn of(
        cluster: &Cluster,
        seen: &Observation,
        dead: &HostName,
        leader: &HostName,
    ) -> Self {
        let all = members(cluster, seen, dead, Counting::Applied);
        let leading = all.iter().find(|member| member.host == leader);
        let mut siblings = Self {
            follow: Vec::new(),
            left_out: BTreeMap::new(),
        };
        let demoted = |member: &Member<'_>| {
            leading
                .is_some_and(|leading| is_demoted(seen, member.host, member.facts, leading.facts))
        };
        let others = all.iter().filter(|member| member.host != leader);
        for member in others.filter(|one| one.part == Part::Follower || demoted(one)) {
            match why_not(member, leading) {
                None => siblings.follow.push(member.host.clone()),
                Some(why) => {
                    siblings.left_out.insert(member.host.clone(), why);
                }
            }
        }
        siblings
    }
}

fn why_not(member: &Member<'_>, leading: Option<&Member<'_>>) -> Option<String> {
    let host = member.host;
    if member.facts.seeding == Seeding::Unfinished {
        return Some("its seed was not finished; `hactl bootstrap` loads it anew".to_owned());
    }
    if let Some(errant) = &member.errant {
        return Some(format!(
            "it has errant transactions: {}; `hactl rejoin {host}` shows them",
            errant.transactions
        ));
    }
    if let Some(error) = broken_applier(member.facts) {
        return Some(format!(
            "its applier stopped with error {}: {}; `hactl rejoin {host}` says how to go on",
            error.number, error.text
        ));
    }
    if let Some(leader) = leading.filter(|one| !one.position.contains(&member.position)) {
        return Some(format!(
            "it has more than {}; `hactl rejoin {host}` shows what",
            leader.host
        ));
    }
    member
        .receives()
        .then(|| format!("its receiver could not be stopped; `hactl rejoin {host}`"))
}

/// The error that stopped its applier. Such a one cannot be repointed: what it has received and not
/// applied would be lost.
fn broken_applier(facts: &ServerFacts) -> Option<&ServerError> {
    let status = facts.replica.as_ref()?;
    let error = status.last_sql_error.as_ref()?;
    (status.applier == ThreadState::Stopped).then_some(error)
}

/// How many replicas will acknowledge to the leader.
pub(super) fn ackers(
    cluster: &Cluster,
    seen: &Observation,
    dead: &HostName,
    leader: &HostName,
) -> usize {
    let siblings = Siblings::of(cluster, seen, dead, leader);
    members(cluster, seen, dead, Counting::Applied)
        .iter()
        .filter(|member| member.can_acknowledge())
        .filter(|member| {
            siblings.follow.contains(member.host) || member.part == Part::Elsewhere(leader.clone())
        })
        .count()
}

/// Replicas whose receiver fetches from the failed primary, or tries to.
pub(super) fn attached(
    cluster: &Cluster,
    seen: &Observation,
    dead: &HostName,
) -> BTreeSet<HostName> {
    let fetches = |member: &&Member<'_>| {
        let status = member.facts.replica.as_ref();
        status.is_some_and(|status| status.receiver != ThreadState::Stopped)
    };
    members(cluster, seen, dead, Counting::Received)
        .iter()
        .filter(|member| member.part == Part::Follower)
        .filter(fetches)
        .map(|member| member.host.clone())
        .collect()
}

/// Hosts that may not be promoted whatever is done: somebody is at work on them, or their applier has
/// stopped with an error, which draining repeats.
pub(super) fn unfit_at_first(seen: &Observation) -> BTreeMap<HostName, String> {
    let mut unfit = BTreeMap::new();
    for (host, reached) in seen.all_reached() {
        if let Some(mark) = &reached.os.marks.maintenance
            && mark.host.as_ref().is_none_or(|concerned| concerned == host)
        {
            unfit.insert(host.clone(), format!("it is in maintenance: {}", mark.text));
        }
        let status = reached.server.up().and_then(|facts| facts.replica.as_ref());
        if let Some(status) = status.filter(|status| status.applier == ThreadState::Stopped)
            && let Some(error) = &status.last_sql_error
        {
            let why = format!(
                "its applier stopped with error {}: {}",
                error.number, error.text
            );
            unfit.insert(host.clone(), why);
        }
    }
    unfit
}

/// Up to where the elected, or whom it fetches from, had received in the dead server's log.
pub(super) fn tail_start(
    cluster: &Cluster,
    seen: &Observation,
    dead: &HostName,
    election: &Election,
) -> Option<(BinlogName, u64)> {
    let ahead = election.ahead.as_ref().map(|(host, _)| host);
    let facts = seen.server(ahead.unwrap_or(&election.leader))?;
    let status = facts.replica.as_ref()?;
    if host_of(cluster, status).as_ref() != Some(dead) {
        return None;
    }
    Some((status.read_source_log.clone()?, status.read_source_pos))
}
