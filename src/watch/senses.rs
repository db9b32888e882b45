//! All senses of one cluster: a prober and a machine's pulse for every host, and a sentinel on the
//! primary. Dropping it ends them. It must never be slower than its slowest bound: no sense waits for
//! another.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::clock::Clock;
use super::dial::Dial;
use super::machine::Machine;
use super::pace::Pace;
use super::prober::Prober;
use super::record::Record;
use super::sentinel::Sentinel;
use super::sign::{Sign, Told};
use crate::facts::Vigil;
use crate::fleet::LiveFleet;
use crate::inventory::{Host, HostName};

/// Signs that wait to be read. More than all hosts can send between two reads.
const QUEUE: usize = 4096;
/// How long nothing need happen before time itself is news: deadlines pass.
const TICK_CALM: Duration = Duration::from_millis(250);
/// The same while hurried.
const TICK_HURRIED: Duration = Duration::from_millis(25);

/// How long one suspicion may hurry everybody.
const LONGEST_HURRY: Duration = Duration::from_secs(30);

/// Everything that perceives a cluster.
#[derive(Debug)]
pub struct Senses {
    clock: Clock,
    record: Record,
    signs: mpsc::Receiver<Sign>,
    sender: mpsc::Sender<Sign>,
    pace: watch::Sender<Pace>,
    bells: BTreeMap<HostName, Bells>,
    fleet: Arc<LiveFleet>,
    leader: HostName,
    sentinel: Option<tokio::task::AbortHandle>,
    hurried: Option<Instant>,
    tasks: JoinSet<()>,
}

/// Rings both senses of one host.
#[derive(Debug, Default)]
struct Bells {
    server: Arc<Notify>,
    machine: Arc<Notify>,
}

impl Bells {
    fn ring(&self) {
        self.server.notify_one();
        self.machine.notify_one();
    }
}

impl Senses {
    /// Begins to watch every host of the inventory, and `leader` most closely.
    pub fn begin(fleet: &Arc<LiveFleet>, leader: &HostName) -> Self {
        let (sender, signs) = mpsc::channel(QUEUE);
        let hosts = fleet.cluster().hosts.keys().cloned();
        let mut senses = Self {
            clock: Clock::start(),
            record: Record::new(hosts),
            signs,
            sender,
            pace: watch::Sender::new(Pace::Calm),
            bells: BTreeMap::new(),
            fleet: Arc::clone(fleet),
            leader: leader.clone(),
            sentinel: None,
            hurried: None,
            tasks: JoinSet::new(),
        };
        for host in fleet.cluster().hosts.values() {
            senses.attend(host);
        }
        senses.post_sentinel();
        senses
    }

    /// The watch's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Whom the sentinel is with.
    pub fn leader(&self) -> &HostName {
        &self.leader
    }

    /// Watches another host most closely from now on.
    pub fn follow(&mut self, leader: &HostName) {
        if self.leader == *leader {
            return;
        }
        self.leader = leader.clone();
        self.calm();
        self.post_sentinel();
    }

    /// Asks everybody at once and often, until [`Self::calm`]; not for ever: what is not clear by then
    /// will not become so by asking more often.
    pub fn hurry(&mut self) {
        let since = *self.hurried.get_or_insert_with(Instant::now);
        self.set_pace(if since.elapsed() < LONGEST_HURRY {
            Pace::Hurried(self.leader.clone())
        } else {
            Pace::Calm
        });
    }

    /// Back to the usual pace.
    pub fn calm(&mut self) {
        self.hurried = None;
        self.set_pace(Pace::Calm);
    }

    /// Asks every server and every machine at once.
    pub fn ask_all(&self) {
        self.bells.values().for_each(Bells::ring);
    }

    /// What is known as soon as something new is known, or time has passed that may matter.
    pub async fn next(&mut self) -> Vigil {
        let tick = match *self.pace.borrow() {
            Pace::Calm => TICK_CALM,
            Pace::Hurried(_) => TICK_HURRIED,
        };
        // A sender is kept here: the channel is never closed.
        if let Ok(Some(sign)) = timeout(tick, self.signs.recv()).await {
            self.take(sign);
        }
        self.catch_up()
    }

    /// What is known now, everything told so far included.
    pub fn catch_up(&mut self) -> Vigil {
        while let Ok(sign) = self.signs.try_recv() {
            self.take(sign);
        }
        self.record.vigil(self.clock.now())
    }

    fn take(&mut self, sign: Sign) {
        let concerns_leader = sign.host == self.leader;
        let ended = matches!(sign.told, Told::SentinelEnded);
        self.record.take(sign);
        if !concerns_leader {
            return;
        }
        if ended {
            self.ask_all();
        }
        if ended || !self.record.answers(&self.leader) {
            self.hurry();
        }
    }

    fn set_pace(&self, wanted: Pace) {
        // Only a change wakes anybody.
        self.pace.send_if_modified(|pace| {
            let differs = *pace != wanted;
            *pace = wanted;
            differs
        });
    }

    fn attend(&mut self, host: &Host) {
        let bells = self.bells.entry(host.name.clone()).or_default();
        let cluster = self.fleet.cluster();
        let prober = Prober {
            host: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            monitor: cluster.accounts.monitor.clone(),
            interval: cluster.failover.probe_interval,
            silence: cluster.failover.silence,
            clock: self.clock,
            pace: self.pace.subscribe(),
            bell: Arc::clone(&bells.server),
            signs: self.sender.clone(),
        };
        let machine = Machine {
            host: host.name.clone(),
            fleet: Arc::clone(&self.fleet),
            clock: self.clock,
            pace: self.pace.subscribe(),
            bell: Arc::clone(&bells.machine),
            signs: self.sender.clone(),
            port: host.port,
            vip: cluster.vip.as_ref().and_then(|vip| match vip.address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            }),
            lost: false,
            dial: Dial::new(),
            listener: None,
        };
        self.tasks.spawn(prober.run());
        self.tasks.spawn(machine.run());
    }

    fn post_sentinel(&mut self) {
        if let Some(earlier) = self.sentinel.take() {
            earlier.abort();
        }
        let Some(host) = self.fleet.cluster().host(&self.leader) else {
            return;
        };
        let sentinel = Sentinel {
            host: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            monitor: self.fleet.cluster().accounts.monitor.clone(),
            clock: self.clock,
            signs: self.sender.clone(),
        };
        self.sentinel = Some(self.tasks.spawn(sentinel.run()));
    }
}
