//! One database server, as servers really are: what `START`, `CHANGE` and `RESET` do to a relay log, what
//! a waiting commit blocks, what a crash leaves behind. Each trap was seen on real servers; nothing in
//! here knows what hactl hopes for.

use hactl::mysql::Flavor;

use super::Millis;
use super::row::{Row, next_number};

/// Whether the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    /// It answers.
    Up,
    /// Stopped by a signal: connections stand, nothing answers.
    Frozen,
    /// There is none.
    Gone,
}

/// Why a server does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error(pub(crate) &'static str);

/// Replication from another host.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches are independent of each other"
)]
pub(crate) struct Channel {
    /// The number of the host that it fetches from.
    pub(crate) source: u32,
    /// Whether the receiver was started.
    pub(crate) receiver: bool,
    /// Whether its connection stands, as far as it knows.
    pub(crate) connected: bool,
    /// Whether the applier was started.
    pub(crate) applier: bool,
    /// Whether it goes on from a file and a position in its source's log, and not from its GTIDs.
    pub(crate) by_file: bool,
    /// Received and not applied, in order.
    pub(crate) relay: Vec<Row>,
    /// Why the receiver gave up.
    pub(crate) refused: Option<&'static str>,
    /// Since when its source says nothing although the connection stands.
    pub(crate) silent_since: Option<Millis>,
    /// How many heartbeats came, and when the latest did.
    pub(crate) heartbeats: u64,
    /// See there.
    pub(crate) heard_at: Millis,
}

impl Channel {
    /// A channel that runs.
    pub(crate) fn to(source: u32) -> Self {
        Self {
            source,
            receiver: true,
            connected: false,
            applier: true,
            by_file: false,
            relay: Vec::new(),
            refused: None,
            silent_since: None,
            heartbeats: 0,
            heard_at: 0,
        }
    }

    /// Whether neither thread was started, which is when relay logs are lost.
    pub(crate) fn is_stopped(&self) -> bool {
        !self.receiver && !self.applier
    }
}

/// A server.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "switches are independent of each other"
)]
pub(crate) struct Server {
    /// Its flavor.
    pub(crate) flavor: Flavor,
    /// The number of its host.
    pub(crate) number: u32,
    /// Its process.
    pub(crate) process: Process,
    /// Whether nothing may start it.
    pub(crate) masked: bool,
    /// Whether it was drained and has no new source: it does not receive when it boots.
    pub(crate) held: bool,
    /// Whether it refuses clients' writes.
    pub(crate) read_only: bool,
    /// Whether its commits wait for an acknowledgement (`AFTER_SYNC`, without falling back).
    pub(crate) semi_sync_source: bool,
    /// Its binary log. Rows from `committed` on wait for an acknowledgement: written, sent to
    /// replicas, and seen by nobody.
    pub(crate) log: Vec<Row>,
    /// How many rows of the log are committed.
    pub(crate) committed: usize,
    /// Replication, if it is a replica.
    pub(crate) channel: Option<Channel>,
    /// Whether its applier falls behind: it applies when it is waited for only.
    pub(crate) slow: bool,
    /// Whether its applier stops at an error.
    pub(crate) broken: bool,
    /// When it was last started; nothing if that was long before.
    pub(crate) booted_at: Option<Millis>,
    /// Whether it was started this moment.
    pub(crate) is_new: bool,
}

impl Server {
    /// A server that follows nobody, is read-only and holds the rows of the beginning.
    pub(crate) fn new(flavor: Flavor, number: u32) -> Self {
        Self {
            flavor,
            number,
            process: Process::Up,
            masked: false,
            held: false,
            read_only: true,
            semi_sync_source: false,
            log: Vec::new(),
            committed: 0,
            channel: None,
            slow: false,
            broken: false,
            booted_at: None,
            is_new: false,
        }
    }

    /// Whether it answers.
    pub(crate) fn is_up(&self) -> bool {
        self.process == Process::Up
    }

