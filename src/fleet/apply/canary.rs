//! Writes a row on the primary and reads it on every replica, then compares GTIDs. Two running
//! threads prove nothing: replicas that break at the first write look green until then.

use std::time::Duration;

use tokio::time::Instant;

use super::{LOCKS, STATEMENT, execute, facts, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Session};
use crate::inventory::HostName;
use crate::mysql::error_code::{NO_SUCH_DATABASE, NO_SUCH_TABLE};
use crate::mysql::{ServerFacts, Statement, WaitResult};
use crate::plan::Outcome;

/// How long the row may take to a replica.
const ARRIVAL: Duration = Duration::from_secs(30);
/// How often is looked whether it still can.
const LOOK: Duration = Duration::from_secs(2);

const CREATE_SCHEMA: &str = "CREATE DATABASE IF NOT EXISTS hactl";
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS hactl.canary (\
     id TINYINT UNSIGNED NOT NULL PRIMARY KEY, token CHAR(36) NOT NULL, \
     written_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB";
const DRAW: &str = "SET @hactl_token = UUID()";
const WRITE: &str = "REPLACE INTO hactl.canary (id, token) VALUES (1, @hactl_token)";
const READ: &str = "SELECT token, token = @hactl_token AS same FROM hactl.canary WHERE id = 1";

/// Proves replication from one server to others.
pub(super) async fn prove(
    fleet: &LiveFleet,
    connection: &Connection,
    replicas: &[HostName],
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut primary, _) = session(fleet, connection).await?;
    let written = write(&mut primary, host).await?;
    let led = facts(fleet, &mut primary).await?;
    let mut seen = Vec::new();
    for replica in replicas {
        let there = arrive(fleet, fleet.connection(replica)?.as_ref(), &led, &written).await?;
        seen.push((replica, there));
    }
    // Read again after the replicas: what clients wrote meanwhile is not errant.
    let leader = facts(fleet, &mut primary).await?;
    for (replica, there) in seen {
        if let Some(errant) = there.errant_beside(&leader) {
            return Err(own_transactions(replica, &errant));
        }
    }
    Ok(Outcome::Changed)
}

/// Writes a row and reads it back: the proof that a server commits. Gives what the row says.
pub(super) async fn write(
    session: &mut Session<'_>,
    host: &HostName,
) -> Result<String, ActionError> {
    let missing = |error: &ActionError| {
        matches!(error, ActionError::Statement { source, .. }
            if matches!(source.number(), Some(NO_SUCH_TABLE | NO_SUCH_DATABASE)))
    };
    execute(session, host, &Statement::new(DRAW), STATEMENT).await?;
    // Created only where it is missing: that is two transactions more.
    let create: &[&str] = match execute(session, host, &Statement::new(WRITE), STATEMENT).await {
        Ok(_) => &[],
        Err(error) if missing(&error) => &[CREATE_SCHEMA, CREATE_TABLE, WRITE],
        Err(error) => return Err(error),
    };
    for text in create {
        execute(session, host, &Statement::new(*text), STATEMENT).await?;
    }
    let rows = execute(session, host, &Statement::new(READ), STATEMENT).await?;
    let read = |name: &str| {
        rows.first()
            .and_then(|row| row.get(name))
            .cloned()
            .flatten()
    };
    if read("same").as_deref() == Some("1") {
        return Ok(read("token").unwrap_or_default());
    }
    Err(unfit(
        host,
        "a row that it was told to write is not what is read back".to_owned(),
    ))
}

async fn arrive(
    fleet: &LiveFleet,
    connection: &Connection,
    led: &ServerFacts,
    written: &str,
) -> Result<ServerFacts, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    execute(
        &mut session,
        host,
        &dialect.session_bounds(LOCKS),
        STATEMENT,
    )
    .await?;
    let wait = dialect.wait_for_position(&led.executed, LOOK);
    let begun = Instant::now();
    loop {
        let waited = execute(&mut session, host, &wait, LOOK + STATEMENT).await?;
        if dialect.read_wait(&waited) == WaitResult::Reached {
            break;
        }
        broken(host, &facts(fleet, &mut session).await?, led)?;
        if begun.elapsed() >= ARRIVAL {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: "a row written on the primary arrived".to_owned(),
                after: ARRIVAL,
            });
        }
    }
    let read = token(&execute(&mut session, host, &Statement::new(READ), STATEMENT).await?);
    if read != written {
        return Err(unfit(
            host,
            "a row written on the primary arrived with another content".to_owned(),
        ));
    }
    facts(fleet, &mut session).await
}

/// Why a row will not arrive, however long it is waited for.
fn broken(host: &HostName, there: &ServerFacts, led: &ServerFacts) -> Result<(), ActionError> {
    let status = there.replica.as_ref();
    let Some(error) = status.and_then(|status| status.last_sql_error.as_ref()) else {
        return Ok(());
    };
    if let Some(errant) = there.errant_beside(led) {
        return Err(own_transactions(host, &errant));
    }
    Err(unfit(
        host,
        format!(
            "a row written on the primary does not arrive: the applier stopped with error {}: {}",
            error.number, error.text
        ),
    ))
}

fn own_transactions(host: &HostName, errant: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("it has executed transactions that the primary has not: {errant}"),
        hint: format!("`hactl rejoin {host}` says how to go on, and keeps what only it has"),
    }
}

fn token(rows: &crate::mysql::Rows) -> String {
    rows.first()
        .and_then(|row| row.get("token"))
        .cloned()
        .flatten()
        .unwrap_or_default()
}

fn unfit(host: &HostName, reason: String) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason,
        hint: format!(
            "`hactl verify` shows more; --reseed {host} loads it anew if its data may go"
        ),
    }
}
