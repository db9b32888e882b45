//! One host: its ssh link, and an administrator's session on its database server through it.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

use crate::facts::SqlFault;
use crate::fleet::sql::{Sql, SqlError};
use crate::fleet::ssh::Link;
use crate::inventory::{Account, HostName};
use crate::mysql::{Dialect, IDENTITY_QUERY, identify};

/// How long a login to a server may take where nobody is in a hurry.
const LOGIN: Duration = Duration::from_secs(20);

/// A host that answered over ssh.
#[derive(Debug)]
pub struct Connection {
    /// Which.
    pub host: HostName,
    /// Scripts and streams.
    pub link: Link,
    session: Mutex<Option<Open>>,
    /// What the installed server program is, once that was known.
    program: OnceLock<Dialect>,
}

/// A session that is open, and what it speaks once it was asked.
#[derive(Debug)]
struct Open {
    sql: Sql,
    dialect: Option<Dialect>,
}

/// The session on a host's server, for one conversation.
#[derive(Debug)]
pub struct Session<'a> {
    slot: MutexGuard<'a, Option<Open>>,
    place: String,
    within: Duration,
}

impl Connection {
    /// Wraps a link.
    pub fn new(host: HostName, link: Link) -> Self {
        Self {
            host,
            link,
            session: Mutex::new(None),
            program: OnceLock::new(),
        }
    }

    /// The installed server program, if it became known on this connection.
    pub(crate) fn known_program(&self) -> Option<Dialect> {
        self.program.get().copied()
    }

    /// Remembers it: asking the program takes longer than all else that a look does.
    pub(crate) fn remember_program(&self, program: Dialect) {
        self.program.get_or_init(|| program);
    }

    /// The administrator's session; kept open between conversations, and opened anew when it was lost.
    ///
    /// The server's Unix socket is forwarded, so the server sees the ssh login: where that is root and
    /// hactl's own account does not exist yet (or has another password), root's socket login serves.
    pub async fn sql(&self, admin: &Account, expected: Dialect) -> Result<Session<'_>, SqlFault> {
        self.sql_within(admin, expected, LOGIN).await
    }

    /// As [`Self::sql`], within a bound: for another conversation to end, for the login, and for each
    /// question about what the server is.
    pub async fn sql_within(
        &self,
        admin: &Account,
        expected: Dialect,
        within: Duration,
    ) -> Result<Session<'_>, SqlFault> {
        let until = Instant::now() + within;
        let late = |_| SqlFault {
            number: None,
            text: format!("{}: no answer within {within:?}", self.link.place()),
        };
        let mut slot = timeout_at(until, self.session.lock()).await.map_err(late)?;
        if slot.as_ref().is_none_or(|open| !open.sql.is_usable()) {
            let login = self.log_in(admin, expected, within);
            *slot = Some(Open {
                sql: timeout_at(until, login).await.map_err(late)??,
                dialect: None,
            });
        }
        Ok(Session {
            slot,
            place: self.link.place(),
            within,
        })
    }

    /// Forgets the session: after a restart of the server, or when privileges changed.
    pub async fn forget_session(&self) {
        *self.session.lock().await = None;
    }

    async fn log_in(
        &self,
        admin: &Account,
        expected: Dialect,
        within: Duration,
    ) -> Result<Sql, SqlFault> {
        let as_fault = |error: &SqlError| SqlFault {
            number: error.number(),
            text: format!("{}: {error}", self.host),
        };
        let socket = self
            .link
            .forward_socket(Path::new(expected.socket_path()))
            .await
            .map_err(|error| SqlFault {
                number: None,
                text: error.to_string(),
            })?;
        let refused = match Sql::connect(&socket, &admin.user, Some(&admin.password), within).await
        {
            Ok(sql) => return Ok(sql),
            Err(error) => as_fault(&error),
        };
        if !refused.is_access_denied() || self.link.whoami().login_uid != 0 {
            return Err(refused);
        }
        Sql::connect(&socket, "root", None, within)
            .await
            .map_err(|_| refused)
    }
}

impl Session<'_> {
    /// What the server speaks. Asked once per session, which is set up by the way: quoting counts on the
    /// session's `sql_mode`.
    pub async fn dialect(&mut self) -> Result<Dialect, SqlFault> {
        if let Some(dialect) = self.slot.as_ref().and_then(|open| open.dialect) {
            return Ok(dialect);
        }
        let fault = |place: &str, error: SqlError| SqlFault {
            number: error.number(),
            text: format!("{place}: {error}"),
        };
        let rows = self
            .query(IDENTITY_QUERY, self.within)
            .await
            .map_err(|error| fault(&self.place, error))?;
        let field = |name: &str| {
            rows.first()
                .and_then(|row| row.get(name))
                .cloned()
                .flatten()
                .unwrap_or_default()
        };
        let unknown = |text: String| SqlFault {
            number: None,
            text: format!("{}: {text}", self.place),
        };
        let (flavor, version) = identify(&field("version"), &field("version_comment"))
            .map_err(|error| unknown(error.to_string()))?;
        let dialect = Dialect { flavor, version };
        dialect
            .check_supported()
            .map_err(|error| unknown(error.to_string()))?;
        self.query(dialect.session_setup().text(), self.within)
            .await
            .map_err(|error| fault(&self.place, error))?;
        if let Some(open) = self.slot.as_mut() {
            open.dialect = Some(dialect);
        }
        Ok(dialect)
    }

    /// Asks one question.
    pub async fn query(
        &mut self,
        text: &str,
        deadline: Duration,
    ) -> Result<crate::mysql::Rows, SqlError> {
        self.many(&[text], deadline)
            .await
            .map(|mut results| results.pop().unwrap_or_default())
    }

    /// Several statements in one round trip.
    pub async fn many(
        &mut self,
        texts: &[&str],
        deadline: Duration,
    ) -> Result<Vec<crate::mysql::Rows>, SqlError> {
        match self.slot.as_mut() {
            Some(open) => open.sql.query_many(texts, deadline).await,
            None => Err(SqlError::Lost),
        }
    }

    /// Whether the session can still be asked: not after a lost connection or an answer that was not
    /// awaited.
    pub fn is_usable(&self) -> bool {
        self.slot.as_ref().is_some_and(|open| open.sql.is_usable())
    }

    /// The host and port, as messages name them.
    pub fn place(&self) -> &str {
        &self.place
    }
}
