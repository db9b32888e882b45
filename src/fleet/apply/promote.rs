//! Makes a replica a primary that clients cannot reach yet, and proves that it commits.
//!
//! It must never forget a source while something received is not applied, and never leave the server
//! open to clients' writes: that is for the step that makes it writable, when all is in place.

use std::time::Duration;

use tokio::time::timeout;

use super::relay_log::{applier_stopped, await_applied, standing};
use super::{LOCKS, STATEMENT, canary, events, execute, receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, EventState, Received, ReplicaStatus, Standing, Switch, ThreadState};
use crate::plan::{Outcome, Proof};

/// Promotes one replica.
pub(super) async fn promote(
    fleet: &LiveFleet,
    connection: &Connection,
    (within, proof): (Duration, Proof),
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let seen = standing(&mut session).await?;
    if let Some(channel) = seen.other_channels.first() {
        return Err(second_source(host, channel));
    }
    if !seen.is_replica() && seen.read_only.is_writable() {
        // It leads already: a proof now would wait for acknowledgements, or switch them off.
        return Ok(Outcome::Already);
    }
    // Two statements may wait for the same lock: the one that writes, and the one that closes after it.
    let bounds = dialect.session_bounds((within / 2).min(LOCKS));
    execute(&mut session, host, &bounds, STATEMENT).await?;
    if !seen.read_only.is_full() {
        let closed = dialect.set_read_only(Switch::On);
        execute(&mut session, host, &closed, STATEMENT).await?;
    }
    if let Some(status) = &seen.replica {
        leave_source(
            connection,
            &mut session,
            (dialect, status),
            within,
            progress,
        )
        .await?;
    }
    for forget in dialect.forget_persisted_read_only() {
        execute(&mut session, host, &forget, STATEMENT).await?;
    }
    if proof == Proof::OwnRow {
        write_alone(&mut session, host, dialect).await?;
    }
    refuses_writes(&mut session, host).await?;
    let (from, to) = (EventState::DisabledOnReplica, EventState::Enabled);
    if let Err(error) = events::switch(&mut session, host, dialect, from, to).await {
        // Clients wait. What does not run is found by `verify`.
        progress.tell(host, &format!("events are not switched on: {error}"));
    }
    Ok(Outcome::Changed)
}

/// Ends replication for good, once everything received is applied.
async fn leave_source(
    connection: &Connection,
    session: &mut Session<'_>,
    (dialect, status): (Dialect, &ReplicaStatus),
    within: Duration,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let host = &connection.host;
    if status.applier == ThreadState::Stopped {
        // An earlier run may have been killed right here; it had waited for the applier.
        let seen = standing(session).await?;
        if status.receiver != ThreadState::Stopped || seen.received() != Received::Applied {
            return Err(applier_stopped(host, status));
        }
    } else {
        receiver::stop(connection, session, dialect, status).await?;
        let applied = timeout(within, await_applied(session, host, progress)).await;
        applied.map_err(|_| ActionError::TimedOut {
            host: host.clone(),
            what: "the relay log was applied".to_owned(),
            after: within,
        })??;
        execute(session, host, &dialect.stop_applier(), STATEMENT).await?;
    }
    execute(session, host, &dialect.reset_replica_all(), STATEMENT).await?;
    let seen = standing(session).await?;
    if !seen.is_replica() {
        return Ok(());
    }
    Err(ActionError::Unfit {
        host: host.clone(),
        reason: "replication was reset and is still configured".to_owned(),
        hint: "another program set it up again: look at cron, and for another failover tool"
            .to_owned(),
    })
}

/// Commits a row while clients are refused and nobody is waited for.
async fn write_alone(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
) -> Result<(), ActionError> {
    let alone = dialect.set_semi_sync_source(Switch::Off);
    execute(session, host, &alone, STATEMENT).await?;
    let (open, close) = (
        dialect.set_privileged_writes(Switch::On),
        dialect.set_privileged_writes(Switch::Off),
    );
    if let Some(open) = open {
        execute(session, host, &open, STATEMENT).await?;
    }
    let written = canary::write(session, host).await;
    if let Some(close) = close {
        execute(session, host, &close, STATEMENT).await?;
    }
    written.map(drop)
}

async fn refuses_writes(session: &mut Session<'_>, host: &HostName) -> Result<(), ActionError> {
    let Standing { read_only, .. } = standing(session).await?;
    if read_only.is_full() {
        return Ok(());
    }
    Err(ActionError::Unfit {
        host: host.clone(),
        reason: "it accepts writes before it may".to_owned(),
        hint: "another program made it writable: look at cron, and for another failover tool"
            .to_owned(),
    })
}

fn second_source(host: &HostName, channel: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("it also replicates by a second channel, `{channel}`"),
        hint: "hactl manages one source; end that channel, or promote another replica".to_owned(),
    }
}
