//! Checks variables, and the groups that have some.

use std::collections::BTreeMap;

use super::{Checker, wrong};
use crate::inventory::Scalar;
use crate::inventory::raw::{RawGroup, RawHost};

impl Checker<'_> {
    /// Names that templates can use.
    pub(super) fn vars(&mut self, path: &[&str], vars: &BTreeMap<String, Scalar>) {
        for name in vars.keys() {
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                self.key(
                    &[path, &[name]].concat(),
                    wrong(
                        "not a variable's name",
                        "templates could not name it",
                        "use letters, digits and `_`, and no digit first",
                    ),
                );
            }
        }
    }

    /// Groups that some host is in.
    pub(super) fn group_vars(
        &mut self,
        groups: &BTreeMap<String, RawGroup>,
        hosts: &BTreeMap<String, RawHost>,
    ) {
        for (name, group) in groups {
            self.vars(&["groups", name, "vars"], &group.vars);
            if !hosts.values().any(|host| host.groups.contains(name)) {
                let help = format!("write `groups: [{name}]` on its hosts, or remove it");
                let message = format!("no host is in the group `{name}`");
                self.key(
                    &["groups", name],
                    wrong(message, "nobody's variables", help),
                );
            }
        }
    }
}

/// A host's variables: its groups' by the order of their names, then its own.
pub(super) fn of_host(
    groups: &BTreeMap<String, RawGroup>,
    of: &[String],
    own: BTreeMap<String, Scalar>,
) -> BTreeMap<String, Scalar> {
    let of_groups = of.iter().filter_map(|name| groups.get(name));
    of_groups
        .flat_map(|group| group.vars.clone())
        .chain(own)
        .collect()
}
