//! Sessions of clients: everyone's but the server's own threads, the replicas that fetch the binary log,
//! and hactl's accounts. Must never ask for the text of a statement, which may hold data and secrets.

use std::fmt;

use super::quote::quote_literal;
use super::row::{FactError, Reader};
use super::{Dialect, Rows, Statement};

/// A client's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSession {
    /// For [`Dialect::kill`].
    pub id: u64,
    /// The account's user name.
    pub user: String,
    /// Where it comes from.
    pub from: String,
    /// `Query`, `Sleep`, and so on.
    pub command: String,
    /// Seconds since that began.
    pub for_s: i64,
    /// What the server does for it at present; empty when nothing.
    pub state: String,
}

impl ClientSession {
    /// Whether it was ended already and only waits for what cannot be interrupted.
    pub fn is_ended(&self) -> bool {
        self.command == "Killed"
    }

    /// Whether its commit waits for a replica's acknowledgement.
    pub fn awaits_ack(&self) -> bool {
        self.state.contains("semi-sync ACK")
    }

    /// Whether it does nothing at present; it may hold a transaction all the same.
    pub fn is_idle(&self) -> bool {
        self.command == "Sleep"
    }
}

impl fmt::Display for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            user,
            from,
            command,
            for_s,
            state,
        } = self;
        let doing = if state.is_empty() { command } else { state };
        write!(f, "session {id} of {user}@{from}: {doing} for {for_s} s")
    }
}

impl Dialect {
    /// Asks for clients' sessions; none of these accounts is taken for a client.
    pub fn client_sessions(self, own_accounts: &[&str]) -> Statement {
        // Replicas are told by what they do as well: their account may be an older one.
        let own = ["system user", "event_scheduler"]
            .iter()
            .chain(own_accounts);
        let own: Vec<String> = own.map(|name| quote_literal(name)).collect();
        Statement::new(format!(
            "SELECT ID AS id, USER AS user, HOST AS host, COMMAND AS command, TIME AS time, \
             STATE AS state FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() \
             AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon') \
             AND USER NOT IN ({})",
            own.join(", ")
        ))
    }

    /// The sessions, from the answer to [`Self::client_sessions`].
    pub fn read_client_sessions(self, rows: &Rows) -> Result<Vec<ClientSession>, FactError> {
        let fact = "client sessions";
        let read = |row| {
            let reader = Reader { fact, row };
            let text = |name: &str| reader.text(&[name]).unwrap_or_default().to_owned();
            Ok(ClientSession {
                id: reader.parse_required(&["id"], "a number")?,
                user: text("user"),
                from: text("host"),
                command: text("command"),
                for_s: reader.parse(&["time"], "seconds")?.unwrap_or(0),
                state: text("state"),
            })
        };
        rows.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::mysql::dialect::samples::ALL;

    #[test]
    fn own_accounts_are_left_alone_and_cannot_break_out() {
        for dialect in ALL {
            let query = dialect.client_sessions(&["hac'tl", "repl"]);
            assert!(
                query
                    .text()
                    .ends_with("USER NOT IN ('system user', 'event_scheduler', 'hac''tl', 'repl')"),
                "{query}"
            );
            assert!(!query.text().contains("INFO"));
        }
    }

    #[test]
    fn a_session_says_what_it_waits_for() {
        let row = [
            ("id", "42"),
            ("user", "app"),
            ("host", "10.0.0.9:5000"),
            ("command", "Query"),
            ("time", "12"),
            ("state", "Waiting for semi-sync ACK from slave"),
        ];
        let row = row
            .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
            .into();
        let sessions = ALL[0].read_client_sessions(&vec![row]).unwrap();
        assert_eq!(
            sessions[0].to_string(),
            "session 42 of app@10.0.0.9:5000: Waiting for semi-sync ACK from slave for 12 s"
        );
        assert!(sessions[0].awaits_ack() && !sessions[0].is_idle() && !sessions[0].is_ended());
    }
}
