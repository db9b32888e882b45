//! Asks a database server for its facts, over its own Unix socket through ssh.

use std::collections::BTreeMap;

use super::DEADLINE;
use crate::facts::SqlFault;
use crate::fleet::sql::SqlError;
use crate::fleet::{Connection, Session};
use crate::inventory::{Account, Cluster};
use crate::mysql::{AccountName, Dialect, ServerFacts};

/// The facts of the server behind a connection.
pub(super) async fn ask(
    connection: &Connection,
    cluster: &Cluster,
    expected: Dialect,
) -> Result<ServerFacts, SqlFault> {
    let mut session = connection.sql(&cluster.accounts.admin, expected).await?;
    read(&mut session, cluster).await
}

/// The facts of the server that a session is on.
pub(crate) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
) -> Result<ServerFacts, SqlFault> {
    let place = session.place().to_owned();
    let as_fault = |error: SqlError| SqlFault {
        number: error.number(),
        text: format!("{place}: {error}"),
    };
    let unclear = |text: String| SqlFault {
        number: None,
        text: format!("{place}: {text}"),
    };
    let dialect = session.dialect().await?;
    let accounts = &cluster.accounts;
    let names: Vec<AccountName> = [&accounts.admin, &accounts.replication, &accounts.monitor]
        .map(Account::name)
        .to_vec();
    let queries = dialect.fact_queries(&names);
    let texts: Vec<&str> = queries.iter().map(|query| query.statement.text()).collect();
    let results = session.many(&texts, DEADLINE).await.map_err(as_fault)?;
    let by_name: BTreeMap<_, _> = queries
        .iter()
        .map(|query| query.name)
        .zip(results)
        .collect();
    dialect
        .read_facts(&by_name)
        .map_err(|error| unclear(error.to_string()))
}
