//! What a task has from what is around it: its play, its blocks, the task that imports its file.

use std::collections::BTreeSet;

use super::raw::RawTask;
use crate::plan::RunAs;
use crate::playbook::arguments::{Texts, Vars};
use crate::playbook::{RunOn, Within};

/// The inheritance of a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    pub(super) when: Vec<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) vars: Vec<Vars>,
    pub(super) run_as: RunAs,
    pub(super) run_on: RunOn,
    pub(super) within: Vec<Within>,
}

impl Around {
    /// One level further in.
    pub(super) fn with(&self, raw: &RawTask) -> Self {
        let mut inner = self.clone();
        inner.when.extend(raw.when.0.iter().cloned());
        inner.tags.extend(tags(&raw.tags));
        if !raw.vars.0.is_empty() {
            inner.vars.push(raw.vars.clone());
        }
        inner.run_as = run_as(raw.becomes, raw.become_user.as_deref(), inner.run_as);
        inner.run_on = raw.run_on.unwrap_or(inner.run_on);
        inner
    }
}

/// Tags as Ansible has them: a list, or one text with commas.
pub(super) fn tags(texts: &Texts) -> impl Iterator<Item = String> {
    texts
        .0
        .iter()
        .flat_map(|text| text.0.split(','))
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
}

/// hactl works as root; a command may be run as somebody else.
pub(super) fn run_as(becomes: Option<bool>, user: Option<&str>, around: RunAs) -> RunAs {
    match (becomes, user) {
        (Some(false), _) => RunAs::Login,
        (_, Some("root")) | (Some(true), None) => RunAs::Root,
        (_, Some(user)) => RunAs::User(user.to_owned()),
        (None, None) => around,
    }
}
