//! Waits on a host until something is so. It changes nothing.

use std::time::Duration;

use super::run;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::{Awaited, Outcome};

/// Beyond the time of the wait itself.
const MARGIN: Duration = Duration::from_secs(20);

/// Listening sockets have the state 0A; ports are four hexadecimal digits.
const WAIT: &str = r#"
is_so() {
    case $what in
    port_open) listens ;;
    port_closed) ! listens ;;
    path_there) [ -e "$subject" ] || [ -L "$subject" ] ;;
    path_gone) ! { [ -e "$subject" ] || [ -L "$subject" ]; } ;;
    esac
}
listens() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v port=":$(printf %04X "$subject")" '$4 == "0A" && $2 ~ port "$" { found = 1 } END { exit !found }'
}
until=$(($(date +%s) + seconds))
until is_so; do
    if [ "$(date +%s)" -ge "$until" ]; then echo late; return 0; fi
    sleep 0.2
done
"#;

/// Waits for one thing.
pub(super) async fn wait(
    connection: &Connection,
    what: &Awaited,
    within: Duration,
) -> Result<Outcome, ActionError> {
    let (kind, subject) = match what {
        Awaited::PortOpen(port) => ("port_open", port.to_string()),
        Awaited::PortClosed(port) => ("port_closed", port.to_string()),
        Awaited::PathThere(path) => ("path_there", path.clone()),
        Awaited::PathGone(path) => ("path_gone", path.clone()),
    };
    let script = Script::default()
        .set("what", kind)
        .set("subject", &subject)
        .set("seconds", &within.as_secs().to_string())
        .line(WAIT);
    let answer = run(connection, "waiting", script, within + MARGIN).await?;
    if answer.trim() == "late" {
        return Err(ActionError::TimedOut {
            host: connection.host.clone(),
            what: what.to_string(),
            after: within,
        });
    }
    Ok(Outcome::Already)
}
