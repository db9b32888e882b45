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
    let begin = Statement::new("START TRANSACTION READ ONLY");
    super::execute(&mut session, &connection.host, &begin, STATEMENT).await?;
    let asked = session.query(&query.text, query.within).await;
    // The session is used again.
    let end = Statement::new("ROLLBACK");
    let ended = super::execute(&mut session, &connection.host, &end, STATEMENT).await;
    let rows = asked.map_err(failed)?;
    ended?;
    Ok(said(rows))
}

fn said(rows: crate::mysql::Rows) -> Outcome {
    Outcome::Said {
        answer: Answer {
            rows,
            ..Answer::default()
        },
    }
}
