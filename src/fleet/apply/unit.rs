//! Changes systemd units. A server that does not start is reported with the end of its journal.

use std::time::Duration;

use super::at_rest::AT_REST;
use super::run;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::{Outcome, UnitChange};

/// A server that recovers after a crash, or writes back a large buffer pool, takes its time.
const CHANGE: Duration = Duration::from_mins(10);

/// A run that was killed may have left unit files that systemd has not read.
const START: &str = r#"
if [ "$(systemctl show -p NeedDaemonReload --value -- "$unit")" = yes ]; then
    systemctl daemon-reload
fi
case $verb in stop | restart) at_rest "$unit" ;; esac
systemctl "$verb" -- "$unit" && exit 0
status=$?
journalctl -n 8 --no-pager -o cat -u "$unit" >&2 2>&1
exit "$status"
"#;

/// `systemctl daemon-reload`.
pub(super) async fn reload(connection: &Connection) -> Result<Outcome, ActionError> {
    let script = Script::new("systemctl daemon-reload");
    run(connection, "systemctl daemon-reload", script, CHANGE)
        .await
        .map(|_| Outcome::Changed)
}

/// Changes one unit.
pub(super) async fn set(
    connection: &Connection,
    unit: &str,
    change: UnitChange,
) -> Result<Outcome, ActionError> {
    let (verb, what) = match change {
        UnitChange::Start => ("start", "systemctl start"),
        UnitChange::Stop => ("stop", "systemctl stop"),
        UnitChange::Restart => ("restart", "systemctl restart"),
        UnitChange::Enable => ("enable", "systemctl enable"),
        UnitChange::Disable => ("disable", "systemctl disable"),
        UnitChange::Mask => ("mask", "systemctl mask"),
    };
    let script = Script::new("")
        .set("verb", verb)
        .set("unit", unit)
        .line(AT_REST)
        .line(START);
    run(connection, what, script, CHANGE).await?;
    // A session to a server that was stopped is a dead end.
    connection.forget_session().await;
    Ok(Outcome::Changed)
}
