//! Gathers facts of hosts and servers: all hosts side by side, one script and one SQL conversation
//! each, both at once. It changes nothing and decides nothing; what could not be seen is said to be so.

mod answers;
mod login;
mod machine;
mod probe;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

pub use login::check_login;
pub(crate) use server::read as read_server;

use crate::facts::{HostView, Needs, Reached, ServerView, UnitState, Unreachable, UnreachableKind};
use crate::fleet::Connection;
use crate::fleet::ssh::{LinkError, LinkFault};
use crate::inventory::Cluster;
use crate::mysql::Dialect;

/// How long one host may take for its script, and as long again for each SQL question.
const DEADLINE: Duration = Duration::from_secs(20);

/// What to look at on one host.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The inventory, for accounts and flavor.
    pub cluster: &'a Cluster,
    /// Packages, files and units.
    pub needs: &'a Needs,
}

/// Looks at one host.
pub async fn look(connection: &Connection, question: &Question<'_>) -> HostView {
    let expected = Dialect::default_dialect(question.cluster.server.flavor);
    let mut needs = question.needs.clone();
    needs.units.insert(expected.service_unit().to_owned());
    let script = probe::script(&needs, expected);
    let (machine, server) = tokio::join!(
        connection.link.run(&script, DEADLINE),
        server::ask(connection, question.cluster, expected)
    );
    let output = match machine {
        Ok(output) if output.status == 0 => output,
        Ok(output) => {
            return HostView::Unreachable(Unreachable {
                kind: UnreachableKind::Other,
                text: format!(
                    "{}: the probe script ended with status {}: {}",
                    connection.link.place(),
                    output.status,
                    output.stderr.trim()
                ),
                hint: "run the command with -vv and look at what the login shell prints".to_owned(),
            });
        }
        Err(error) => return HostView::Unreachable(unreachable(&error)),
    };
    let os = machine::read(&output.text(), connection.link.whoami());
    let unit = os.units.get(expected.service_unit()).map(|unit| unit.state);
    let server = match server {
        Ok(facts) => ServerView::Up(Box::new(facts)),
        Err(_) if os.server_version.is_none() => ServerView::Absent,
        Err(fault) if fault.number.is_some() => ServerView::Refused(fault),
        Err(fault) if unit == Some(UnitState::Active) => ServerView::Refused(fault),
        Err(_) => ServerView::Stopped,
    };
    HostView::Reached(Box::new(Reached {
        os,
        server,
        source_login: None,
    }))
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
        LinkFault::SudoNeedsPassword | LinkFault::SudoMissing => UnreachableKind::Root,
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

type Fields = BTreeMap<String, Vec<String>>;
