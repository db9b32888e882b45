//! Lets a drained replica, or one that is being seeded, stay one that receives nothing when its server
//! starts again. A failed primary
//! that nobody could fence is harmless as long as no replica acknowledges to it; a replica that dies and
//! boots before it is pointed at the new primary would, for replication begins by itself at boot.
//!
//! It must never hold back what has been given another source.

use std::time::Duration;

use super::{STATEMENT, execute, run};
use crate::facts::MarkKind;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, Session};
use crate::inventory::ClusterName;
use crate::mysql::{Dialect, Switch};

/// How long a small file may take.
const FILE: Duration = Duration::from_secs(5);

/// `mv` is whole or not at all; the folder is made by the first mark.
const HOLD: &str = r#"
mkdir -p "$folder" && echo "$text" >"$folder/.drained" && sync "$folder/.drained" &&
    mv "$folder/.drained" "$folder/drained"
"#;
const LET_GO: &str = r#"rm -f "$folder/drained""#;

/// What a person reads who finds the file.
const TEXT: &str = "hactl keeps this replica from receiving: a failover has drained it, or a seed has not \
                    come to its end. The unit that starts replication at boot does not start its \
                    receiver; hactl does, and removes this file, when it gives it a source.";

/// From now on replication does not begin to receive when the server starts.
pub(super) async fn hold(
    connection: &Connection,
    session: &mut Session<'_>,
    dialect: Dialect,
    cluster: &ClusterName,
) -> Result<(), ActionError> {
    // Where the server itself begins to replicate, it is told.
    if let Some(statement) = dialect.hold_at_start(Switch::On) {
        return execute(session, &connection.host, &statement, STATEMENT)
            .await
            .map(drop);
    }
    file(connection, cluster, Switch::On).await
}

/// It does again, and does what `start` does now. For a replica that has its new source.
///
/// A file means nothing before the server is started the next time, and clients may wait for this
/// replica: it goes while `start` is at work. It is asked for first, so that a run which ends here has
/// at least sent for it.
pub(super) async fn let_go_and<'s>(
    connection: &Connection,
    session: &'s mut Session<'_>,
    dialect: Dialect,
    cluster: &ClusterName,
    start: impl AsyncFnOnce(&'s mut Session<'_>) -> Result<(), ActionError>,
) -> Result<(), ActionError> {
    if let Some(statement) = dialect.hold_at_start(Switch::Off) {
        execute(session, &connection.host, &statement, STATEMENT).await?;
        return start(session).await;
    }
    let (gone, started) = tokio::join!(file(connection, cluster, Switch::Off), start(session));
    started.and(gone)
}

/// The file that the boot unit looks for, where the server itself does not begin to replicate.
async fn file(
    connection: &Connection,
    cluster: &ClusterName,
    held: Switch,
) -> Result<(), ActionError> {
    let script = Script::default()
        .set("folder", &MarkKind::folder(cluster))
        .set("text", TEXT)
        .line(match held {
            Switch::On => HOLD,
            Switch::Off => LET_GO,
        });
    run(connection, "noting that it is drained", script, FILE)
        .await
        .map(drop)
}
