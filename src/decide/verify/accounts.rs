//! The inventory's accounts exist on every server, and replication could log in again.

use super::Context;
use crate::decide::{Finding, Severity};
use crate::mysql::{AccountRole, PasswordCheck, check_password};

/// Every account is on every server, with its password and its privileges.
pub(super) fn present(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, facts) in context.seen.servers() {
        for role in [
            AccountRole::Admin,
            AccountRole::Replication,
            AccountRole::Monitor,
        ] {
            let account = context.cluster.accounts.of(role);
            let name = account.name();
            let message = match facts.accounts.get(&name) {
                None => format!("has no {role} account {account}"),
                Some(seen) => {
                    let password = check_password(&seen.plugin, &seen.hash, &account.password);
                    let wanted = facts.dialect.role_privileges(role);
                    let same = facts
                        .dialect
                        .grant_difference(&name, &seen.privileges, &wanted)
                        .is_empty();
                    match (password, same) {
                        (PasswordCheck::Differs, _) => {
                            format!("the {role} account {account} has another password")
                        }
                        (_, false) => format!("the {role} account {account} has other privileges"),
                        (_, true) => continue,
                    }
                }
            };
            findings.push(Finding::on(
                host,
                Severity::Error,
                "AccountDiffers",
                message,
                "run `hactl bootstrap`",
            ));
        }
        for name in &facts.anonymous_accounts {
            findings.push(Finding::on(
                host,
                Severity::Warning,
                "AnonymousAccount",
                format!(
                    "has an anonymous account {}, which shadows named ones from that host",
                    name.sql()
                ),
                format!("on the primary: DROP USER {}", name.sql()),
            ));
        }
    }
    findings
}

/// The replication account can log in from each replica to the primary, now and not only when
/// replication was started.
pub(super) fn replication_login(context: &Context<'_>) -> Vec<Finding> {
    let account = &context.cluster.accounts.replication;
    context
        .seen
        .all_reached()
        .filter_map(|(host, reached)| {
            let check = reached.source_login.as_ref()?;
            let refused = check.refused.as_ref()?;
            Some(Finding::on(
                host,
                Severity::Error,
                "ReplicationLoginFails",
                format!("{account} cannot log in from here to {}: {refused}", check.to),
                "run `hactl bootstrap` if the password differs; else look at firewalls between the two",
            ))
        })
        .collect()
}
