//! Makes a live primary refuse writes, within a bound, and ends its clients' sessions. The address that
//! they come by goes meanwhile; the last session is ended when it is gone, so that no privileged one
//! comes back by it.
//!
//! A commit that waits for its acknowledgement holds what `read_only` needs; nothing but that
//! acknowledgement may let it go, since switching semi-sync off would answer OK for a row that no replica
//! has (S8). So a demotion that is blocked fails, and the server is left as it was. The session is the one
//! that was opened before: a stalled account change blocks every new login.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::relay_log::{Pace, standing};
use super::{STATEMENT, events, execute, session, unreadable, vip};
use crate::fleet::{ActionError, Connection, LiveFleet, Session};
use crate::inventory::HostName;
use crate::mysql::error_code::{LOCK_WAIT_TIMEOUT, NO_SUCH_SESSION};
use crate::mysql::{ClientSession, Dialect, EventState, Statement, Switch};
use crate::plan::Outcome;

/// How long the server is first asked to refuse writes, before anything is ended for it. Whole seconds are
/// what the servers can bound.
const FIRST: Duration = Duration::from_secs(1);
/// How long a session that was ended may take to be gone.
const GONE: Duration = Duration::from_secs(2);
/// How many sessions are ended in one round trip.
const AT_ONCE: usize = 50;
/// How many sessions a message names.
const NAMED: usize = 5;

/// Demotes one primary.
pub(super) async fn demote(
    fleet: &LiveFleet,
    connection: &Connection,
    within: Duration,
    address: Option<&str>,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let accounts = &fleet.cluster().accounts;
    let own = [&accounts.admin, &accounts.monitor, &accounts.replication];
    let own = own.map(|account| account.user.as_str());
    let (mut session, dialect) = session(fleet, connection).await?;
    let mut clients = Clients {
        session: &mut session,
        host,
        dialect,
        own: &own,
    };
    let before = standing(clients.session).await?.read_only;
    let close = async {
        if before.is_full() {
            return Ok(());
        }
        clients.refuse_writes(within).await
    };
    let cut_off = async {
        match address {
            Some(address) => vip::remove(connection, address).await,
            None => Ok(Outcome::Already),
        }
    };
    // Both to their end, whatever becomes of one of them: half a removal would be unknown.
    let (closed, cut_off) = tokio::join!(close, cut_off);
    closed?;
    let cut_off = cut_off?;
    let ended = clients.end_all().await?;
    // A privileged session gets past read-only on one flavor, and an open transaction on both.
    clients.await_none().await?;
    let (from, to) = (EventState::Enabled, EventState::DisabledOnReplica);
    events::switch(clients.session, host, dialect, from, to).await?;
    if !standing(clients.session).await?.read_only.is_full() {
        return Err(ActionError::Unfit {
            host: host.clone(),
            reason: "it was made read-only and accepts writes".to_owned(),
            hint: "another program made it writable again: look at cron, and for another failover tool"
                .to_owned(),
        });
    }
    Ok(
        if before.is_full() && ended == 0 && cut_off == Outcome::Already {
            Outcome::Already
        } else {
            Outcome::Changed
        },
    )
}

/// The clients of one server.
struct Clients<'a, 's> {
    session: &'a mut Session<'s>,
    host: &'a HostName,
    dialect: Dialect,
    /// hactl's own accounts.
    own: &'a [&'a str],
}

impl Clients<'_, '_> {
    async fn list(&mut self) -> Result<Vec<ClientSession>, ActionError> {
        let query = self.dialect.client_sessions(self.own);
        let rows = execute(self.session, self.host, &query, STATEMENT).await?;
        self.dialect
            .read_client_sessions(&rows)
            .map_err(|error| unreadable(self.host, &error))
    }

    /// Ends all sessions, and says how many there were.
    async fn end_all(&mut self) -> Result<usize, ActionError> {
        let mut clients = self.list().await?;
        clients.retain(|client| !client.is_ended());
        let kills: Vec<_> = clients
            .iter()
            .map(|client| self.dialect.kill(client.id))
            .collect();
        for chunk in kills.chunks(AT_ONCE) {
            let texts: Vec<&str> = chunk.iter().map(Statement::text).collect();
            if self.session.many(&texts, STATEMENT).await.is_ok() {
                continue;
            }
            // One of them had ended by itself, which ends the whole batch: one by one, then.
            for kill in chunk {
                match execute(self.session, self.host, kill, STATEMENT).await {
                    Err(ActionError::Statement { source, .. })
                        if source.number() == Some(NO_SUCH_SESSION) => {}
                    result => drop(result?),
                }
            }
        }
        Ok(clients.len())
    }

