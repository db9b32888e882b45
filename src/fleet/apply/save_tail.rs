//! Reads what the log of a stopped server holds that another server lacks, names it, and writes it as SQL
//! to a file on this machine, before the server's start cuts it off (S9). The server must not run: it is
//! read as files. Must never take what cannot be read for nothing, and never let what a transaction says
//! get anywhere else than into that file, of which the command line shows the beginning.

use std::path::Path;

use super::binlog_files::{NEVER_LOGGED, NO_LOG, find};
use super::save_errant::{BOUND, TORN, receive};
use super::{facts, last_lines, session};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::inventory::HostName;
use crate::mysql::{ServerFacts, Tail};
use crate::plan::Outcome;

/// Exit status of a script that cannot read a log.
const UNREADABLE: i32 = 68;

/// From the newest log back, until one has transactions and none of them is missing there: sets `$named`
/// to what is, and the positional parameters to the logs that hold it. A log that was only begun holds
/// nothing.
const NAME: &str = r#"
back=
for log in "$@"; do
    back="$log
$back"
done
set --
logs= named=
IFS='
'
set -f
for log in $back; do
    [ -s "$log" ] || continue
    found=$("$tool" --no-defaults "$log" 2>/dev/null | awk "$names") || { echo "$PWD/${log##*/}" >&2; exit 68; }
    case $found in
    '') ;;
    .) break ;;
    *)
        set -- "$log" "$@"
        named="$named${found%.}"
        ;;
    esac
done
"#;

/// One by one: a torn log ends the program.
const TEXT: &str = r#"
for log in "$@"; do "$tool" --no-defaults --verbose "$log" "#;

impl LiveFleet {
    /// What the log of a stopped server holds that another, which runs, has not executed; nothing where
    /// a start cannot cut it off.
    ///
    /// # Errors
    /// When it could not be read.
    pub async fn tail(&self, host: &HostName, beside: &HostName) -> Result<Tail, ActionError> {
        let there = standing(self, beside).await?;
        let connection = self.connection(host)?;
        name(&connection, &there).await
    }
}

/// Saves the tail of a host's log.
pub(super) async fn save(
    fleet: &LiveFleet,
    connection: &Connection,
    beside: &HostName,
    path: &str,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let there = standing(fleet, beside).await?;
    let tail = name(connection, &there).await?;
    let state = there.binlog_state.as_ref();
    let filter = there
        .dialect
        .errant_filter_of(&there.executed, state, tail.count());
    let (Some(filter), false) = (filter, tail.is_empty()) else {
        return Ok(Outcome::Already);
    };
    let Some(script) = script(&there) else {
        return Ok(Outcome::Already);
    };
    let script = script
        .set("filter", &filter)
        .line(format!("{{ {TEXT}{TORN}; done; }} | awk \"$filter\""));
    let title = format!("-- In the log of {host}, and not executed on {beside}: {tail}\n");
    let reader = connection.link.spawn_reader(&script, BOUND).await?;
    receive(host, reader, &title, Path::new(path)).await?;
    Ok(Outcome::Changed)
}

async fn standing(fleet: &LiveFleet, beside: &HostName) -> Result<ServerFacts, ActionError> {
    let beside = fleet.connection(beside)?;
    let (mut session, _) = session(fleet, &beside).await?;
    facts(fleet, &mut session).await
}

/// Finds and names; `None` where a flavor's log cannot be cut off, and so has no tail.
fn script(there: &ServerFacts) -> Option<Script> {
    let state = there.binlog_state.as_ref();
    let names = there.dialect.errant_names(&there.executed, state)?;
    let script = find(there.dialect, "")
        .set("tool", there.dialect.binlog_tool())
        .set("names", &names);
    Some(script.line(NAME))
}

async fn name(connection: &Connection, there: &ServerFacts) -> Result<Tail, ActionError> {
    let host = &connection.host;
    let Some(script) = script(there) else {
        return Ok(Tail::default());
    };
    let script = script.line("printf %s \"$named\"");
    let output = connection.link.run(&script, BOUND).await?;
    let said = last_lines(&output.stderr);
    match output.status {
        0 => Tail::parse(&output.text()).ok_or_else(|| unreadable(host, "its names")),
        NEVER_LOGGED => Ok(Tail::default()),
        NO_LOG | UNREADABLE => Err(unreadable(host, &said)),
        status => Err(ActionError::Script {
            host: host.clone(),
            what: "looking for its tail in its binary logs",
            status,
            stderr: said,
            hint: Some(hint(host)),
        }),
    }
}

fn unreadable(host: &HostName, what: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!(
            "its binary log cannot be read ({what}), and starting the server may cut off what only that log holds"
        ),
        hint: hint(host),
    }
}

