//! Stops receiving, then applies everything that was received. What a replica has acknowledged is in
//! its relay log at least; only what it has applied can be compared and promoted.
//!
//! It must never let a replica of a failed primary receive again by itself, nor stop the receiver while
//! the applier is stopped: on MariaDB the next start would throw
//! the relay log away (S1).

use super::relay_log::{await_applied, standing, started};
use super::{STATEMENT, execute, hold, receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress};
use crate::mysql::{Received, ReplicaStatus, Standing, ThreadState};
use crate::plan::{Outcome, Receiving};

/// Drains one replica.
pub(super) async fn drain(
    fleet: &LiveFleet,
    connection: &Connection,
    at_boot: Receiving,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let before = standing(&mut session).await?;
    if before.replica.is_some() && at_boot == Receiving::Held {
        hold::hold(connection, &mut session, dialect, &fleet.cluster().name).await?;
    }
    let begun = (session, dialect, before.clone());
    // After a boot the program may be about to stop the applier that it started.
    let (mut session, seen) = if before.replica.as_ref().is_some_and(may_be_booting) {
        started(fleet, connection, begun, progress).await?
    } else {
        (begun.0, before.clone())
    };
    // Promoted before, or never a replica: nothing is left to apply.
    let Some(status) = &seen.replica else {
        return Ok(Outcome::Already);
    };
    if status.applier != ThreadState::Running {
        // With the receiver running or connecting, this keeps the relay log (S2).
        execute(&mut session, host, &dialect.start_applier(), STATEMENT).await?;
    }
    receiver::stop(connection, &mut session, dialect, status).await?;
    let drained = await_applied(&mut session, host, progress).await?;
    let receives = |status: &ReplicaStatus| status.receiver != ThreadState::Stopped;
    if drained.replica.as_ref().is_some_and(receives) {
        return Err(ActionError::Unfit {
            host: host.clone(),
            reason: "the receiver was stopped and runs again".to_owned(),
            hint: "another program started it: look at cron, and for another failover tool"
                .to_owned(),
        });
    }
    Ok(if is_drained(&before) {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}

/// Only an applier that is alone, or nothing at all, runs while a server boots.
fn may_be_booting(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Stopped
}

/// Whether there is nothing to do: the receiver stopped, the applier running, and all applied.
fn is_drained(seen: &Standing) -> bool {
    seen.replica.as_ref().is_some_and(|status| {
        status.receiver == ThreadState::Stopped && status.applier == ThreadState::Running
    }) && seen.received() != Received::Pending
}
