//! Sets a parameter of a host's kernel, until the next boot.

use super::{SCRIPT, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::Outcome;

/// In a name `.` stands for `/`. What the kernel made of it is read back.
const SET: &str = r#"
file=/proc/sys/$(printf %s "$name" | tr . /)
printf '%s\n' "$value" >"$file" || return 1
set -- $(cat "$file")
[ "$*" = "$value" ] || { echo "the kernel made it $*" >&2; return 1; }
"#;

/// Sets one parameter.
pub(super) async fn set(
    connection: &Connection,
    name: &str,
    value: &str,
) -> Result<Outcome, ActionError> {
    let script = Script::default()
        .set("name", name)
        .set("value", value)
        .line(SET);
    run(
        connection,
        "setting a parameter of the kernel",
        script,
        SCRIPT,
    )
    .await
    .map(|_| Outcome::Changed)
}
