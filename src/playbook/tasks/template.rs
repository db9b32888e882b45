//! `template`: a file has the content of a rendered template, its owner and its mode.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::{FileFacts, Needs};
use crate::plan::{Action, FileChange};
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
    /// Owner; `root` unless said.
    #[serde(default = "root")]
    pub owner: Text,
    /// Group; `root` unless said.
    #[serde(default = "root")]
    pub group: Text,
    /// Permission bits in octal, quoted; `"0644"` unless said.
    #[serde(default = "readable")]
    pub mode: Text,
}

fn root() -> Text {
    Text("root".to_owned())
}

fn readable() -> Text {
    Text("0644".to_owned())
}

impl Template {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        // Empty where `when` keeps the task from this host.
        let dest = scope.render(&self.dest)?;
        Ok(Needs {
            files: Some(dest)
                .into_iter()
                .filter(|dest| !dest.is_empty())
                .collect(),
            ..Needs::default()
        })
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let mut wanted = FileChange {
            path: absolute(scope.render(&self.dest)?)?,
            content: scope.render_file(&scope.render(&self.src)?)?,
            owner: scope.render(&self.owner)?,
            group: scope.render(&self.group)?,
            mode: octal(&scope.render(&self.mode)?)?,
            before: None,
        };
        let seen = scope.os().and_then(|os| os.files.get(&wanted.path));
        let why = match seen {
            None | Some(FileFacts::Absent) => "the file is missing".to_owned(),
            Some(FileFacts::Other(kind)) => {
                let path = &wanted.path;
                return Err(TaskError::Arguments(format!(
                    "{path} is a {kind}, not a file; move it away"
                )));
            }
            Some(FileFacts::Present {
                content,
                owner,
                group,
                mode,
            }) => {
                wanted.before = Some(content.clone());
                let mut differs = Vec::new();
                if *content != wanted.content {
                    differs.push("content".to_owned());
                }
                if (owner, group) != (&wanted.owner, &wanted.group) {
                    differs.push(format!("owner {owner}:{group}"));
                }
                if *mode != wanted.mode {
                    differs.push(format!("mode {mode}"));
                }
                if differs.is_empty() {
                    return Ok(Vec::new());
                }
                format!("{} differs", differs.join(", "))
            }
        };
        Ok(vec![Change::new(Action::WriteFile(wanted), why)])
    }
}

fn absolute(path: String) -> Result<String, TaskError> {
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(TaskError::Arguments(format!(
            "dest `{path}` is not an absolute path"
        )))
    }
}

/// `0644` and `644` are the same; `rw-r--r--` and 420 are not octal digits.
fn octal(mode: &str) -> Result<String, TaskError> {
    let digits = mode.trim_start_matches('0');
    let valid =
        (3..=4).contains(&digits.len()) && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    if valid {
        Ok(digits.to_owned())
    } else {
        Err(TaskError::Arguments(format!(
            "mode `{mode}` is not octal; write for example \"0644\""
        )))
    }
}
