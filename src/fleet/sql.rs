//! The one door to a database server.
//!
//! It never follows `@@socket` to another server, never waits without a bound, never reconnects by
//! itself (a session's settings and locks would be gone without a word), and never repeats a statement
//! or a password in an error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Value};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::mysql::error_code;

/// One row: column name to value, as the server writes it; `None` is NULL. Bytes that are not UTF-8 are
/// replaced; of two columns of one name the last counts.
pub type Row = BTreeMap<String, Option<String>>;

/// The largest packet that is sent or taken, in bytes: the servers' own upper limit.
const LARGEST_PACKET: usize = 1 << 30;
/// The servers' default, in seconds. Only pools look at it; set, it saves a query at connect.
const WAIT_TIMEOUT: usize = 28_800;

/// A session on one server.
pub struct Sql {
    /// `None` once an answer was not awaited: what comes next would be the answer to that.
    conn: Option<Conn>,
    id: u32,
}

/// Why a server gave no answer, or which error it answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The server answered with an error: it is alive.
    #[error("error {number} ({state}): {text}")]
    Server {
        /// The server's error number.
        number: u16,
        /// SQLSTATE.
        state: String,
        /// Its message; the piece of the statement that a syntax error quotes is left out.
        text: String,
    },
    /// No answer in time. The server may still be working on it.
    #[error("{what} did not end within {after:?}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// The bound that was passed.
        after: Duration,
    },
    /// The connection ended before the answer. A statement may have been executed.
    #[error("the connection to the server was lost")]
    Lost,
    /// Nothing listens there.
    #[error("no server listens there")]
    Refused,
    /// The client's side failed.
    #[error("{0}")]
    Io(String),
}

impl SqlError {
    /// True when a server said it, so that the server is alive: also for "access denied" and "too many
    /// connections".
    pub fn server_answered(&self) -> bool {
        matches!(self, Self::Server { .. })
    }

    /// True when the session is over, by itself or by the server's last word: another one may be had.
    pub fn ends_session(&self) -> bool {
        matches!(self, Self::Lost) || self.number().is_some_and(error_code::ends_session)
    }

    /// The server's error number, if it answered.
    pub fn number(&self) -> Option<u16> {
        match self {
            Self::Server { number, .. } => Some(*number),
            _ => None,
        }
    }
}

impl Sql {
    /// Opens a session through a Unix socket, mostly the local end of a forward. `deadline` covers the
    /// connection and the login.
    pub async fn connect(
        socket: &Path,
        user: &str,
        password: Option<&SecretString>,
        deadline: Duration,
    ) -> Result<Self, SqlError> {
        let path = socket.to_string_lossy().into_owned();
        Self::open(
            OptsBuilder::default().socket(Some(path)),
            user,
            password,
            deadline,
        )
        .await
    }

    /// Opens a session by TCP. The caller must then ask the server who it is: an address may have moved.
    pub async fn connect_tcp(
        host: &str,
        port: u16,
        user: &str,
        password: Option<&SecretString>,
        deadline: Duration,
    ) -> Result<Self, SqlError> {
        let opts = OptsBuilder::default().ip_or_hostname(host).tcp_port(port);
        Self::open(opts, user, password, deadline).await
    }

    async fn open(
        opts: OptsBuilder,
        user: &str,
        password: Option<&SecretString>,
        deadline: Duration,
    ) -> Result<Self, SqlError> {
        let opts = opts
            .user(Some(user))
            .pass(password.map(ExposeSecret::expose_secret))
            // Otherwise the crate asks any server for @@socket and moves there, on this machine.
            .prefer_socket(false)
            .max_allowed_packet(Some(LARGEST_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT))
            .stmt_cache_size(0)
            .tcp_nodelay(true)
            .connect_attribute("program_name", "hactl");
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one door: bounded, no prefer_socket"
        )]
        let connecting = Conn::new(opts);
        match timeout(deadline, connecting).await {
            Ok(Ok(conn)) => Ok(Self {
                id: conn.id(),
                conn: Some(conn),
            }),
            Ok(Err(error)) => Err(classify(error)),
            Err(_) => Err(SqlError::Timeout {
                what: "connecting to the server",
                after: deadline,
            }),
        }
    }

    /// Whether the session can still be used: not after a timeout or a lost connection.
    pub fn is_usable(&self) -> bool {
        self.conn.is_some()
    }

    /// The server's id of this session, for `KILL` from another one after a timeout.
    pub fn connection_id(&self) -> u32 {
        self.id
    }

    /// One statement and its rows; a statement without rows gives none.
    pub async fn query(&mut self, text: &str, deadline: Duration) -> Result<Vec<Row>, SqlError> {
        Ok(self
            .query_many(&[text], deadline)
            .await?
            .pop()
            .unwrap_or_default())
    }

    /// Several statements in one round trip, and the rows of each, in order.
    ///
    /// The server stops at the first that fails, and its error is the answer to all: what stood before
    /// it was executed. Statements must not end in a semicolon or a comment.
    pub async fn query_many(
        &mut self,
        texts: &[&str],
        deadline: Duration,
    ) -> Result<Vec<Vec<Row>>, SqlError> {
        // Taken out and put back: after a timeout or a cancelled call the session is not used again.
        let mut conn = self.conn.take().ok_or(SqlError::Lost)?;
        match timeout(deadline, ask(&mut conn, texts)).await {
            Err(_) => Err(SqlError::Timeout {
                what: "the statement",
                after: deadline,
            }),
            Ok(Ok(rows)) => {
                self.conn = Some(conn);
                Ok(rows)
            }
            Ok(Err(error)) => {
                let is_fatal = error.is_fatal();
                let error = classify(error);
                if !is_fatal && !error.ends_session() {
                    self.conn = Some(conn);
                }
                Err(error)
            }
        }
    }

    /// One statement whose rows, if any, are of no interest.
    pub async fn execute(&mut self, text: &str, deadline: Duration) -> Result<(), SqlError> {
        self.query(text, deadline).await.map(drop)
    }

    /// Says goodbye, so that the server does not count an aborted client.
    pub async fn close(self, deadline: Duration) {
        if let Some(conn) = self.conn {
            // The session ends either way.
            let _ = timeout(deadline, conn.disconnect()).await;
        }
    }
}