    /// Whether a client's write would be taken, if not acknowledged.
    pub(crate) fn takes_writes(&self) -> bool {
        self.is_up() && !self.read_only
    }

    /// Whether a commit waits at present.
    pub(crate) fn waits(&self) -> bool {
        self.committed < self.log.len()
    }

    /// Everything that it has, or will have once its applier has run.
    pub(crate) fn holds(&self) -> impl Iterator<Item = &Row> {
        let relay = self.channel.iter().flat_map(|channel| &channel.relay);
        self.log.iter().chain(relay)
    }

    /// Writes a row; it is committed at once unless commits wait.
    pub(crate) fn write(&mut self) -> Row {
        let row = Row {
            writer: self.number,
            number: next_number(self.flavor, &self.log, self.number),
        };
        self.log.push(row);
        if !self.semi_sync_source {
            self.committed = self.log.len();
        }
        row
    }

    /// Commits rows that came from elsewhere.
    pub(crate) fn apply(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            if !self.log.contains(&row) {
                self.log.push(row);
            }
        }
        self.committed = self.log.len();
    }

    /// `SET GLOBAL read_only = 1`: hangs while a commit waits, and is given up within its bound (S8).
    pub(crate) fn refuse_writes(&mut self) -> Result<(), Error> {
        if self.waits() {
            return Err(Error(
                "lock wait timeout exceeded: a commit waits for its acknowledgement",
            ));
        }
        self.read_only = true;
        Ok(())
    }

    /// Turns waiting on, or off. Off answers OK for commits that no replica has: gives those rows.
    pub(crate) fn set_semi_sync_source(&mut self, on: bool) -> Vec<Row> {
        self.semi_sync_source = on;
        if on { Vec::new() } else { self.release() }
    }

    /// Commits what waits.
    pub(crate) fn release(&mut self) -> Vec<Row> {
        let released = self.log[self.committed..].to_vec();
        self.committed = self.log.len();
        released
    }

    /// Stops the receiver; what it received stays.
    pub(crate) fn stop_receiver(&mut self) {
        if let Some(channel) = &mut self.channel {
            channel.receiver = false;
            channel.connected = false;
        }
    }

    /// Starts threads. `MariaDB` with GTID purges the relay log when neither of them ran (S1).
    pub(crate) fn start(&mut self, receiver: bool) {
        let flavor = self.flavor;
        if let Some(channel) = &mut self.channel {
            if channel.is_stopped() && flavor == Flavor::MariaDb && !channel.by_file {
                channel.relay.clear();
            }
            channel.applier = true;
            channel.receiver |= receiver;
            channel.refused = None;
        }
    }

    /// Plays the relay log from where the applier is, with neither thread running before (S3). It does so by
    /// file and position, and stays so where it does not come to its end.
    pub(crate) fn replay(&mut self) {
        let flavor = self.flavor;
        if let Some(channel) = &mut self.channel {
            channel.applier = true;
            channel.by_file |= flavor == Flavor::MariaDb;
        }
    }

    /// From now on it goes on from its GTIDs. Only with all applied: the relay log goes with it.
    pub(crate) fn by_gtid(&mut self) {
        if let Some(channel) = &mut self.channel {
            channel.by_file = false;
        }
    }

    /// Names another source. With no thread running it deletes the relay log; `MariaDB` does not take it
    /// while one runs, and so both are stopped first there.
    pub(crate) fn change_source(&mut self, source: u32) {
        let flavor = self.flavor;
        let channel = self.channel.get_or_insert_with(|| Channel {
            receiver: false,
            applier: false,
            ..Channel::to(source)
        });
        if flavor == Flavor::MariaDb {
            (channel.receiver, channel.applier) = (false, false);
        }
        if channel.is_stopped() {
            channel.relay.clear();
        }
        channel.source = source;
        channel.by_file = false;
        channel.connected = false;
        channel.refused = None;
    }

    /// Becomes no replica: what was received and not applied is gone.
    pub(crate) fn reset(&mut self) {
        self.channel = None;
    }

    /// Applies what was received, if the applier runs and can.
    pub(crate) fn drain(&mut self) -> Result<(), Error> {
        let Some(channel) = &mut self.channel else {
            return Ok(());
        };
        if channel.relay.is_empty() {
            return Ok(());
        }
        if self.broken || !channel.applier {
            return Err(Error("the applier stopped at an error"));
        }
        let rows = std::mem::take(&mut channel.relay);
        self.apply(rows);
        Ok(())
    }

    /// The process ends, whatever it was doing. The relay log is on disk (S4).
    pub(crate) fn crash(&mut self) {
        self.process = Process::Gone;
        if let Some(channel) = &mut self.channel {
            channel.connected = false;
        }
    }

    /// It starts, read-only and waiting for nobody (S11); recovery commits the tail that nobody
    /// acknowledged. A replica's unit plays its relay log and starts replication (S4).
    pub(crate) fn boot(&mut self) {
        self.process = Process::Up;
        self.is_new = true;
        self.read_only = true;
        self.semi_sync_source = false;
        self.committed = self.log.len();
        if let Some(channel) = &mut self.channel {
            (channel.receiver, channel.applier) = (false, false);
            channel.connected = false;
        }
        // `MySQL` is told to start nothing, and keeps what was received.
        if self.held && self.flavor == Flavor::MySql {
            return;
        }
        self.replay();
        if self.drain().is_ok() {
            if self.flavor == Flavor::MariaDb {
                self.by_gtid();
            }
            self.start(!self.held);
        }
    }

    /// It starts so that the tail that nobody acknowledged is cut off, where it can (S9).
    pub(crate) fn rewind(&mut self) {
        if self.flavor == Flavor::MariaDb {
            self.log.truncate(self.committed);
        }
        self.boot();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(flavor: Flavor) -> Server {
        let mut server = Server::new(flavor, 2);
        let mut channel = Channel::to(1);
        channel.relay = vec![Row {
            writer: 1,
            number: 101,
        }];
        server.channel = Some(channel);
        server
    }

    fn received(server: &Server) -> usize {
        server.holds().count()
    }

    #[test]
    fn a_start_with_both_threads_stopped_purges_on_one_flavor_only() {
        for (flavor, kept) in [(Flavor::MariaDb, 0), (Flavor::MySql, 1)] {
            let mut server = replica(flavor);
            server.stop_receiver();
            server.channel.as_mut().unwrap().applier = false;
            server.start(true);
            assert_eq!(received(&server), kept, "{flavor}");
        }
    }

    #[test]
    fn by_file_and_position_a_start_keeps_what_was_received() {
        for flavor in [Flavor::MariaDb, Flavor::MySql] {
            let mut server = replica(flavor);
            server.stop_receiver();
            let channel = server.channel.as_mut().unwrap();
            (channel.applier, channel.by_file) = (false, true);
            server.start(true);
            assert_eq!(received(&server), 1, "{flavor}");
        }
    }

    #[test]
    fn a_change_of_source_deletes_what_was_not_applied() {
        for flavor in [Flavor::MariaDb, Flavor::MySql] {
            let mut server = replica(flavor);
            server.stop_receiver();
            server.channel.as_mut().unwrap().applier = false;
            server.change_source(3);
            assert_eq!(received(&server), 0, "{flavor}");
        }
    }

    #[test]
    fn a_waiting_commit_blocks_read_only_and_survives_a_crash() {
        for (flavor, rewound) in [(Flavor::MariaDb, 0), (Flavor::MySql, 1)] {
            let mut server = Server::new(flavor, 1);
            server.semi_sync_source = true;
            server.read_only = false;
            server.write();
            assert!(server.refuse_writes().is_err() && !server.read_only);
            server.crash();
            let mut other = server.clone();
            server.boot();
            assert_eq!(server.committed, 1, "recovery commits the tail");
            other.rewind();
            assert_eq!(other.committed, rewound, "{flavor}");
        }
    }
}
