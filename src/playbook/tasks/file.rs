//! `file`: a folder or a link exists, a path does not, or what exists has an owner and a mode. It never
//! empties a folder: only a file, a link or an empty folder is taken away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::{absolute, octal};
use crate::facts::{Needs, PathFacts, PathKind};
use crate::plan::{Action, PathChange, PathState};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `file`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The absolute path.
    pub path: Text,
    /// What is there; a file must exist already.
    #[serde(default)]
    pub state: State,
    /// What a link names.
    pub src: Option<Text>,
    /// Owner; as it is unless said.
    pub owner: Option<Text>,
    /// Group; as it is unless said.
    pub group: Option<Text>,
    /// Permission bits in octal, quoted; as they are unless said.
    pub mode: Option<Text>,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "PathState")]
pub enum State {
    /// A file.
    #[default]
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Link,
    /// Nothing.
    Absent,
}

impl File {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let mut paths = std::collections::BTreeSet::from([scope.render(&self.path)?]);
        paths.remove("");
        Ok(Needs {
            paths,
            ..Needs::default()
        })
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let wanted = PathChange {
            path: absolute(scope.render(&self.path)?)?,
            state: self.state(scope)?,
            owner: scope.render_some(self.owner.as_ref())?,
            group: scope.render_some(self.group.as_ref())?,
            mode: match scope.render_some(self.mode.as_ref())? {
                Some(mode) => Some(octal(&mode)?),
                None => None,
            },
        };
        let Some(os) = scope.os() else {
            return Ok(Vec::new());
        };
        let seen = os.paths.get(&wanted.path).unwrap_or(&PathFacts::Absent);
        let why = differs(seen, &wanted)?;
        Ok(why
            .map(|why| Change::new(Action::SetPath(wanted), why))
            .into_iter()
            .collect())
    }

    fn state(&self, scope: &Scope<'_>) -> Result<PathState, TaskError> {
        let outside = self.owner.is_some() || self.group.is_some() || self.mode.is_some();
        let wrong = |why: &str| Err(TaskError::Arguments(why.to_owned()));
        match (self.state, &self.src) {
            (State::Link, None) => wrong("a link needs `src`: what it names"),
            (State::Link | State::Absent, _) if outside => {
                wrong("`owner`, `group` and `mode` are for files and folders")
            }
            (State::Link, Some(src)) => Ok(PathState::Link(scope.render(src)?)),
            (_, Some(_)) => wrong("`src` is for links; `copy` makes files"),
            (State::File, None) => Ok(PathState::File),
            (State::Directory, None) => Ok(PathState::Folder),
            (State::Absent, None) => Ok(PathState::Absent),
        }
    }
}

/// Why a path is not as it should be.
fn differs(seen: &PathFacts, wanted: &PathChange) -> Result<Option<String>, TaskError> {
    let path = &wanted.path;
    let (kind, owner, group, mode) = match (seen, &wanted.state) {
        (PathFacts::Absent, PathState::Absent) => return Ok(None),
        (PathFacts::Absent, PathState::File) => {
            return Err(TaskError::Arguments(format!(
                "{path} does not exist; `copy` and `template` make files"
            )));
        }
        (PathFacts::Absent, PathState::Folder | PathState::Link(_)) => {
            return Ok(Some("it does not exist".to_owned()));
        }
        (PathFacts::Present { .. }, PathState::Absent) => return Ok(Some("it exists".to_owned())),
        (
            PathFacts::Present {
                kind,
                owner,
                group,
                mode,
            },
            _,
        ) => (kind, owner, group, mode),
    };
    match (kind, &wanted.state) {
        (PathKind::Link(names), PathState::Link(wanted)) => {
            return Ok((names != wanted).then(|| format!("it names {names}")));
        }
        (PathKind::File, PathState::File) | (PathKind::Folder, PathState::Folder) => {}
        _ => {
            let kind = match kind {
                PathKind::File => "file",
                PathKind::Folder => "folder",
                PathKind::Link(_) => "link",
                PathKind::Other(kind) => kind,
            };
            return Err(TaskError::Arguments(format!(
                "{path} is a {kind}; move it away"
            )));
        }
    }
    let mut differs = Vec::new();
    for (what, seen, wanted) in [
        ("owner", owner, &wanted.owner),
        ("group", group, &wanted.group),
        ("mode", mode, &wanted.mode),
    ] {
        if wanted.as_ref().is_some_and(|wanted| wanted != seen) {
            differs.push(format!("{what} {seen}"));
        }
    }
    Ok((!differs.is_empty()).then(|| format!("{} differs", differs.join(", "))))
}
