//! The judge's client: one row every 5 ms through the writer VIP, each a commit of its own, and a
//! note of every answer. It behaves as a good application does: short timeouts, a new connection
//! after any error, an id never sent twice. It must never take a lost answer for a yes or a no.
//!
//! Without a connection it begins a new attempt every 5 ms, whatever became of those before. A client
//! that has one attempt at a time measures its own timer: a packet to an address that is on its way from
//! one host to another is lost, and sent again after a second by Linux.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::ledger::{Ack, Ledger};
use crate::{Host, Lab, LabError};

/// Between two rows.
const TICK: Duration = Duration::from_millis(5);

/// How long the client waits for a connection or an answer before it tries anew.
const PATIENCE: Duration = Duration::from_millis(200);

/// The largest packet; set, it saves a query at each connect.
const LARGEST_PACKET: usize = 1 << 24;

/// Likewise, in seconds; nothing looks at it.
const WAIT_TIMEOUT: usize = 28_800;

/// No id is used twice within a process, whichever writer sends it.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The database, the table and the account that [`Writer`] uses, for the primary.
const PREPARATION: &str = "DROP DATABASE IF EXISTS judge;
CREATE DATABASE judge;
CREATE TABLE judge.`rows` (
  id BIGINT UNSIGNED PRIMARY KEY, at DATETIME(6) NOT NULL, server INT UNSIGNED NOT NULL
) ENGINE=InnoDB;
CREATE USER IF NOT EXISTS judge@'%' IDENTIFIED BY '';
GRANT SELECT, INSERT ON judge.* TO judge@'%';";

/// A client at work, on a thread of its own. It stops when this is dropped.
#[derive(Debug)]
pub struct Writer {
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<Ledger>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Makes the table anew, and the account, on the primary. The account has no password
    /// and may do nothing but add rows to that table: no secret travels, and the login costs one
    /// round trip on every server.
    ///
    /// # Errors
    /// When the primary does not take it.
    pub fn prepare(primary: &Host) -> Result<(), LabError> {
        primary.sql(PREPARATION).map(drop)
    }

    /// Writes from the outer machine, as a client of the lab's subnet.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn outside(lab: &Lab) -> Result<Self, LabError> {
        Self::start(lab.vip(), None)
    }

    /// Writes from inside a host's network: beside the server that runs there, cut off or not.
    ///
    /// # Errors
    /// When the host has no network.
    pub fn beside(lab: &Lab, host: &Host) -> Result<Self, LabError> {
        let path = host.namespace();
        let namespace = File::open(&path).map_err(LabError::file("open", &path))?;
        Self::start(lab.vip(), Some(namespace))
    }

    fn start(address: Ipv4Addr, namespace: Option<File>) -> Result<Self, LabError> {
        let stop = Arc::new(AtomicBool::new(false));
        let ledger = Arc::new(Mutex::new(Ledger::begin(Instant::now())));
        let (stopped, notes) = (Arc::clone(&stop), Arc::clone(&ledger));
        let failed = |source| LabError::Start {
            program: "a writer".to_owned(),
            doing: format!("write to {address}"),
            source,
        };
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                if let Err(error) = live(address, namespace, &stopped, &notes) {
                    note(&notes).error(&error.to_string());
                }
            })
            .map_err(failed)?;
        Ok(Self {
            stop,
            ledger,
            thread: Some(thread),
        })
    }

    /// What it has noted so far.
    pub fn so_far(&self) -> Ledger {
        let mut copy = note(&self.ledger).clone();
        copy.ended = Instant::now();
        copy
    }

    /// How many rows are acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        note(&self.ledger).acks.len()
    }

    /// Stops it; an answer that is under way is awaited.
    pub fn stop(mut self) -> Ledger {
        self.end();
        note(&self.ledger).clone()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it had noted until a panic is in the ledger.
            let _ = thread.join();
            note(&self.ledger).ended = Instant::now();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Ledger {
    fn error(&mut self, text: &str) {
        *self.errors.entry(text.to_owned()).or_default() += 1;
    }
}

/// What a panic left is still what was noted.
fn note(ledger: &Mutex<Ledger>) -> std::sync::MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The life of the thread. Only it enters the host's network; the rest of the process stays outside.
fn live(
    address: Ipv4Addr,
    namespace: Option<File>,
    stop: &AtomicBool,
    ledger: &Mutex<Ledger>,
) -> std::io::Result<()> {
    if let Some(file) = namespace {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(write(address, stop, ledger));
    // A farewell to a server that hangs is not waited for.
    runtime.shutdown_background();
    Ok(())
}

async fn write(address: Ipv4Addr, stop: &AtomicBool, ledger: &Mutex<Ledger>) {
    let mut ticks = interval(TICK);
    // After an outage a client goes on; it does not send all at once what it missed.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut session = None;
    while !stop.load(Ordering::Relaxed) {
        let open = match session.take() {
            Some(open) => {
                ticks.tick().await;
                Some(open)
            }
            None => reconnect(address, stop, ledger, &mut ticks).await,
        };
        let Some((mut conn, server)) = open else {
            return;
        };
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let insert = format!("INSERT INTO judge.`rows` VALUES ({id}, NOW(6), {server})");
        match timeout(PATIENCE, conn.query_drop(insert)).await {
            Ok(Ok(())) => {
                let at = Instant::now();
                note(ledger).acks.push(Ack { id, at, server });
                session = Some((conn, server));
            }
            // Even a server's own no: a commit that was killed while it waited for a replica says so,
            // and is there.
            Ok(Err(error)) => {
                let mut notes = note(ledger);
                notes.unknown.insert(id);
                notes.error(&error.to_string());
            }
            Err(_) => {
                let mut notes = note(ledger);
                notes.unknown.insert(id);
                notes.error("no answer");
            }
        }
    }
}

/// A new attempt at every tick, side by side, until one succeeds or the writer is to stop.
async fn reconnect(
    address: Ipv4Addr,
    stop: &AtomicBool,
    ledger: &Mutex<Ledger>,
    ticks: &mut Interval,
) -> Option<(Conn, u32)> {
    let mut attempts = JoinSet::new();
    while !stop.load(Ordering::Relaxed) {
        tokio::select! {
            _ = ticks.tick() => drop(attempts.spawn(connect(address))),
            Some(ended) = attempts.join_next() => match ended {
                Ok(Ok(open)) => return Some(open),
                Ok(Err(why)) => note(ledger).error(&why),
                Err(error) => note(ledger).error(&error.to_string()),
            },
        }
    }
    None
}

/// A session, and the `server_id` of whoever has the address now.
#[expect(
    clippy::disallowed_methods,
    reason = "a client of the lab is no part of the tool, and must not share its code"
)]
async fn connect(address: Ipv4Addr) -> Result<(Conn, u32), String> {
    let opts = OptsBuilder::default()
        .ip_or_hostname(address.to_string())
        .user(Some("judge"))
        // Otherwise it asks for @@socket and moves to a server of the outer machine.
        .prefer_socket(false)
        .max_allowed_packet(Some(LARGEST_PACKET))
        .wait_timeout(Some(WAIT_TIMEOUT));
    let open = async {
        let mut conn = Conn::new(opts).await?;
        let server: Option<u32> = conn.query_first("SELECT @@server_id").await?;
        Ok::<_, mysql_async::Error>((conn, server.unwrap_or_default()))
    };
    match timeout(PATIENCE, open).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no connection".to_owned()),
    }
}
