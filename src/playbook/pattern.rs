//! Host patterns: `all`, `primary`, `replicas`, `serving`, `joining`, a host, a group; `a,b` is either,
//! `!a` takes away. A pattern never reaches a host that is not in the inventory.

use std::fmt;

use crate::decide::{Role, Topology};
use crate::inventory::{Cluster, Host};

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    with: Vec<String>,
    without: Vec<String>,
}

/// Words with a meaning of their own.
const WORDS: [&str; 5] = ["all", "primary", "replicas", "serving", "joining"];

impl Pattern {
    /// Parses; words are only known to be hosts or groups once an inventory is at hand.
    pub fn parse(text: &str) -> Self {
        let parts = || {
            text.split([',', ':'])
                .map(str::trim)
                .filter(|part| !part.is_empty())
        };
        let with = parts()
            .filter(|part| !part.starts_with('!'))
            .map(ToOwned::to_owned)
            .collect();
        let without = parts()
            .filter_map(|part| part.strip_prefix('!'))
            .map(|part| part.trim().to_owned())
            .collect();
        Self {
            text: text.to_owned(),
            with,
            without,
        }
    }

    /// Words of the pattern that name nothing in this inventory.
    pub fn unknown_words(&self, cluster: &Cluster) -> Vec<String> {
        self.with
            .iter()
            .chain(&self.without)
            .filter(|word| {
                !WORDS.contains(&word.as_str())
                    && !cluster.hosts.values().any(|host| names(host, word))
            })
            .cloned()
            .collect()
    }

    /// Whether a host is meant.
    pub fn matches(&self, host: &Host, topology: &Topology) -> bool {
        let hit = |word: &String| match word.as_str() {
            "all" => true,
            "primary" => topology.role(&host.name) == Role::Primary,
            "replicas" => topology.role(&host.name) == Role::Replica,
            "serving" => topology.serves(&host.name),
            "joining" => !topology.serves(&host.name),
            word => names(host, word),
        };
        (self.with.is_empty() || self.with.iter().any(hit)) && !self.without.iter().any(hit)
    }
}

fn names(host: &Host, word: &str) -> bool {
    host.name.as_ref() == word || host.groups.iter().any(|group| group == word)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
