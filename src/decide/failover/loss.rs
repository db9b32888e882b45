//! What a failover loses: nothing, proven; or up to a number of transactions; or nobody can tell. It must
//! never promise more than is proven.

use std::collections::BTreeSet;

use super::election::Election;
use super::fencing::{Means, names};
use super::state::Failover;
use super::{Case, Memory};
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::{GtidSet, Switch};
use crate::plan::DataLoss;

/// What is known before anything is done.
pub(super) fn foreseen(
    cluster: &Cluster,
    seen: &Observation,
    case: &Case,
    unseen: &[&HostName],
) -> DataLoss {
    let dead = &case.dead;
    if seen.reached(dead).is_some() {
        return DataLoss::Nothing {
            because: format!(
                "the tail of {dead}'s binary log is read over ssh before anybody is promoted; should that fail, the report says what is missing"
            ),
        };
    }
    Untold {
        cluster,
        case,
        unseen,
        has: None,
    }
    .loss()
}

impl Failover<'_> {
    /// The dead server's log was applied to the end that was ever acknowledged.
    pub(super) fn loss_with_tail(&self) -> DataLoss {
        let dead = &self.case.dead;
        let leader = self.leader().map_or("the elected", AsRef::as_ref);
        DataLoss::Nothing {
            because: format!(
                "all that {dead}'s binary log has beyond {leader} was applied there before its promotion"
            ),
        }
    }

    /// What is known when the dead server's log is not read, by what the elected has.
    pub(super) fn loss_without_tail(
        &self,
        seen: &Observation,
        election: &Election,
        unseen: &[&HostName],
    ) -> DataLoss {
        let dead = &self.case.dead;
        let leader = &election.leader;
        let untold = Untold {
            cluster: self.cluster,
            case: &self.case,
            unseen,
            has: seen.server(leader).map(|facts| &facts.executed),
        };
        if matches!(self.means, Some(Means::Permitted)) {
            // Whoever was cut off with it may acknowledge to it by now.
            let unfenced = format!(
                "{dead} is not fenced, and what it still commits is lost when it comes back"
            );
            return match untold.loss() {
                DataLoss::Unknown { at_least, because } => DataLoss::Unknown {
                    at_least,
                    because: format!("{unfenced}; {because}"),
                },
                _ => untold.unknown(unfenced),
            };
        }
        match (untold.loss(), self.missing) {
            (proven @ DataLoss::Nothing { .. }, _) => proven,
            (_, Some(transactions)) => DataLoss::AtMost {
                transactions,
                because: format!(
                    "counted in {dead}'s binary log, which could not be applied to {leader}; they are there alone: read them before `hactl rejoin {dead}`, which may cut them off"
                ),
            },
            (_, None) if election.standing.is_begun() => untold.unknown(format!(
                "an earlier run promoted {leader}, and its report says what it saved"
            )),
            (unknown, None) => unknown,
        }
    }
}

/// A dead server whose log nobody reads.
struct Untold<'a> {
    cluster: &'a Cluster,
    case: &'a Case,
    unseen: &'a [&'a HostName],
    /// What the elected has.
    has: Option<&'a GtidSet>,
}

impl Untold<'_> {
    fn loss(&self) -> DataLoss {
        let dead = &self.case.dead;
        let Some(memory) = &self.case.memory else {
            return self.unknown(format!(
                "nobody watched {dead} before it failed, and its binary log is not read: whether its last commits had reached a replica is not known"
            ));
        };
        let unseen = self.unseen;
        if !unseen.is_empty() && !memory.acked_only_to(&self.seen_hosts()) {
            return self.unknown(format!(
                "{} acknowledged to {dead} and may have what nobody else has",
                names(unseen.iter().copied())
            ));
        }
        if self.cluster.durability == Durability::Lossless && memory.was_lossless() {
            return DataLoss::Nothing {
                because: format!(
                    "durability is lossless, and semi-sync was active when {dead} last answered, {}, with {} replicas: what was acknowledged is on one that is seen",
                    self.ago(memory),
                    memory.semi_sync.clients
                ),
            };
        }
        self.unknown(format!(
            "durability is {}, semi-sync was {} when {dead} last answered, {}, and its binary log is not read: what it committed after that may be lost",
            self.cluster.durability,
            match memory.semi_sync.source_active {
                Some(Switch::On) => "active",
                _ => "not active",
            },
            self.ago(memory),
        ))
    }

    fn seen_hosts(&self) -> BTreeSet<HostName> {
        let hosts = self.cluster.hosts.keys();
        hosts
            .filter(|host| !self.unseen.contains(host))
            .cloned()
            .collect()
    }

    /// Nobody can tell; of what was seen, what is missing is counted.
    fn unknown(&self, why: String) -> DataLoss {
        let known = self.case.memory.as_ref().zip(self.has);
        let known = known.and_then(|(memory, has)| {
            let missing = memory.executed.count_beyond(has)?;
            Some((memory, has, missing))
        });
        let (at_least, because) = match known {
            None => (0, why),
            Some((memory, _, 0)) => (
                0,
                format!(
                    "{why}; all that it was seen to have, {}, is there",
                    memory.executed
                ),
            ),
            Some((memory, has, missing)) => (
                missing,
                format!(
                    "{why}; it was seen to have {}, and the elected has {has}",
                    memory.executed
                ),
            ),
        };
        DataLoss::Unknown { at_least, because }
    }

    /// How old what is remembered is.
    fn ago(&self, memory: &Memory) -> String {
        let age = self.case.now.saturating_sub(memory.at);
        format!("{age} ms before the decision")
    }
}
