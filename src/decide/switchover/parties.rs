//! Who leads now and who shall lead, read off what is seen alone: before a switchover, and in the middle of
//! one that was interrupted (S23). Where two servers may both take writes nothing is concluded.

use std::collections::BTreeSet;

use crate::decide::Refusal;
use crate::decide::demoted::is_demoted;
use crate::decide::topology::host_of;
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::mysql::ServerFacts;

/// Where a switchover stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// This server leads; writable or not, nobody was promoted beside it.
    Led(HostName),
    /// A replica was promoted, and the switch was not finished.
    HandedOver {
        /// Led before; `None` when that cannot be told and does not matter.
        from: Option<HostName>,
        /// Was promoted.
        to: HostName,
    },
}

/// Finds out.
pub(super) fn standing(
    cluster: &Cluster,
    seen: &Observation,
    wanted: Option<&HostName>,
) -> Result<Standing, Refusal> {
    let tops: Vec<_> = seen
        .servers()
        .filter(|(host, facts)| !facts.is_replica() && is_member(seen, host, facts))
        .collect();
    let followed = followed(cluster, seen);
    let writable: Vec<_> = tops
        .iter()
        .filter(|(_, facts)| facts.read_only.is_writable())
        .map(|(host, _)| *host)
        .collect();
    match (writable.as_slice(), tops.as_slice()) {
        ([first, second, ..], _) => Err(two_primaries(first, second)),
        (_, []) => Err(nobody(&followed)),
        ([leader], _) => {
            let former = followed.iter().find(|host| host != leader);
            let left = || demoted(leader, &tops, seen);
            Ok(match former.or_else(left) {
                Some(former) => handed_over(Some(former), leader),
                None => Standing::Led((*leader).clone()),
            })
        }
        ([], [(only, _)]) => Ok(match followed.iter().find(|host| host != only) {
            Some(former) => handed_over(Some(former), only),
            None => Standing::Led((*only).clone()),
        }),
        ([], several) => furthest(several, &followed, wanted),
    }
}

/// A former primary that nobody follows any more and that follows nobody yet.
fn demoted<'a>(
    leader: &HostName,
    tops: &[(&'a HostName, &ServerFacts)],
    seen: &Observation,
) -> Option<&'a HostName> {
    let leading = seen.server(leader)?;
    let is_one = |(host, facts): &&(&HostName, &ServerFacts)| {
        *host != leader && is_demoted(seen, host, facts, leading)
    };
    tops.iter().find(is_one).map(|(host, _)| *host)
}

fn handed_over(from: Option<&HostName>, to: &HostName) -> Standing {
    Standing::HandedOver {
        from: from.cloned(),
        to: to.clone(),
    }
}

/// Several servers follow nobody and none takes writes: the one that has everything may go on.
fn furthest(
    tops: &[(&HostName, &ServerFacts)],
    followed: &BTreeSet<HostName>,
    wanted: Option<&HostName>,
) -> Result<Standing, Refusal> {
    let whole: Vec<_> = tops
        .iter()
        .filter(|(_, facts)| {
            tops.iter()
                .all(|(_, other)| facts.executed.contains(&other.executed))
        })
        .map(|(host, _)| *host)
        .collect();
    let preferred = whole.iter().find(|host| Some(**host) == wanted);
    // Of two that are equal, the one that nobody follows was made so by the interrupted switch.
    let promoted = whole.iter().find(|host| !followed.contains(**host));
    let Some(to) = preferred.or(promoted).or(whole.first()) else {
        return Err(Refusal::cluster(
            format!(
                "{} follow nobody, and each has executed what another has not",
                names(tops.iter().map(|(host, _)| *host))
            ),
            "find out which of them clients wrote to last, and run `hactl rejoin` for the others",
        ));
    };
    let from = tops.iter().map(|(host, _)| *host).find(|host| host != to);
    Ok(handed_over(from, to))
}

/// The hosts that replicas follow and that follow nobody themselves, as far as is seen.
fn followed(cluster: &Cluster, seen: &Observation) -> BTreeSet<HostName> {
    seen.servers()
        .filter_map(|(_, facts)| host_of(cluster, facts.replica.as_ref()?))
        .filter(|host| seen.server(host).is_none_or(|facts| !facts.is_replica()))
        .collect()
}

/// A fenced server waits for its rejoin and leads nobody; one without data never led.
fn is_member(seen: &Observation, host: &HostName, facts: &ServerFacts) -> bool {
    let fenced = seen.os(host).is_some_and(|os| os.marks.fenced.is_some());
    !fenced && !facts.executed.is_empty()
}

fn two_primaries(first: &HostName, second: &HostName) -> Refusal {
    Refusal::cluster(
        format!("{first} and {second} both take writes and follow nobody"),
        format!(
            "find out which of them clients write to; make the other read-only and run `hactl rejoin` for it ({first} or {second})"
        ),
    )
}

fn nobody(followed: &BTreeSet<HostName>) -> Refusal {
    match followed.iter().next() {
        Some(primary) => Refusal::on(
            primary,
            format!("{primary}, which the others follow, is not up"),
            "`hactl failover` promotes a replica",
        ),
        None => Refusal::cluster(
            "no server leads this cluster",
            "run `hactl bootstrap`, or `hactl verify` to see what is there",
        ),
    }
}

pub(super) fn names<'a>(hosts: impl Iterator<Item = &'a HostName>) -> String {
    hosts
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
