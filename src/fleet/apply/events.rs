//! Scheduled events follow the role: they run where clients write, and nowhere else. Both switches stay
//! out of the binary log; a replica would take them for its own.

use super::{STATEMENT, execute, unreadable};
use crate::fleet::{ActionError, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, EventState, Statement, Switch};

/// Switches events from one state to another. The server may be read-only.
pub(super) async fn switch(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    from: EventState,
    to: EventState,
) -> Result<(), ActionError> {
    let rows = execute(session, host, &dialect.events_query(), STATEMENT).await?;
    let events = dialect
        .read_events(&rows)
        .map_err(|error| unreadable(host, &error))?;
    let changes: Vec<Statement> = events
        .iter()
        .filter(|event| event.state == from)
        .map(|event| dialect.set_event(&event.schema, &event.name, to))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let open = dialect.set_privileged_writes(Switch::On);
    let close = dialect.set_privileged_writes(Switch::Off);
    // A server that accepts writes keeps doing so: only what was closed is closed again.
    let read_only = super::relay_log::standing(session).await?.read_only;
    let closed = read_only.super_read_only == Some(Switch::On);
    let opening = open.iter().filter(|_| closed);
    let changes: Vec<&Statement> = opening.chain(&changes).collect();
    let result = outside_binlog(session, host, dialect, &changes).await;
    if let Some(close) = close.filter(|_| closed) {
        execute(session, host, &close, STATEMENT).await?;
    }
    result
}

/// Runs statements without the binary log, and lets the session into it again whatever they answer: it
/// is used by others after this.
pub(super) async fn outside_binlog(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    statements: &[&Statement],
) -> Result<(), ActionError> {
    execute(session, host, &dialect.without_binlog(), STATEMENT).await?;
    let mut result = Ok(());
    for statement in statements {
        result = execute(session, host, statement, STATEMENT).await.map(drop);
        if result.is_err() {
            break;
        }
    }
    execute(session, host, &dialect.with_binlog(), STATEMENT).await?;
    result
}
