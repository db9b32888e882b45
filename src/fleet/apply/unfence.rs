//! Lets a fenced server be started again, and starts it. It must come up read-only, or it is stopped
//! at once: who may write is decided by others.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::start_with::START_WITH;
use super::{facts, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::plan::Outcome;

/// A server that recovers after a crash takes its time.
const START: Duration = Duration::from_mins(10);
/// How long a server that systemd calls started may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

const UNFENCE_SCRIPT: &str = r#"
changed=
for unit in $service $sockets; do
    [ "/etc/systemd/system/$unit" -ef /dev/null ] || continue
    systemctl unmask -- "$unit" || exit
    changed="$changed $unit"
done
systemctl -q is-enabled -- "$service" || { systemctl enable -- "$service" || exit; changed="$changed "; }
systemctl -q is-active -- "$service" && { echo "${changed:-already}"; exit 0; }
start_with "$service" "$option" && { echo "$changed"; exit 0; }
status=$?
journalctl -n 8 --no-pager -o cat -u "$service" >&2 2>&1
exit "$status"
"#;

/// What was unmasked is masked again: no boot may start what came up writable.
const FENCE_AGAIN: &str = r#"
systemctl stop -- "$service"
for unit in $masked; do systemctl mask -- "$unit"; done
"#;

/// Unmasks, enables, starts, and waits until the server answers.
pub(super) async fn unfence(
    fleet: &LiveFleet,
    connection: &Connection,
) -> Result<Outcome, ActionError> {
    let dialect = fleet.expected();
    let script = Script::default()
        .set("service", dialect.service_unit())
        .set("sockets", &dialect.all_socket_units().join(" "))
        .set("option", dialect.read_only_option().unwrap_or_default());
    let begin = script.clone().line(START_WITH).line(UNFENCE_SCRIPT);
    let answer = run(
        connection,
        "unmasking and starting the server",
        begin,
        START,
    )
    .await?;
    if answer.trim() == "already" {
        return Ok(Outcome::Already);
    }
    connection.forget_session().await;
    let until = Instant::now() + ANSWER;
    let mut session = loop {
        let admin = &fleet.cluster().accounts.admin;
        match connection.sql_within(admin, dialect, ANSWER).await {
            Ok(session) => break session,
            Err(_) if Instant::now() < until => sleep(Duration::from_millis(50)).await,
            Err(fault) => return Err(ActionError::Login(fault)),
        }
    };
    if facts(fleet, &mut session).await?.read_only.is_writable() {
        drop(session);
        let stop = script.set("masked", answer.trim()).line(FENCE_AGAIN);
        run(connection, "stopping the server", stop, START).await?;
        return Err(ActionError::Unfit {
            host: connection.host.clone(),
            reason: "the server came up writable, and was stopped again".to_owned(),
            hint: "its option files must say read_only: look for one that overrides hactl's, then run again"
                .to_owned(),
        });
    }
    Ok(Outcome::Changed)
}
