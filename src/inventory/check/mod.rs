//! From the inventory as written to a cluster that makes sense.
//!
//! It must never stop at the first mistake: each check reports and goes on, and the cluster is put together
//! only when none did.

mod accounts;
mod failover;
mod hosts;
mod replication;
mod server;
mod ssh;
mod time;
mod vars;
mod vip;

use std::collections::BTreeMap;
use std::path::Path;

use super::cluster::{Cluster, Durability, Parts};
use super::raw::RawInventory;
use super::{ClusterName, Host, HostName, Secrets};
use crate::yaml::{Diagnostic, Diagnostics, Document};

/// Checks everything that the types do not.
pub(super) fn check(
    document: &Document,
    raw: RawInventory,
    folder: &Path,
    secrets: &dyn Secrets,
) -> Result<Cluster, Diagnostics> {
    let mut checker = Checker {
        document,
        folder,
        secrets,
        problems: Vec::new(),
    };
    let name = checker.cluster_name(&raw.cluster);
    let server = checker.server(raw.server);
    let accounts = checker.accounts(raw.accounts);
    checker.vars(&["vars"], &raw.vars);
    checker.group_vars(&raw.groups, &raw.hosts);
    let hosts = checker.hosts(raw.hosts, &server, &raw.ssh, &raw.groups);
    let replication_mode = raw.replication.mode;
    let replication_tls = checker.replication(raw.replication);
    let failover = checker.failover(raw.failover);
    let hooks = checker.hooks(raw.hooks);
    let vip = raw
        .vip
        .and_then(|vip| checker.writer_vip(vip, &hosts, failover.probe_interval));
    checker.durability(raw.durability, &hosts);
    let (Some(name), Some(accounts), true) = (name, accounts, checker.problems.is_empty()) else {
        return Err(checker.problems.into_iter().collect());
    };
    let (durability, vars) = (raw.durability, raw.vars);
    Cluster::new(Parts {
        name,
        server,
        accounts,
        vip,
        durability,
        replication_mode,
        replication_tls,
        failover,
        hooks,
        vars,
        hosts,
    })
    .ok_or_else(|| no_primary(document).into())
}

/// What every check has at hand, and what they have found.
struct Checker<'a> {
    document: &'a Document,
    folder: &'a Path,
    secrets: &'a dyn Secrets,
    problems: Vec<Diagnostic>,
}

/// What is wrong, in three parts.
struct Wrong {
    message: String,
    label: String,
    help: String,
}

/// Shorthand for [`Wrong`].
fn wrong(message: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong {
        message: message.into(),
        label: label.into(),
        help: help.into(),
    }
}

impl Checker<'_> {
    /// Reports the value at a path.
    fn value(&mut self, path: &[&str], wrong: Wrong) {
        let diagnostic = self.document.error(self.document.at(path), wrong.message);
        self.problems
            .push(diagnostic.label(wrong.label).help(wrong.help));
    }

    /// Reports the key at a path.
    fn key(&mut self, path: &[&str], wrong: Wrong) {
        let diagnostic = self
            .document
            .error(self.document.key_at(path), wrong.message);
        self.problems
            .push(diagnostic.label(wrong.label).help(wrong.help));
    }

    fn cluster_name(&mut self, text: &str) -> Option<ClusterName> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let help = "choose one like `shop` or `shop-eu.1`";
                self.value(
                    &["cluster"],
                    wrong("not a cluster's name", format!("{error}"), help),
                );
                None
            }
        }
    }

    fn durability(&mut self, given: Option<Durability>, hosts: &BTreeMap<HostName, Host>) {
        if given == Some(Durability::Lossless) && hosts.len() == 1 {
            self.value(
                &["durability"],
                wrong(
                    "`lossless` needs a replica",
                    "no replica could acknowledge a commit",
                    "add a host, or remove this line",
                ),
            );
        }
    }
}

/// The message for hosts of which none is the first primary.
fn no_primary(document: &Document) -> Diagnostic {
    document
        .error(document.key_at(&["hosts"]), "no host is the primary")
        .label("none of these has `primary: true`")
        .help("write `primary: true` at the host that has the data, or at any one of new hosts")
}
