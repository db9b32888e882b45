//! Stops the thread that fetches from the source, without waiting for a source that is silent.
//!
//! Both servers answer `STOP` only after two seconds while the thread waits for a connection to an
//! address from which nothing comes back (measured, `MariaDB` 10.11 and `MySQL` 9.7; `KILL` of the
//! thread changes nothing). Hanging up that connection on the replica's host ends the wait at once: 2.0 s
//! become 0.03 s. It must never touch any connection but the replica's own to its source.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{STATEMENT, execute};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, Session};
use crate::mysql::{Dialect, ReplicaStatus, ThreadState};

/// A server that has nothing to wait for stops its receiver in less.
const PROMPT: Duration = Duration::from_millis(20);
/// How long connections are hung up; after that, the server's own patience is over.
const HANG_UP: Duration = Duration::from_secs(2);

/// The thread begins anew when its connection is gone, so once is not enough. Without `ss`, or with a
/// kernel that cannot do it, the wait is as long as it was.
const SCRIPT: &str = r#"
for turn in 1 2 3 4 5 6 7 8 9 10; do
    ss -K -t dst "$address" dport = ":$port" >/dev/null 2>&1 || exit 0
    sleep 0.01
done
"#;

/// Stops the receiver if it is not stopped.
pub(super) async fn stop(
    connection: &Connection,
    session: &mut Session<'_>,
    dialect: Dialect,
    status: &ReplicaStatus,
) -> Result<(), ActionError> {
    if status.receiver == ThreadState::Stopped {
        return Ok(());
    }
    let statement = dialect.stop_receiver();
    let stopping = execute(session, &connection.host, &statement, STATEMENT);
    tokio::pin!(stopping);
    tokio::select! {
        result = &mut stopping => return result.map(drop),
        () = hang_up(connection, status) => {}
    }
    stopping.await.map(drop)
}

/// Ends the replica's connections to its source until the time is over or the caller has seen enough.
async fn hang_up(connection: &Connection, status: &ReplicaStatus) {
    sleep(PROMPT).await;
    // Names are not resolved here: this host may know them by another address.
    let Ok(address) = status.source_host.parse::<IpAddr>() else {
        return;
    };
    let script = Script::default()
        .set("address", &address.to_string())
        .set("port", &status.source_port.to_string())
        .line(SCRIPT);
    let begun = Instant::now();
    while begun.elapsed() < HANG_UP {
        // A failure costs only the time that it would have saved.
        if connection.link.run(&script, HANG_UP).await.is_err() {
            return;
        }
    }
}
