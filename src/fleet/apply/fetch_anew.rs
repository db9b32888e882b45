//! Gets a replica past a dump thread of its source that does not come to its end. It must leave the
//! replica with its own server id whatever happens, and never touch what it has received.
//!
//! `MariaDB` (10.11.18, 1 of some 30 cuts of 4 to 12 s, one replica): the thread that reads the
//! acknowledgements sleeps while no replica is attached. One that attaches and is gone before that thread
//! wakes leaves it asleep (`Ack_receiver::wait_for_slave_connection`), and the dump thread waits for it to
//! take note that the replica has gone. Whoever attaches wakes it, but the same replica's next dump
//! thread first waits for the last one. So commits wait for ever, and the replica's receiver is let in
//! and hears nothing. Under another server id it is let in at once.

use std::time::Duration;

use tokio::time::sleep;

use super::relay_log::{Pace, standing};
use super::{STATEMENT, execute, receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, ReplicaStatus, ThreadState};
use crate::plan::Outcome;

/// How long the receiver may take until it streams.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the source is given to begin to send.
const BEGINS: Duration = Duration::from_millis(500);

/// Does it, on the replica.
pub(super) async fn fetch(
    fleet: &LiveFleet,
    connection: &Connection,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let own = fleet.host(host)?.server_id;
    let taken = |id: u32| {
        fleet
            .cluster()
            .hosts
            .values()
            .any(|host| host.server_id == id)
    };
    let Some(other) = (1..=u32::MAX).rev().find(|id| !taken(*id)) else {
        return Ok(Outcome::Already);
    };
    let (mut session, dialect) = session(fleet, connection).await?;
    let seen = running(&mut session, host).await?;
    receiver::stop(connection, &mut session, dialect, &seen).await?;
    execute(&mut session, host, &dialect.set_server_id(other), STATEMENT).await?;
    let connected = connect(&mut session, host, dialect).await;
    // What came of it shows when the replica fetches by its own id.
    if let Err(error) = come_back(&mut session, host, dialect, own).await {
        tracing::warn!("{error}; once more in another session");
        drop(session);
        connection.forget_session().await;
        let (mut session, _) = super::session(fleet, connection).await?;
        come_back(&mut session, host, dialect, own).await?;
    }
    connected.map(|()| Outcome::Changed)
}

/// Its own id first: the source was told the other one when the receiver connected, and does not ask again.
/// So whoever is killed after that has left it as it was.
async fn come_back(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    own: u32,
) -> Result<(), ActionError> {
    execute(session, host, &dialect.set_server_id(own), STATEMENT).await?;
    sleep(BEGINS).await;
    execute(session, host, &dialect.stop_receiver(), STATEMENT).await?;
    connect(session, host, dialect).await
}

/// The replica's status. With its applier stopped, a start of the receiver would delete what is not applied.
pub(super) async fn running(
    session: &mut Session<'_>,
    host: &HostName,
) -> Result<ReplicaStatus, ActionError> {
    let status = standing(session).await?.replica;
    status
        .filter(|status| status.applier == ThreadState::Running)
        .ok_or_else(|| ActionError::Unfit {
            host: host.clone(),
            reason: "it does not apply what it receives".to_owned(),
            hint: format!("run `hactl rejoin {host}`"),
        })
}

async fn connect(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
) -> Result<(), ActionError> {
    execute(session, host, &dialect.start_receiver(), STATEMENT).await?;
    await_connected(session, host).await
}

/// Waits until its receiver is let in.
pub(super) async fn await_connected(
    session: &mut Session<'_>,
    host: &HostName,
) -> Result<(), ActionError> {
    let begun = tokio::time::Instant::now();
    let mut pace = Pace::new();
    while begun.elapsed() < CONNECT {
        let status = standing(session).await?.replica;
        if status.is_some_and(|status| status.receiver == ThreadState::Running) {
            return Ok(());
        }
        pace.wait().await;
    }
    Err(ActionError::TimedOut {
        host: host.clone(),
        what: "the receiver connected".to_owned(),
        after: CONNECT,
    })
}
