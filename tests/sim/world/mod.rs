//! A model of hosts, their network and one client, written from what real servers do and not from what
//! hactl predicts of its actions. Time is virtual. It judges nothing: [`crate::oracle`] does.

mod client;
mod effects;
mod fleet;
mod inventory;
mod row;
mod server;
mod sight;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use hactl::facts::Marks;
use hactl::inventory::{Cluster, HostName};

pub(crate) use client::Client;
pub(crate) use effects::Effect;
pub(crate) use fleet::{Ended, Fault, Half, Interruption, WorldFleet};
pub(crate) use inventory::cluster;
pub(crate) use row::Row;
pub(crate) use server::{Channel, Process, Server};

/// Milliseconds since the simulation began.
pub(crate) type Millis = u64;

/// After how long without a word a replica takes its connection for broken.
const NET_TIMEOUT: Millis = 8_000;

/// How often a source says something to its replicas, whatever happens.
const HEARTBEAT: Millis = 1_000;

/// How long an address stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// Until it is taken off.
    None,
    /// Until the kernel takes it off.
    Until(Millis),
}

/// A machine with its server.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Its name.
    pub(crate) name: HostName,
    /// Whether it has power.
    pub(crate) power: bool,
    /// Whether the controller's network reaches it.
    pub(crate) ssh: bool,
    /// Whether clients' network reaches it.
    pub(crate) clients: bool,
    /// The writer VIP, if it is on it.
    pub(crate) vip: Option<Lease>,
    /// What hactl left there.
    pub(crate) marks: Marks,
    /// Its server.
    pub(crate) server: Server,
}

impl Machine {
    /// Whether the controller gets in.
    pub(crate) fn is_reached(&self) -> bool {
        self.power && self.ssh
    }

    /// Power is gone, and with it the addresses.
    pub(crate) fn power_off(&mut self) {
        self.power = false;
        self.vip = None;
        self.server.crash();
    }

    /// Power is back; systemd starts what is not masked.
    pub(crate) fn power_on(&mut self) {
        if !self.power {
            self.power = true;
            self.start();
        }
    }

    /// Somebody starts the server.
    pub(crate) fn start(&mut self) {
        if self.power && self.server.process == Process::Gone && !self.server.masked {
            self.server.boot();
        }
    }
}

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The inventory.
    pub(crate) cluster: Cluster,
    /// The hosts, in the order of their numbers: `db1` is the first.
    pub(crate) machines: Vec<Machine>,
    /// Pairs of numbers, the smaller first, between which no packet passes.
    pub(crate) cuts: BTreeSet<(u32, u32)>,
    /// Hosts that had the VIP while nobody could take it from them, and that are linked again. What they
    /// answer clients is nothing; that they have it is for leases and watchers to end.
    pub(crate) resurfaced: BTreeSet<u32>,
    /// Rows that were saved to a file of the controller's.
    pub(crate) kept: BTreeSet<Row>,
    /// Rows that a server had in its log and cut off.
    pub(crate) cut_off: BTreeSet<Row>,
    /// Who writes.
    pub(crate) client: Client,
    /// Now.
    pub(crate) now: Millis,
    /// Counts what happened, so that a waiting step can tell that something did.
    pub(crate) events: u64,
}

impl World {
    /// All is well: `db1` leads and has the VIP, the others follow it.
    pub(crate) fn healthy(cluster: &Cluster) -> Self {
        let machine = |(number, name): (u32, &HostName)| {
            let mut server = Server::new(cluster.server.flavor, number);
            if number == 1 {
                server.read_only = false;
                server.semi_sync_source = true;
            } else {
                server.channel = Some(Channel::to(1));
            }
            Machine {
                name: name.clone(),
                power: true,
                ssh: true,
                clients: true,
                vip: (number == 1).then_some(Lease::None),
                marks: Marks::default(),
                server,
            }
        };
        let mut world = Self {
            cluster: cluster.clone(),
            machines: (1..).zip(cluster.hosts.keys()).map(machine).collect(),
            cuts: BTreeSet::new(),
            resurfaced: BTreeSet::new(),
            kept: BTreeSet::new(),
            cut_off: BTreeSet::new(),
            client: Client::default(),
            now: 0,
            events: 0,
        };
        world.settle();
        world
    }

