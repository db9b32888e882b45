//! Who becomes the primary. Positions are a partial order and are compared by containment; the winner
//! has, or fetches, everything that any follower has (S6). Promotion flags break ties only. No greatest
//! element is a refusal, and so are errant transactions that would have to be replicated (S22).

use std::collections::BTreeMap;

use super::member::{Counting, Member, Part, members};
use crate::decide::Refusal;
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName, Promotion};
use crate::mysql::{GtidSet, Seeding, Switch};

/// Who was elected, and who was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    /// The next primary.
    pub leader: HostName,
    /// Who has more and is fetched from first, with what there is to fetch.
    pub ahead: Option<(HostName, GtidSet)>,
    /// Everybody else, each with the reason.
    pub passed_over: Vec<(HostName, String)>,
    /// Whether an earlier run promoted it already.
    pub standing: Standing,
}

impl Standing {
    /// Whether it commits already, so that there is no way back.
    pub fn is_begun(self) -> bool {
        matches!(self, Self::Promoted | Self::Writable)
    }
}

/// How far an earlier run came with the elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is a replica.
    Replica,
    /// It is no replica any more, and has proven nothing yet.
    Detached,
    /// It is no replica any more, was proven to commit, and refuses clients.
    Promoted,
    /// It takes writes.
    Writable,
}

/// Elects. `unfit` are hosts that failed a step of this run.
///
/// # Errors
/// Every reason why nobody can be.
pub(super) fn elect(
    cluster: &Cluster,
    seen: &Observation,
    dead: &HostName,
    counting: Counting,
    unfit: &BTreeMap<HostName, String>,
) -> Result<Election, Vec<Refusal>> {
    let all = members(cluster, seen, dead, counting);
    let promoted: Vec<_> = all.iter().filter(|m| m.part == Part::Promoted).collect();
    let (leader, ahead) = match promoted.as_slice() {
        [] => among_followers(&all, dead, unfit)?,
        [one] => (resume(&all, one)?, None),
        [first, second, ..] => return Err(vec![two_promoted(first, second)]),
    };
    if let Some(other) = all
        .iter()
        .find(|member| member.host != leader.host && member.is_writable())
    {
        return Err(vec![writable_beside(other.host, leader.host)]);
    }
    let standing = match leader.part {
        Part::Promoted if leader.is_proven && leader.is_writable() => Standing::Writable,
        Part::Promoted if leader.is_proven => Standing::Promoted,
        Part::Promoted => Standing::Detached,
        _ => Standing::Replica,
    };
    Ok(Election {
        leader: leader.host.clone(),
        passed_over: passed_over(cluster, seen, dead, &all, leader, unfit),
        ahead: ahead.map(|ahead| (ahead.host.clone(), ahead.position.clone())),
        standing,
    })
}

/// One that an earlier run promoted leads on, if it has everything.
fn resume<'m, 'a>(
    all: &'m [Member<'a>],
    promoted: &'m Member<'a>,
) -> Result<&'m Member<'a>, Vec<Refusal>> {
    let beyond = followers(all).find(|other| !promoted.position.contains(&other.position));
    match beyond {
        None => Ok(promoted),
        Some(other) => Err(vec![Refusal {
            host: Some(promoted.host.clone()),
            reason: format!(
                "{} is promoted already and lacks what {} has ({}): the two have diverged",
                promoted.host,
                other.host,
                missing(promoted, other)
            ),
            way_out: format!(
                "decide which of them leads; the other comes back by `hactl rejoin` ({} takes writes: {})",
                promoted.host,
                if promoted.is_writable() { "yes" } else { "no" }
            ),
        }]),
    }
}

fn followers<'m, 'a>(all: &'m [Member<'a>]) -> impl Iterator<Item = &'m Member<'a>> {
    all.iter()
        .filter(|member| member.part == Part::Follower && member.facts.seeding == Seeding::None)
}

type Winner<'m, 'a> = (&'m Member<'a>, Option<&'m Member<'a>>);

