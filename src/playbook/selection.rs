//! Which part of a playbook is carried out, and on which hosts. It never narrows what is looked at: the
//! rules about a cluster hold for the whole of it.

use std::collections::BTreeSet;

use crate::playbook::{Pattern, Playbook, Task};

/// What a person picked on the command line; everything, unless said.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only on these hosts.
    pub limit: Option<Pattern>,
    /// Only tasks with one of these tags; all where it is empty.
    pub tags: BTreeSet<String>,
    /// No tasks with one of these tags.
    pub skip_tags: BTreeSet<String>,
    /// Nothing before the task of this name.
    pub start_at: Option<String>,
}

/// Done whatever tags are asked for, unless it is skipped by name.
const ALWAYS: &str = "always";
/// Done only when one of its tags is asked for.
const NEVER: &str = "never";
/// Every tag that stands for tasks by whether they have one.
const ALL: &str = "all";
const TAGGED: &str = "tagged";
const UNTAGGED: &str = "untagged";

impl Selection {
    /// Whether anything is left out.
    pub fn is_partial(&self) -> bool {
        self.limit.is_some()
            || !self.tags.is_empty()
            || !self.skip_tags.is_empty()
            || self.start_at.is_some()
    }

    /// Whether a task's tags are asked for.
    pub fn takes(&self, task: &Task) -> bool {
        let has = |word: &String| match word.as_str() {
            ALL => true,
            TAGGED => !task.tags.is_empty(),
            UNTAGGED => task.tags.is_empty(),
            word => task.tags.contains(word),
        };
        let by_name = self.tags.iter().any(|tag| task.tags.contains(tag));
        let wanted = if task.tags.contains(NEVER) {
            by_name
        } else {
            self.tags.is_empty() || task.tags.contains(ALWAYS) || self.tags.iter().any(has)
        };
        wanted && !self.skip_tags.iter().any(has)
    }

    /// Tags that were asked for and that no task has.
    pub fn unknown_tags(&self, playbook: &Playbook) -> Vec<String> {
        let known: BTreeSet<&str> = playbook
            .tasks()
            .flat_map(|task| task.tags.iter().map(String::as_str))
            .chain([ALWAYS, NEVER, ALL, TAGGED, UNTAGGED])
            .collect();
        self.tags
            .iter()
            .chain(&self.skip_tags)
            .filter(|tag| !known.contains(tag.as_str()))
            .cloned()
            .collect()
    }
}
