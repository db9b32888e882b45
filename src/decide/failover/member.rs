//! What each server is to a failover: promoted already, a follower of the failed primary, a follower of
//! somebody else, or a stranger. Read off an observation alone, so that a half-done failover is
//! understood by the next run (S23).

use crate::decide::topology::host_of;
use crate::facts::{Observation, ServerView};
use crate::inventory::{Cluster, HostName, Promotion};
use crate::mysql::{GtidSet, OwnWrites, Seeding, ServerFacts, Switch, ThreadState};

/// A server that answers, other than the failed primary.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) host: &'a HostName,
    pub(super) facts: &'a ServerFacts,
    pub(super) promotion: Promotion,
    pub(super) part: Part,
    /// Everything that it has, applied or not (S6), without what it wrote itself as a replica.
    pub(super) position: GtidSet,
    /// What it wrote itself as a replica.
    pub(super) errant: Option<OwnWrites>,
    /// Whether it was proven to commit since it follows nobody: it wrote what no follower has.
    pub(super) is_proven: bool,
}

/// What a server is to a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It follows the failed primary, or did so until a failover began.
    Follower,
    /// It follows nobody, and has everything that the followers have: a promotion was begun on it.
    Promoted,
    /// It follows this server, which lives.
    Elsewhere(HostName),
    /// It follows nobody and is none of them.
    Stranger,
}

/// Whether what was received counts, or only what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// Before relay logs are applied: both.
    Received,
    /// After: what was received is applied, and the report of it is not the truth (S5).
    Applied,
}

/// Every server that answers, other than the failed primary.
pub(super) fn members<'a>(
    cluster: &'a Cluster,
    seen: &'a Observation,
    dead: &HostName,
    counting: Counting,
) -> Vec<Member<'a>> {
    let mut members: Vec<Member<'a>> = cluster
        .hosts
        .values()
        .filter(|host| host.name != *dead)
        .filter_map(|host| {
            let facts = seen.server(&host.name)?;
            Some(Member {
                host: &host.name,
                facts,
                promotion: host.promotion,
                part: part(cluster, seen, dead, facts),
                position: position(facts, counting),
                errant: None,
                is_proven: false,
            })
        })
        .collect();
    find_errant(&mut members);
    find_promoted(seen, &mut members);
    members
}

/// Hosts of the inventory whose data nobody can judge now.
pub(super) fn unseen<'a>(
    cluster: &'a Cluster,
    seen: &Observation,
    dead: &HostName,
) -> Vec<&'a HostName> {
    cluster
        .hosts
        .keys()
        .filter(|host| *host != dead && seen.server(host).is_none())
        .filter(|host| {
            let server = seen.reached(host).map(|reached| &reached.server);
            !matches!(server, Some(ServerView::Absent))
        })
        .collect()
}

fn part(cluster: &Cluster, seen: &Observation, dead: &HostName, facts: &ServerFacts) -> Part {
    let Some(status) = &facts.replica else {
        return Part::Stranger;
    };
    match host_of(cluster, status) {
        // Whoever stopped receiving from a live server was fetching what that one has more.
        Some(source)
            if source != *dead
                && status.receiver != ThreadState::Stopped
                && seen.server(&source).is_some() =>
        {
            Part::Elsewhere(source)
        }
        _ => Part::Follower,
    }
}

fn position(facts: &ServerFacts, counting: Counting) -> GtidSet {
    let received = facts
        .replica
        .as_ref()
        .filter(|_| counting == Counting::Received)
        .and_then(|status| status.retrieved.as_ref());
    let both = received.and_then(|received| facts.executed.union(received).ok());
    both.unwrap_or_else(|| facts.executed.clone())
}

/// A replica's own writes that no other member has. With nobody to compare with, none are known.
fn find_errant(members: &mut [Member<'_>]) {
    let found: Vec<Option<OwnWrites>> = members
        .iter()
        .map(|member| {
            let others = members
                .iter()
                .filter(|other| other.host != member.host && other.facts.seeding == Seeding::None);
            let mut least: Option<OwnWrites> = None;
            for other in others {
                least = Some(member.facts.own_writes_beside(other.facts)?);
            }
            least.filter(|_| member.facts.is_replica())
        })
        .collect();
    for (member, errant) in members.iter_mut().zip(found) {
        if let Some(errant) = &errant {
            member.position = errant.rest.clone();
        }
        member.errant = errant;
    }
}

/// Whoever follows nobody, has all that the followers have, and was not fenced.
fn find_promoted(seen: &Observation, members: &mut [Member<'_>]) {
    let found: Vec<Option<bool>> = members
        .iter()
        .map(|member| promoted(seen, members, member))
        .collect();
    for (member, is_proven) in members.iter_mut().zip(found) {
        if let Some(is_proven) = is_proven {
            member.part = Part::Promoted;
            member.is_proven = is_proven;
        }
    }
}

/// Whether a member was promoted; if so, whether it was also proven.
fn promoted(seen: &Observation, members: &[Member<'_>], member: &Member<'_>) -> Option<bool> {
    let facts = member.facts;
    let is_fenced = seen
        .os(member.host)
        .is_some_and(|os| os.marks.fenced.is_some());
    let is_candidate = member.part == Part::Stranger
        && facts.other_channels.is_empty()
        && facts.seeding == Seeding::None
        && !is_fenced
        && !member.position.is_empty();
    if !is_candidate {
        return None;
    }
    let is_followed = members
        .iter()
        .any(|other| other.part == Part::Elsewhere(member.host.clone()));
    let followers = || members.iter().filter(|other| other.part == Part::Follower);
    let wrote = |other: &Member<'_>| facts.own_writes_beside(other.facts).is_some();
    let is_proven = is_followed || (followers().next().is_some() && followers().all(wrote));
    let has_all = followers().all(|other| member.position.contains(&other.position));
    let may_lead = member.promotion != Promotion::Never;
    (is_followed || (has_all && (is_proven || may_lead))).then_some(is_proven)
}

impl Member<'_> {
    /// Whether ordinary accounts can write.
    pub(super) fn is_writable(&self) -> bool {
        self.facts.read_only.is_writable()
    }

    /// Whether it would acknowledge to a source that it follows.
    pub(super) fn can_acknowledge(&self) -> bool {
        self.facts.semi_sync.replica_enabled == Some(Switch::On)
    }

    /// Whether its receiver still takes what its source sends.
    pub(super) fn receives(&self) -> bool {
        let status = self.facts.replica.as_ref();
        status.is_some_and(|status| status.receiver == ThreadState::Running)
    }
}
