//! What a user's own tasks leave on a machine, as far as they say it themselves.

use crate::facts::{FileFacts, OsFacts, PathFacts, PathKind};
use crate::plan::{Action, Awaited, PathChange, PathState};

pub(super) fn on_machine(os: &mut OsFacts, action: &Action) {
    match action {
        Action::Run(command) => {
            if let Some(path) = &command.leaves {
                os.paths.insert(path.clone(), plain(PathKind::File));
            }
            if let Some(path) = &command.takes {
                os.paths.insert(path.clone(), PathFacts::Absent);
            }
        }
        Action::SetPath(change) => set_path(os, change),
        Action::SetSysctl { name, value } => {
            os.sysctls.insert(name.clone(), Some(value.clone()));
        }
        Action::Await { what, .. } => match what {
            Awaited::PortOpen(port) => {
                os.ports.insert(*port, true);
            }
            Awaited::PortClosed(port) => {
                os.ports.insert(*port, false);
            }
            Awaited::PathThere(path) => {
                os.paths.insert(path.clone(), plain(PathKind::File));
            }
            Awaited::PathGone(path) => {
                os.paths.insert(path.clone(), PathFacts::Absent);
            }
        },
        _ => {}
    }
}

fn plain(kind: PathKind) -> PathFacts {
    PathFacts::Present {
        kind,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "755".to_owned(),
    }
}

fn set_path(os: &mut OsFacts, change: &PathChange) {
    let path = change.path.clone();
    let seen = os.paths.get(&path).cloned();
    let made = match &change.state {
        PathState::Absent => {
            if os.files.contains_key(&path) {
                os.files.insert(path.clone(), FileFacts::Absent);
            }
            PathFacts::Absent
        }
        PathState::Link(target) => plain(PathKind::Link(target.clone())),
        PathState::Folder if seen.is_none() || seen == Some(PathFacts::Absent) => {
            plain(PathKind::Folder)
        }
        PathState::Folder | PathState::File => seen.unwrap_or_else(|| plain(PathKind::File)),
    };
    let facts = match made {
        PathFacts::Present {
            kind,
            owner,
            group,
            mode,
        } => PathFacts::Present {
            kind,
            owner: change.owner.clone().unwrap_or(owner),
            group: change.group.clone().unwrap_or(group),
            mode: change.mode.clone().unwrap_or(mode),
        },
        PathFacts::Absent => PathFacts::Absent,
    };
    os.paths.insert(path, facts);
}
