//! Lets a replica that has everything say so to its source once more. It must never stop a replica that has
//! something to apply for longer than applying it takes, for with both threads stopped the next start throws
//! the relay log away.
//!
//! `MariaDB` (10.11.18, a primary that hears nothing for 2 s under commits): the replica's acknowledgement is
//! lost with its connection. It comes back by its GTID, which is behind the transaction that waits, so
//! that is not sent again and no acknowledgement is asked for. The commit waits for ever, and all others
//! behind it, with every replica attached and complete. A replica that attaches by file and position
//! acknowledges all that comes before (`Repl_semi_sync_master::dump_start`); by GTID the position is that of
//! a file's beginning.

use std::time::Duration;

use tokio::time::sleep;

use super::fetch_anew::{await_connected, running};
use super::relay_log::await_applied;
use super::{STATEMENT, execute, receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress};
use crate::plan::Outcome;

/// How long the source is given to take note.
const NOTED: Duration = Duration::from_millis(200);

/// Does it, on the replica.
pub(super) async fn attach(
    fleet: &LiveFleet,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let seen = running(&mut session, host).await?;
    receiver::stop(connection, &mut session, dialect, &seen).await?;
    let applied = await_applied(&mut session, host, progress).await?;
    let place = applied.replica.as_ref().and_then(|status| {
        let log = status.exec_source_log.clone()?;
        status
            .relay_log_applied()
            .then_some((log, status.exec_source_pos))
    });
    let Some((log, position)) = place else {
        // It fetches again as before.
        execute(&mut session, host, &dialect.start_receiver(), STATEMENT).await?;
        return Err(ActionError::Unfit {
            host: host.clone(),
            reason: "its status does not say up to where it has applied its source's log"
                .to_owned(),
            hint: format!("run `hactl rejoin {host}`"),
        });
    };
    for statement in [
        dialect.stop_replica(),
        dialect.position_by_file(&log, position),
        dialect.start_replica(),
    ] {
        execute(&mut session, host, &statement, STATEMENT).await?;
    }
    await_connected(&mut session, host).await?;
    sleep(NOTED).await;
    Ok(Outcome::Changed)
}