impl fmt::Debug for Sql {
    // The connection's options hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("connection_id", &self.id)
            .finish_non_exhaustive()
    }
}

async fn ask(conn: &mut Conn, texts: &[&str]) -> mysql_async::Result<Vec<Vec<Row>>> {
    let mut answer = conn.query_iter(texts.join(";\n")).await?;
    let mut all = Vec::with_capacity(texts.len());
    for _ in texts {
        let rows: Vec<mysql_async::Row> = answer.collect().await?;
        all.push(rows.into_iter().map(to_row).collect());
    }
    // Whatever a procedure sent on top; an error in there is one of ours.
    answer.drop_result().await?;
    Ok(all)
}

fn to_row(row: mysql_async::Row) -> Row {
    let columns = row.columns();
    let names = columns.iter().map(|column| column.name_str().into_owned());
    names.zip(row.unwrap().into_iter().map(to_text)).collect()
}

/// In the text protocol, values are bytes or NULL; the others are here for completeness' sake.
fn to_text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

/// Error 1045, `ER_ACCESS_DENIED_ERROR`.
const ACCESS_DENIED: u16 = 1045;

fn classify(error: mysql_async::Error) -> SqlError {
    use mysql_async::{DriverError, Error, IoError};
    match error {
        Error::Server(error) => SqlError::Server {
            number: error.code,
            state: error.state,
            text: without_statement(error.code, &error.message),
        },
        Error::Driver(DriverError::ConnectionClosed) => SqlError::Lost,
        // These two print what came over the wire.
        Error::Driver(DriverError::UnexpectedPacket { .. } | DriverError::FromRow { .. }) => {
            SqlError::Io("the server broke the protocol".into())
        }
        // MySQL answers for an account that it does not have with a plugin drawn from all it knows, so
        // that names cannot be probed; some of them are unknown here (seen on 9.7: `sha256_password`).
        Error::Driver(DriverError::UnknownAuthPlugin { name }) => SqlError::Server {
            number: ACCESS_DENIED,
            state: "28000".into(),
            text: format!(
                "access denied: the server asks for the plugin `{name}`, as it does for accounts that it does not have"
            ),
        },
        Error::Driver(error) => SqlError::Io(error.to_string()),
        Error::Io(IoError::Io(error)) => classify_io(&error),
        Error::Io(IoError::Tls(error)) => SqlError::Io(error.to_string()),
        other => SqlError::Io(other.to_string()),
    }
}

fn classify_io(error: &std::io::Error) -> SqlError {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused | Kind::NotFound => SqlError::Refused,
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof => SqlError::Lost,
        _ => SqlError::Io(error.to_string()),
    }
}

/// A syntax error (1064 `ER_PARSE_ERROR`, 1149 `ER_SYNTAX_ERROR`) quotes up to 80 characters of the
/// statement from the place of the error on, and that may be a password.
fn without_statement(number: u16, text: &str) -> String {
    match text.split_once(" near '") {
        Some((before, _)) if matches!(number, 1064 | 1149) => before.to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{SqlError, classify};

    fn server(code: u16, message: &str) -> SqlError {
        let state = "42000".to_owned();
        let message = message.to_owned();
        classify(mysql_async::Error::Server(mysql_async::ServerError {
            code,
            message,
            state,
        }))
    }

    #[test]
    fn a_syntax_error_does_not_repeat_the_password_that_it_stumbled_over() {
        let error = server(
            1064,
            "You have an error in your SQL syntax; check the manual for the right syntax to use near ''hunter2' PLEASE' at line 1",
        );
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("error in your SQL syntax"), "{shown}");
    }

    #[test]
    fn a_server_that_says_no_is_alive() {
        for number in [1040, 1045, 1698] {
            let error = server(number, "no");
            assert!(error.server_answered());
            assert_eq!(error.number(), Some(number));
        }
        assert!(!SqlError::Lost.server_answered());
    }

    /// The word waits in a kept session until it is read, however long ago the server sent it.
    #[test]
    fn the_last_word_of_a_session_is_no_answer_of_the_server_as_it_is_now() {
        for number in [1053, 1927, 3169] {
            assert!(server(number, "bye").ends_session(), "{number}");
        }
        assert!(SqlError::Lost.ends_session());
        assert!(!server(1040, "no").ends_session());
    }

    #[test]
    fn io_errors_are_told_apart() {
        let io = |kind: std::io::ErrorKind| classify(std::io::Error::from(kind).into());
        assert_eq!(io(std::io::ErrorKind::ConnectionRefused), SqlError::Refused);
        assert_eq!(io(std::io::ErrorKind::UnexpectedEof), SqlError::Lost);
        assert!(matches!(
            io(std::io::ErrorKind::PermissionDenied),
            SqlError::Io(_)
        ));
    }
}
