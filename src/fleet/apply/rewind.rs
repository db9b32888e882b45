//! Starts a crashed server once so that it cuts off the tail of its binary log that no replica
//! acknowledged, instead of committing it (S9). The option is given to this one start and never written
//! to a file: a server that keeps it would cut its log at every crash.
//!
//! A server that runs has committed its tail; nothing can be cut off any more, and nothing is done.

use std::time::Duration;

use super::relay_log::standing;
use super::start_with::START_WITH;
use super::{last_lines, run, session};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::plan::Outcome;

/// Recovery after a crash may take long.
const START: Duration = Duration::from_mins(30);

/// What was masked by a fence is let go: the server comes up read-only.
const SCRIPT: &str = r#"
for turn in 1 2 3 4 5 6 7 8 9 10; do
    pid=$(systemctl show -p MainPID --value -- "$unit")
    [ "$pid" != 0 ] || break
    case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
    '' | Z | X) sleep 0.1 ;; # It is dead, and systemd has not noticed yet.
    *) echo runs; exit 0 ;;
    esac
done
# A restart may be due in a moment, without the option.
systemctl stop -- "$unit" >/dev/null 2>&1
systemctl unmask -- "$unit" >/dev/null 2>&1
systemctl unmask --runtime -- "$unit" >/dev/null 2>&1
start_with "$unit" "$option" && { echo started; exit 0; }
status=$?
journalctl -n 8 --no-pager -o cat -u "$unit" >&2 2>&1
exit "$status"
"#;

/// Rewinds one server.
pub(super) async fn rewind(
    fleet: &LiveFleet,
    connection: &Connection,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    // No server runs that could be asked; the inventory's flavor is all there is.
    let expected = fleet.expected();
    let Some(option) = expected.rewind_option() else {
        return Ok(Outcome::Already);
    };
    let script = Script::default()
        .set("unit", expected.service_unit())
        .set("option", option)
        .line(START_WITH)
        .line(SCRIPT);
    let said = run(
        connection,
        "starting the server to cut off its tail",
        script,
        START,
    )
    .await?;
    if last_lines(&said) != "started" {
        return Ok(Outcome::Already);
    }
    connection.forget_session().await;
    let (mut session, _) = session(fleet, connection).await?;
    if standing(&mut session).await?.read_only.is_full() {
        return Ok(Outcome::Changed);
    }
    drop(session);
    let stop = Script::default()
        .set("unit", expected.service_unit())
        .line("systemctl stop -- \"$unit\"");
    run(connection, "stopping the server", stop, START).await?;
    Err(ActionError::Unfit {
        host: host.clone(),
        reason: "the server came up writable, and was stopped again".to_owned(),
        hint:
            "look for what makes it writable when it starts (`init_file`, its unit), then run again"
                .to_owned(),
    })
}