fn hint(host: &HostName) -> String {
    format!(
        "nothing was changed on it; see whether the log is whole, not encrypted, and where `log_bin` and `datadir` say. Or keep a copy of its data folder, start the server by hand, which commits the tail, and run `hactl rejoin {host}` again"
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::mysql::{Flavor, GtidSet};

    const EMPTY: &str = "DELIMITER /*!*/;\n# at 4\n#261121 10:53:05 server id 1  end_log_pos 256 \tStart: binlog v 4\n";

    fn gtid(server: u32, number: u32) -> String {
        format!(
            "# at {number}\n#261121 10:53:05 server id 1  end_log_pos 8 \tGTID 0-{server}-{number} trans\nrow of {number}\n"
        )
    }

    /// Runs a script on logs whose text is what they hold, beside a server that has `0-1-14` and has
    /// written up to `0-2-90` since.
    fn run(logs: &[(&str, String)], end: &str, count: u64) -> (Option<i32>, String) {
        let folder = tempfile::tempdir().unwrap();
        let mut paths = Vec::new();
        for (log, text) in logs {
            let path = folder.path().join(log);
            fs::write(&path, text).unwrap();
            paths.push(path);
        }
        // Prints what the file says, and fails where that says so.
        let tool = folder.path().join("tool");
        fs::write(
            &tool,
            "for log; do :; done; cat \"$log\"; ! grep -q torn \"$log\"",
        )
        .unwrap();
        let beside = GtidSet::parse(Flavor::MariaDb, "0-2-90").unwrap();
        let state = "0-1-14,0-2-90".parse().unwrap();
        let dialect = crate::fixture::dialect(Flavor::MariaDb);
        let names = dialect.errant_names(&beside, Some(&state)).unwrap();
        let filter = dialect.errant_filter_of(&beside, Some(&state), count);
        let script = format!("{NAME}\n{end}").replace("\"$tool\"", "sh \"$tool\"");
        let output = Command::new("sh")
            .args(["-c", &script, "sh"])
            .args(paths)
            .env("tool", tool)
            .env("names", names)
            .env("filter", filter.unwrap())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    fn named(logs: &[(&str, String)]) -> Option<String> {
        let (status, text) = run(logs, "printf %s \"$named\"", 0);
        match status {
            Some(0) => Some(Tail::parse(&text)?.to_string()),
            status => {
                assert_eq!(status, Some(UNREADABLE));
                None
            }
        }
    }

    #[test]
    fn a_tail_is_found_from_the_newest_log_back() {
        let old = ("b.1", [EMPTY, &gtid(1, 12), &gtid(1, 13)].concat());
        let tail = (
            "b.2",
            [EMPTY, &gtid(1, 14), &gtid(1, 15), &gtid(1, 16)].concat(),
        );
        let begun = ("b.3", EMPTY.to_owned());
        let nothing = ("b.4", String::new());
        let all = [old.clone(), tail.clone(), begun.clone(), nothing];
        assert_eq!(named(&all).unwrap(), "2 transactions (0-1-15 to 0-1-16)");
        let two = [tail.clone(), ("b.3", [EMPTY, &gtid(1, 17)].concat())];
        assert_eq!(named(&two).unwrap(), "3 transactions (0-1-15 to 0-1-17)");
        // What the other wrote itself is further on in the same domain, and says nothing of this one.
        assert_eq!(named(&[old.clone(), begun]).unwrap(), "0 transactions ()");
        // Torn at its end: what was never synced was never acknowledged.
        let torn = ("b.2", format!("{}torn\n", tail.1));
        assert_eq!(named(&[torn]).unwrap(), "2 transactions (0-1-15 to 0-1-16)");
        for unreadable in ["not a log\n", "# The rest of the binlog is encrypted!\n"] {
            assert_eq!(named(&[old.clone(), ("b.2", unreadable.to_owned())]), None);
        }
    }

    #[test]
    fn all_that_was_named_is_in_the_text_or_it_fails() {
        let logs = [
            ("b.1", [EMPTY, &gtid(1, 13)].concat()),
            (
                "b.2",
                [EMPTY, &gtid(1, 14), &gtid(1, 15), "torn\n"].concat(),
            ),
            ("b.3", [EMPTY, &gtid(1, 16)].concat()),
        ];
        let text = format!("{{ {TEXT}{TORN}; done; }} | awk \"$filter\"");
        let (status, saved) = run(&logs, &text, 2);
        assert_eq!(status, Some(0), "{saved}");
        for kept in ["row of 15", "row of 16", "The log ends here"] {
            assert!(saved.contains(kept), "{saved}");
        }
        assert!(!saved.contains("row of 14") && !saved.contains("row of 13"));
        let (status, _) = run(&logs, &text, 3);
        assert_eq!(status, Some(1));
    }
}
