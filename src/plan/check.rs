//! The second pair of eyes: rules that any stage must keep, checked apart from whoever made it. A
//! violation is a defect of hactl or of a playbook, and nothing of the stage is carried out.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::facts::Observation;
use crate::inventory::HostName;
use crate::mysql::{ReplicaStatus, Seeding, Switch, ThreadState};
use crate::plan::{Access, Action, LiveVariable, OnFailure, StagePlan, Step};

/// What the rules are checked against.
#[derive(Clone, Copy, Debug)]
pub struct CheckContext<'a> {
    /// The one server that may be writable.
    pub primary: &'a HostName,
    /// Hosts whose data the operator gave up.
    pub consent: &'a BTreeSet<HostName>,
    /// What was seen before the stage.
    pub seen: &'a Observation,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// A server other than the primary would accept writes.
    #[error("{0} is a replica and would become writable")]
    WritableReplica(HostName),
    /// A replica would wait for acknowledgements that nobody sends, and hold its applier for ever.
    #[error("{0} is a replica and would wait for acknowledgements")]
    WaitingReplica(HostName),
    /// The primary would wait for acknowledgements while nobody follows it: its next write would hang.
    #[error("{0} would wait for acknowledgements, and no replica follows it")]
    NobodyAcknowledges(HostName),
    /// A statement that writes would be executed elsewhere than on the primary: an errant transaction.
    #[error("{0} is a replica and would be written to")]
    WriteOnReplica(HostName),
    /// An account would be written elsewhere than on the primary: an errant transaction.
    #[error("an account would be written on {0}, which is a replica")]
    AccountOnReplica(HostName),
    /// The primary would be loaded with, or replicate from, something.
    #[error("{0} is the primary and would be made a replica")]
    PrimaryOverwritten(HostName),
    /// Data would be dropped that nobody gave up.
    #[error("{0} holds data that nobody gave up, and would be emptied")]
    DataDropped(HostName),
    /// A tail would be cut off that was not kept.
    #[error("the tail of {0}'s log would be cut off, and nothing keeps it before")]
    TailNotKept(HostName),
    /// Data would be loaded into a server that has its own.
    #[error("{0} holds data and would be loaded with other data")]
    LoadedOverData(HostName),
    /// A seed would be taken from a replica.
    #[error("{0} is no primary and would be dumped as one")]
    SeedFromReplica(HostName),
    /// The writer VIP would go to a replica.
    #[error("{0} is a replica and would get the writer VIP")]
    VipOnReplica(HostName),
    /// The writer VIP would be added where another host still holds it.
    #[error("{holder} still holds the writer VIP that {host} would get")]
    VipTwice {
        /// Would get it.
        host: HostName,
        /// Holds it.
        holder: HostName,
    },
    /// Two servers would take writes.
    #[error("{host} would become the primary while {other} takes writes")]
    WritableTwice {
        /// Would become it.
        host: HostName,
        /// Takes writes.
        other: HostName,
    },
    /// Two servers would be promoted.
    #[error("{host} would be promoted after {other}, and nobody has looked whether {other} was")]
    PromotedTwice {
        /// Would be promoted.
        host: HostName,
        /// Was, or was not.
        other: HostName,
    },
    /// A promotion beside a primary that is neither fenced nor cut off.
    #[error("{host} would be promoted while {old} is neither fenced nor cut off from its replicas")]
    PromotedBesideOld {
        /// Would be promoted.
        host: HostName,
        /// The one it replaces.
        old: HostName,
    },
    /// A replica would be promoted or repointed before its receiver is stopped and its relay log
    /// applied.
    #[error("{0} still receives: what it is receiving would be lost")]
    Undrained(HostName),
    /// Clients would be let in before anybody acknowledges what they write.
    #[error("{0} would take writes that no replica acknowledges")]
    OpenedUncovered(HostName),
    /// The writer VIP would be where nobody can write.
    #[error("{0} would get the writer VIP before it takes writes")]
    VipBeforeWrites(HostName),
    /// A replica would be repointed to a server that is not proven to lead.
    #[error("{host} would follow {leader} before {leader} is promoted")]
    RepointedBeforeProof {
        /// Would follow.
        host: HostName,
        /// Not promoted yet.
        leader: HostName,
    },
    /// Somebody else than the failed primary would be fenced.
    #[error("{0} is not the failed primary and would be fenced")]
    FenceOfOther(HostName),
}

