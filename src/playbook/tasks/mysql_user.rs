//! `mysql_user`: one of the inventory's accounts exists on the primary with its password and with
//! exactly its privileges, whence it replicates. Privileges are compared as sets and passwords by
//! their stored hash, so that a converged run writes nothing. A replica is never written to: one whose
//! account somebody changed gets it with the primary's, which is written anew.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::ServerView;
use crate::inventory::{Account, HostName};
use crate::mysql::{
    AccountRole, PasswordCheck, ReplicaStatus, ServerFacts, ThreadState, check_password,
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
        let (own, strays) = match scope.server() {
            ServerView::Up(facts) => (
                differences(facts, role, account),
                strays(scope, facts, role, account),
            ),
            ServerView::Absent | ServerView::Stopped | ServerView::Refused(_) => {
                (vec!["create".to_owned()], Vec::new())
            }
        };
        let means = if strays.is_empty() {
            AccountMeans::Correct
        } else {
            AccountMeans::Rewrite
        };
        let differs = [own, strays].concat();
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

/// Followers of this server to which replication would bring no account, or not that of the inventory:
/// somebody changed it there. One that lags may have it before it; that is no reason to write.
fn strays(
    scope: &Scope<'_>,
    primary: &ServerFacts,
    role: AccountRole,
    account: &Account,
) -> Vec<String> {
    let here = primary.accounts.get(&account.name());
    let is_right_here = differences(primary, role, account).is_empty();
    let replicas = scope.replicas();
    let followers = replicas.iter().filter_map(|host| {
        let facts = scope.world.seen.server(host)?;
        Some((host, facts, facts.replica.as_ref()?))
    });
    let stray = |(host, facts, status): (&HostName, &ServerFacts, &ReplicaStatus)| {
        let there = facts.accounts.get(&account.name());
        let runs = [status.receiver, status.applier].map(|thread| thread == ThreadState::Running);
        let has_all = runs == [true, true] && status.lag == Some(Duration::ZERO);
        if there == here || is_right_here && !has_all {
            return None;
        }
        match (there, is_right_here) {
            (None, _) => Some(format!("missing on {host}")),
            (Some(_), false) if here.is_none() => Some(format!("there already on {host}")),
            (Some(_), false) => None,
            (Some(_), true) => {
                let differs = differences(facts, role, account);
                (!differs.is_empty()).then(|| format!("{} on {host}", differs.join(" and ")))
            }
        }
    };
    followers.filter_map(stray).collect()
}

/// What differs, in words; empty when the account is as it should be.
pub(crate) fn differences(
    facts: &ServerFacts,
    role: AccountRole,
    account: &Account,
) -> Vec<String> {
    let Some(seen) = facts.accounts.get(&account.name()) else {
        return vec!["create".to_owned()];
    };
    let mut differs = Vec::new();
    match check_password(&seen.plugin, &seen.hash, &account.password) {
        PasswordCheck::Matches => {}
        PasswordCheck::Differs => differs.push("another password".to_owned()),
        PasswordCheck::CannotTell { plugin } => differs.push(format!("password kept by {plugin}")),
    }
    differs.extend(seen.barriers.iter().map(ToString::to_string));
    let wanted = facts.dialect.role_privileges(role);
    let statements = facts
        .dialect
        .grant_difference(&account.name(), &seen.privileges, &wanted);
    if !statements.is_empty() {
        differs.push("other privileges".to_owned());
    }
    differs
}
