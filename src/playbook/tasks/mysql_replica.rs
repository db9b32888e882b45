//! `mysql_replica`: a server replicates from the primary with every option as wanted. Each field is
//! compared, so that `CHANGE …` is issued only when one differs; a changed retry count alone would
//! otherwise throw received rows away on servers whose threads are stopped.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::decide::Role;
use crate::facts::ServerView;
use crate::inventory::ReplicationMode;
use crate::mysql::{ReplicaStatus, Seeding, SourceOptions, ThreadState};
use crate::plan::Action;
use crate::playbook::{Change, Scope};

/// Arguments of `mysql_replica`: none yet; the source is the primary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlReplica {}

impl MysqlReplica {
    #[expect(clippy::unused_self, reason = "a module with arguments to come")]
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Vec<Change> {
        if scope.role() == Role::Primary {
            return Vec::new();
        }
        let cluster = scope.world.cluster;
        let primary = &scope.world.topology.primary;
        let Some(source) = cluster.host(primary) else {
            return Vec::new();
        };
        let differs = match scope.server() {
            ServerView::Up(facts) if facts.seeding != Seeding::Unfinished => match &facts.replica {
                Some(status) => {
                    let wanted = cluster.as_source(source);
                    let mut differs = differences(status, &wanted, cluster.replication_mode);
                    differs.extend(password_differs(scope, status, &wanted));
                    differs.extend(stopped_threads(status));
                    differs
                }
                None => vec!["not a replica".to_owned()],
            },
            _ => vec!["not a replica".to_owned()],
        };
        if differs.is_empty() {
            return Vec::new();
        }
        let why = differs.join(", ");
        vec![Change::new(
            Action::Replicate {
                source: primary.clone(),
                differs,
            },
            why,
        )]
    }
}

fn password_differs(
    scope: &Scope<'_>,
    status: &ReplicaStatus,
    wanted: &SourceOptions,
) -> Option<String> {
    let os = scope.os();
    let in_file = os.and_then(|os| os.source_password_sha256.as_ref());
    let seen = status.password_sha256.as_ref().or(in_file)?;
    (wanted.password_sha256() != *seen).then(|| "password".to_owned())
}

fn stopped_threads(status: &ReplicaStatus) -> Vec<String> {
    let mut stopped = Vec::new();
    if status.receiver == ThreadState::Stopped {
        stopped.push("receiver thread stopped".to_owned());
    }
    if status.applier == ThreadState::Stopped {
        stopped.push("applier thread stopped".to_owned());
    }
    stopped
}

/// The options that a server shows, where they differ. What it does not show is written whenever one
/// of these is.
fn differences(
    status: &ReplicaStatus,
    wanted: &SourceOptions,
    mode: ReplicationMode,
) -> Vec<String> {
    let mut differs = Vec::new();
    let mut compare = |what: &str, seen: String, want: String| {
        if seen != want {
            differs.push(format!("{what} is {seen}, not {want}"));
        }
    };
    compare("source", status.source_host.clone(), wanted.host.clone());
    compare(
        "port",
        status.source_port.to_string(),
        wanted.port.to_string(),
    );
    compare("user", status.source_user.clone(), wanted.user.clone());
    compare(
        "connect retry",
        status.connect_retry_s.to_string(),
        wanted.connect_retry_s.to_string(),
    );
    if let Some(seen) = status.heartbeat {
        let want = Duration::from_secs(wanted.heartbeat_s.into());
        compare("heartbeat", format!("{seen:?}"), format!("{want:?}"));
    }
    if !mode.accepts(status.using_gtid) {
        differs.push("does not position by GTID".to_owned());
    }
    differs.extend(wanted.tls.differences(status));
    if status.delay_s > 0 {
        differs.push(format!("delayed by {} s", status.delay_s));
    }
    differs
}
