//! Switches a running server's role variables, and reads them back: a return code is no proof.

use super::relay_log::standing;
use super::{LOCKS, STATEMENT, ask_semi_sync, events, execute, session};
use crate::fleet::{ActionError, Connection, LiveFleet, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, EventState, Switch};
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
    let before = is_set(&mut session, host, dialect, variable, value).await?;
    if before == Switch::Off {
        let statement = match variable {
            LiveVariable::ReadOnly => dialect.set_read_only(value),
            LiveVariable::SemiSyncSource => dialect.set_semi_sync_source(value),
        };
        let bounds = dialect.session_bounds(LOCKS);
        execute(&mut session, host, &bounds, STATEMENT).await?;
        execute(&mut session, host, &statement, STATEMENT).await?;
        if is_set(&mut session, host, dialect, variable, value).await? == Switch::Off {
            return Err(ActionError::Unfit {
                host: host.clone(),
                reason: format!("{variable} was turned {value} and is not"),
                hint: "another program may set it; look at the server's processlist and at cron"
                    .to_owned(),
            });
        }
    }
    if (variable, value) == (LiveVariable::ReadOnly, Switch::Off) {
        // A demotion that was taken back had switched them off.
        let (from, to) = (EventState::DisabledOnReplica, EventState::Enabled);
        events::switch(&mut session, host, dialect, from, to).await?;
    }
    Ok(match before {
        Switch::On => Outcome::Already,
        Switch::Off => Outcome::Changed,
    })
}

/// On when the variable has the value.
async fn is_set(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
    variable: LiveVariable,
    value: Switch,
) -> Result<Switch, ActionError> {
    Ok(Switch::from(match (variable, value) {
        (LiveVariable::ReadOnly, Switch::On) => standing(session).await?.read_only.is_full(),
        (LiveVariable::ReadOnly, Switch::Off) => standing(session).await?.read_only.is_writable(),
        (LiveVariable::SemiSyncSource, value) => {
            let seen = ask_semi_sync(session, host, dialect).await?;
            seen.source_enabled == Some(value)
        }
    }))
}
