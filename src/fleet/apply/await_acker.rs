//! Waits until a commit on this server would be acknowledged. Before that, a client's first write behind
//! the writer VIP would wait, or be answered without cover (S17).

use std::time::Duration;

use tokio::time::Instant;

use super::relay_log::Pace;
use super::{ask_semi_sync, session};
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::mysql::Switch;
use crate::plan::Outcome;

/// Waits for as many replicas as a commit waits for.
pub(super) async fn wait(
    fleet: &LiveFleet,
    connection: &Connection,
    within: Duration,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let (mut session, dialect) = session(fleet, connection).await?;
    let begun = Instant::now();
    let mut pace = Pace::quick();
    loop {
        let seen = ask_semi_sync(&mut session, host, dialect).await?;
        if seen.source_enabled != Some(Switch::On) {
            return Err(ActionError::Unfit {
                host: host.clone(),
                reason: "it waits for no acknowledgement: semi-sync as source is off".to_owned(),
                hint: "run again; if it stays off, another program sets it: look at cron"
                    .to_owned(),
            });
        }
        let attached = seen.clients >= seen.acks_needed.max(1);
        if attached && seen.source_active == Some(Switch::On) {
            return Ok(Outcome::Already);
        }
        if begun.elapsed() >= within {
            return Err(ActionError::TimedOut {
                host: host.clone(),
                what: format!(
                    "{} of {} replicas that acknowledge attached: writes would wait for them; this did",
                    seen.clients,
                    seen.acks_needed.max(1)
                ),
                after: within,
            });
        }
        pace.wait().await;
    }
}
