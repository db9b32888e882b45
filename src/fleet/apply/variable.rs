//! Switches a running server's role variables, and reads them back: a return code is no proof.

use super::{LOCKS, STATEMENT, execute, facts, session};
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::mysql::{ServerFacts, Switch};
use crate::plan::{LiveVariable, Outcome};

/// Sets one variable.
pub(super) async fn set(
    fleet: &LiveFleet,
    connection: &Connection,
    variable: LiveVariable,
    value: Switch,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let statement = match variable {
        LiveVariable::ReadOnly => dialect.set_read_only(value),
        LiveVariable::SemiSyncSource => dialect.set_semi_sync_source(value),
    };
    execute(
        &mut session,
        host,
        &dialect.session_bounds(LOCKS),
        STATEMENT,
    )
    .await?;
    execute(&mut session, host, &statement, STATEMENT).await?;
    let seen = facts(fleet, &mut session).await?;
    if is_set(&seen, variable, value) {
        return Ok(Outcome::Changed);
    }
    Err(ActionError::Unfit {
        host: host.clone(),
        reason: format!("{variable} was turned {value} and is not"),
        hint: "another program may set it; look at the server's processlist and at cron".to_owned(),
    })
}

fn is_set(seen: &ServerFacts, variable: LiveVariable, value: Switch) -> bool {
    match (variable, value) {
        (LiveVariable::ReadOnly, Switch::On) => seen.read_only.is_full(),
        (LiveVariable::ReadOnly, Switch::Off) => seen.read_only.is_writable(),
        (LiveVariable::SemiSyncSource, value) => seen.semi_sync.source_enabled == Some(value),
    }
}
