//! Points a replica at its source and starts it, losing nothing that it has received.
//!
//! Both servers delete the relay log without a word when replication is changed with both threads
//! stopped; MariaDB with GTID does so even when it is only started. So: first everything received is
//! applied, then the change.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::relay_log::{applier_stopped, drain, status};
use super::{STATEMENT, execute, run, session};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, ReplicaStatus, Switch, ThreadState};
use crate::plan::Outcome;

/// How long the receiver may take until it streams.
const CONNECT: Duration = Duration::from_secs(30);
/// How long applying a relay log at start may take.
const APPLY: Duration = Duration::from_hours(6);

/// Brings one replica in line.
pub(super) async fn replicate(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let source = fleet.host(source)?;
    let wanted = source.as_source(&fleet.cluster().accounts.replication);
    if let Some(safe_start) = stopped_entirely(fleet, connection).await? {
        progress.tell(host, "applying what was received before it stopped");
        run(
            connection,
            "applying the relay log",
            Script::new("").command([safe_start]),
            APPLY,
        )
        .await?;
    }
    let (mut session, dialect) = session(fleet, connection).await?;
    if let Some(seen) = status(fleet, &mut session).await? {
        if seen.receiver != ThreadState::Stopped {
            execute(&mut session, host, &dialect.stop_receiver(), STATEMENT).await?;
        }
        if seen.applier == ThreadState::Stopped {
            execute(&mut session, host, &dialect.start_applier(), STATEMENT).await?;
        }
        drain(fleet, &mut session, host, progress).await?;
        execute(&mut session, host, &dialect.stop_applier(), STATEMENT).await?;
    }
    execute(
        &mut session,
        host,
        &dialect.change_source(&wanted),
        STATEMENT,
    )
    .await?;
    unmark(&mut session, dialect, host).await?;
    execute(&mut session, host, &dialect.start_replica(), STATEMENT).await?;
    wait_until_streaming(fleet, &mut session, host).await?;
    Ok(Outcome::Changed)
}

/// Where a plain start would throw the relay log away, the program on the host that starts without
/// doing so; `None` when nothing is stopped or a plain start is safe.
async fn stopped_entirely(
    fleet: &LiveFleet,
    connection: &Connection,
) -> Result<Option<&'static str>, ActionError> {
    let (mut session, dialect) = session(fleet, connection).await?;
    let Some(seen) = status(fleet, &mut session).await? else {
        return Ok(None);
    };
    let stopped = seen.receiver == ThreadState::Stopped && seen.applier == ThreadState::Stopped;
    Ok(dialect.safe_start_program().filter(|_| stopped))
}

/// The seed is finished: takes its mark away, outside the binary log.
async fn unmark(
    session: &mut Session<'_>,
    dialect: Dialect,
    host: &HostName,
) -> Result<(), ActionError> {
    for statement in [
        Some(dialect.without_binlog()),
        dialect.set_privileged_writes(Switch::On),
        Some(dialect.drop_seeding_marker()),
        dialect.set_privileged_writes(Switch::Off),
        Some(dialect.with_binlog()),
    ]
    .into_iter()
    .flatten()
    {
        execute(session, host, &statement, STATEMENT).await?;
    }
    Ok(())
}

async fn wait_until_streaming(
    fleet: &LiveFleet,
    session: &mut Session<'_>,
    host: &HostName,
) -> Result<(), ActionError> {
    let begun = Instant::now();
    loop {
        let seen = status(fleet, session).await?;
        match &seen {
            Some(seen) if is_streaming(seen) => return Ok(()),
            Some(seen) if seen.applier == ThreadState::Stopped => {
                return Err(applier_stopped(host, seen));
            }
            _ if begun.elapsed() > CONNECT => return Err(not_streaming(host, seen.as_ref())),
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
}

fn is_streaming(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Running && status.applier == ThreadState::Running
}

fn not_streaming(host: &HostName, seen: Option<&ReplicaStatus>) -> ActionError {
    let error = seen.and_then(|status| status.last_io_error.as_ref());
    let reason = match error {
        Some(error) => format!(
            "replication does not start: error {}: {}",
            error.number, error.text
        ),
        None => format!("replication did not start within {CONNECT:?}"),
    };
    ActionError::Unfit {
        host: host.clone(),
        reason,
        hint:
            "check that the host reaches the primary's port, and the replication account's password"
                .to_owned(),
    }
}
