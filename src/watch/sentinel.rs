//! One connection to the primary that only waits for its own end: a server that is killed ends it in
//! less than a millisecond, long before the next question is due. Its end is proof of nothing (anybody
//! can end a connection); it only has everything asked at once.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::clock::Clock;
use super::sign::{Sign, Told};
use crate::fleet::sql::{Sql, SqlError};
use crate::inventory::{Account, Address, HostName};

/// A statement that waits in slices: none is long enough to look like one that hangs, or to meet a
/// bound on how long a statement may take. It holds no lock and no snapshot.
const WAIT: &str = "SELECT /* hactl watches for the end of this server */ SLEEP(20)";
/// The slice, and time to answer.
const SLICE: Duration = Duration::from_secs(25);
/// How long a login may take.
const LOGIN: Duration = Duration::from_secs(3);
/// Before it comes back, so that whoever ends it is not pestered.
const PAUSE: Duration = Duration::from_secs(1);

/// What the sentinel needs.
#[derive(Debug)]
pub(super) struct Sentinel {
    pub(super) host: HostName,
    pub(super) address: Address,
    pub(super) port: u16,
    pub(super) monitor: Account,
    pub(super) clock: Clock,
    pub(super) signs: mpsc::Sender<Sign>,
}

impl Sentinel {
    /// Waits for as long as somebody listens.
    pub(super) async fn run(self) {
        let address = self.address.to_string();
        loop {
            let login = Sql::connect_tcp(
                &address,
                self.port,
                &self.monitor.user,
                Some(&self.monitor.password),
                LOGIN,
            );
            if let Ok(sql) = login.await
                && self.wait(sql).await.is_err()
            {
                return;
            }
            sleep(PAUSE).await;
            if self.signs.is_closed() {
                return;
            }
        }
    }

    /// Until the connection ends. A statement that was cut short, or killed alone, is begun again.
    async fn wait(&self, mut sql: Sql) -> Result<(), ()> {
        loop {
            let begun = Instant::now();
            match sql.query(WAIT, SLICE).await {
                Ok(_) => {}
                Err(SqlError::Server { .. }) if sql.is_usable() => {}
                Err(_) => return self.tell(begun).await,
            }
            if begun.elapsed() < PAUSE {
                sleep(PAUSE).await;
            }
        }
    }

    async fn tell(&self, begun: Instant) -> Result<(), ()> {
        let sign = Sign {
            host: self.host.clone(),
            asked: self.clock.at(begun),
            at: self.clock.now(),
            told: Told::SentinelEnded,
        };
        self.signs.send(sign).await.map_err(drop)
    }
}
