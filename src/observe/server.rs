//! Asks a database server for its facts, over its own Unix socket through ssh.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::DEADLINE;
use crate::facts::SqlFault;
use crate::fleet::sql::SqlError;
use crate::fleet::{Connection, Session};
use crate::inventory::{Account, Cluster};
use crate::mysql::{AccountName, Dialect, ServerFacts};

/// How much a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What every command has to know.
    Standing,
    /// What SQL has set, too, for whoever compares the server with its file.
    Settings,
}

/// A server that gave no facts.
#[derive(Debug)]
pub(super) struct NoAnswer {
    pub(super) fault: SqlFault,
    /// It did not even refuse: the time ran out.
    pub(super) silent: bool,
}

impl NoAnswer {
    /// Nobody took the connection, which is known at once.
    pub(super) fn is_refusal(&self) -> bool {
        self.fault.number.is_none() && !self.silent
    }
}

/// The facts of the server behind a connection, each question within a bound.
///
/// A session that was lost since it was last used says nothing of the server as it is now (it, or its
/// whole host, was restarted): the questions are put once more in a new one.
pub(super) async fn ask(
    connection: &Connection,
    cluster: &Cluster,
    expected: Dialect,
    (within, depth): (Duration, Depth),
) -> Result<ServerFacts, NoAnswer> {
    let begun = Instant::now();
    let admin = &cluster.accounts.admin;
    let ask_once = async || {
        let mut session = connection.sql_within(admin, expected, within).await;
        match &mut session {
            Ok(session) => {
                let answer = read_within(session, cluster, (within, depth)).await;
                (answer, session.is_usable())
            }
            Err(fault) => (Err(fault.clone()), true),
        }
    };
    let whole = async {
        match ask_once().await {
            (Err(_), false) if begun.elapsed() < within => ask_once().await.0,
            (answer, _) => answer,
        }
    };
    match timeout(within, whole).await {
        Ok(answer) => answer.map_err(|fault| NoAnswer {
            silent: begun.elapsed() >= within,
            fault,
        }),
        Err(_) => Err(NoAnswer {
            fault: SqlFault {
                number: None,
                text: format!(
                    "{}: the server gave no answer within {within:?}",
                    connection.link.place()
                ),
            },
            silent: true,
        }),
    }
}

/// The facts of the server that a session is on.
pub(crate) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
) -> Result<ServerFacts, SqlFault> {
    read_within(session, cluster, (DEADLINE, Depth::Standing)).await
}

/// The settings that a file of the cluster's may change.
fn settings(cluster: &Cluster, dialect: Dialect) -> Vec<String> {
    let given = cluster.hosts.values().flat_map(|host| host.settings.keys());
    let names: BTreeSet<&str> = given
        .map(String::as_str)
        .chain(dialect.durability_settings())
        .collect();
    names.into_iter().map(ToOwned::to_owned).collect()
}

async fn read_within(
    session: &mut Session<'_>,
    cluster: &Cluster,
    (deadline, depth): (Duration, Depth),
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
    let mut queries = dialect.fact_queries(&names, &settings(cluster, dialect));
    if depth == Depth::Settings {
        queries.push(dialect.set_since_start_query());
    }
    let texts: Vec<&str> = queries.iter().map(|query| query.statement.text()).collect();
    let results = session.many(&texts, deadline).await.map_err(as_fault)?;
    let by_name: BTreeMap<_, _> = queries
        .iter()
        .map(|query| query.name)
        .zip(results)
        .collect();
    dialect
        .read_facts(&by_name)
        .map_err(|error| unclear(error.to_string()))
}
