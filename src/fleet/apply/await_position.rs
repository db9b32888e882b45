//! Waits until a replica has applied a position while it goes on replicating. The server wakes the wait;
//! what it has executed is the proof.

use std::time::Duration;

use tokio::time::Instant;

use super::relay_log::{Pace, applier_stopped, standing};
use super::{STATEMENT, execute, session};
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::mysql::{GtidSet, ThreadState};
use crate::plan::Outcome;

/// The longest that is waited for the server's call before it is looked at again.
const TURN: Duration = Duration::from_millis(200);

/// Waits for a position.
pub(super) async fn wait(
    fleet: &LiveFleet,
    connection: &Connection,
    position: &GtidSet,
    within: Duration,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let begun = Instant::now();
    let mut pace = None;
    loop {
        let seen = standing(&mut session).await?;
        if seen.executed.contains(position) {
            return Ok(Outcome::Already);
        }
        match &seen.replica {
            None => return Err(no_replica(connection)),
            Some(status) if status.applier == ThreadState::Stopped => {
                return Err(applier_stopped(host, status));
            }
            Some(_) => {}
        }
        let left = within.saturating_sub(begun.elapsed());
        if left.is_zero() {
            let beyond = position.subtract(&seen.executed);
            let missing = beyond.map_or_else(|error| error.to_string(), |set| set.to_string());
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: format!("{missing} was applied"),
                after: within,
            });
        }
        // The server's call comes at once mostly. It is not the proof, and may come too soon: on one
        // flavor it does not count what the server wrote itself.
        match &mut pace {
            None => pace = Some(Pace::new()),
            Some(pace) => pace.wait().await,
        }
        let turn = dialect.wait_for_position(position, left.min(TURN));
        execute(&mut session, host, &turn, STATEMENT).await?;
    }
}

fn no_replica(connection: &Connection) -> ActionError {
    ActionError::Unfit {
        host: connection.host.clone(),
        reason: "it follows nobody, so what it lacks will not come".to_owned(),
        hint: "run again: the cluster changed under this run".to_owned(),
    }
}