fn among_followers<'m, 'a>(
    all: &'m [Member<'a>],
    dead: &HostName,
    unfit: &BTreeMap<HostName, String>,
) -> Result<Winner<'m, 'a>, Vec<Refusal>> {
    let contains_all = |member: &&Member<'_>| {
        followers(all).all(|other| member.position.contains(&other.position))
    };
    let furthest: Vec<_> = followers(all).filter(contains_all).collect();
    let Some(first) = furthest.first() else {
        return Err(vec![no_greatest(all, dead)]);
    };
    let mut fit: Vec<_> = followers(all)
        .filter(|member| unfitness(all, member, unfit).is_none())
        .collect();
    // Ties are broken by the flag, and then by name, so that two runs elect the same host.
    fit.sort_by_key(|member| (member.promotion, member.host));
    let is_furthest = |member: &Member<'_>| furthest.iter().any(|one| one.host == member.host);
    let wanted = |member: &&&Member<'_>| member.promotion < Promotion::Avoid;
    if let Some(winner) = fit.iter().filter(wanted).find(|m| is_furthest(m)) {
        return Ok((winner, None));
    }
    // Whoever is ahead may not lead: the best of the others fetches from it, if it can be fetched from.
    let source = furthest.iter().find(|member| can_be_source(member));
    if let (Some(winner), Some(source)) = (greatest(fit.iter().filter(wanted)), source) {
        return Ok((winner, Some(source)));
    }
    if let Some(winner) = fit.iter().find(|member| is_furthest(member)) {
        return Ok((winner, None));
    }
    if let (Some(winner), Some(source)) = (fit.first(), source) {
        return Ok((winner, Some(source)));
    }
    Err(vec![nobody(all, dead, first, unfit)])
}

/// The furthest of some that no other of them is ahead of; of equals the first.
fn greatest<'m, 'x: 'm, 'a: 'x>(
    members: impl Iterator<Item = &'m &'x Member<'a>>,
) -> Option<&'x Member<'a>> {
    members.copied().reduce(|best, next| {
        let is_ahead =
            next.position.contains(&best.position) && !best.position.contains(&next.position);
        if is_ahead { next } else { best }
    })
}

/// Whether others can fetch from it without fetching what they must not have.
fn can_be_source(member: &Member<'_>) -> bool {
    let facts = member.facts;
    member.errant.is_none()
        && facts.log_bin() != Some(Switch::Off)
        && facts.logs_replica_updates() != Some(Switch::Off)
}

