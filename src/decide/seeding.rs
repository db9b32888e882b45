//! Whether a replica needs the primary's data, and whether it may be given it. A server that holds
//! data of its own is never emptied without being named.

use crate::decide::{Consent, PrimaryBasis, Refusal, Topology};
use crate::facts::{Observation, ServerView};
use crate::inventory::HostName;
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
    /// Decides for one replica. Nothing of a server that could not be asked is decided here; the
    /// preflight has stopped for it.
    pub fn of(
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
        match topology.sources.get(host) {
            Some(Some(_)) => Ok(Self::None),
            Some(None) => Err(foreign_source(host, facts)),
            None if facts.databases.is_empty() => Ok(Self::Load),
            None => Err(holds_data(host, topology, facts)),
        }
    }
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
