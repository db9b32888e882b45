//! Points a replica at its source and starts it, losing nothing that it has received.
//!
//! Both servers delete the relay log without a word when replication is changed with both threads
//! stopped; MariaDB with GTID does so even when it is only started. So: first everything received is
//! applied, then the change. Where the applier can go on meanwhile, nothing is waited for.

use std::slice;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::events::outside_binlog;
use super::relay_log::{Pace, applier_stopped, await_applied, replayed, standing};
use super::{LOCKS, STATEMENT, execute, hold, receiver, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::{Host, HostName, ReplicationMode};
use crate::mysql::{
    Dialect, GtidSet, Positioning, ReplicaStatus, RepointNeeds, SourceOptions, Standing, Switch,
    ThreadState, error_code,
};
use crate::observe::check_logins;
use crate::plan::Outcome;

/// How long the receiver may take until it streams.
const CONNECT: Duration = Duration::from_secs(30);
/// After this long a receiver that has stopped with an error stays stopped.
const SETTLES: Duration = Duration::from_secs(1);
/// How often a receiver that lost its connection on its first questions is started again.
const AGAIN: u8 = 3;

/// Brings one replica in line.
pub(super) async fn replicate(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    differs: &[String],
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    if !(differs.is_empty() && stands(fleet, connection, source).await?) {
        aim(fleet, connection, source, progress).await?;
    }
    start(fleet, connection).await?;
    Ok(Outcome::Changed)
}

/// Gives a replica its next source, and starts nothing. Writers wait meanwhile, so one that has more to
/// apply, or is slow for any other reason, is left for the [`replicate`] that comes later and goes on
/// from wherever this ended.
pub(super) async fn repoint(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    within: Duration,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let why = match timeout(within, aim(fleet, connection, source, progress)).await {
        Ok(Ok(())) => return Ok(Outcome::Changed),
        Ok(Err(error)) => error.to_string(),
        Err(_) => {
            // Its last statement may still be on its way.
            connection.forget_session().await;
            format!("not done within {within:?}")
        }
    };
    let text = format!("takes {source} as its source only after the promotion: {why}");
    progress.tell(&connection.host, &text);
    Ok(Outcome::Already)
}

/// Whether [`repoint`] has been there: the server has this source and has heard nothing from it, so there
/// is nothing that a start could delete, and counts all that it has.
async fn stands(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
) -> Result<bool, ActionError> {
    let wanted = fleet.cluster().as_source(fleet.host(source)?);
    let (mut session, _) = session(fleet, connection).await?;
    let seen = standing(&mut session).await?;
    let is_there = |status: &ReplicaStatus| {
        (status.source_host.as_str(), status.source_port) == (wanted.host.as_str(), wanted.port)
            && status.using_gtid == Positioning::Gtid
            && status.receiver == ThreadState::Stopped
            && status.read_source_log.is_none()
    };
    Ok(seen.replica.as_ref().is_some_and(is_there) && !counts_too_little(&seen))
}

/// Makes a server follow another one. When this returns, both threads run.
pub(super) async fn point_at(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    aim(fleet, connection, source, progress).await?;
    start(fleet, connection).await
}

/// Names a source to a server. Its receiver stands then.
async fn aim(
    fleet: &LiveFleet,
    connection: &Connection,
    source: &HostName,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let host = &connection.host;
    let source = fleet.host(source)?;
    let wanted = fleet.cluster().as_source(source);
    let (mut session, dialect) = session(fleet, connection).await?;
    check_protection(fleet, connection, dialect, source).await?;
    let seen = standing(&mut session).await?;
    if !is_seeded_by_place(fleet, &mut session, (host, dialect), &seen, &wanted).await? {
        let begun = (session, dialect, seen);
        change_source(fleet, connection, begun, &wanted, progress).await?;
    }
    Ok(())
}

/// Starts a server that has its source. When this returns, both threads run.
async fn start(fleet: &LiveFleet, connection: &Connection) -> Result<(), ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    unmark(&mut session, dialect, host).await?;
    let start = async |session: &mut Session<'_>| {
        execute(session, host, &dialect.start_replica(), STATEMENT).await?;
        wait_until_streaming(session, host).await
    };
    let cluster = &fleet.cluster().name;
    hold::let_go_and(connection, &mut session, dialect, cluster, start).await
}

