//! Writes what one server executed and another has not, as SQL, to a file on this machine, before it is
//! cut off or seeded over. Reads the logs as files, so that it also works on a server that must not be
//! started yet. The file is its owner's alone: it holds data.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::fs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::binlog_files::{find, with_logs};
use super::{facts, last_lines, session};
use crate::fleet::ssh::RemoteReader;
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::inventory::HostName;
use crate::mysql::GtidSet;
use crate::plan::Outcome;

/// How long reading the logs may take.
pub(super) const BOUND: Duration = Duration::from_mins(30);
/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Saves what is errant on a host.
pub(super) async fn save(
    fleet: &LiveFleet,
    connection: &Connection,
    beside: &HostName,
    transactions: &GtidSet,
    path: &str,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let there = {
        let beside = fleet.connection(beside)?;
        let (mut session, _) = session(fleet, &beside).await?;
        facts(fleet, &mut session).await?
    };
    let dialect = there.dialect;
    let command = with_logs(&dialect.errant_text_command(&there.executed));
    let script = find(dialect, "");
    let script = match dialect.errant_filter(&there.executed, there.binlog_state.as_ref()) {
        None => script.line(format!("{command} {TORN}")),
        Some(filter) => script
            .set("filter", &filter)
            .line(format!("{{ {command} {TORN}; }} | awk \"$filter\"")),
    };
    let title = format!("-- Executed on {host} and not on {beside}: {transactions}\n");
    let reader = connection.link.spawn_reader(&script, BOUND).await?;
    receive(host, reader, &title, Path::new(path)).await?;
    Ok(Outcome::Changed)
}

/// A log that ends in the middle of a transaction is what is looked for here.
pub(super) const TORN: &str =
    "|| echo '-- The log ends here with an error: what followed cannot be read.'";

/// Writes the stream beside its place first, so that there is a whole file or none.
pub(super) async fn receive(
    host: &HostName,
    mut reader: RemoteReader,
    title: &str,
    path: &Path,
) -> Result<(), ActionError> {
    let unwritable = |error: io::Error| unwritable(host, path, &error);
    let part = path.with_extension("part");
    let mut file = create(&part).await.map_err(unwritable)?;
    file.write_all(title.as_bytes()).await.map_err(unwritable)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = reader.read(&mut buffer).await.map_err(unwritable)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        file.write_all(bytes).await.map_err(unwritable)?;
    }
    let end = reader.finish(BOUND).await?;
    if end.status != 0 {
        return Err(ActionError::Script {
            host: host.clone(),
            what: "reading its binary logs",
            status: end.status,
            stderr: last_lines(&end.stderr),
            hint: Some("look for `log_bin` and `datadir` in its option files".to_owned()),
        });
    }
    file.sync_all().await.map_err(unwritable)?;
    fs::rename(&part, path).await.map_err(unwritable)
}

async fn create(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .await?;
    }
    // What an earlier run left may have other permissions.
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .await
}

fn unwritable(host: &HostName, path: &Path, error: &io::Error) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!(
            "its transactions could not be saved on this machine, in {}: {error}",
            path.display()
        ),
        hint: "nothing was changed on it; make room or name another folder, and run again"
            .to_owned(),
    }
}
