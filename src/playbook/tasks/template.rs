//! `template`: a file has the content of a rendered template, its owner and its mode.

use schemars::JsonSchema;
use serde::Deserialize;

use super::content::{self, Outside, readable, root};
use crate::facts::Needs;
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `template`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The template's file name, below the templates folder.
    pub src: Text,
    /// The absolute path of the file to write.
    pub dest: Text,
    /// Its owner.
    #[serde(default = "root")]
    pub owner: Text,
    /// Its group.
    #[serde(default = "root")]
    pub group: Text,
    /// Permission bits in octal, quoted.
    #[serde(default = "readable")]
    pub mode: Text,
}

impl Template {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        content::needs(scope, &self.dest)
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let content = scope.render_file(&scope.render(&self.src)?)?;
        let outside = Outside {
            dest: &self.dest,
            owner: &self.owner,
            group: &self.group,
            mode: &self.mode,
        };
        content::diff(scope, &outside, content)
    }
}
