//! `mysql_user`: one of the inventory's accounts exists on the primary with its password and with
//! exactly its privileges, whence it replicates. Privileges are compared as sets and passwords by
//! their stored hash, so that a converged run writes nothing. A replica is never written to: one whose
//! account somebody changed gets it with the primary's, which is written anew.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::facts::ServerView;
use crate::inventory::HostName;
use crate::mysql::{
    AccountDifference, AccountRole, AccountSpec, ReplicaStatus, ServerFacts, ThreadState,
};
use crate::plan::{AccountMeans, Action};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `mysql_user`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlUser {
    /// `admin`, `replication` or `monitor`.
    pub account: Text,
}

impl MysqlUser {
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let name = scope.render(&self.account)?;
        let role: AccountRole = name.parse().map_err(|_| {
            TaskError::Arguments(format!(
                "no account `{name}`; write admin, replication or monitor"
            ))
        })?;
        let account = scope.world.cluster.accounts.of(role);
        let spec = account.spec(role);
        let (own, strays) = match scope.server() {
            ServerView::Up(facts) => (
                facts.account_differences(&spec, &account.password),
                strays(scope, facts, &spec, &account.password),
            ),
            ServerView::Absent | ServerView::Stopped | ServerView::Refused(_) => {
                (vec![AccountDifference::Missing], Vec::new())
            }
        };
        let means = if strays.is_empty() {
            AccountMeans::Correct
        } else {
            AccountMeans::Rewrite
        };
        let mut differs: Vec<_> = own.iter().map(ToString::to_string).collect();
        differs.extend(strays);
        if differs.is_empty() {
            return Ok(Vec::new());
        }
        let why = format!("{}@{}: {}", account.user, account.host, differs.join(", "));
        Ok(vec![Change::new(
            Action::EnsureAccount {
                role,
                means,
                differs,
            },
            why,
        )])
    }
}

/// Followers of this server on which somebody changed the account, in words: its own statements would fail there,
/// or there are none to bring it. One that lags may have it before it; that is no reason to write.
fn strays(
    scope: &Scope<'_>,
    primary: &ServerFacts,
    spec: &AccountSpec,
    password: &SecretString,
) -> Vec<String> {
    let here = primary.accounts.get(&spec.name);
    let is_right_here = primary.account_differences(spec, password).is_empty();
    let stray = |host: &HostName| {
        let facts = scope.world.seen.server(host)?;
        let status = facts.replica.as_ref()?;
        let there = facts.accounts.get(&spec.name);
        let what = match (here, there) {
            _ if here == there || is_right_here && !has_all(status) => return None,
            (_, None) => "missing".to_owned(),
            (None, Some(_)) => "there already".to_owned(),
            (Some(_), Some(_)) if !is_right_here => return None,
            (Some(_), Some(_)) => {
                let mut differs = facts.account_differences(spec, password);
                // Another release has other privileges, which no statement of this one's names.
                let same_release = facts.dialect == primary.dialect;
                differs.retain(|what| same_release || *what != AccountDifference::Privileges);
                let differs: Vec<_> = differs.iter().map(ToString::to_string).collect();
                (!differs.is_empty()).then(|| differs.join(" and "))?
            }
        };
        Some(format!("{what} on {host}"))
    };
    scope.replicas().iter().filter_map(stray).collect()
}

/// Whether what the primary wrote is there.
fn has_all(status: &ReplicaStatus) -> bool {
    let threads = [status.receiver, status.applier];
    threads == [ThreadState::Running; 2] && status.lag == Some(Duration::ZERO)
}
