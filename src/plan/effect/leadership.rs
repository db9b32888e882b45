//! What the steps of a change of leadership bring about: fenced, drained, promoted, following. Only
//! what an action's own contract says; what a dead server's log would add is not known before.

use crate::facts::{HostView, Mark, Observation, Reached, ServerView, UnitFacts, UnitState};
use crate::inventory::{Cluster, HostName};
use crate::mysql::{GtidSet, ServerFacts, Switch, ThreadState};
use crate::plan::{Action, LiveVariable, Proof};

use super::server::{booted, follow, switch};
use super::with_server;

/// Whether an action changes a running server, and nothing of its machine.
pub(super) fn is_of_server(action: &Action) -> bool {
    matches!(
        action,
        Action::Drain { .. }
            | Action::CatchUp { .. }
            | Action::AwaitPosition { .. }
            | Action::Promote { .. }
    )
}

/// What such an action leaves behind.
pub(super) fn on_server(facts: &mut ServerFacts, action: &Action) {
    match action {
        Action::Drain { .. } => drained(facts),
        Action::CatchUp { until, .. } => {
            drained(facts);
            advance(facts, until);
        }
        Action::AwaitPosition { position, .. } => advance(facts, position),
        Action::Promote { proof, .. } => {
            facts.replica = None;
            if *proof == Proof::OwnRow {
                switch(facts, LiveVariable::SemiSyncSource, Switch::Off);
            }
        }
        Action::Demote { .. } => switch(facts, LiveVariable::ReadOnly, Switch::On),
        _ => {}
    }
}

/// What an action that starts or stops a server leaves on its machine.
pub(super) fn on_machine(
    cluster: &Cluster,
    reached: &mut Reached,
    host: &HostName,
    action: &Action,
    now: i64,
) {
    match action {
        Action::Fence { .. } => fenced(cluster, reached, host, now),
        Action::Unfence | Action::Rewind => unfenced(cluster, reached, host),
        _ => {}
    }
}

/// The replica follows its source, and acknowledges to it where it acknowledges at all.
pub(super) fn replicate(
    cluster: &Cluster,
    after: &mut Observation,
    host: &HostName,
    source: &HostName,
) {
    let Some(known) = cluster.host(source) else {
        return;
    };
    let options = cluster.as_source(known);
    let mut joins = false;
    with_server(cluster, after, host, |facts| {
        let followed = facts.replica.as_ref().is_some_and(|status| {
            status.receiver == ThreadState::Running
                && (status.source_host.as_str(), status.source_port)
                    == (options.host.as_str(), options.port)
        });
        joins = !followed && facts.semi_sync.replica_enabled == Some(Switch::On);
        follow(facts, &options);
    });
    if let Some(HostView::Reached(reached)) = after.hosts.get_mut(host) {
        let known = &mut reached.os.source_password_sha256;
        *known = known.take().map(|_| options.password_sha256());
    }
    if let Some(HostView::Reached(reached)) = after.hosts.get_mut(source)
        && let ServerView::Up(facts) = &mut reached.server
    {
        facts.semi_sync.clients += u32::from(joins);
    }
}

/// The replica has its next source, and stands.
pub(super) fn repoint(
    cluster: &Cluster,
    after: &mut Observation,
    host: &HostName,
    source: &HostName,
) {
    let Some(known) = cluster.host(source) else {
        return;
    };
    let options = cluster.as_source(known);
    with_server(cluster, after, host, |facts| {
        follow(facts, &options);
        if let Some(status) = &mut facts.replica {
            status.receiver = ThreadState::Stopped;
            status.applier = ThreadState::Stopped;
        }
    });
}

/// The receiver stands still, and what it had received is applied.
fn drained(facts: &mut ServerFacts) {
    let Some(status) = &mut facts.replica else {
        return;
    };
    status.receiver = ThreadState::Stopped;
    if status.applier == ThreadState::Stopped && status.last_sql_error.is_some() {
        // The row that stopped it will stop it again.
        return;
    }
    status.applier = ThreadState::Running;
    status.lag = None;
    status.exec_source_log.clone_from(&status.read_source_log);
    status.exec_source_pos = status.read_source_pos;
    if let Some(received) = status.retrieved.clone() {
        advance(facts, &received);
    }
}

/// Counts transactions among the executed ones. Sets that contradict each other stay as they were:
/// the run looks, and the election refuses.
fn advance(facts: &mut ServerFacts, set: &GtidSet) {
    if let Ok(both) = facts.executed.union(set) {
        facts.executed = both;
    }
    if let Some(status) = &mut facts.replica {
        status.executed = Some(facts.executed.clone());
    }
}

/// No server, nothing that starts one, no VIP, and a note why.
fn fenced(cluster: &Cluster, reached: &mut Reached, host: &HostName, now: i64) {
    let unit = service_unit(cluster, reached);
    unit.state = UnitState::Inactive;
    "masked".clone_into(&mut unit.enablement);
    if !matches!(reached.server, ServerView::Absent) {
        reached.server = ServerView::Stopped;
    }
    if let Some(vip) = &cluster.vip {
        reached
            .os
            .addresses
            .retain(|held| held.address != vip.address);
    }
    reached.os.marks.fenced = Some(Mark {
        at: now,
        by: String::new(),
        host: Some(host.clone()),
        text: "fenced".to_owned(),
    });
}

/// Up as its file says: harmless. The note stays until the rejoin has proven replication.
fn unfenced(cluster: &Cluster, reached: &mut Reached, host: &HostName) {
    let unit = service_unit(cluster, reached);
    unit.state = UnitState::Active;
    "enabled".clone_into(&mut unit.enablement);
    let dialect = reached.dialect(cluster.server.flavor);
    match &mut reached.server {
        ServerView::Up(facts) => {
            switch(facts, LiveVariable::ReadOnly, Switch::On);
            switch(facts, LiveVariable::SemiSyncSource, Switch::Off);
        }
        server => {
            if let Some(known) = cluster.host(host) {
                *server = ServerView::Up(Box::new(booted(dialect, known.server_id)));
            }
        }
    }
}

fn service_unit<'a>(cluster: &Cluster, reached: &'a mut Reached) -> &'a mut UnitFacts {
    let unit = reached.dialect(cluster.server.flavor).service_unit();
    reached
        .os
        .units
        .entry(unit.to_owned())
        .or_insert_with(UnitFacts::unknown)
}
