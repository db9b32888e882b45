//! Hosts and servers that cannot be reached. Everything else says nothing about them.

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, PrimaryBasis, Severity, silent_server};
use crate::facts::{HostView, Reached, RootAccess, ServerView, SqlFault};
use crate::inventory::HostName;

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
                    "set `ssh: become: sudo`, and `become_password` or -K where sudo wants a password",
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
        if let Some(why) = awaits_rejoin(context.cluster, context.seen, host) {
            findings.push(Finding::on(
                host,
                Severity::Error,
                Finding::FENCED,
                why,
                format!("run `hactl rejoin {host}`, which brings it back as a replica"),
            ));
            continue;
        }
        let (code, message, next) = match &reached.server {
            ServerView::Up(_) => continue,
            ServerView::Absent => (
                "ServerAbsent",
                "no database server is installed".to_owned(),
                "run `hactl bootstrap`".to_owned(),
            ),
            ServerView::Stopped => stopped(context, host),
            ServerView::Refused(fault) if !fault.is_access_denied() => {
                findings.extend(silent(context, host, reached, fault));
                continue;
            }
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

/// Whether one that leads is dead is for a failover's watching to say; one look cannot tell.
fn silent(
    context: &Context<'_>,
    host: &HostName,
    reached: &Reached,
    fault: &SqlFault,
) -> Option<Finding> {
    let entry = context.cluster.host(host)?;
    let mut finding = silent_server::finding(context.cluster, entry, reached, fault);
    let topology = context.topology;
    if *host == topology.primary && topology.basis == PrimaryBasis::Replication {
        finding.next = format!("run `hactl failover --check`, and {}", finding.next);
    }
    Some(finding)
}

/// A primary that others follow is a failover's business, everything else its log's.
fn stopped(context: &Context<'_>, host: &HostName) -> (&'static str, String, String) {
    let message = "the database server does not run".to_owned();
    let log = format!("look at its log (journalctl -u mariadb -u mysql) on {host}, then start it");
    let topology = context.topology;
    if *host != topology.primary {
        return ("DeadReplica", message, log);
    }
    let next = match topology.basis {
        PrimaryBasis::Replication | PrimaryBasis::Alone => {
            "run `hactl failover`, which promotes a replica".to_owned()
        }
        PrimaryBasis::Inventory => log,
    };
    ("DeadPrimary", message, next)
}
