//! Waits until a running applier has applied everything that was received. Whoever changes or resets
//! replication does this first: what was received may have been acknowledged.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::facts;
use crate::fleet::{ActionError, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{ReplicaStatus, ThreadState};

/// How often the position is looked at.
const EVERY: Duration = Duration::from_millis(100);
/// How long the applier may stand still before it is given up. A large transaction stands still, too.
const STALL: Duration = Duration::from_mins(10);

/// The replication status, if the server is a replica.
pub(super) async fn status(
    fleet: &LiveFleet,
    session: &mut Session<'_>,
) -> Result<Option<ReplicaStatus>, ActionError> {
    Ok(facts(fleet, session).await?.replica)
}

/// Waits until the applier has applied all that was received; the receiver must be stopped.
pub(super) async fn drain(
    fleet: &LiveFleet,
    session: &mut Session<'_>,
    host: &HostName,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let mut moved = Instant::now();
    let mut position = None;
    loop {
        let Some(status) = status(fleet, session).await? else {
            return Ok(());
        };
        if status.relay_log_applied() {
            return Ok(());
        }
        if status.applier == ThreadState::Stopped {
            return Err(applier_stopped(host, &status));
        }
        let now = Some((
            status.relay_log_file.clone(),
            status.relay_log_pos,
            status.exec_source_pos,
        ));
        if position != now {
            position = now;
            moved = Instant::now();
        }
        if moved.elapsed() > STALL {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: "the relay log was applied".to_owned(),
                after: STALL,
            });
        }
        progress.tell(host, "applying what was received");
        sleep(EVERY).await;
    }
}

/// The applier's error, and the choice that it leaves.
pub(super) fn applier_stopped(host: &HostName, status: &ReplicaStatus) -> ActionError {
    let reason = match &status.last_sql_error {
        Some(error) => format!(
            "the applier stopped: error {}: {}",
            error.number, error.text
        ),
        None => "the applier is stopped and the relay log is not applied".to_owned(),
    };
    ActionError::Unfit {
        host: host.clone(),
        reason,
        hint: format!(
            "repair the row that it names; or, if the data of {host} may go, run bootstrap with --reseed {host}"
        ),
    }
}
