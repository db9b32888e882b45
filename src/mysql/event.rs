//! Scheduled events. A replicated `CREATE EVENT` arrives disabled on a replica; a dump brings
//! events *enabled*, and on a replica such an event writes errant transactions as soon as the
//! scheduler runs (a definer with `READ_ONLY ADMIN` gets past `read_only`). After a promotion they
//! must be enabled again. Must never be altered on a replica with the binary log on.

use serde::Serialize;

use super::quote::quote_ident;
use super::row::{FactError, Reader};
use super::{Dialect, Rows, Statement};

/// Whether the scheduler runs an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// It runs.
    Enabled,
    /// Its owner switched it off.
    Disabled,
    /// It is off here, because this server is a replica.
    DisabledOnReplica,
}

/// A scheduled event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventFacts {
    /// Its database.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub state: EventState,
}

impl Dialect {
    /// Asks for all events; read by [`Self::read_events`].
    pub fn events_query(self) -> Statement {
        Statement::new(
            "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, STATUS AS status \
             FROM information_schema.EVENTS",
        )
    }

    /// The events, from the answer to [`Self::events_query`].
    pub fn read_events(self, rows: &Rows) -> Result<Vec<EventFacts>, FactError> {
        let fact = "events";
        rows.iter()
            .map(|row| read_event(Reader { fact, row }))
            .collect()
    }

    /// Switches an event. Send [`Self::without_binlog`] before it in the same session.
    pub fn set_event(self, schema: &str, name: &str, state: EventState) -> Statement {
        let words = match state {
            EventState::Enabled => "ENABLE",
            EventState::Disabled => "DISABLE",
            EventState::DisabledOnReplica if !self.is_mariadb() && self.at_least(8, 4, 0) => {
                "DISABLE ON REPLICA"
            }
            EventState::DisabledOnReplica => "DISABLE ON SLAVE",
        };
        let event = format!("{}.{}", quote_ident(schema), quote_ident(name));
        Statement::new(format!("ALTER EVENT {event} {words}"))
    }
}

/// Reads one row of the events.
pub(super) fn read_event(reader: Reader<'_>) -> Result<EventFacts, FactError> {
    let state = match reader.required(&["status"])? {
        "ENABLED" => EventState::Enabled,
        "DISABLED" => EventState::Disabled,
        "SLAVESIDE_DISABLED" | "REPLICA_SIDE_DISABLED" => EventState::DisabledOnReplica,
        other => return Err(reader.unreadable(&["status"], other, "an event's state")),
    };
    Ok(EventFacts {
        schema: reader.required(&["db"])?.to_owned(),
        name: reader.required(&["name"])?.to_owned(),
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{MARIADB_10_11, MYSQL_9_7};

    #[test]
    fn words_are_each_flavors_own() {
        let off = |dialect: Dialect| dialect.set_event("s`p", "e", EventState::DisabledOnReplica);
        assert_eq!(
            off(MARIADB_10_11).text(),
            "ALTER EVENT `s``p`.`e` DISABLE ON SLAVE"
        );
        assert_eq!(
            off(MYSQL_9_7).text(),
            "ALTER EVENT `s``p`.`e` DISABLE ON REPLICA"
        );
    }
}
