//! Carries out single actions on real hosts, one file per kind. Each of them may have been done
//! before, and says so; none of them chooses anything.

mod account;
mod at_rest;
mod attach_by_position;
mod await_acker;
mod await_position;
mod binlog_files;
mod canary;
mod catch_up;
mod command;
mod configure;
mod demote;
mod drain;
mod events;
mod fence;
mod fetch_anew;
mod file;
mod hold;
mod hook;
mod kernel;
mod package;
mod path;
mod promote;
mod query;
mod receiver;
mod relay_log;
mod replicate;
mod rewind;
mod salvage;
mod save_errant;
mod save_tail;
mod seed;
mod start_with;
mod unfence;
mod unit;
mod variable;
mod vip;
mod wait_for;

use std::time::Duration;

use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, FactError, Rows, SemiSync, ServerFacts, Statement};
use crate::observe::read_server;
use crate::plan::{Action, FenceMethod, Outcome, Step};

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
    // What runs on this machine needs no way to the host.
    match &step.action {
        Action::Fence {
            method: FenceMethod::Command,
        } => return fence::by_command(fleet, &step.host, progress).await,
        Action::RunHook { hook } => return hook::run(fleet, &step.host, *hook, progress).await,
        _ => {}
    }
    let connection = fleet.connection(&step.host)?;
    let connection = connection.as_ref();
    match &step.action {
        Action::InstallPackages { packages } => {
            package::install(connection, packages, progress).await
        }
        Action::WriteFile(file) => file::write(connection, file).await,
        Action::Configure(config) => {
            configure::configure(fleet, connection, config, progress).await
        }
        Action::ReloadUnits => unit::reload(connection).await,
        Action::SetUnit { unit, change } => unit::set(connection, unit, *change).await,
        Action::InstallAdmin => account::install_admin(fleet, connection).await,
        Action::SetVariable { variable, value } => {
            variable::set(fleet, connection, *variable, *value).await
        }
        Action::EnsureAccount { role, means, .. } => {
            account::ensure(fleet, connection, *role, *means).await
        }
        Action::Seed { into, emptied } => {
            seed::seed(fleet, connection, into, emptied, progress).await
        }
        Action::Replicate { source, differs } => {
            replicate::replicate(fleet, connection, source, differs, progress).await
        }
        Action::Repoint { source, within } => {
            replicate::repoint(fleet, connection, source, *within, progress).await
        }
        Action::GiveWay { pause } => {
            tokio::time::sleep(*pause).await;
            Ok(Outcome::Already)
        }
        Action::ProveReplication { replicas } => canary::prove(fleet, connection, replicas).await,
        Action::AddVip {
            address,
            interface,
            neighbours,
            lease,
        } => vip::add(connection, address, interface, *neighbours, *lease).await,
        Action::RemoveVip { address, .. } => vip::remove(connection, address).await,
        Action::RemoveFile { path } => file::remove(connection, path).await,
        Action::Fence {
            method: FenceMethod::Ssh,
        } => fence::over_ssh(fleet, connection, progress).await,
        Action::Unfence => unfence::unfence(fleet, connection).await,
        Action::Drain { at_boot } => drain::drain(fleet, connection, *at_boot, progress).await,
        Action::Salvage { from, after } => {
            salvage::salvage(fleet, connection, from, after.as_ref(), progress).await
        }
        Action::CatchUp { source, until } => {
            catch_up::catch_up(fleet, connection, source, until, progress).await
        }
        Action::AwaitPosition { position, within } => {
            await_position::wait(fleet, connection, position, *within).await
        }
        Action::Promote { within, proof } => {
            promote::promote(fleet, connection, (*within, *proof), progress).await
        }
        Action::AttachByPosition => attach_by_position::attach(fleet, connection, progress).await,
        Action::FetchAnew => fetch_anew::fetch(fleet, connection).await,
        Action::AwaitAcker { within } => await_acker::wait(fleet, connection, *within).await,
        Action::Demote { within, vip } => {
            demote::demote(fleet, connection, *within, vip.as_deref()).await
        }
        Action::Rewind => rewind::rewind(fleet, connection).await,
        Action::SaveErrant {
            beside,
            transactions,
            path,
        } => save_errant::save(fleet, connection, beside, transactions, path).await,
        Action::SaveTail { beside, path } => save_tail::save(fleet, connection, beside, path).await,
        Action::Run(command) => command::run(connection, command).await,
        Action::Query(query) => query::ask(fleet, connection, query).await,
        Action::SetPath(change) => path::set(connection, change).await,
        Action::SetSysctl { name, value } => kernel::set(connection, name, value).await,
        Action::Await { what, within } => wait_for::wait(connection, what, *within).await,
        Action::Fence {
            method: FenceMethod::Command,
        }
        | Action::RunHook { .. } => Err(ActionError::Unfit {
            host: step.host.clone(),
            reason: format!("`{}` is not done on a host", step.action),
            hint: String::new(),
        }),
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

/// What a server says of semi-sync.
async fn ask_semi_sync(
    session: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
) -> Result<SemiSync, ActionError> {
    let queries = dialect.semi_sync_queries();
    let texts: Vec<&str> = queries.iter().map(Statement::text).collect();
    let answers =
        session
            .many(&texts, STATEMENT)
            .await
            .map_err(|source| ActionError::Statement {
                host: host.clone(),
                statement: texts.join("; "),
                source,
            })?;
    dialect
        .read_semi_sync_answers(&answers)
        .map_err(|error| unreadable(host, &error))
}

/// An answer that does not say what it should.
fn unreadable(host: &HostName, error: &FactError) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: error.to_string(),
        hint: "run `hactl bootstrap`: it gives the admin account what it needs".to_owned(),
    }
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
