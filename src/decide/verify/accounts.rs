//! The inventory's accounts exist on every server, and replication could log in again.

use std::collections::BTreeSet;

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::topology::host_of;
use crate::decide::{Finding, Severity};
use crate::inventory::{Cluster, HostName, Promotion};
use crate::mysql::{AccountDifference, AccountRole};

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
            let differences = facts.account_differences(&account.spec(role), &account.password);
            let whose = format!("the {role} account {account}");
            // The first of them says enough. One that cannot be compared is not called wrong.
            let message = differences.iter().find_map(|difference| match difference {
                AccountDifference::Missing => Some(format!("has no {role} account {account}")),
                AccountDifference::Barred(why) => Some(format!("{whose} is kept out: {why}")),
                AccountDifference::Password => Some(format!("{whose} has another password")),
                AccountDifference::PasswordKeptBy { .. } => None,
                AccountDifference::Privileges => Some(format!("{whose} has other privileges")),
            });
            findings.extend(message.map(|message| {
                Finding::on(
                    host,
                    Severity::Error,
                    "AccountDiffers",
                    message,
                    "run `hactl bootstrap`",
                )
            }));
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

/// The replication account can log in from each host to every server that leads or may lead, now and not
/// only when replication was started: after a failover each of them has to.
pub(super) fn replication_login(context: &Context<'_>) -> Vec<Finding> {
    let account = &context.cluster.accounts.replication;
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        for check in &reached.logins {
            let Some(refused) = check
                .refused
                .as_ref()
                .filter(|_| counts(context, &check.to))
            else {
                continue;
            };
            let when = if check.to == context.topology.primary {
                ""
            } else {
                ", which it has to after a failover"
            };
            findings.push(Finding::on(
                host,
                Severity::Error,
                "ReplicationLoginFails",
                format!("{account} cannot log in from here to {}{when}: {refused}", check.to),
                "run `hactl bootstrap` if the password differs; else look at firewalls between the two",
            ));
        }
    }
    findings.extend(stored_password(context));
    findings
}

/// Each replica will log in with the account's password when its connection ends. As long as that stands, a
/// password that was changed since is not missed by anything else.
fn stored_password(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        let Some(status) = reached.server.up().and_then(|facts| facts.replica.as_ref()) else {
            continue;
        };
        let Some(source) =
            host_of(context.cluster, status).and_then(|source| context.cluster.host(&source))
        else {
            continue;
        };
        let in_file = reached.os.source_password_sha256.as_ref();
        let wanted = context.cluster.as_source(source).password_sha256();
        if let Some(seen) = status.password_sha256.as_ref().or(in_file)
            && *seen != wanted
        {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "ReplicationPasswordDiffers",
                format!(
                    "will log in to {} with another password than the inventory's when its connection ends",
                    source.name
                ),
                "run `hactl bootstrap`",
            ));
        }
    }
    findings
}

/// The hosts whose servers may lead, now or after a failover.
pub fn may_lead(cluster: &Cluster) -> BTreeSet<HostName> {
    let hosts = cluster.hosts.values();
    let may = hosts.filter(|host| host.promotion != Promotion::Never);
    may.map(|host| host.name.clone()).collect()
}

/// Whether anybody will replicate from a server, and it is there to log in to.
fn counts(context: &Context<'_>, to: &HostName) -> bool {
    (may_lead(context.cluster).contains(to) || *to == context.topology.primary)
        && context.seen.server(to).is_some()
        && awaits_rejoin(context.cluster, context.seen, to).is_none()
}