/// Whether a seed has left it at a place in this source's log. Nobody else knows that place any more: it only
/// has to be started.
async fn is_seeded_by_place(
    fleet: &LiveFleet,
    session: &mut Session<'_>,
    (host, dialect): (&HostName, Dialect),
    seen: &Standing,
    wanted: &SourceOptions,
) -> Result<bool, ActionError> {
    let mode = fleet.cluster().replication_mode;
    let stands = |status: &ReplicaStatus| status.stands_at_a_place_of(wanted);
    Ok(mode == ReplicationMode::Position
        && seen.replica.as_ref().is_some_and(stands)
        && is_marked(session, host, dialect).await?)
}

/// Gives it this source by GTID, once everything that it has received is applied or goes on being applied.
/// Not started.
async fn change_source(
    fleet: &LiveFleet,
    connection: &Connection,
    begun: (Session<'_>, Dialect, Standing),
    wanted: &SourceOptions,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let (host, dialect) = (&connection.host, begun.1);
    let (mut session, seen) = replayed(fleet, connection, begun, progress).await?;
    match &seen.replica {
        Some(status) if keeps_applying(dialect, status) => {
            receiver::stop(connection, &mut session, dialect, status).await?;
            let change = dialect.repoint(wanted);
            execute(&mut session, host, &change, STATEMENT)
                .await
                .map(drop)
        }
        Some(status) => {
            change_drained(connection, &mut session, dialect, status, wanted, progress).await
        }
        None => begin(&mut session, host, dialect, &seen, wanted).await,
    }
}

/// A replica that was told to encrypt towards a source that does not acknowledges nothing any more, and all
/// replicas are told at once: so the host's own client tries it before anything is changed.
async fn check_protection(
    fleet: &LiveFleet,
    connection: &Connection,
    dialect: Dialect,
    source: &Host,
) -> Result<(), ActionError> {
    let cluster = fleet.cluster();
    if !cluster.replication_tls.is_demanded() {
        return Ok(());
    }
    let checks = check_logins(connection, dialect, cluster, slice::from_ref(source)).await;
    match checks.into_iter().find_map(|check| check.refused) {
        None => Ok(()),
        Some(why) => Err(ActionError::Unfit {
            host: connection.host.clone(),
            reason: format!(
                "a connection to {} as `replication: tls` asks for it fails, so replication was not changed: {why}",
                source.name
            ),
            hint: "the source needs a certificate for its address (`settings: {ssl_cert: …, ssl_key: …}`), \
                   this host the authority's (`ca:`), both readable by the server"
                .to_owned(),
        }),
    }
}

/// Whether the change leaves a running applier and its relay log alone.
fn keeps_applying(dialect: Dialect, status: &ReplicaStatus) -> bool {
    dialect.repoint_needs() == RepointNeeds::ReceiverStopped
        && status.applier == ThreadState::Running
        && status.using_gtid == Positioning::Gtid
        && status.delay_s == 0
}

async fn change_drained(
    connection: &Connection,
    session: &mut Session<'_>,
    dialect: Dialect,
    status: &ReplicaStatus,
    wanted: &SourceOptions,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let host = &connection.host;
    // Before the receiver stops: with both stopped, starting it would delete the relay log (S1, S2).
    if status.applier == ThreadState::Stopped {
        let started = execute(session, host, &dialect.start_applier(), STATEMENT).await;
        if started.as_ref().is_err_and(has_lost_its_relay_log) {
            receiver::stop(connection, session, dialect, status).await?;
            forget_lost_relay_log(session, host, dialect, status).await?;
            return change(session, host, dialect, wanted).await;
        }
        started?;
    }
    receiver::stop(connection, session, dialect, status).await?;
    await_applied(session, host, progress).await?;
    execute(session, host, &dialect.stop_applier(), STATEMENT).await?;
    let drained = standing(session).await?;
    count_all(session, host, dialect, &drained).await?;
    change(session, host, dialect, wanted).await
}

async fn change(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    wanted: &SourceOptions,
) -> Result<(), ActionError> {
    execute(session, host, &dialect.change_source(wanted), STATEMENT)
        .await
        .map(drop)
}

fn has_lost_its_relay_log(error: &ActionError) -> bool {
    matches!(error, ActionError::Statement { source, .. }
        if source.number() == Some(error_code::APPLIER_NOT_INITIALISED))
}

/// A server that was killed while it forgot its source, or took another one, still looks for relay logs that
/// it has deleted. It does either only when all is applied; logs that went in any other way may have held
/// more.
async fn forget_lost_relay_log(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    status: &ReplicaStatus,
) -> Result<(), ActionError> {
    if !status.relay_log_applied() {
        return Err(ActionError::Unfit {
            host: host.clone(),
            reason: format!(
                "the relay log {} is gone or damaged, and was not wholly applied: acknowledged rows may be missing here",
                status.relay_log_file
            ),
            hint: format!("`hactl bootstrap --reseed {host}` loads it anew from the primary"),
        });
    }
    execute(session, host, &dialect.reset_replica_all(), STATEMENT)
        .await
        .map(drop)
}

/// Whether it would ask for what it has.
fn counts_too_little(seen: &Standing) -> bool {
    let stale = |from: &GtidSet| !from.contains(&seen.executed);
    seen.resumes_at.as_ref().is_some_and(stale)
}

/// What came otherwise than by replication is not counted where replication resumes, and would be asked
/// for again, and applied twice: rows that were salvaged, or written while it led. Both threads are
/// stopped.
async fn count_all(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    seen: &Standing,
) -> Result<(), ActionError> {
    if counts_too_little(seen) {
        let position = dialect.set_seeded_position(&seen.executed);
        execute(session, host, &position, STATEMENT).await?;
    }
    Ok(())
}

/// Makes a replica of a server that follows nobody: a seeded one, or one that led.
async fn begin(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    seen: &Standing,
    wanted: &SourceOptions,
) -> Result<(), ActionError> {
    count_all(session, host, dialect, seen).await?;
    change(session, host, dialect, wanted).await
}

/// Whether the mark of an unfinished seed is there.
async fn is_marked(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
) -> Result<bool, ActionError> {
    let find = dialect.find_seeding_marker();
    let found = execute(session, host, &find, STATEMENT).await?;
    Ok(!found.is_empty())
}

/// The seed is finished: takes its mark away, outside the binary log.
async fn unmark(
    session: &mut Session<'_>,
    dialect: Dialect,
    host: &HostName,
) -> Result<(), ActionError> {
    if !is_marked(session, host, dialect).await? {
        return Ok(());
    }
    let bounds = dialect.session_bounds(LOCKS);
    execute(session, host, &bounds, STATEMENT).await?;
    let statements = [
        dialect.set_privileged_writes(Switch::On),
        Some(dialect.drop_seeding_marker()),
        dialect.set_privileged_writes(Switch::Off),
    ];
    let statements: Vec<_> = statements.iter().flatten().collect();
    outside_binlog(session, host, dialect, &statements).await
}

async fn wait_until_streaming(
    session: &mut Session<'_>,
    host: &HostName,
) -> Result<(), ActionError> {
    let dialect = session.dialect().await.map_err(ActionError::Login)?;
    let mut begun = Instant::now();
    let mut pace = Pace::new();
    let mut again = AGAIN;
    loop {
        let seen = standing(session).await?.replica;
        match &seen {
            Some(seen) if is_streaming(seen) => return Ok(()),
            Some(seen) if seen.applier == ThreadState::Stopped => {
                return Err(applier_stopped(host, seen));
            }
            Some(seen) if again > 0 && has_given_up(seen) && lost_connection(seen) => {
                again -= 1;
                begun = Instant::now();
                execute(session, host, &dialect.start_receiver(), STATEMENT).await?;
            }
            // The receiver has ended with an error that it does not retry.
            Some(seen) if has_given_up(seen) && begun.elapsed() > SETTLES => {
                return Err(not_streaming(host, Some(seen)));
            }
            _ if begun.elapsed() > CONNECT => return Err(not_streaming(host, seen.as_ref())),
            _ => pace.wait().await,
        }
    }
}

fn has_given_up(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Stopped && status.last_io_error.is_some()
}

/// Whether the receiver gave up since its connection ended while it greeted its source, which the server does
/// not try again (`MariaDB` 11.8.6 on a busy machine: 2026, when it asked for the domain). The numbers are
/// those of a connection that ended, by the server and by the client library.
fn lost_connection(status: &ReplicaStatus) -> bool {
    let ended = [1158, 1159, 1160, 1161, 2006, 2013, 2026];
    let error = status.last_io_error.as_ref();
    error.is_some_and(|error| ended.contains(&error.number))
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
