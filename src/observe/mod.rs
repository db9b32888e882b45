//! Gathers facts of hosts and servers: all hosts side by side, one script and one SQL conversation
//! each, both at once. It changes nothing and decides nothing; what could not be seen is said to be so.

mod answers;
mod inspection;
mod login;
mod machine;
mod probe;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

pub use login::check_logins;
pub(crate) use server::read as read_server;

use crate::facts::{
    HostView, Needs, Process, Reached, ServerProgram, ServerView, UnitFacts, UnitState,
    Unreachable, UnreachableKind,
};
use crate::fleet::Connection;
use crate::fleet::script::Script;
use crate::fleet::ssh::{LinkError, LinkFault, Output};
use crate::inventory::Cluster;
use crate::mysql::{Dialect, ServerFacts};
use machine::{Answers, KnownBy};
use probe::Place;
use server::{Depth, NoAnswer};

/// How long one host may take for its script, and as long again for each SQL question.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How much longer a whole survey may take than one of its questions.
const SURVEY: Duration = Duration::from_mins(1);

/// Looks at everything on one host.
pub async fn survey(connection: &Connection, cluster: &Cluster, needs: &Needs) -> HostView {
    let expected = Dialect::default_dialect(cluster.server.flavor);
    let mut needs = needs.clone();
    needs.units.insert(expected.service_unit().to_owned());
    let script = probe::whole(place(connection, cluster), &needs, expected);
    let depth = if needs.inspection.is_some() || !needs.configurations.is_empty() {
        Depth::Settings
    } else {
        Depth::Standing
    };
    see(connection, cluster, (&script, depth), (DEADLINE, SURVEY)).await
}

/// Looks at what changes while a cluster changes its leader: server, addresses, units, marks. It
/// returns in time whatever happens, and what is quick to see is seen although the server is frozen.
pub async fn glance(connection: &Connection, cluster: &Cluster, within: Duration) -> HostView {
    let expected = Dialect::default_dialect(cluster.server.flavor);
    let known = connection.known_program();
    let script = probe::lean(place(connection, cluster), expected, known);
    // The margin is for putting the answers together.
    let questions = (&script, Depth::Standing);
    see(connection, cluster, questions, (within * 9 / 10, within)).await
}

fn place<'a>(connection: &Connection, cluster: &'a Cluster) -> Place<'a> {
    Place {
        cluster: &cluster.name,
        port: cluster.host(&connection.host).map(|host| host.port),
    }
}

/// Asks the server of one host, and nothing else there; `None` when it gave no facts.
pub async fn ask(
    connection: &Connection,
    cluster: &Cluster,
    within: Duration,
) -> Option<ServerFacts> {
    let expected = Dialect::default_dialect(cluster.server.flavor);
    server::ask(connection, cluster, expected, (within, Depth::Standing))
        .await
        .ok()
}

