//! What a plan cannot know, or leaves as it is, said above it: servers whose state nobody could read, and rows
//! that only a replica has. A plan that is silent about them would pass for the whole truth.

use crate::decide::{Consent, Role, Topology};
use crate::facts::{Observation, ServerView};
use crate::inventory::HostName;
use crate::mysql::Seeding;
use crate::plan::{Action, StagePlan};

/// A stage as a plan shows it: what is loaded into a server that nobody could ask is loaded only if it turns out
/// to hold nothing.
#[must_use]
pub fn with_reserve(mut stage: StagePlan, seen: &Observation) -> StagePlan {
    for step in &mut stage.steps {
        let Action::Seed { into, emptied } = &step.action else {
            continue;
        };
        let is_unread = |host: &&HostName| {
            let reached = seen.reached(host);
            let is_silent = reached.is_some_and(|reached| {
                matches!(reached.server, ServerView::Stopped | ServerView::Refused(_))
            });
            is_silent && !emptied.contains(host)
        };
        let unread: Vec<_> = into
            .iter()
            .filter(is_unread)
            .map(ToString::to_string)
            .collect();
        if !unread.is_empty() {
            let only = format!(
                "; on {} only if it turns out to hold nothing",
                unread.join(" and ")
            );
            step.why.push_str(&only);
        }
    }
    stage
}

/// One line each; none about data that is given up.
pub fn reservations(topology: &Topology, seen: &Observation, consent: &Consent) -> Vec<String> {
    let led = seen.server(&topology.primary);
    let mut lines = Vec::new();
    for (host, reached) in seen.all_reached() {
        match &reached.server {
            ServerView::Stopped => lines.push(format!(
                "{host}: its server is stopped, so that what it holds is not known; it is looked at when it runs, \
                 and data of its own is not touched unasked"
            )),
            ServerView::Refused(fault) => lines.push(format!(
                "{host}: its server does not let hactl in, so that whom it follows and what it holds is not known, \
                 and is taken for nothing here: {}",
                fault.text
            )),
            ServerView::Up(facts) if topology.role(host) == Role::Replica => {
                let stays = facts.seeding == Seeding::None && !consent.reseed.contains(host);
                let errant = led
                    .filter(|_| stays)
                    .and_then(|led| facts.errant_beside(led));
                lines.extend(errant.map(|errant| {
                    format!(
                        "{host}: has executed what {} has not, and that is left as it is: {errant}; \
                         `hactl rejoin {host}` says how to go on",
                        topology.primary
                    )
                }));
            }
            ServerView::Up(_) | ServerView::Absent => {}
        }
    }
    lines
}
