//! Carries out single actions on real hosts, one file per kind. Each of them may have been done
//! before, and says so; none of them chooses anything.

mod account;
mod canary;
mod file;
mod package;
mod relay_log;
mod replicate;
mod seed;
mod unit;
mod variable;
mod vip;

use std::time::Duration;

use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, Rows, ServerFacts, Statement};
use crate::observe::read_server;
use crate::plan::{Action, Outcome, Step};

/// How long an ordinary script may take.
const SCRIPT: Duration = Duration::from_mins(1);
/// How long an ordinary statement may take. A commit that waits for a replica's acknowledgement is
/// what mostly takes longer.
const STATEMENT: Duration = Duration::from_secs(30);

/// How long a session may wait for a lock: on a server whose commits wait for an acknowledgement,
/// everything else waits behind them.
const LOCKS: Duration = Duration::from_secs(10);

/// Carries out a step.
pub(super) async fn apply(
    fleet: &LiveFleet,
    step: &Step,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let connection = fleet.connection(&step.host)?;
    match &step.action {
        Action::InstallPackages { packages } => package::install(connection, packages).await,
        Action::WriteFile(file) => file::write(connection, file).await,
        Action::ReloadUnits => unit::reload(connection).await,
        Action::SetUnit { unit, change } => unit::set(connection, unit, *change).await,
        Action::InstallAdmin => account::install_admin(fleet, connection).await,
        Action::SetVariable { variable, value } => {
            variable::set(fleet, connection, *variable, *value).await
        }
        Action::EnsureAccount { role, .. } => account::ensure(fleet, connection, *role).await,
        Action::Seed { into, emptied } => {
            seed::seed(fleet, connection, into, emptied, progress).await
        }
        Action::Replicate { source, .. } => {
            replicate::replicate(fleet, connection, source, progress).await
        }
        Action::ProveReplication { replicas } => canary::prove(fleet, connection, replicas).await,
        Action::AddVip { address, interface } => vip::add(connection, address, interface).await,
        Action::RemoveVip { address, interface } => {
            vip::remove(connection, address, interface).await
        }
    }
}

/// Runs a script that must succeed.
async fn run(
    connection: &Connection,
    what: &'static str,
    script: Script,
    deadline: Duration,
) -> Result<String, ActionError> {
    let output = connection.link.run(&script, deadline).await?;
    if output.status == 0 {
        return Ok(output.text());
    }
    Err(ActionError::Script {
        host: connection.host.clone(),
        what,
        status: output.status,
        stderr: last_lines(&output.stderr),
        hint: None,
    })
}

/// The administrator's session on a host's server, and the server's dialect.
async fn session<'a>(
    fleet: &LiveFleet,
    connection: &'a Connection,
) -> Result<(Session<'a>, Dialect), ActionError> {
    let admin = &fleet.cluster().accounts.admin;
    let mut session = connection
        .sql(admin, fleet.expected())
        .await
        .map_err(ActionError::Login)?;
    let dialect = session.dialect().await.map_err(ActionError::Login)?;
    Ok((session, dialect))
}

/// The server's facts as they are now.
async fn facts(fleet: &LiveFleet, session: &mut Session<'_>) -> Result<ServerFacts, ActionError> {
    read_server(session, fleet.cluster())
        .await
        .map_err(ActionError::Login)
}

/// Runs a statement that must succeed.
async fn execute(
    session: &mut Session<'_>,
    host: &HostName,
    statement: &Statement,
    deadline: Duration,
) -> Result<Rows, ActionError> {
    session
        .query(statement.text(), deadline)
        .await
        .map_err(|source| ActionError::Statement {
            host: host.clone(),
            statement: statement.shown().to_owned(),
            source,
        })
}

/// The end of an error output, on one line.
fn last_lines(stderr: &str) -> String {
    let lines: Vec<_> = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}
