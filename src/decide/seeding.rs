//! Whether a replica needs the primary's data, and whether it may be given it. A server that holds
//! data of its own is never emptied without being named.

use crate::decide::topology::host_of;
use crate::decide::{Consent, PrimaryBasis, Refusal, Topology};
use crate::facts::{Observation, ServerView};
use crate::inventory::{Cluster, HostName};
use crate::mysql::{OwnSchema, Seeding, ServerFacts};

/// What a replica needs before it can replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedNeed {
    /// It follows a server of this cluster: it has the data.
    None,
    /// It is empty: load the primary's data.
    Load,
    /// It holds data that may go: drop it, then load the primary's.
    EmptyThenLoad,
}

impl SeedNeed {
    /// Decides for one replica, on the newest look. Nothing of a server that could not be asked is decided
    /// here: it is decided when it answers, and by what it says then. One that was down when the shape was
    /// read off may turn out to follow somebody, with all of the primary's data and some of its own.
    pub fn of(
        cluster: &Cluster,
        host: &HostName,
        topology: &Topology,
        seen: &Observation,
        consent: &Consent,
    ) -> Result<Self, Refusal> {
        let Some(reached) = seen.reached(host) else {
            return Ok(Self::Load);
        };
        let facts = match &reached.server {
            ServerView::Up(facts) => facts,
            ServerView::Absent | ServerView::Stopped | ServerView::Refused(_) => {
                return Ok(Self::Load);
            }
        };
        let status = facts.replica.as_ref();
        let follows = status
            .map(|status| host_of(cluster, status))
            .or_else(|| topology.sources.get(host).cloned());
        if let Some(Some(source)) = &follows
            && let Some(why) = errant_elsewhere(topology, seen, host, source)
        {
            return Err(rejoin_first(host, why));
        }
        if consent.reseed.contains(host) {
            return Ok(Self::EmptyThenLoad);
        }
        if facts.seeding == Seeding::Unfinished {
            // What is there was put there by an unfinished seed of ours, and is nobody's data.
            return Ok(if facts.databases.is_empty() {
                Self::Load
            } else {
                Self::EmptyThenLoad
            });
        }
        match follows {
            Some(Some(_)) => Ok(Self::None),
            Some(None) => Err(foreign_source(host, facts)),
            None if facts.databases.is_empty() => Ok(Self::Load),
            None => Err(holds_data(host, topology, facts)),
        }
    }
}

/// A failed member may hold rows that nobody else has, and its unacknowledged tail is cut off at its first
/// start only. Provisioning would start it as any other.
pub(super) fn rejoin_first(host: &HostName, why: String) -> Refusal {
    let way_out = format!("`hactl rejoin {host}` brings it back as a replica");
    Refusal::on(host, why, way_out)
}

/// A replica of somebody else is made to follow the primary; what it has executed and the primary has not
/// would go along without a word (S22).
fn errant_elsewhere(
    topology: &Topology,
    seen: &Observation,
    host: &HostName,
    source: &HostName,
) -> Option<String> {
    let primary = &topology.primary;
    let (facts, led) = (seen.server(host)?, seen.server(primary)?);
    let errant = facts.errant_beside(led).filter(|_| source != primary)?;
    Some(format!(
        "{host} replicates from {source}, and has executed what {primary} has not: {errant}"
    ))
}

fn foreign_source(host: &HostName, facts: &ServerFacts) -> Refusal {
    let source = facts.replica.as_ref().map_or_else(String::new, |status| {
        format!("{}:{}", status.source_host, status.source_port)
    });
    Refusal {
        host: Some(host.clone()),
        reason: format!("{host} replicates from {source}, which is not in this inventory"),
        way_out: format!(
            "add {source} to the inventory; or, if the data of {host} may go, run again with --reseed {host}"
        ),
    }
}

fn holds_data(host: &HostName, topology: &Topology, facts: &ServerFacts) -> Refusal {
    if facts.own_schema == OwnSchema::Present && topology.basis != PrimaryBasis::Inventory {
        return Refusal::on(
            host,
            format!(
                "{host} was a member of this cluster, and does not replicate while {} leads",
                topology.primary
            ),
            format!("`hactl rejoin {host}` brings it back, or says what only it has"),
        );
    }
    Refusal {
        host: Some(host.clone()),
        reason: format!(
            "{host} does not replicate and holds databases of its own: {}",
            facts.databases.join(", ")
        ),
        way_out: format!(
            "save what you need from it; `hactl bootstrap --reseed {host}` drops its databases and loads those of {}",
            topology.primary
        ),
    }
}
