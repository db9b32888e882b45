//! Makes folders and links, gives owners and modes, takes paths away. Never a folder that holds
//! something.

use super::{SCRIPT, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::{Outcome, PathChange, PathState};

const SET: &str = r#"
set -e
case $state in
folder) [ -d "$path" ] || install -d -m 0755 -- "$path" ;;
link) ln -sfn -- "$target" "$path" ;;
absent)
    if [ -d "$path" ] && ! [ -L "$path" ]; then rmdir -- "$path"; else rm -f -- "$path"; fi
    return 0
    ;;
esac
[ -z "$owner" ] || chown -- "$owner" "$path"
[ -z "$group" ] || chgrp -- "$group" "$path"
[ -z "$mode" ] || chmod -- "$mode" "$path"
"#;

/// Makes one path what it should be.
pub(super) async fn set(
    connection: &Connection,
    change: &PathChange,
) -> Result<Outcome, ActionError> {
    let (state, target) = match &change.state {
        PathState::File => ("file", ""),
        PathState::Folder => ("folder", ""),
        PathState::Link(target) => ("link", target.as_str()),
        PathState::Absent => ("absent", ""),
    };
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let script = Script::default()
        .set("path", &change.path)
        .set("state", state)
        .set("target", target)
        .set("owner", &given(&change.owner))
        .set("group", &given(&change.group))
        .set("mode", &given(&change.mode))
        .line(SET);
    run(connection, "changing a path", script, SCRIPT)
        .await
        .map(|_| Outcome::Changed)
}
