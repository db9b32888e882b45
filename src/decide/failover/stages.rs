//! The steps of a failover, as data, stage by stage. Which stage comes when is not decided here.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Case;
use super::fencing::Means;
use crate::facts::{Mark, MarkKind, Observation};
use crate::inventory::{Cluster, HookPoint, HostName};
use crate::mysql::{BinlogName, GtidSet, Switch};
use crate::plan::{
    Action, FileChange, LiveVariable, Look, Neighbours, OnFailure, Proof, Receiving, StagePlan,
    Step,
};

/// How long the first acknowledgement may take: siblings are repointed beside the wait, and do so in
/// tens of milliseconds.
pub(super) const ACKER_WAIT: Duration = Duration::from_secs(10);
/// How long a promotion may be held up, by a backup's lock for one. Nobody serves meanwhile, and nobody
/// else would be better at once.
const PROMOTION: Duration = Duration::from_secs(30);

pub(super) fn step(host: &HostName, task: &str, why: impl Into<String>, action: Action) -> Step {
    Step {
        task: task.to_owned(),
        host: host.clone(),
        action,
        why: why.into(),
        on_failure: OnFailure::Stop,
    }
}

pub(super) fn go_on(mut step: Step) -> Step {
    step.on_failure = OnFailure::GoOn;
    step
}

pub(super) fn stage(play: &str, steps: Vec<Step>, look: Look) -> StagePlan {
    StagePlan {
        play: play.to_owned(),
        steps,
        look,
    }
}

/// The hook's step, where the inventory has the hook.
pub(super) fn hook(cluster: &Cluster, host: &HostName, hook: HookPoint) -> Option<Step> {
    cluster.hooks.commands.contains_key(&hook).then(|| {
        let why = format!("the inventory has a hook {hook}");
        step(host, "Hook", why, Action::RunHook { hook })
    })
}

/// What makes the failed primary harmless; no step where that is proven or permitted.
pub(super) fn fence(cluster: &Cluster, case: &Case, means: &Means) -> Vec<Step> {
    let Means::Fence(method) = means else {
        return Vec::new();
    };
    let dead = &case.dead;
    let why = format!("{dead} must not take writes beside the next primary");
    let fence = step(dead, "Fence", why, Action::Fence { method: *method });
    [
        hook(cluster, dead, HookPoint::BeforeFence),
        Some(fence),
        hook(cluster, dead, HookPoint::AfterFence).map(go_on),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Receivers stopped, relay logs applied.
pub(super) fn drain<'a>(hosts: impl Iterator<Item = &'a HostName>) -> Vec<Step> {
    hosts
        .map(|host| {
            let why = "what it has received is applied before positions are compared";
            // The proof that nobody acknowledges to the failed primary must hold over a restart.
            let at_boot = Receiving::Held;
            go_on(step(host, "Drain", why, Action::Drain { at_boot }))
        })
        .collect()
}

/// The writer VIP off every host but the failed primary, whose fence takes it off.
pub(super) fn strip_vip(
    cluster: &Cluster,
    seen: &Observation,
    keep: &BTreeSet<&HostName>,
) -> Vec<Step> {
    let Some(vip) = &cluster.vip else {
        return Vec::new();
    };
    seen.all_reached()
        .filter(|(host, reached)| !keep.contains(host) && reached.os.has_address(vip.address))
        .filter_map(|(host, _)| {
            let action = Action::RemoveVip {
                address: vip.to_string(),
                interface: cluster.vip_interface(host)?.to_owned(),
            };
            Some(go_on(step(host, "Writer VIP", "it does not lead", action)))
        })
        .collect()
}

/// Whether the dead server's log is read, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It is not: it cannot be, or was already.
    Left,
    /// From this place; where that is not known, from its beginning.
    From(Option<(BinlogName, u64)>),
}