    /// The machine of a number.
    pub(crate) fn at(&self, number: u32) -> &Machine {
        &self.machines[number as usize - 1]
    }

    /// The same, to change it.
    pub(crate) fn at_mut(&mut self, number: u32) -> &mut Machine {
        self.events += 1;
        &mut self.machines[number as usize - 1]
    }

    /// The number of a host.
    pub(crate) fn number(&self, name: &HostName) -> Option<u32> {
        (1..)
            .zip(&self.machines)
            .find(|(_, machine)| machine.name == *name)
            .map(|(number, _)| number)
    }

    /// All numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        1..=u32::try_from(self.machines.len()).expect("few hosts")
    }

    /// Takes the link between two hosts away.
    pub(crate) fn cut(&mut self, one: u32, other: u32) {
        self.cuts.insert((one.min(other), one.max(other)));
    }

    /// Takes every link of a host away, the controller's and the clients' too.
    pub(crate) fn isolate(&mut self, host: u32) {
        for other in self.numbers().filter(|other| *other != host) {
            self.cut(host, other);
        }
        (self.at_mut(host).ssh, self.at_mut(host).clients) = (false, false);
    }

    /// Every link is whole again.
    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
        let kept = |number: &u32| !self.at(*number).ssh && self.at(*number).vip.is_some();
        let kept: Vec<_> = self.numbers().filter(kept).collect();
        self.resurfaced.extend(kept);
        for machine in &mut self.machines {
            (machine.ssh, machine.clients) = (true, true);
        }
        self.events += 1;
    }

    /// Whether packets pass between two hosts, both having power.
    pub(crate) fn linked(&self, one: u32, other: u32) -> bool {
        self.at(one).power
            && self.at(other).power
            && !self.cuts.contains(&(one.min(other), one.max(other)))
    }

    /// Whether a client of the VIP that is on this host gets an answer from its server.
    pub(crate) fn serves(&self, number: u32) -> bool {
        let machine = self.at(number);
        machine.power && machine.clients && machine.vip.is_some() && machine.server.is_up()
    }

    /// The replicas that would acknowledge what is written here.
    pub(crate) fn ackers(&self, source: u32) -> u32 {
        let acks = |number: &u32| {
            let server = &self.at(*number).server;
            let attached = |channel: &Channel| {
                channel.source == source && channel.receiver && channel.connected
            };
            server.is_up()
                && self.linked(source, *number)
                && server.channel.as_ref().is_some_and(attached)
        };
        let count = self.numbers().filter(acks).count();
        u32::try_from(count).expect("few hosts")
    }

    /// What happens by itself, at once: connections come and go, rows travel, are acknowledged, are
    /// applied.
    pub(crate) fn settle(&mut self) {
        let now = self.now;
        for machine in &mut self.machines {
            if std::mem::take(&mut machine.server.is_new) {
                machine.server.booted_at = Some(now);
            }
        }
        loop {
            let before = self.events;
            for number in self.numbers() {
                self.connect(number);
                self.receive(number);
                self.apply(number);
            }
            for number in self.numbers() {
                self.acknowledge(number);
            }
            if self.events == before {
                return;
            }
        }
    }

    /// Time passes: leases run out, silent connections break.
    pub(crate) fn pass(&mut self, until: Millis) {
        self.now = self.now.max(until);
        let now = self.now;
        for machine in &mut self.machines {
            if matches!(machine.vip, Some(Lease::Until(end)) if end <= now) {
                machine.vip = None;
            }
        }
        for number in self.numbers() {
            if self.receives(number).is_some()
                && let Some(channel) = &mut self.machines[number as usize - 1].server.channel
                && now >= channel.heard_at + HEARTBEAT
            {
                channel.heard_at = now;
                channel.heartbeats += 1;
            }
        }
        self.events += 1;
        self.settle();
    }

    /// The source that a replica truly receives from, now.
    pub(crate) fn receives(&self, number: u32) -> Option<u32> {
        let server = &self.at(number).server;
        let channel = server.channel.as_ref()?;
        let source = channel.source;
        let open = channel.receiver && channel.connected && server.is_up();
        let is_served = self.linked(number, source) && self.at(source).server.is_up();
        (open && is_served).then_some(source)
    }

    /// A connection stands while both ends answer; it breaks at once where the other end says so, and
    /// after a while where it says nothing.
    fn connect(&mut self, number: u32) {
        let server = &self.at(number).server;
        let Some(channel) = server.channel.as_ref().filter(|channel| channel.receiver) else {
            return;
        };
        let (source, connected) = (channel.source, channel.connected);
        let linked = self.linked(number, source);
        let process = self.at(source).server.process;
        let silent = !linked || process == Process::Frozen;
        let (now, since) = (self.now, channel.silent_since.unwrap_or(self.now));
        let known = silent.then_some(since);
        let stands = if silent {
            connected && now < since + NET_TIMEOUT
        } else {
            process == Process::Up && server.is_up()
        };
        let stands = stands && channel.refused.is_none();
        if channel.silent_since != known
            && let Some(channel) = &mut self.machines[number as usize - 1].server.channel
        {
            channel.silent_since = known;
        }
        if stands != connected
            && let Some(channel) = &mut self.at_mut(number).server.channel
        {
            channel.connected = stands;
        }
    }

    /// Fetches what the source has more.
    fn receive(&mut self, number: u32) {
        let Some((source, rows)) = self.fetched(number) else {
            return;
        };
        if let Err(why) = rows {
            let server = &mut self.at_mut(number).server;
            server.stop_receiver();
            if let Some(channel) = &mut server.channel {
                channel.refused = Some(why);
            }
            return;
        }
        let rows = rows.unwrap_or_default();
        if !rows.is_empty()
            && let Some(channel) = &mut self.at_mut(number).server.channel
        {
            debug_assert_eq!(channel.source, source);
            channel.relay.extend(rows);
        }
    }

    fn fetched(&self, number: u32) -> Option<(u32, Result<Vec<Row>, &'static str>)> {
        let source = self.receives(number)?;
        Some((
            source,
            sent(&self.at(number).server, &self.at(source).server),
        ))
    }

    fn apply(&mut self, number: u32) {
        let server = &self.at(number).server;
        let due = server
            .channel
            .as_ref()
            .is_some_and(|channel| channel.applier && !channel.relay.is_empty());
        if due && server.is_up() && !server.slow && !server.broken {
            let _ = self.at_mut(number).server.drain();
        }
    }

    /// A commit that waits goes on as soon as a replica has received it.
    fn acknowledge(&mut self, number: u32) {
        let server = &self.at(number).server;
        if !(server.is_up() && server.semi_sync_source && server.waits()) {
            return;
        }
        let received = |waiting: &Row| {
            self.numbers().any(|other| {
                let replica = &self.at(other).server;
                let channel = replica.channel.as_ref();
                channel.is_some_and(|channel| {
                    channel.source == number && channel.receiver && channel.connected
                }) && self.linked(number, other)
                    && replica.is_up()
                    && replica.holds().any(|row| row == waiting)
            })
        };
        if received(&server.log[server.log.len() - 1]) {
            let released = self.at_mut(number).server.release();
            self.client.told(number, &released);
        }
    }
}

/// What a source sends to a replica that asks for what it has not; or why it sends nothing.
fn sent(replica: &Server, source: &Server) -> Result<Vec<Row>, &'static str> {
    let held: BTreeSet<Row> = replica.holds().copied().collect();
    match source.flavor {
        // By position: everything after the replica's last row, which must be known here.
        hactl::mysql::Flavor::MariaDb => {
            let last = replica.holds().last();
            let after = match last {
                None => 0,
                Some(last) => {
                    let place = source.log.iter().position(|row| row == last);
                    place.ok_or("the requested GTID is not in the source's binary log")? + 1
                }
            };
            Ok(source.log[after..].to_vec())
        }
        // By set: whatever is missing. Only the source's own GTIDs are missed by it.
        hactl::mysql::Flavor::MySql => {
            let ahead = |row: &&Row| row.writer == source.number && !source.log.contains(row);
            if held.iter().any(|row| ahead(&row)) {
                return Err("the replica has more GTIDs of the source than the source");
            }
            let missing = source.log.iter().filter(|row| !held.contains(row));
            Ok(missing.copied().collect())
        }
    }
}
