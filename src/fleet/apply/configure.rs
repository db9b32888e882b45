//! Gives a server its option file, and the server what is in it. The file is tried by the server's own
//! program first; a server that does not start with it gets the old one back and is started again.
//!
//! It must never leave a file in place that the server does not start with: a server that dies later
//! would stay down. While a new file is being proven, the old one lies beside it, so that a hactl that is
//! killed in the middle has lost nothing: the next one goes on from there.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use super::at_rest::AT_REST;
use super::relay_log::{Pace, standing};
use super::{SCRIPT, STATEMENT, execute, facts, last_lines, session};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::HostName;
use crate::mysql::{Dialect, ReplicaStatus, ServerFacts, ThreadState};
use crate::plan::{FileChange, Outcome, ServerConfig, TakesEffect};

/// A server that recovers after a crash, or writes back a large buffer pool, takes its time.
const CHANGE: Duration = Duration::from_mins(10);
/// How long replication may take to be as it was: the servers try each second.
const RETURNS: Duration = Duration::from_secs(30);

/// What the scripts end with.
const REFUSED: i32 = 65;
const UNDONE: i32 = 66;
const DOWN: i32 = 67;

/// The old file is kept under a name that the server does not read; an empty one stands for none. Where the
/// server has not been started since the present file was written, one that is there already is of a run
/// that was killed, and is the last that the server started with. What a server's program says of its
/// options it says as `[ERROR]`, sometimes with a status of 0.
const COMMON: &str = r#"
kept=$path.before
keep() {
    [ -e "$kept" ] && [ "$path" -nt "$socket" ] && return 0
    : >"$kept.new" || return 1
    if [ -f "$path" ]; then cp -p -- "$path" "$kept.new" || return 1; fi
    sync "$kept.new"
    mv -f -- "$kept.new" "$kept"
}
put_back() {
    [ -e "$kept" ] || return 0
    if [ -s "$kept" ]; then mv -f -- "$kept" "$path"; else rm -f -- "$path" "$kept"; fi
}
place() {
    folder=$(dirname -- "$path")
    [ -d "$folder" ] || install -d -m 0755 -- "$folder" || return 1
    new=$(mktemp "$folder/.hactl.XXXXXX") || return 1
    if printf %s "$content" | base64 -d >"$new" && chown "$owner:$group" "$new" &&
        chmod "$mode" "$new" && { [ -z "$like" ] || touch -r "$like" "$new"; } && sync "$new"; then
        mv -f -- "$new" "$path"
    else
        rm -f -- "$new"
        return 1
    fi
}
faults() { grep -F '[ERROR]' | grep -v 'Aborting$' | head -n 3 | sed 's/.*\[ERROR\] //'; }
tried() {
    said=$(timeout 60 runuser -u "$user" -- "$@" 2>&1 >/dev/null)
    status=$?
    found=$(printf '%s\n' "$said" | faults)
    [ "$status" -ne 0 ] || [ -n "$found" ] || return 0
    printf '%s\n' "${found:-$said}" >&2
    return 1
}
like=
"#;

/// Nothing of this outlasts the script.
const TRY: &str = r"
trap 'put_back; exit 1' HUP INT PIPE TERM
keep && place || { put_back; exit 1; }
try_it; verdict=$?
put_back
exit $verdict
";

/// The time of the file says since when the server has what is in it: as long as it was before.
const ADOPT: &str = r#"
if [ -f "$path" ]; then like=$path; fi
place
"#;

const RESTART: &str = r#"
keep && place || { put_back; exit 1; }
try_it || { put_back; exit 65; }
log=$(my_print_defaults mysqld server mariadb mariadbd 2>/dev/null | sed -n 's/^--log[-_]error=//p' | tail -n 1)
if [ -f "$log" ]; then size=$(stat -c %s "$log"); else size=0; fi
begun=$(date +%s)
if [ "$(systemctl show -p NeedDaemonReload --value -- "$unit")" = yes ]; then systemctl daemon-reload; fi
at_rest "$unit"
if systemctl restart -- "$unit" && systemctl is-active --quiet -- "$unit"; then
    rm -f -- "$kept"
    exit 0
fi
journal=$(journalctl -u "$unit" --since "@$begun" -o cat --no-pager 2>/dev/null)
put_back
systemctl reset-failed -- "$unit" 2>/dev/null
systemctl restart -- "$unit" && systemctl is-active --quiet -- "$unit"
back=$?
if [ -f "$log" ]; then logged=$(tail -c "+$((size + 1))" "$log"); else logged=; fi
found=$(printf '%s\n%s\n' "$journal" "$logged" | faults)
[ -n "$found" ] || found=$(printf '%s\n' "$journal" | tail -n 3)
printf '%s\n' "$found" >&2
[ "$back" -eq 0 ] && exit 66
exit 67
"#;

/// Brings one server in line.
pub(super) async fn configure(
    fleet: &LiveFleet,
    connection: &Connection,
    config: &ServerConfig,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    match &config.takes {
        TakesEffect::Live(settings) => set_live(fleet, connection, config, settings).await?,
        TakesEffect::Restart => restart(fleet, connection, config, progress).await?,
    }
    Ok(Outcome::Changed)
}

fn script(fleet: &LiveFleet, config: &ServerConfig, body: &str) -> Script {
    let FileChange {
        path,
        content,
        owner,
        group,
        mode,
        ..
    } = &config.file;
    let dialect = fleet.expected();
    let words = dialect.validate_config_command();
    let command: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    Script::new("")
        .set("path", path)
        .set("owner", owner)
        .set("group", group)
        .set("mode", mode)
        .set("content", &STANDARD.encode(content))
        .set("unit", &config.unit)
        .set("user", dialect.system_user())
        // Made anew at each start.
        .set("socket", dialect.socket_path())
        .line(AT_REST)
        .line(COMMON)
        .line(format!(
            "try_it() {{ tried {} || return 65; }}",
            command.join(" ")
        ))
        .line(body)
}