/// Every rule that a stage breaks.
pub fn check(stage: &StagePlan, context: &CheckContext<'_>) -> Vec<Violation> {
    let each = stage.steps.iter().enumerate();
    each.filter_map(|(index, step)| {
        let earlier = &stage.steps[..index];
        not_kept(step, earlier).or_else(|| broken(step, context))
    })
    .collect()
}

/// A step after which nothing is left to be kept, without one that keeps it and must succeed.
fn not_kept(step: &Step, earlier: &[Step]) -> Option<Violation> {
    let keeps = |other: &Step| {
        other.host == step.host
            && other.on_failure == OnFailure::Stop
            && matches!(other.action, Action::SaveTail { .. })
    };
    let is_cut_off = matches!(step.action, Action::Rewind) && !earlier.iter().any(keeps);
    is_cut_off.then(|| Violation::TailNotKept(step.host.clone()))
}

fn broken(step: &Step, context: &CheckContext<'_>) -> Option<Violation> {
    let host = &step.host;
    let is_primary = host == context.primary;
    let or = |violation: Violation, allowed: bool| (!allowed).then_some(violation);
    match &step.action {
        Action::SetVariable {
            variable: LiveVariable::ReadOnly,
            value: Switch::Off,
        } => or(Violation::WritableReplica(host.clone()), is_primary),
        Action::SetVariable {
            variable: LiveVariable::SemiSyncSource,
            value: Switch::On,
        } if !is_primary => Some(Violation::WaitingReplica(host.clone())),
        Action::SetVariable {
            variable: LiveVariable::SemiSyncSource,
            value: Switch::On,
        } => or(
            Violation::NobodyAcknowledges(host.clone()),
            somebody_follows(host, context.seen),
        ),
        Action::EnsureAccount { .. } => or(Violation::AccountOnReplica(host.clone()), is_primary),
        Action::Replicate { .. } | Action::Repoint { .. } => {
            or(Violation::PrimaryOverwritten(host.clone()), !is_primary)
        }
        Action::Query(query) if query.access == Access::Write => {
            or(Violation::WriteOnReplica(host.clone()), is_primary)
        }
        Action::Seed { into, emptied } => seed(host, into, emptied, context),
        Action::AddVip { address, .. } => vip(host, address, context),
        _ => None,
    }
}

/// Whether any server but this one receives from somebody.
fn somebody_follows(primary: &HostName, seen: &Observation) -> bool {
    seen.servers().any(|(host, facts)| {
        let receives = |status: &ReplicaStatus| status.receiver != ThreadState::Stopped;
        host != primary && facts.replica.as_ref().is_some_and(receives)
    })
}

fn seed(
    host: &HostName,
    into: &[HostName],
    emptied: &[HostName],
    context: &CheckContext<'_>,
) -> Option<Violation> {
    if host != context.primary {
        return Some(Violation::SeedFromReplica(host.clone()));
    }
    if into.contains(context.primary) {
        return Some(Violation::PrimaryOverwritten(context.primary.clone()));
    }
    into.iter().find_map(|replica| {
        let facts = context.seen.server(replica)?;
        let own_data = !facts.databases.is_empty() && facts.seeding != Seeding::Unfinished;
        if !own_data || context.consent.contains(replica) {
            None
        } else if emptied.contains(replica) {
            Some(Violation::DataDropped(replica.clone()))
        } else {
            Some(Violation::LoadedOverData(replica.clone()))
        }
    })
}

fn vip(host: &HostName, address: &str, context: &CheckContext<'_>) -> Option<Violation> {
    if host != context.primary {
        return Some(Violation::VipOnReplica(host.clone()));
    }
    let address = address.split('/').next()?.parse().ok()?;
    context
        .seen
        .all_reached()
        .find(|(other, reached)| *other != host && reached.os.has_address(address))
        .map(|(holder, _)| Violation::VipTwice {
            host: host.clone(),
            holder: holder.clone(),
        })
}