    /// Ends sessions until there are none. New ones come as long as clients know this server's address;
    /// they are refused.
    async fn await_none(&mut self) -> Result<(), ActionError> {
        let begun = Instant::now();
        let mut pace = Pace::new();
        while self.end_all().await? > 0 && begun.elapsed() < GONE {
            pace.wait().await;
        }
        Ok(())
    }

    /// Makes the server read-only, or says who is in the way and leaves it writable.
    ///
    /// Sessions that stand in the way are ended, but none while a commit waits for its acknowledgement:
    /// one flavor would commit it without, and on the other `KILL` itself waits behind a stalled account
    /// change, past any timeout, and takes this session along (measured).
    async fn refuse_writes(&mut self, within: Duration) -> Result<(), ActionError> {
        self.await_acknowledged(within).await?;
        if self.try_refusing(FIRST.min(within)).await? == Switch::On {
            return Ok(());
        }
        let unacknowledged = self.list().await?.iter().any(ClientSession::awaits_ack);
        let rest = within.saturating_sub(FIRST);
        if !unacknowledged && !rest.is_zero() {
            self.end_all().await?;
            if self.try_refusing(rest).await? == Switch::On {
                return Ok(());
            }
        }
        let mut waiting = self.list().await?;
        waiting.retain(|client| !client.is_idle());
        Err(blocked(self.host, within, &waiting))
    }

    /// Waits until no commit is stalled for want of an acknowledgement. On one flavor, an account change
    /// among them also stalls the statement that refuses writes, past `lock_wait_timeout`, and most
    /// questions but this one (measured): so none of them is tried.
    async fn await_acknowledged(&mut self, within: Duration) -> Result<(), ActionError> {
        let begun = Instant::now();
        let mut pace = Pace::new();
        let mut suspects: Option<BTreeSet<u64>> = None;
        loop {
            let mut waiting = self.list().await?;
            // Under load somebody always waits, for a millisecond: who was seen at something else once is
            // not stalled.
            waiting.retain(|client| {
                client.awaits_ack() && suspects.as_ref().is_none_or(|ids| ids.contains(&client.id))
            });
            if waiting.is_empty() {
                return Ok(());
            }
            if begun.elapsed() >= within {
                return Err(blocked(self.host, within, &waiting));
            }
            suspects = Some(waiting.iter().map(|client| client.id).collect());
            pace.wait().await;
        }
    }

    /// On when the server refuses writes now; off when it could not be made to, and accepts them.
    async fn try_refusing(&mut self, within: Duration) -> Result<Switch, ActionError> {
        let bounds = self.dialect.session_bounds(within);
        execute(self.session, self.host, &bounds, STATEMENT).await?;
        let closed = self.dialect.set_read_only(Switch::On);
        // The server's own bound comes first, so that it is known how it ended.
        match execute(self.session, self.host, &closed, within + GONE).await {
            Err(ActionError::Statement { source, .. })
                if source.number() == Some(LOCK_WAIT_TIMEOUT) => {}
            result => return result.map(|_| Switch::On),
        }
        if !standing(self.session).await?.read_only.is_writable() {
            let open = self.dialect.set_read_only(Switch::Off);
            execute(self.session, self.host, &open, STATEMENT).await?;
        }
        Ok(Switch::Off)
    }
}

fn blocked(host: &HostName, within: Duration, waiting: &[ClientSession]) -> ActionError {
    let named: Vec<String> = waiting
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    let who = match waiting.len() {
        0 => {
            "commits wait for an acknowledgement, or a transaction is being rolled back".to_owned()
        }
        count if count > NAMED => {
            format!(
                "{} and {} more",
                named.join("; "),
                count.saturating_sub(NAMED)
            )
        }
        _ => named.join("; "),
    };
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("it could not be made read-only within {within:?} and is writable as before: {who}"),
        hint: "end what runs there or wait for it; commits that wait for an acknowledgement go on when a replica is attached again"
            .to_owned(),
    }
}