/// Why a member cannot be promoted.
fn unfitness(
    all: &[Member<'_>],
    member: &Member<'_>,
    unfit: &BTreeMap<HostName, String>,
) -> Option<String> {
    let facts = member.facts;
    if let Some(why) = unfit.get(member.host) {
        return Some(why.clone());
    }
    if member.promotion == Promotion::Never {
        return Some("promotion: never".to_owned());
    }
    if facts.seeding == Seeding::Unfinished {
        return Some("its seed was not finished".to_owned());
    }
    if let Some(errant) = &member.errant {
        return Some(format!(
            "it has errant transactions: {}",
            errant.transactions
        ));
    }
    if !facts.other_channels.is_empty() {
        return Some(format!(
            "it replicates by other channels, too: {}",
            facts.other_channels.join(", ")
        ));
    }
    if facts.log_bin() == Some(Switch::Off) {
        return Some("it writes no binary log".to_owned());
    }
    if facts.logs_replica_updates() == Some(Switch::Off) {
        return Some("what it applies does not enter its binary log".to_owned());
    }
    replication_unfitness(member).or_else(|| too_new(all, member))
}

fn replication_unfitness(member: &Member<'_>) -> Option<String> {
    let status = member.facts.replica.as_ref()?;
    if !status.filters.is_empty() {
        return Some(format!("it is filtered: {}", status.filters.join(", ")));
    }
    if status.delay_s > 0 {
        return Some(format!("it is delayed on purpose by {} s", status.delay_s));
    }
    None
}

/// A replica reads an older server's log; not always a newer one's.
fn too_new(all: &[Member<'_>], member: &Member<'_>) -> Option<String> {
    let series = |member: &Member<'_>| {
        let version = member.facts.dialect.version;
        (version.major, version.minor)
    };
    let older = followers(all).find(|other| series(other) < series(member))?;
    Some(format!(
        "it runs {}, which {} with {} may not be able to follow",
        member.facts.dialect, older.host, older.facts.dialect
    ))
}

/// What the second has and the first has not, as text.
fn missing(of: &Member<'_>, other: &Member<'_>) -> String {
    let beyond = other.position.subtract(&of.position);
    beyond.map_or_else(|error| error.to_string(), |beyond| beyond.to_string())
}

fn no_greatest(all: &[Member<'_>], dead: &HostName) -> Refusal {
    let mut pairs = followers(all).flat_map(|one| followers(all).map(move |other| (one, other)));
    let split = pairs.find(|(one, other)| {
        !one.position.contains(&other.position) && !other.position.contains(&one.position)
    });
    match split {
        Some((one, other)) => Refusal {
            host: None,
            reason: format!(
                "{} and {} have diverged: {} lacks {}, {} lacks {}",
                one.host,
                other.host,
                one.host,
                missing(one, other),
                other.host,
                missing(other, one)
            ),
            way_out: "look at these transactions in the binary logs; reseed the server that may lose its own, then run again".to_owned(),
        },
        None => Refusal {
            host: None,
            reason: format!("no replica of {dead} answers: there is nobody to promote"),
            way_out: format!("bring a replica back, or start {dead} again"),
        },
    }
}

fn nobody(
    all: &[Member<'_>],
    dead: &HostName,
    furthest: &Member<'_>,
    unfit: &BTreeMap<HostName, String>,
) -> Refusal {
    let reasons: Vec<_> = followers(all)
        .filter_map(|member| {
            Some(format!(
                "{}: {}",
                member.host,
                unfitness(all, member, unfit)?
            ))
        })
        .collect();
    let behind = followers(all).any(|member| unfitness(all, member, unfit).is_none());
    let reason = if behind {
        format!(
            "{} has more than any replica that may be promoted, and cannot be fetched from ({})",
            furthest.host,
            reasons.join("; ")
        )
    } else {
        format!(
            "no replica of {dead} may be promoted: {}",
            reasons.join("; ")
        )
    };
    Refusal {
        host: None,
        reason,
        way_out: "change what the reason names (in the inventory `promotion:`; on the server what it says), then run again".to_owned(),
    }
}

fn two_promoted(first: &Member<'_>, second: &Member<'_>) -> Refusal {
    Refusal {
        host: None,
        reason: format!(
            "{} and {} both follow nobody and have everything: a failover was begun on both",
            first.host, second.host
        ),
        way_out: format!(
            "decide which leads; make the other follow it with `hactl rejoin {}` or `hactl rejoin {}`",
            second.host, first.host
        ),
    }
}

fn writable_beside(other: &HostName, leader: &HostName) -> Refusal {
    Refusal {
        host: Some(other.clone()),
        reason: format!("{other} takes writes; a second writable primary would be {leader}"),
        way_out: format!(
            "find out who writes there; SET GLOBAL read_only = 1 on {other}, then run again"
        ),
    }
}

fn passed_over(
    cluster: &Cluster,
    seen: &Observation,
    dead: &HostName,
    all: &[Member<'_>],
    leader: &Member<'_>,
    unfit: &BTreeMap<HostName, String>,
) -> Vec<(HostName, String)> {
    let others = cluster
        .hosts
        .keys()
        .filter(|host| *host != dead && host != &leader.host);
    let reason = |host: &HostName| match all.iter().find(|member| member.host == host) {
        None => why_unseen(seen, host),
        Some(member) => match &member.part {
            Part::Elsewhere(source) => format!("it follows {source}"),
            Part::Stranger | Part::Promoted => "it follows nobody".to_owned(),
            Part::Follower => {
                unfitness(all, member, unfit).unwrap_or_else(|| second_best(leader, member))
            }
        },
    };
    others.map(|host| (host.clone(), reason(host))).collect()
}

fn why_unseen(seen: &Observation, host: &HostName) -> String {
    use crate::facts::{HostView, ServerView};
    match seen.view(host) {
        Some(HostView::Reached(reached)) => match &reached.server {
            ServerView::Refused(fault) => format!("its server does not answer: {}", fault.text),
            _ => "its server does not run".to_owned(),
        },
        Some(HostView::Unreachable(why)) => why.text.clone(),
        None => "it was not looked at".to_owned(),
    }
}

fn second_best(leader: &Member<'_>, member: &Member<'_>) -> String {
    if !member.position.contains(&leader.position) {
        return format!("it lacks {}", missing(member, leader));
    }
    if member.promotion != leader.promotion {
        let word = format!("{:?}", member.promotion).to_lowercase();
        return format!("promotion: {word}");
    }
    format!("it is as far; {} comes first by name", leader.host)
}
