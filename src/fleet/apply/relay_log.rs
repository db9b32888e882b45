//! What a replica has received and not yet applied. Whoever changes or resets replication, or elects a
//! replica, sees to it first that all of it is applied: it may have been acknowledged to a client.
//!
//! It must never leave a relay log behind in a way that the next start throws it away unread.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::run;
use crate::facts::SqlFault;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, Received, ReplicaStatus, Standing, Statement, ThreadState};

/// How long the two questions about a server's standing may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the applier may stand still before it is given up. A large transaction stands still, too.
const STALL: Duration = Duration::from_mins(10);
/// How long an applier at the end of its relay log must have waited before the rest is taken for a
/// transaction that was cut off.
const SETTLED: Duration = Duration::from_millis(300);
/// How long applying a relay log at start may take.
const REPLAY: Duration = Duration::from_hours(6);

/// Looks often at first, then less: what mostly takes a few milliseconds is not made slower, and what
/// takes minutes costs the server nothing.
pub(super) struct Pace {
    next: Duration,
    longest: Duration,
}

impl Pace {
    /// Begins with two milliseconds.
    pub(super) fn new() -> Self {
        Self {
            next: Duration::from_millis(2),
            longest: Duration::from_millis(100),
        }
    }

    /// Stays quick, for what clients wait for.
    pub(super) fn quick() -> Self {
        Self {
            longest: Duration::from_millis(4),
            ..Self::new()
        }
    }

    /// Waits until the next look.
    pub(super) async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 5 / 4).min(self.longest);
    }
}

/// The server's part in replication as it is now.
pub(super) async fn standing(session: &mut Session<'_>) -> Result<Standing, ActionError> {
    let dialect = session.dialect().await.map_err(ActionError::Login)?;
    let place = session.place().to_owned();
    let fault = |number, text: String| {
        let text = format!("{place}: {text}");
        ActionError::Login(SqlFault { number, text })
    };
    let queries = dialect.standing_queries();
    let texts: Vec<&str> = queries.iter().map(Statement::text).collect();
    let answers = session
        .many(&texts, ANSWER)
        .await
        .map_err(|error| fault(error.number(), error.to_string()))?;
    dialect
        .read_standing(&answers)
        .map_err(|error| fault(None, error.to_string()))
}

/// Waits until the applier has applied all that was received; the receiver must be stopped. Gives the
/// standing that says so.
pub(super) async fn await_applied(
    session: &mut Session<'_>,
    host: &HostName,
    progress: &dyn Progress,
) -> Result<Standing, ActionError> {
    let mut pace = Pace::new();
    let mut moved = Instant::now();
    let mut position = None;
    loop {
        let seen = standing(session).await?;
        let received = seen.received();
        let Some(status) = seen
            .replica
            .as_ref()
            .filter(|_| received != Received::Applied)
        else {
            return Ok(seen);
        };
        if status.applier == ThreadState::Stopped {
            return Err(applier_stopped(host, status));
        }
        let now = (
            seen.executed.clone(),
            status.relay_log_file.clone(),
            status.relay_log_pos,
            received,
        );
        if position.as_ref() != Some(&now) {
            position = Some(now);
            moved = Instant::now();
        }
        if received == Received::Settled && moved.elapsed() >= SETTLED {
            return Ok(seen);
        }
        if status.delay_s > 0 && received == Received::Pending {
            return Err(delayed(host, status.delay_s));
        }
        if moved.elapsed() > STALL {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: "the relay log was applied".to_owned(),
                after: STALL,
            });
        }
        progress.tell(host, "applying what was received");
        pace.wait().await;
    }
}

/// Where a plain start would throw the relay log away (both threads stopped, S1), starts replication by
/// the program on the host that applies it first, and looks again. The program is also waited for while
/// it is at work after a boot: it has the applier alone running then, and stops it when it is done.
/// Nothing is asked twice where neither is so.
///
/// That it is at work and has nothing left to apply cannot be told from a replica that was drained: see
/// [`started`].
pub(super) async fn replayed<'a>(
    fleet: &LiveFleet,
    connection: &'a Connection,
    (session, dialect, seen): (Session<'a>, Dialect, Standing),
    progress: &dyn Progress,
) -> Result<(Session<'a>, Standing), ActionError> {
    let pending = seen.received() == Received::Pending;
    let stopped = seen.replica.as_ref().is_some_and(|status| {
        status.receiver == ThreadState::Stopped
            && (status.applier == ThreadState::Stopped || pending)
    });
    if !stopped {
        return Ok((session, seen));
    }
    started(fleet, connection, (session, dialect, seen), progress).await
}

/// Runs the program that starts replication, or waits for it where it is at work, and looks again.
pub(super) async fn started<'a>(
    fleet: &LiveFleet,
    connection: &'a Connection,
    (session, dialect, seen): (Session<'a>, Dialect, Standing),
    progress: &dyn Progress,
) -> Result<(Session<'a>, Standing), ActionError> {
    let Some(program) = dialect.safe_start_program() else {
        return Ok((session, seen));
    };
    // It may take long, and the session serves others meanwhile.
    drop(session);
    progress.tell(
        &connection.host,
        "applying what was received before it stopped",
    );
    let script = Script::new("").command([program]);
    run(connection, "applying the relay log", script, REPLAY).await?;
    let (mut session, _) = super::session(fleet, connection).await?;
    let seen = standing(&mut session).await?;
    Ok((session, seen))
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

fn delayed(host: &HostName, seconds: u64) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!(
            "it is held back by {seconds} s on purpose and has not applied all that it received"
        ),
        hint:
            "a delayed replica cannot lead soon; take its delay away, or mark it `promotion: never`"
                .to_owned(),
    }
}
