//! Writes files, never half: to a temporary file in the same folder, synced, then renamed. Takes files
//! away, never folders.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{SCRIPT, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::{FileChange, Outcome};

const WRITE: &str = r#"
set -e
folder=$(dirname -- "$path")
[ -d "$folder" ] || install -d -m 0755 -- "$folder"
new=$(mktemp "$folder/.hactl.XXXXXX")
trap 'rm -f -- "$new"' EXIT
printf %s "$content" | base64 -d >"$new"
chown "$owner:$group" "$new"
chmod "$mode" "$new"
sync "$new"
mv -f -- "$new" "$path"
trap - EXIT
"#;

/// Writes one file.
pub(super) async fn write(
    connection: &Connection,
    file: &FileChange,
) -> Result<Outcome, ActionError> {
    let script = Script::new("")
        .set("path", &file.path)
        .set("owner", &file.owner)
        .set("group", &file.group)
        .set("mode", &file.mode)
        .set("content", &STANDARD.encode(&file.content))
        .line(WRITE);
    run(connection, "writing a file", script, SCRIPT)
        .await
        .map(|_| Outcome::Changed)
}

const REMOVE: &str = r#"
[ -e "$path" ] || [ -L "$path" ] || { echo already; exit 0; }
rm -f -- "$path"
"#;

/// Takes one file away.
pub(super) async fn remove(connection: &Connection, path: &str) -> Result<Outcome, ActionError> {
    let script = Script::default().set("path", path).line(REMOVE);
    let answer = run(connection, "removing a file", script, SCRIPT).await?;
    Ok(if answer.trim() == "already" {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}
