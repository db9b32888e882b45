//! What `template` and `copy` share: a file with a content, an owner and a mode.

use std::collections::BTreeSet;

use crate::facts::{FileFacts, Needs};
use crate::plan::{Action, FileChange};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments for the outside of a file.
pub(super) struct Outside<'a> {
    pub(super) dest: &'a Text,
    pub(super) owner: &'a Text,
    pub(super) group: &'a Text,
    pub(super) mode: &'a Text,
}

/// What must be known of the file.
pub(super) fn needs(scope: &Scope<'_>, dest: &Text) -> Result<Needs, TaskError> {
    // Empty where `when` keeps the task from this host.
    let dest = scope.render(dest)?;
    Ok(Needs {
        files: Some(dest)
            .into_iter()
            .filter(|dest| !dest.is_empty())
            .collect::<BTreeSet<_>>(),
        ..Needs::default()
    })
}

/// The change that gives a file this content and this outside.
pub(super) fn diff(
    scope: &Scope<'_>,
    outside: &Outside<'_>,
    content: String,
) -> Result<Vec<Change>, TaskError> {
    of_file(scope, wanted(scope, outside, content, None)?)
}

/// The file as it should be, and what is not so; `None` when all is.
pub(super) fn file(
    scope: &Scope<'_>,
    outside: &Outside<'_>,
    content: String,
) -> Result<Option<(FileChange, String)>, TaskError> {
    differing(scope, wanted(scope, outside, content, None)?)
}

/// A file with this content, in place of another.
pub(super) fn wanted(
    scope: &Scope<'_>,
    outside: &Outside<'_>,
    content: String,
    before: Option<String>,
) -> Result<FileChange, TaskError> {
    Ok(FileChange {
        path: absolute(scope.render(outside.dest)?)?,
        content,
        owner: scope.render(outside.owner)?,
        group: scope.render(outside.group)?,
        mode: octal(&scope.render(outside.mode)?)?,
        before,
    })
}

/// The change that makes a file what it should be.
pub(super) fn of_file(scope: &Scope<'_>, wanted: FileChange) -> Result<Vec<Change>, TaskError> {
    let changed = differing(scope, wanted)?;
    let change = |(file, why)| Change::new(Action::WriteFile(file), why);
    Ok(changed.map(change).into_iter().collect())
}

fn differing(
    scope: &Scope<'_>,
    mut wanted: FileChange,
) -> Result<Option<(FileChange, String)>, TaskError> {
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
                return Ok(None);
            }
            format!("{} differs", differs.join(", "))
        }
    };
    Ok(Some((wanted, why)))
}

/// A path that means the same everywhere.
pub(super) fn absolute(path: String) -> Result<String, TaskError> {
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(TaskError::Arguments(format!(
            "dest `{path}` is not an absolute path"
        )))
    }
}

/// `0644` and `644` are the same; `rw-r--r--` and 420 are not octal digits.
pub(super) fn octal(mode: &str) -> Result<String, TaskError> {
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

/// Whose a file is unless said.
pub(super) fn root() -> Text {
    Text("root".to_owned())
}

/// Who may read a file unless said: everybody.
pub(super) fn readable() -> Text {
    Text("0644".to_owned())
}