/// The elected fetches what another has more, and what the dead server's log has beyond that.
pub(super) fn gather(
    leader: &HostName,
    dead: &HostName,
    ahead: Option<&(HostName, GtidSet)>,
    tail: Tail,
) -> StagePlan {
    let mut steps = Vec::new();
    if let Some((source, until)) = ahead {
        let why = format!("{source} has more than {leader} and may not be promoted");
        let action = Action::CatchUp {
            source: source.clone(),
            until: until.clone(),
        };
        steps.push(step(leader, "Catch up", why, action));
    }
    if let Tail::From(after) = tail {
        let why = format!("{dead} may have written what it could not send any more");
        let action = Action::Salvage {
            from: dead.clone(),
            after,
        };
        steps.push(go_on(step(leader, "Salvage", why, action)));
    }
    let look = match ahead {
        Some(_) => Look::At([leader.clone()].into()),
        None => Look::None,
    };
    stage("Fetch what is missing", steps, look)
}

pub(super) fn promote(cluster: &Cluster, leader: &HostName) -> StagePlan {
    let why = format!("{leader} was elected");
    let action = Action::Promote {
        within: PROMOTION,
        proof: Proof::OwnRow,
    };
    let promote = step(leader, "Promote", why, action);
    let before = hook(cluster, leader, HookPoint::BeforePromote);
    let steps = before.into_iter().chain([promote]).collect();
    stage("Promote", steps, Look::None)
}

/// What the new primary does before and after it takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// Clients come in when a replica acknowledges.
    Awaited,
    /// Replicas acknowledge when they are there; clients need not wait for them.
    Wanted,
    /// Nobody acknowledges.
    None,
}

/// Clients come in, in the one safe order: semi-sync, an acknowledging replica, writes, VIP (S17).
pub(super) fn open(
    cluster: &Cluster,
    leader: &HostName,
    cover: Cover,
    neighbours: Neighbours,
) -> Vec<Step> {
    let set = |variable, value| Action::SetVariable { variable, value };
    let mut steps = Vec::new();
    let semi_sync = match cover {
        Cover::Awaited | Cover::Wanted => Switch::On,
        Cover::None => Switch::Off,
    };
    steps.push(step(
        leader,
        "Semi-sync",
        match cover {
            Cover::None => "no replica would acknowledge: commits would wait for ever",
            _ => "a commit waits for a replica again",
        },
        set(LiveVariable::SemiSyncSource, semi_sync),
    ));
    if cover == Cover::Awaited {
        let why = "durability is lossless: no write without cover";
        let action = Action::AwaitAcker { within: ACKER_WAIT };
        steps.push(step(leader, "Semi-sync", why, action));
    }
    let why = "it is the primary now";
    let writes = set(LiveVariable::ReadOnly, Switch::Off);
    steps.push(step(leader, "Open", why, writes));
    steps.extend(add_vip(cluster, leader, neighbours));
    steps
}

pub(super) fn add_vip(
    cluster: &Cluster,
    leader: &HostName,
    neighbours: Neighbours,
) -> Option<Step> {
    let vip = cluster.vip.as_ref()?;
    let action = Action::AddVip {
        address: vip.to_string(),
        interface: cluster.vip_interface(leader)?.to_owned(),
        neighbours,
        lease: vip.lease,
    };
    Some(step(leader, "Writer VIP", "clients write there", action))
}

/// The sibling follows the new primary.
pub(super) fn repoint(host: &HostName, leader: &HostName, why: &str) -> Step {
    let action = Action::Replicate {
        source: leader.clone(),
        differs: vec!["source".to_owned()],
    };
    go_on(step(host, "Repoint", why, action))
}

/// Every later hactl hears of it.
pub(super) fn note(
    cluster: &Cluster,
    seen: &Observation,
    case: &Case,
    leader: &HostName,
) -> StagePlan {
    let dead = &case.dead;
    let mark = Mark {
        at: seen.taken_at,
        by: case.by.clone(),
        host: Some(dead.clone()),
        text: format!("failed over from {dead} to {leader}"),
    };
    // A mark is a hint; without one, nothing is unsafe.
    let Ok(content) = serde_json::to_string(&mark) else {
        return stage("Note the failover", Vec::new(), Look::All);
    };
    let file = FileChange {
        path: MarkKind::Failover.path(&cluster.name),
        content: format!("{content}\n"),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "644".to_owned(),
        before: None,
    };
    let why = "later failovers keep their distance from this one";
    let steps = seen
        .all_reached()
        .map(|(host, _)| go_on(step(host, "Note", why, Action::WriteFile(file.clone()))))
        .collect();
    stage("Note the failover", steps, Look::All)
}
