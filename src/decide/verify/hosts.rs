//! Hosts and servers that cannot be reached. Everything else says nothing about them.

use super::Context;
use crate::decide::{Finding, Severity};
use crate::facts::{HostView, RootAccess, ServerView};

/// ssh works, and scripts run as root.
pub(super) fn reachable(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, view) in &context.seen.hosts {
        match view {
            HostView::Unreachable(why) => findings.push(Finding::unreachable(host, why)),
            HostView::Reached(reached) if reached.os.login.root == RootAccess::None => {
                findings.push(Finding::on(
                    host,
                    Severity::Error,
                    "NoRootAccess",
                    format!("{} does not become root", reached.os.login.user),
                    "set `ssh: become: sudo` and allow that user sudo without a password",
                ));
            }
            HostView::Reached(_) => {}
        }
    }
    findings
}

/// Every server answers.
pub(super) fn servers_up(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        let primary = *host == context.topology.primary;
        let (code, message, next) = match &reached.server {
            ServerView::Up(_) => continue,
            ServerView::Absent => (
                "ServerAbsent",
                "no database server is installed".to_owned(),
                "run `hactl bootstrap`".to_owned(),
            ),
            ServerView::Stopped => (
                if primary {
                    "DeadPrimary"
                } else {
                    "DeadReplica"
                },
                "the database server does not run".to_owned(),
                format!(
                    "look at its log (journalctl -u mariadb -u mysql) on {host}, then start it"
                ),
            ),
            ServerView::Refused(fault) => (
                "ServerRefuses",
                fault.text.clone(),
                "run `hactl bootstrap`, which repairs hactl's account where root may log in"
                    .to_owned(),
            ),
        };
        findings.push(Finding::on(host, Severity::Error, code, message, next));
    }
    findings
}
