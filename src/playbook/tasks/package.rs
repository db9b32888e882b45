//! `package`: packages of the distribution are installed, by apt, dnf or yum. It never upgrades one that is there: a
//! newer database server is a decision, not a side effect.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::{Needs, PackageManager};
use crate::plan::Action;
use crate::playbook::arguments::Texts;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `package`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Package names, or a text of several with blanks between them; one that renders to nothing is left
    /// out.
    pub name: Texts,
}

impl Package {
    /// The names, each by itself: a text may render to several.
    fn names(&self, scope: &Scope<'_>) -> Result<Vec<String>, TaskError> {
        let rendered = scope.render_all(&self.name)?;
        Ok(rendered
            .iter()
            .flat_map(|text| text.split_whitespace())
            .map(ToOwned::to_owned)
            .collect())
    }

    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let packages = self.names(scope)?.into_iter().collect();
        Ok(Needs {
            packages,
            ..Needs::default()
        })
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let installed = |name: &String| {
            let facts = scope.os().and_then(|os| os.packages.get(name));
            facts.is_some_and(|package| package.installed.is_some())
        };
        let mut missing = self.names(scope)?;
        missing.retain(|name| !installed(name));
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let manager = scope.os().and_then(|os| os.package_manager);
        if manager == Some(PackageManager::Unknown) {
            return Err(TaskError::Arguments(format!(
                "the host has no package manager that hactl knows ({}): install {} there by hand, and leave the \
                 task out there by `when`",
                PackageManager::KNOWN,
                missing.join(", ")
            )));
        }
        let why = format!("{} not installed", missing.join(", "));
        Ok(vec![Change::new(
            Action::InstallPackages { packages: missing },
            why,
        )])
    }
}
