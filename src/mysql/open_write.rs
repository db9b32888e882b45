//! Transactions of clients that have changed rows and are not committed: what a switchover would roll back.
//! Must never ask for the text of a statement, which may hold data and secrets.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::row::{FactError, Reader};

/// A client's transaction with changes in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenWrite {
    /// The session, for `KILL`.
    pub session: u64,
    /// The account's user name.
    pub user: String,
    /// Where it comes from.
    pub from: String,
    /// How long it is open.
    pub age: Duration,
    /// How many rows it has changed so far.
    pub rows: u64,
}

impl fmt::Display for OpenWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            session,
            user,
            from,
            age,
            rows,
        } = self;
        let age = age.as_secs();
        write!(
            f,
            "session {session} of {user}@{from} has a transaction open for {age} s, with rows changed: {rows}"
        )
    }
}

/// Asks for the oldest of them. The engine counts time by the machine's own zone, whatever the session's
/// is. The applier's are none of clients.
pub(super) const OLDEST_WRITE: &str = "SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.HOST AS host, \
     TIMESTAMPDIFF(SECOND, CONVERT_TZ(t.trx_started, 'SYSTEM', @@SESSION.time_zone), NOW()) AS age_s, \
     t.trx_rows_modified AS changes \
     FROM information_schema.INNODB_TRX t \
     JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
     WHERE t.trx_rows_modified > 0 AND p.USER <> 'system user' \
     ORDER BY t.trx_started LIMIT 1";

pub(super) fn read_open_write(reader: Reader<'_>) -> Result<OpenWrite, FactError> {
    let age: i64 = reader.parse(&["age_s"], "seconds")?.unwrap_or(0);
    Ok(OpenWrite {
        session: reader.parse_required(&["id"], "a number")?,
        user: reader.text(&["user"]).unwrap_or_default().to_owned(),
        from: reader.text(&["host"]).unwrap_or_default().to_owned(),
        // A clock that was set back.
        age: Duration::from_secs(u64::try_from(age).unwrap_or(0)),
        rows: reader.parse_required(&["changes"], "a number")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_said() {
        let row = [
            ("id", "42"),
            ("user", "app"),
            ("host", "10.0.0.9:5000"),
            ("age_s", "12"),
            ("changes", "3"),
        ];
        let row = row.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        let row = row.into_iter().collect();
        let read = read_open_write(Reader {
            fact: "open writes",
            row: &row,
        });
        assert_eq!(
            read.unwrap().to_string(),
            "session 42 of app@10.0.0.9:5000 has a transaction open for 12 s, with rows changed: 3"
        );
    }
}
