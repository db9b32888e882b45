//! Asks a server a user's statement, and hands back its rows. What only reads cannot write: the server
//! is told so before.

use super::{STATEMENT, session};
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::mysql::Statement;
use crate::plan::{Access, Answer, Outcome, Query};

/// Asks it.
pub(super) async fn ask(
    fleet: &LiveFleet,
    connection: &Connection,
    query: &Query,
) -> Result<Outcome, ActionError> {
    let (mut session, _) = session(fleet, connection).await?;
    let failed = |source| ActionError::Statement {
        host: connection.host.clone(),
        statement: query.text.clone(),
        source,
    };
    if query.access == Access::Write {
        let rows = session
            .query(&query.text, query.within)
            .await
            .map_err(failed)?;
        return Ok(said(rows));
    }
    // Of the whole session: a statement that commits would end a transaction that only reads, and write
    // after that (CREATE DATABASE did; tried, 10.11).
    let host = &connection.host;
    let begin = Statement::new("SET SESSION TRANSACTION READ ONLY");
    super::execute(&mut session, host, &begin, STATEMENT).await?;
    let asked = session.query(&query.text, query.within).await;
    let end = Statement::new("SET SESSION TRANSACTION READ WRITE");
    let ended = super::execute(&mut session, host, &end, STATEMENT).await;
    drop(session);
    if ended.is_err() {
        // What comes next must be able to write.
        connection.forget_session().await;
    }
    asked.map(said).map_err(failed)
}

fn said(rows: crate::mysql::Rows) -> Outcome {
    Outcome::Said {
        answer: Answer {
            rows,
            ..Answer::default()
        },
    }
}
