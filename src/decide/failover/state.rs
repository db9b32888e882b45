//! A failover and how far it has come in this run. All of it can be seen again: a run that is killed here
//! is gone on with by another that knows none of it (S23).

use std::collections::{BTreeMap, BTreeSet};

use super::election::{Election, Standing, elect};
use super::fencing::Means;
use super::member::{Counting, unseen};
use super::reading::{attached, unfit_at_first};
use super::{Case, admission, loss};
use crate::decide::{Harm, Next, Procedure as _, Refusal};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::plan::{DataLoss, FenceMethod, LeadershipRules, OldPrimary, Outcome, Waiver, predict};

/// A failover, from a dead primary to a cluster that takes writes again.
#[derive(Clone, Debug)]
pub struct Failover<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) case: Case,
    pub(super) phase: Phase,
    pub(super) means: Option<Means>,
    pub(super) in_vain: BTreeSet<FenceMethod>,
    pub(super) is_fenced: bool,
    pub(super) is_drained: bool,
    /// Replicas that fetched from the failed primary when it began: an undo starts them again.
    pub(super) attached: BTreeSet<HostName>,
    pub(super) undrained: BTreeMap<HostName, String>,
    pub(super) unfit: BTreeMap<HostName, String>,
    /// Hosts that fetched what they lacked; once is enough.
    pub(super) fetched: BTreeSet<HostName>,
    pub(super) left_out: BTreeMap<HostName, String>,
    pub(super) elected: Option<Election>,
    pub(super) salvage: Salvage,
    /// Counted in the dead server's log after it could not be applied.
    pub(super) missing: Option<u64>,
    pub(super) promotion: Promotion,
    pub(super) is_uncovered: bool,
    pub(super) loss: DataLoss,
    pub(super) failure: Option<Refusal>,
    pub(super) refused: Option<Vec<Refusal>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The old primary harmless, receivers stopped, relay logs applied.
    Secure,
    /// Somebody elected, who has everything.
    Gather,
    /// No replica any more.
    Promote,
    /// Clients in, siblings behind it.
    Open,
    /// Marks for later hactls.
    Note,
    /// Nothing left to do.
    Done,
}

/// How far the dead server's log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Salvage {
    Untried,
    Done,
    Failed,
}

/// What is known of the step after which there is no way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Promotion {
    /// Not begun.
    NotBegun,
    /// It was begun and failed, or its answer was lost; it must be looked at.
    Unclear(String),
    /// It was looked at since.
    LookedAt(String),
    /// Looked at after a failure, and tried once more.
    Again,
    /// Done.
    Done,
}

impl<'a> Failover<'a> {
    /// A failover from `dead` on what is seen, if it may be and can be brought to its end as far as can
    /// be foreseen. Nothing is remembered of the time before.
    ///
    /// # Errors
    /// Every reason why not, each with the way out.
    pub fn new(
        cluster: &'a Cluster,
        seen: &Observation,
        dead: &HostName,
        allowed: BTreeSet<Harm>,
        because: Vec<String>,
    ) -> Result<Self, Vec<Refusal>> {
        let mut case = Case::new(dead.clone(), because);
        case.allowed = allowed;
        Self::of(cluster, seen, case)
    }

    /// The same of a case, with what a watcher remembers.
    ///
    /// # Errors
    /// Every reason why not, each with the way out.
    pub fn of(cluster: &'a Cluster, seen: &Observation, case: Case) -> Result<Self, Vec<Refusal>> {
        let refusals = admission::refusals(cluster, seen, &case);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let early = elect(
            cluster,
            seen,
            &case.dead,
            Counting::Received,
            &BTreeMap::new(),
        );
        let standing = early.map_or(Standing::Replica, |election| election.standing);
        let refusals = admission::refusals_of(cluster, seen, &case, standing);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let unseen = unseen(cluster, seen, &case.dead);
        let mut failover = Self {
            cluster,
            phase: Phase::Secure,
            means: None,
            in_vain: BTreeSet::new(),
            is_fenced: false,
            is_drained: false,
            attached: attached(cluster, seen, &case.dead),
            undrained: BTreeMap::new(),
            unfit: unfit_at_first(seen),
            fetched: BTreeSet::new(),
            left_out: BTreeMap::new(),
            elected: None,
            salvage: Salvage::Untried,
            missing: None,
            promotion: Promotion::NotBegun,
            is_uncovered: false,
            loss: loss::foreseen(cluster, seen, &case, &unseen),
            failure: None,
            refused: None,
            case,
        };
        let end = failover.rehearsed(seen)?;
        failover.elected = end.elected;
        // That the log can be applied is only foreseen.
        if end.salvage != Salvage::Done {
            failover.loss = end.loss;
        }
        failover.left_out = end.left_out;
        Ok(failover)
    }

    /// Goes through the whole on predictions.
    fn rehearsed(&self, seen: &Observation) -> Result<Self, Vec<Refusal>> {
        let mut rehearsal = self.clone();
        let mut expected = seen.clone();
        loop {
            match rehearsal.next(&expected) {
                Next::Done => return Ok(rehearsal),
                Next::Refused(refusals) => return Err(refusals),
                Next::Stage(stage) if rehearsal.refused.is_some() => drop(stage),
                Next::Stage(stage) => {
                    expected = predict(self.cluster, &expected, &stage);
                    let steps = stage.steps.into_iter();
                    rehearsal.ended(&steps.map(|s| (s, Outcome::Changed)).collect::<Vec<_>>());
                }
            }
        }
    }

    /// Who is, or is expected to be, the next primary.
    pub fn leader(&self) -> Option<&HostName> {
        self.elected.as_ref().map(|election| &election.leader)
    }

    /// Everybody else, each with the reason.
    pub fn passed_over(&self) -> &[(HostName, String)] {
        self.elected
            .as_ref()
            .map_or(&[], |election| &election.passed_over)
    }

    /// Replicas that will not follow the new primary, each with the reason.
    pub fn left_out(&self) -> &BTreeMap<HostName, String> {
        &self.left_out
    }

    /// What is lost, as far as is known by now.
    pub fn loss(&self) -> &DataLoss {
        &self.loss
    }

    /// The rules for the second checker of each stage.
    pub fn rules(&self) -> LeadershipRules<'a> {
        let mut waived = BTreeSet::new();
        if self.cluster.failover.fence.is_some() {
            waived.insert(Waiver::FencedByCommand);
        }
        if self.case.permits(Harm::Unfenced) {
            waived.insert(Waiver::Unfenced);
        }
        if self.case.permits(Harm::Uncovered) {
            waived.insert(Waiver::Uncovered);
        }
        LeadershipRules::new(
            self.cluster,
            self.case.dead.clone(),
            OldPrimary::Dead,
            waived,
        )
    }
}
