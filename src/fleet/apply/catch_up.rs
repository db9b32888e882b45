//! Fetches from another replica what that one has more: for the case that the one that is ahead may not
//! lead. Ends as a drain does, with the receiver stopped and everything applied.

use std::time::Duration;

use tokio::time::Instant;

use super::relay_log::{Pace, applier_stopped, await_applied, standing};
use super::replicate::point_at;
use super::{receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{GtidSet, ReplicaStatus, Standing, ThreadState};
use crate::plan::Outcome;

/// How long nothing may be applied before it is given up. Clients wait.
const STALL: Duration = Duration::from_mins(1);

/// Catches up with a sibling.
pub(super) async fn catch_up(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    until: &GtidSet,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut first, _) = session(fleet, connection).await?;
    let seen = standing(&mut first).await?;
    drop(first);
    if seen.executed.contains(until) && !receives(&seen) {
        return Ok(Outcome::Already);
    }
    point_at(fleet, connection, source, progress).await?;
    let (mut session, dialect) = session(fleet, connection).await?;
    await_executed(&mut session, host, until).await?;
    if let Some(status) = standing(&mut session).await?.replica {
        receiver::stop(connection, &mut session, dialect, &status).await?;
    }
    await_applied(&mut session, host, progress).await?;
    Ok(Outcome::Changed)
}

fn receives(seen: &Standing) -> bool {
    let runs = |status: &ReplicaStatus| status.receiver != ThreadState::Stopped;
    seen.replica.as_ref().is_some_and(runs)
}

async fn await_executed(
    session: &mut Session<'_>,
    host: &HostName,
    until: &GtidSet,
) -> Result<(), ActionError> {
    let mut pace = Pace::new();
    let mut moved = Instant::now();
    let mut last = None;
    loop {
        let seen = standing(session).await?;
        if seen.executed.contains(until) {
            return Ok(());
        }
        if let Some(status) = &seen.replica
            && status.applier == ThreadState::Stopped
        {
            return Err(applier_stopped(host, status));
        }
        if last.as_ref() != Some(&seen.executed) {
            last = Some(seen.executed);
            moved = Instant::now();
        }
        if moved.elapsed() > STALL {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: format!("{until} came from the replica that has it"),
                after: STALL,
            });
        }
        pace.wait().await;
    }
}
