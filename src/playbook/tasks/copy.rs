//! `copy`: a file has this content: that of a file in the `files` folder beside the playbook, as it is,
//! or the text that is given, rendered.

use schemars::JsonSchema;
use serde::Deserialize;

use super::content::{self, Outside, readable, root};
use crate::facts::Needs;
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `copy`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The file's name, below the files folder; text only.
    pub src: Option<Text>,
    /// The content itself.
    pub content: Option<Text>,
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

impl Copy {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        content::needs(scope, &self.dest)
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let content = match (&self.src, &self.content) {
            (Some(src), None) => scope.file(&scope.render(src)?)?,
            (None, Some(content)) => scope.render(content)?,
            (Some(_), Some(_)) | (None, None) => {
                return Err(TaskError::Arguments(
                    "`copy` needs one of `src` and `content`".to_owned(),
                ));
            }
        };
        let outside = Outside {
            dest: &self.dest,
            owner: &self.owner,
            group: &self.group,
            mode: &self.mode,
        };
        content::diff(scope, &outside, content)
    }
}