/// Runs a script that ends with a verdict on the file.
async fn run(
    connection: &Connection,
    config: &ServerConfig,
    script: Script,
    deadline: Duration,
) -> Result<(), ActionError> {
    let output = connection.link.run(&script, deadline).await?;
    let said = last_lines(&output.stderr);
    let ServerConfig { file, unit, .. } = config;
    let (reason, hint) = match output.status {
        0 => return Ok(()),
        REFUSED => (
            format!("the server refuses {} as it would be: {said}", file.path),
            "correct `settings`; this server runs as before, with the file that it had".to_owned(),
        ),
        UNDONE => (
            format!("{unit} does not start with the new {}: {said}", file.path),
            "the old file is back, and the server runs with it; correct `settings`".to_owned(),
        ),
        DOWN => (
            format!(
                "{unit} starts neither with the new {} nor with the old one: {said}",
                file.path
            ),
            format!("the old file is back; look at `journalctl -u {unit}` there"),
        ),
        status => {
            return Err(ActionError::Script {
                host: connection.host.clone(),
                what: "configuring the server",
                status,
                stderr: said,
                hint: None,
            });
        }
    };
    let host = connection.host.clone();
    Err(ActionError::Unfit { host, reason, hint })
}

/// The file is written when the server has what is in it: whoever is killed before begins anew.
async fn set_live(
    fleet: &LiveFleet,
    connection: &Connection,
    config: &ServerConfig,
    settings: &BTreeMap<String, String>,
) -> Result<(), ActionError> {
    run(connection, config, script(fleet, config, TRY), SCRIPT).await?;
    if !settings.is_empty() {
        let (mut session, dialect) = session(fleet, connection).await?;
        set_all(&mut session, dialect, &connection.host, settings).await?;
    }
    run(connection, config, script(fleet, config, ADOPT), SCRIPT).await
}

/// All of them or none.
async fn set_all(
    session: &mut Session<'_>,
    dialect: Dialect,
    host: &HostName,
    settings: &BTreeMap<String, String>,
) -> Result<(), ActionError> {
    let mut before: Vec<(&str, String)> = Vec::new();
    for (name, value) in settings {
        let rows = execute(session, host, &dialect.ask_live(name), STATEMENT).await?;
        let set = execute(session, host, &dialect.set_live(name, value), STATEMENT).await;
        if let Err(error) = set {
            for (name, value) in before {
                execute(session, host, &dialect.set_live(name, &value), STATEMENT).await?;
            }
            return Err(error);
        }
        let row = rows.into_iter().next();
        if let Some(Some(value)) = row.and_then(|mut row| row.remove("value")) {
            before.push((name, value));
        }
    }
    Ok(())
}

async fn restart(
    fleet: &LiveFleet,
    connection: &Connection,
    config: &ServerConfig,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let before = seen(fleet, connection).await;
    let restarted = run(connection, config, script(fleet, config, RESTART), CHANGE).await;
    // A session to a server that was stopped is a dead end.
    connection.forget_session().await;
    if let Some(before) = before {
        let settled = settle(fleet, connection, &before, progress).await;
        // What went wrong first is what is told.
        restarted.and(settled)
    } else {
        restarted
    }
}

/// What the server is part of; `None` of one that does not let us in, which is part of nothing.
async fn seen(fleet: &LiveFleet, connection: &Connection) -> Option<ServerFacts> {
    let (mut session, _) = session(fleet, connection).await.ok()?;
    facts(fleet, &mut session).await.ok()
}

/// Waits until replication to and from a server is as it was, so that the next one can be restarted and
/// writes can be let in with somebody to acknowledge them.
async fn settle(
    fleet: &LiveFleet,
    connection: &Connection,
    before: &ServerFacts,
    progress: &dyn Progress,
) -> Result<(), ActionError> {
    let (mut session, _) = session(fleet, connection).await?;
    let host = &connection.host;
    if before.replica.as_ref().is_some_and(is_streaming) {
        return follows_again(&mut session, host).await;
    }
    if before.dump_threads == 0 {
        return Ok(());
    }
    let begun = Instant::now();
    let mut pace = Pace::new();
    while facts(fleet, &mut session).await?.dump_threads == 0 {
        if begun.elapsed() > RETURNS {
            progress.tell(
                host,
                &format!("no replica has come back within {RETURNS:?}"),
            );
            break;
        }
        pace.wait().await;
    }
    Ok(())
}

async fn follows_again(session: &mut Session<'_>, host: &HostName) -> Result<(), ActionError> {
    let begun = Instant::now();
    let mut pace = Pace::new();
    loop {
        let replica = standing(session).await?.replica;
        if replica.as_ref().is_some_and(is_streaming) {
            return Ok(());
        }
        // A server that does not begin by itself applies first what it had received.
        let limit = match &replica {
            Some(status) if is_catching_up(status) => CHANGE,
            _ => RETURNS,
        };
        if begun.elapsed() > limit {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: "it followed its source again".to_owned(),
                after: limit,
            });
        }
        pace.wait().await;
    }
}

fn is_streaming(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Running && status.applier == ThreadState::Running
}

fn is_catching_up(status: &ReplicaStatus) -> bool {
    status.receiver == ThreadState::Stopped && status.applier == ThreadState::Running
}
