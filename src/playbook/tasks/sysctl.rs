//! `sysctl`: a parameter of the kernel has a value, now and after a reboot. Each has a file of its own in
//! `/etc/sysctl.d`, so that no other's is touched.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::content;
use crate::facts::Needs;
use crate::plan::{Action, FileChange};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `sysctl`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// The parameter: `vm.swappiness`.
    pub name: Text,
    /// Its value, in quotes: `"1"`.
    pub value: Text,
}

impl Sysctl {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let name = scope.render(&self.name)?;
        if name.is_empty() {
            return Ok(Needs::default());
        }
        Ok(Needs {
            files: BTreeSet::from([file(&name)]),
            sysctls: BTreeSet::from([name]),
            ..Needs::default()
        })
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let name = scope.render(&self.name)?;
        let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || !name.chars().all(letter) || name.contains("..") {
            return Err(TaskError::Arguments(format!(
                "`{name}` is no parameter of a kernel; write for example `vm.swappiness`"
            )));
        }
        let value = words(&scope.render(&self.value)?);
        let file = FileChange {
            path: file(&name),
            content: format!("# Written by hactl.\n{name} = {value}\n"),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode: "644".to_owned(),
            before: None,
        };
        let mut changes = content::of_file(scope, file)?;
        let why = match scope.os().and_then(|os| os.sysctls.get(&name)) {
            Some(Some(seen)) if words(seen) == value => return Ok(changes),
            Some(Some(seen)) => format!("it is {}", words(seen)),
            Some(None) => {
                return Err(TaskError::Arguments(format!(
                    "this host's kernel has no parameter `{name}`"
                )));
            }
            None => "it was not asked for".to_owned(),
        };
        changes.push(Change::new(Action::SetSysctl { name, value }, why));
        Ok(changes)
    }
}

fn file(name: &str) -> String {
    format!("/etc/sysctl.d/60-hactl-{name}.conf")
}

/// The kernel writes tabs where people write spaces.
fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}
