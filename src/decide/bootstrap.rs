//! May the inventory be brought about, and from what shape? Answers with the topology to build on, or
//! with every reason why not, all together.

use std::collections::BTreeSet;

use crate::decide::left_behind::awaits_rejoin;
use crate::decide::seeding::rejoin_first;
use crate::decide::{PrimaryBasis, Refusal, SeedNeed, Topology, TopologyError};
use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, HostName};

/// What the operator has allowed, each named by the harm that it permits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Hosts whose databases may be dropped and replaced by the primary's.
    pub reseed: BTreeSet<HostName>,
}

/// The answer of [`bootstrap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// Go on, from this shape.
    Proceed(Topology),
    /// Not as things are.
    Refused(Vec<Refusal>),
}

/// Decides whether to bootstrap.
pub fn bootstrap(cluster: &Cluster, seen: &Observation, consent: &Consent) -> Bootstrap {
    let topology = match Topology::of(cluster, seen, &consent.reseed) {
        Ok(topology) => topology,
        Err(error) => return Bootstrap::Refused(vec![no_primary(&error)]),
    };
    let mut refusals = Vec::new();
    if consent.reseed.contains(&topology.primary) {
        refusals.push(reseed_of_primary(&topology));
    }
    match topology.basis {
        PrimaryBasis::Replication | PrimaryBasis::Alone => {
            refusals.extend(dead_primary(&topology, seen));
        }
        PrimaryBasis::Inventory => refusals.extend(replaced_primary(cluster, &topology, seen)),
    }
    for host in topology.replicas(cluster) {
        if let Some(why) = awaits_rejoin(cluster, seen, &host.name) {
            refusals.push(rejoin_first(&host.name, why));
        } else if let Err(refusal) = SeedNeed::of(cluster, &host.name, &topology, seen, consent) {
            refusals.push(refusal);
        }
    }
    if refusals.is_empty() {
        Bootstrap::Proceed(topology)
    } else {
        Bootstrap::Refused(refusals)
    }
}

fn no_primary(error: &TopologyError) -> Refusal {
    Refusal {
        host: None,
        reason: error.to_string(),
        way_out: error.hint(),
    }
}

fn reseed_of_primary(topology: &Topology) -> Refusal {
    let primary = &topology.primary;
    Refusal {
        host: Some(primary.clone()),
        reason: format!("{primary} is the primary: its data is what the others are seeded from"),
        way_out: format!("leave out --reseed {primary}"),
    }
}

/// The inventory's primary was replaced, and whoever took over is not seen: it has what was written since.
fn replaced_primary(cluster: &Cluster, topology: &Topology, seen: &Observation) -> Option<Refusal> {
    let primary = &topology.primary;
    let why = awaits_rejoin(cluster, seen, primary)?;
    let way_out = format!(
        "bring back the server that took over; then `hactl rejoin {primary}` makes this one its replica"
    );
    Some(Refusal::on(primary, why, way_out))
}

/// A primary that others follow and that does not run may hold rows that no replica has. Starting it
/// again or promoting another is a decision about data, which provisioning does not take.
fn dead_primary(topology: &Topology, seen: &Observation) -> Option<Refusal> {
    let primary = &topology.primary;
    let state = match seen.view(primary) {
        Some(HostView::Reached(reached)) => match &reached.server {
            ServerView::Up(_) => return None,
            ServerView::Absent => "has no server program".to_owned(),
            ServerView::Stopped => "is stopped".to_owned(),
            // The server runs; that we may not log in is repaired by the playbook.
            ServerView::Refused(fault) if fault.is_access_denied() => return None,
            ServerView::Refused(fault) => format!("does not answer ({})", fault.text),
        },
        Some(HostView::Unreachable(why)) => format!("cannot be reached ({})", why.text),
        None => "was not looked at".to_owned(),
    };
    Some(Refusal {
        host: Some(primary.clone()),
        reason: format!("{primary}, from which the others replicate, {state}"),
        way_out: format!(
            "`hactl failover` promotes a replica; or start the server on {primary} if it is whole, then run again"
        ),
    })
}
