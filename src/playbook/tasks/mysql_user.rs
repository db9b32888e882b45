//! `mysql_user`: one of the inventory's accounts exists on the primary with its password and with
//! exactly its privileges, whence it replicates. Privileges are compared as sets and passwords by
//! their stored hash, so that a converged run writes nothing.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::ServerView;
use crate::inventory::Account;
use crate::mysql::{AccountRole, PasswordCheck, ServerFacts, check_password};
use crate::plan::Action;
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
        let differs = match scope.server() {
            ServerView::Up(facts) => differences(facts, role, account),
            ServerView::Absent | ServerView::Stopped | ServerView::Refused(_) => {
                vec!["create".to_owned()]
            }
        };
        if differs.is_empty() {
            return Ok(Vec::new());
        }
        let why = format!("{}@{}: {}", account.user, account.host, differs.join(", "));
        Ok(vec![Change::new(
            Action::EnsureAccount { role, differs },
            why,
        )])
    }
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
    let wanted = facts.dialect.role_privileges(role);
    let statements = facts
        .dialect
        .grant_difference(&account.name(), &seen.privileges, &wanted);
    if !statements.is_empty() {
        differs.push("other privileges".to_owned());
    }
    differs
}
