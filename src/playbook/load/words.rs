//! The words of a playbook that only an inventory can explain: variables, hosts, groups. They are noted
//! at load with their places, so that one that nobody explains is shown before the first connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::inventory::Cluster;
use crate::playbook::variables::RESERVED;
use crate::playbook::{Pattern, Playbook, PlaybookError};
use crate::yaml::{Diagnostic, Diagnostics, Source, Span, closest};

/// A word and where it is used.
#[derive(Clone, Debug)]
pub struct Word {
    pub(super) source: Arc<Source>,
    pub(super) span: Span,
    pub(super) meaning: Meaning,
}

/// What a word should be.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// A variable that the playbook does not set; beside it, those that it does.
    Variable(String, BTreeSet<String>),
    /// Hosts.
    Hosts(Pattern),
}

/// Names that templates have without anybody setting them.
pub(super) const GLOBALS: [&str; 7] = [
    "debug",
    "dict",
    "loop",
    "namespace",
    "range",
    "self",
    "super",
];

/// Finds every word that neither the inventory nor `extra` (variables of the command line) explains.
///
/// # Errors
/// Them, at their places.
pub fn explained(
    playbook: &Playbook,
    cluster: &Cluster,
    extra: &[String],
) -> Result<(), PlaybookError> {
    let known: BTreeSet<&str> = cluster
        .vars
        .keys()
        .chain(cluster.hosts.values().flat_map(|host| host.vars.keys()))
        .chain(extra)
        .map(String::as_str)
        .chain(RESERVED)
        .collect();
    let wrong: Diagnostics = playbook
        .words
        .iter()
        .filter_map(|word| unexplained(word, cluster, &known))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(PlaybookError::Invalid(wrong))
    }
}

fn unexplained(word: &Word, cluster: &Cluster, known: &BTreeSet<&str>) -> Option<Diagnostic> {
    let said = |message: String, help: String| {
        Diagnostic::new(Arc::clone(&word.source), word.span, message).help(help)
    };
    match &word.meaning {
        Meaning::Variable(name, near) => {
            if known.contains(name.as_str()) {
                return None;
            }
            let all = known.iter().copied().chain(near.iter().map(String::as_str));
            let help = match closest(name, all) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "set it under `vars:`, by `register:` of an earlier task, in the inventory, or with -e {name}=…"
                ),
            };
            Some(said(format!("nothing is called `{name}`"), help))
        }
        Meaning::Hosts(pattern) => {
            let unknown = pattern.unknown_words(cluster);
            let first = unknown.first()?;
            let groups: BTreeSet<&str> = cluster
                .hosts
                .values()
                .flat_map(|host| &host.groups)
                .map(String::as_str)
                .collect();
            let hosts = cluster.hosts.keys().map(AsRef::as_ref);
            let known: Vec<&str> = ["all", "primary", "replicas", "serving", "joining"]
                .into_iter()
                .chain(hosts)
                .chain(groups)
                .collect();
            Some(said(
                format!("no host or group `{first}` in the inventory"),
                format!("there are: {}", known.join(", ")),
            ))
        }
    }
}