/// Each question within the first bound, all of it within the second.
async fn see(
    connection: &Connection,
    cluster: &Cluster,
    (script, depth): (&Script, Depth),
    (each, all): (Duration, Duration),
) -> HostView {
    let expected = Dialect::default_dialect(cluster.server.flavor);
    let until = Instant::now() + all;
    let sent = now_ms();
    let both = async {
        tokio::join!(
            async { (connection.link.run(script, each).await, now_ms()) },
            server::ask(connection, cluster, expected, (each, depth))
        )
    };
    let Ok(((machine, received), server)) = timeout_at(until, both).await else {
        return HostView::Unreachable(Unreachable {
            kind: UnreachableKind::Network,
            text: format!("{}: no answer within {all:?}", connection.link.place()),
            hint: "is the host up, and can it be reached from here?".to_owned(),
        });
    };
    let output = match machine {
        Ok(output) if output.status == 0 => output,
        Ok(output) => return HostView::Unreachable(odd(connection, &output)),
        Err(error) => return HostView::Unreachable(unreachable(&error)),
    };
    let Answers {
        mut os,
        process,
        program,
    } = machine::read(&output.text(), connection.link.whoami());
    os.clock_offset = machine::clock_offset(&output.text(), sent, received);
    os.server_program = match (program, &server) {
        (None, _) => None,
        (Some(KnownBy::Itself(program)), _) => Some(program),
        (Some(KnownBy::Connection), _) => connection.known_program().map(ServerProgram::Known),
        (Some(KnownBy::Server), Ok(facts)) => Some(ServerProgram::Known(facts.dialect)),
        (Some(KnownBy::Server), Err(_)) => Some(program_itself(connection, expected, until).await),
    };
    if let Some(dialect) = os.server_program.as_ref().and_then(ServerProgram::dialect) {
        connection.remember_program(dialect);
    }
    // A server without a process needs no unit to be called stopped, and systemd is busy for a while
    // after a server was masked.
    let unclear = process != Process::Gone && server.as_ref().is_err_and(NoAnswer::is_refusal);
    if os.units.is_empty() && unclear {
        os.units = units(connection, expected, until).await;
    }
    let unit = os.units.get(expected.service_unit()).map(|unit| unit.state);
    let server = match server {
        Ok(facts) => ServerView::Up(Box::new(facts)),
        Err(_) if os.server_program.is_none() => ServerView::Absent,
        Err(no) if no.fault.number.is_some() => ServerView::Refused(no.fault),
        // A unit that systemd is about to start again has no process, and one whose server was killed
        // this moment may still be called active.
        Err(_) if process == Process::Gone => ServerView::Stopped,
        Err(no) if unit == Some(UnitState::Active) || no.silent => ServerView::Refused(no.fault),
        Err(_) => ServerView::Stopped,
    };
    HostView::Reached(Box::new(Reached {
        os,
        server,
        logins: Vec::new(),
    }))
}

/// What the server program says of itself, for a server that runs from it and says nothing.
async fn program_itself(
    connection: &Connection,
    expected: Dialect,
    until: Instant,
) -> ServerProgram {
    let script = probe::program(expected);
    let answers = match timeout_at(until, connection.link.run(&script, DEADLINE)).await {
        Ok(Ok(output)) => machine::read(&output.text(), connection.link.whoami()).program,
        _ => None,
    };
    match answers {
        Some(KnownBy::Itself(program)) => program,
        _ => ServerProgram::Unknown(String::new()),
    }
}

/// The server's unit, for a server that has a process and takes no connection: it may be starting.
async fn units(
    connection: &Connection,
    expected: Dialect,
    until: Instant,
) -> BTreeMap<String, UnitFacts> {
    let script = probe::unit(expected);
    match timeout_at(until, connection.link.run(&script, DEADLINE)).await {
        Ok(Ok(output)) => {
            machine::read(&output.text(), connection.link.whoami())
                .os
                .units
        }
        _ => BTreeMap::new(),
    }
}

fn odd(connection: &Connection, output: &Output) -> Unreachable {
    Unreachable {
        kind: UnreachableKind::Other,
        text: format!(
            "{}: the probe script ended with status {}: {}",
            connection.link.place(),
            output.status,
            output.stderr.trim()
        ),
        hint: "run the command with -vv and look at what the login shell prints".to_owned(),
    }
}

/// Puts the ssh layer's failure into the words of an observation.
pub fn unreachable(error: &LinkError) -> Unreachable {
    let kind = match error.fault() {
        LinkFault::Unreachable(_) | LinkFault::Disconnected | LinkFault::TimedOut { .. } => {
            UnreachableKind::Network
        }
        LinkFault::HostKeyUnknown { .. } | LinkFault::HostKeyChanged { .. } => {
            UnreachableKind::HostKey
        }
        LinkFault::AuthenticationFailed => UnreachableKind::Authentication,
        LinkFault::SudoNeedsPassword
        | LinkFault::SudoPasswordWrong
        | LinkFault::SudoPasswordUntried { .. }
        | LinkFault::SudoRefused
        | LinkFault::SudoMissing => UnreachableKind::Root,
        _ => UnreachableKind::Other,
    };
    Unreachable {
        kind,
        text: error.to_string(),
        hint: error.hint(),
    }
}

/// Seconds since the Unix epoch by this machine's clock.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

type Fields = BTreeMap<String, Vec<String>>;
