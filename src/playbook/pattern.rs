//! Host patterns, as Ansible writes them: `all`, `primary`, `replicas`, `serving`, `joining`, a host, a
//! group, `db*`; `a,b` is either, `&a` takes only those that are `a` too, `!a` takes away. A pattern never
//! reaches a host that is not in the inventory.

use std::fmt;

use crate::decide::{Role, Topology};
use crate::inventory::{Cluster, Host};

/// A parsed pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    with: Vec<String>,
    among: Vec<String>,
    without: Vec<String>,
}

/// Words that are true of every host, or of some by what is seen.
const WORDS: [&str; 5] = ["all", "primary", "replicas", "serving", "joining"];

impl Pattern {
    /// Parses; words are only known to be hosts or groups once an inventory is at hand.
    pub fn parse(text: &str) -> Self {
        let mut pattern = Self {
            text: text.to_owned(),
            with: Vec::new(),
            among: Vec::new(),
            without: Vec::new(),
        };
        for part in text.split([',', ':']).map(str::trim) {
            let (words, word) = match part.as_bytes().first() {
                None => continue,
                Some(b'!') => (&mut pattern.without, &part[1..]),
                Some(b'&') => (&mut pattern.among, &part[1..]),
                Some(_) => (&mut pattern.with, part),
            };
            words.push(word.trim().to_owned());
        }
        pattern
    }

    fn words(&self) -> impl Iterator<Item = &String> {
        self.with.iter().chain(&self.among).chain(&self.without)
    }

    /// Words of the pattern that name nothing in this inventory.
    pub fn unknown_words(&self, cluster: &Cluster) -> Vec<String> {
        self.words()
            .filter(|word| {
                !WORDS.contains(&word.as_str())
                    && !cluster.hosts.values().any(|host| names(host, word))
            })
            .cloned()
            .collect()
    }

    /// Whether only a look at the hosts tells which are meant.
    pub fn needs_topology(&self) -> bool {
        self.words()
            .any(|word| word != "all" && WORDS.contains(&word.as_str()))
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
        (self.with.is_empty() || self.with.iter().any(hit))
            && self.among.iter().all(hit)
            && !self.without.iter().any(hit)
    }
}

fn names(host: &Host, word: &str) -> bool {
    is_like(host.name.as_ref(), word) || host.groups.iter().any(|group| is_like(group, word))
}

/// Whether a name is what `pattern` says, where `*` stands for any letters.
fn is_like(name: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(left) = name.strip_prefix(start) else {
        return false;
    };
    (0..=left.len())
        .filter_map(|at| left.get(at..))
        .any(|left| is_like(left, rest))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
