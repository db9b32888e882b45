//! Applies what the dead primary's binary log holds beyond what this server has received. With ssh to the
//! dead host, "nothing lost" holds for commits that no replica had yet (S15).
//!
//! It must never apply anything else than whole transactions under their own GTIDs: the text ends where
//! the log is torn, and an unfinished transaction is rolled back with the session that began it.

use std::time::Duration;

use super::binlog_files::{NEVER_LOGGED, NO_LOG, find, with_logs};
use super::relay_log::standing;
use super::{STATEMENT, execute, last_lines, session};
use crate::fleet::script::Script;
use crate::fleet::stream::{FanOut, Sink};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress};
use crate::inventory::{Host, HostName};
use crate::mysql::{BinlogName, Dialect, GtidSet, LOG_BEGINS, Standing, Switch};
use crate::plan::Outcome;

/// A log of the dead primary's, and an offset in it.
type Place = (BinlogName, u64);

/// Clients wait.
const BOUND: Duration = Duration::from_secs(30);

/// Ends when there is nothing beyond the position, at the cost of one look at a file's size.
const PROBE: &str = r#"
[ $# -gt 1 ] || [ "$(stat -c %s -- "$1")" -gt "$from" ] || exit 0
"#;

/// Prints the log and the offset to begin at. A server that does not pass over what it has executed
/// gets the first transaction that it has not: an earlier run may have applied some.
const LOCATE: &str = r#"
for log in "$@"; do
    if [ -z "$filter" ]; then found=$from; else
        found=$("$tool" --no-defaults --start-position="$from" "$log" 2>/dev/null | awk "$filter")
    fi
    [ -z "$found" ] || { echo "${log##*/} $found"; exit 0; }
    from=4
done
"#;

/// The same where nobody knows up to where this server has received: it was restarted since and has not
/// met its source, or its promotion was begun and the source forgotten. From the newest log back, until one
/// has transactions and none of them is missing: a restart of the dead server has begun a log in which
/// nothing is.
const LOCATE_BACK: &str = r#"
back=
for log in "$@"; do
    back="$log
$back"
done
place=
IFS='
'
set -f
for log in $back; do
    found=$(missing "$log" 2>/dev/null | awk "$filter")
    if [ -n "$found" ]; then
        place="${log##*/} $found"
    elif "$tool" --no-defaults "$log" 2>/dev/null | awk '/\tGTID[ \t]/ { n = 1; exit } END { exit !n }'; then
        break
    fi
done
[ -z "$place" ] || echo "$place"
"#;

/// Applies the dead primary's tail.
pub(super) async fn salvage(
    fleet: &LiveFleet,
    connection: &Connection,
    from: &HostName,
    after: Option<&Place>,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let connected = fleet.connection(from)?;
    let dead = connected.as_ref();
    let (mut first, dialect) = session(fleet, connection).await?;
    let before = standing(&mut first).await?;
    drop(first);
    let received = applied_up_to(&before, fleet.host(from)?).or(after.cloned());
    let script = match &received {
        Some(place) => from_place(dialect, place, &before.executed),
        None => from_the_newest(dialect, &before.executed),
    };
    let Some(begin) = locate(dead, &script).await? else {
        return Ok(Outcome::Already);
    };
    let (file, position) = &begin;
    progress.tell(
        host,
        &format!("applying {from}'s log from {file}:{position}"),
    );
    let applied = open_and_apply(fleet, connection, dead, dialect, &begin).await;
    let (mut last, _) = session(fleet, connection).await?;
    let after = standing(&mut last).await?;
    drop(last);
    let torn = match applied {
        Ok(torn) => torn,
        Err(error) => {
            return match count_missing(dead, dialect, &begin, &after.executed).await {
                Some(0) => Ok(Outcome::Changed),
                Some(missing) => Ok(Outcome::Partial {
                    hint: error.hint(),
                    error: error.to_string(),
                    missing,
                }),
                None => Err(error),
            };
        }
    };
    if let Some(words) = torn {
        progress.tell(host, &format!("{from}'s log ends torn: {words}"));
    }
    Ok(if after.executed == before.executed {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}

/// The end of the last whole transaction that was applied. What was received may end in the middle of
/// one, which is sent as a whole again.
fn applied_up_to(seen: &Standing, source: &Host) -> Option<Place> {
    let status = seen.replica.as_ref()?;
    let follows =
        status.source_host == source.address.to_string() && status.source_port == source.port;
    let file = status.exec_source_log.clone().filter(|_| follows)?;
    Some((file, status.exec_source_pos))
}

fn from_place(dialect: Dialect, (file, position): &Place, executed: &GtidSet) -> Script {
    let filter = dialect.first_missing(executed).unwrap_or_default();
    find(dialect, file.as_str())
        .set("from", &position.to_string())
        .set("tool", dialect.binlog_tool())
        .set("filter", &filter)
        .line(PROBE)
        .line(LOCATE)
}

fn from_the_newest(dialect: Dialect, executed: &GtidSet) -> Script {
    let text = with_logs(&dialect.missing_text_command(LOG_BEGINS, executed));
    find(dialect, "")
        .set("tool", dialect.binlog_tool())
        .set("filter", &dialect.first_missing_of_log(executed))
        .line(format!("missing() {{ {text}; }}"))
        .line(LOCATE_BACK)
}

/// Where the first transaction that is missing here begins; `None` when there is none.
async fn locate(dead: &Connection, script: &Script) -> Result<Option<Place>, ActionError> {
    let output = dead.link.run(script, BOUND).await?;
    match output.status {
        0 => Ok(read_place(&output.text())),
        NO_LOG | NEVER_LOGGED => Err(ActionError::Unfit {
            host: dead.host.clone(),
            reason: format!(
                "its binary log is not found: {}",
                last_lines(&output.stderr)
            ),
            hint: "look for `log_bin` and `datadir` in its option files".to_owned(),
        }),
        status => Err(ActionError::Script {
            host: dead.host.clone(),
            what: "looking at its binary log",
            status,
            stderr: last_lines(&output.stderr),
            hint: None,
        }),
    }
}

/// How many transactions the log holds from there on that are not executed here; `None` where it cannot
/// be read to its end.
async fn count_missing(
    dead: &Connection,
    dialect: Dialect,
    (file, position): &Place,
    executed: &GtidSet,
) -> Option<u64> {
    let command = with_logs(&dialect.missing_text_command(*position, executed));
    let script = find(dialect, file.as_str())
        .set("filter", &dialect.count_missing(executed))
        .line(format!(
            "{{ {command} 2>/dev/null || echo torn; }} | awk \"$filter\""
        ));
    let output = dead.link.run(&script, BOUND).await.ok()?;
    let counted = (output.status == 0).then(|| output.text())?;
    counted.trim().parse().ok()
}

/// `binlog.000042 1234`.
fn read_place(text: &str) -> Option<Place> {
    let (file, position) = text.trim().split_once(' ')?;
    Some((file.parse().ok()?, position.parse().ok()?))
}

/// Applies the text while administrators may write, and closes the server again in any case.
async fn open_and_apply(
    fleet: &LiveFleet,
    connection: &Connection,
    dead: &Connection,
    dialect: Dialect,
    place: &Place,
) -> Result<Option<String>, ActionError> {
    let host = &connection.host;
    if let Some(open) = dialect.set_privileged_writes(Switch::On) {
        let (mut session, _) = session(fleet, connection).await?;
        execute(&mut session, host, &open, STATEMENT).await?;
    }
    let applied = apply(connection, dead, dialect, place).await;
    if let Some(close) = dialect.set_privileged_writes(Switch::Off) {
        let (mut session, _) = session(fleet, connection).await?;
        execute(&mut session, host, &close, STATEMENT).await?;
    }
    applied
}

/// Streams the text through this machine. Gives the reader's words when the log ended torn.
async fn apply(
    connection: &Connection,
    dead: &Connection,
    dialect: Dialect,
    (file, position): &Place,
) -> Result<Option<String>, ActionError> {
    let host = &connection.host;
    let text = with_logs(&dialect.binlog_text_command(*position));
    let read = find(dialect, file.as_str()).line(text);
    let run = Script::new("").command(dialect.run_binlog_text_command());
    let writer = connection.link.spawn_writer(&run, BOUND).await?;
    let mut reader = dead.link.spawn_reader(&read, BOUND).await?;
    let sink = Sink {
        label: host.to_string(),
        writer,
    };
    let limits = FanOut {
        head: 0,
        tail: 0,
        source_stall: BOUND,
        sink_stall: BOUND,
    };
    let copied = limits.copy(&mut reader, vec![sink], |_| ()).await;
    for delivery in copied.sinks {
        let Some(writer) = delivery.writer else {
            continue;
        };
        let end = writer.finish(BOUND).await?;
        if end.status != 0 {
            return Err(failed(host, &dead.host, &complaint(&end.stderr)));
        }
        if let Err(error) = delivery.result {
            return Err(failed(host, &dead.host, &error.to_string()));
        }
    }
    if let Err(error) = copied.source {
        return Err(failed(host, &dead.host, &error.to_string()));
    }
    let end = reader.finish(BOUND).await?;
    // What was never synced was never acknowledged.
    Ok((end.status != 0).then(|| last_lines(&end.stderr)))
}

/// What the client complains of, without the statement, which holds people's data.
fn complaint(stderr: &str) -> String {
    match stderr.lines().find(|line| line.starts_with("ERROR")) {
        Some(line) => line.to_owned(),
        None => last_lines(stderr),
    }
}

fn failed(host: &HostName, from: &HostName, words: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("applying the tail of {from}'s binary log failed: {words}"),
        hint: format!(
            "what could be applied is; the rest stays in the binary log of {from} alone: read it there before `hactl rejoin {from}`, which may cut it off"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::fixture::dialect;
    use crate::mysql::Flavor;

    /// What `awk` counts in a text.
    fn counted(flavor: Flavor, executed: &str, text: &str) -> Option<u64> {
        let executed = GtidSet::parse(flavor, executed).unwrap();
        let mut awk = Command::new("awk")
            .arg(dialect(flavor).count_missing(&executed))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        awk.stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = awk.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output
            .status
            .success()
            .then(|| text.trim().parse().unwrap())
    }

    #[test]
    fn what_is_missing_is_counted_in_the_text_of_the_log() {
        let begin = "/*!50530 SET @@SESSION.PSEUDO_SLAVE_MODE=1*/;\nDELIMITER /*!*/;\n";
        let mariadb = |number: u32| {
            format!(
                "# at 7\n#261121 10:53:05 server id 1  end_log_pos 8 \tGTID 0-1-{number} trans\n"
            )
        };
        let mysql = |gtid: &str| format!("SET @@SESSION.GTID_NEXT= '{gtid}'/*!*/;\n");
        let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
        let texts = [
            (
                Flavor::MariaDb,
                "0-1-5",
                [mariadb(5), mariadb(6), mariadb(7)].concat(),
            ),
            (
                Flavor::MySql,
                // Their program leaves out what is executed.
                "",
                [
                    mysql(&format!("{uuid}:6")),
                    mysql(&format!("{uuid}:tag:1")),
                    mysql("AUTOMATIC"),
                ]
                .concat(),
            ),
        ];
        for (flavor, executed, text) in texts {
            let counted = |text: &str| counted(flavor, executed, text);
            assert_eq!(counted(&format!("{begin}{text}")), Some(2), "{flavor}");
            assert_eq!(counted(begin), Some(0), "{flavor}");
            // What is not there, or cannot be read to its end, is not nothing.
            assert_eq!(counted(""), None, "{flavor}");
            assert_eq!(counted(&format!("{begin}{text}torn\n")), None, "{flavor}");
        }
    }

    #[test]
    fn a_complaint_holds_no_row() {
        let stderr = "--------------\nBINLOG '\nGHgBaxMMAk0K\n'\n--------------\n\nERROR 1146 (42S02) at line 32: Table 'x.t' doesn't exist\n";
        assert_eq!(
            complaint(stderr),
            "ERROR 1146 (42S02) at line 32: Table 'x.t' doesn't exist"
        );
        assert_eq!(complaint("killed\n"), "killed");
    }
}
