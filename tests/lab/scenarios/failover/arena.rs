//! A cluster under load with a judge: what every scenario of a failover needs. It knows hactl's
//! commands and no scenario. It never asserts a time.

use std::cell::RefCell;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hactl_lab::{Health, Host, LabError, Ledger, Server, Suite, Violation, Writer, inspect};

use crate::cluster::{Cluster, Running, eventually};
use crate::run::Run;

/// No change of leadership takes longer on the slowest machine that is supported.
pub(super) const LIMIT: Duration = Duration::from_mins(2);

/// How long a watcher is given to do what it must not do.
pub(super) const TEMPTATION: Duration = Duration::from_secs(12);

/// So many rows more, and the service is back.
const BACK: usize = 20;

/// What a watcher says when it is ready.
const WATCHING: &str = "watching";

/// The keys that most scenarios add to the inventory: one failover may follow another at once.
pub(super) const QUICKLY: &str = "failover: {min_interval: 1s, prefer: promote}\n";

/// A cluster of three hosts, or of more, and a judge.
pub(super) struct Arena {
    pub(super) cluster: Cluster,
    ledgers: RefCell<Vec<Ledger>>,
}

/// A watcher at work; it is killed when this is dropped.
pub(super) struct Watch<'a> {
    arena: &'a Arena,
    running: Running,
}

impl Arena {
    pub(super) fn up(suite: Suite) -> Self {
        Self::with(suite, QUICKLY)
    }

    /// With keys of its own in the inventory, as text.
    pub(super) fn with(suite: Suite, keys: &str) -> Self {
        Self::of(3, suite, keys)
    }

    /// With so many hosts.
    pub(super) fn of(hosts: usize, suite: Suite, keys: &str) -> Self {
        let cluster = Cluster::of(hosts, suite, Server::Installed);
        let arena = Self {
            cluster,
            ledgers: RefCell::new(Vec::new()),
        };
        arena.give(keys);
        arena.cluster.bootstrap();
        Writer::prepare(arena.host("db1")).unwrap();
        arena
    }

    /// Adds keys to the inventory that the lab wrote.
    pub(super) fn give(&self, keys: &str) {
        let inventory = self.cluster.lab.inventory_yaml();
        self.cluster.write_inventory(&(inventory + keys));
    }

    /// Gives a host keys of its own in the inventory, beside these for the whole.
    pub(super) fn give_host(&self, host: &str, own: &str, keys: &str) {
        let line = format!("  {host}: {{");
        let inventory = self.cluster.lab.inventory_yaml();
        let inventory = inventory.replace(&line, &format!("{line}{own}, "));
        self.cluster.write_inventory(&(inventory + keys));
    }

    pub(super) fn host(&self, name: &str) -> &Host {
        self.cluster.host(name)
    }

    /// A client of the writer VIP that has had its first answers.
    pub(super) fn write(&self) -> Writer {
        self.answered(Writer::outside(&self.cluster.lab).unwrap())
    }

    /// The same, within a host's network.
    pub(super) fn write_beside(&self, host: &str) -> Writer {
        self.answered(Writer::beside(&self.cluster.lab, self.host(host)).unwrap())
    }

    #[track_caller]
    fn answered(&self, writer: Writer) -> Writer {
        self.await_rows(&writer);
        writer
    }

    /// Waits until rows are acknowledged (again).
    #[track_caller]
    pub(super) fn await_rows(&self, writer: &Writer) {
        let wanted = writer.acknowledged() + BACK;
        let back = eventually(LIMIT, || writer.acknowledged() >= wanted);
        assert!(
            back,
            "no row is acknowledged any more: {:?}\n{}",
            writer.so_far().errors,
            self.cluster.hactl(&["status"])
        );
    }

    /// Waits until another server than before acknowledges.
    #[track_caller]
    pub(super) fn await_another(&self, writer: &Writer) {
        let moved = eventually(LIMIT, || writer.so_far().turns().len() > 1);
        assert!(
            moved,
            "no other server took over: {:?}\n{}",
            writer.so_far().errors,
            self.cluster.hactl(&["status"])
        );
        self.await_rows(writer);
    }

    /// Stops a writer; what it was told counts in [`Arena::well`].
    pub(super) fn stop(&self, writer: Writer) {
        self.ledgers.borrow_mut().push(writer.stop());
    }

    /// What is true now: see [`inspect`].
    pub(super) fn look(&self) -> Result<Health, Vec<Violation>> {
        self.glance().unwrap()
    }

    /// The same, while servers may come and go.
    pub(super) fn glance(&self) -> Result<Result<Health, Vec<Violation>>, LabError> {
        inspect(&self.cluster.lab, &self.ledgers.borrow())
    }

    /// All is well but for what is allowed to be missing: how many replicas there are.
    #[track_caller]
    pub(super) fn well_with(&self, replicas: usize) -> Health {
        let mut last = self.look();
        // A watcher repairs, a replica reconnects: both take their time. A lost row stays lost.
        let well = eventually(Duration::from_mins(1), || {
            last = self.look();
            match &last {
                Ok(health) => health.replicas.len() == replicas,
                Err(wrong) => wrong.iter().any(Violation::is_final),
            }
        });
        match last {
            Ok(health) if well => health,
            Ok(health) => panic!(
                "{replicas} replicas were expected: {health:?}\n{}",
                self.cluster.hactl(&["status"])
            ),
            Err(wrong) => panic!("{}\n{}", Listed(&wrong), self.cluster.hactl(&["status"])),
        }
    }

    /// Nothing is lost, one is writable; how many replicate does not matter.
    #[track_caller]
    pub(super) fn well_with_any(&self) {
        if let Err(wrong) = self.look() {
            panic!("{}\n{}", Listed(&wrong), self.cluster.hactl(&["status"]));
        }
    }

    /// No row is lost that anybody could still have, and no two servers take writes: what must hold at
    /// every moment.
    #[track_caller]
    pub(super) fn well_so_far(&self) {
        if let Err(wrong) = self.look() {
            let is_ill = |wrong: &Violation| match wrong {
                Violation::Writable(hosts) => hosts.len() > 1,
                Violation::Vip { holders, .. } => holders.len() > 1,
                // Rows of a writer that still runs are in no ledger.
                Violation::Alien { .. } => false,
                other => other.is_final(),
            };
            let ill: Vec<_> = wrong.into_iter().filter(is_ill).collect();
            assert!(ill.is_empty(), "{}", Listed(&ill));
        }
    }

    /// All hosts are in good order, and so says hactl.
    #[track_caller]
    pub(super) fn well(&self) -> Health {
        let health = self.well_with(self.cluster.lab.hosts().len() - 1);
        self.restart_all_again();
        self.cluster.hactl(&["verify", "--wait", "60s"]).exits(0);
        health
    }

    /// Starts a watcher and waits until it watches.
    #[track_caller]
    pub(super) fn watch(&self) -> Watch<'_> {
        let running = self.cluster.start(&["failover", "--watch", "--yes"]);
        let mut watch = Watch {
            arena: self,
            running,
        };
        watch.says(WATCHING);
        watch
    }

    /// Starts watchers until one watches, as a unit with `Restart=always` does. Gives it with how many
    /// ended by themselves before; nothing if none would stay.
    pub(super) fn watch_as_a_unit(&self) -> Option<(Watch<'_>, usize)> {
        let begun = Instant::now();
        let mut ended = 0;
        while begun.elapsed() < LIMIT {
            let mut watch = Watch {
                arena: self,
                running: self.cluster.start(&["failover", "--watch", "--yes"]),
            };
            eventually(LIMIT, || {
                watch.said().contains(WATCHING) || watch.ended().is_some()
            });
            if watch.ended().is_none() {
                return Some((watch, ended));
            }
            eprintln!("{}", watch.said());
            ended += 1;
            sleep(Duration::from_secs(1));
        }
        None
    }

    /// Brings a former primary back as a replica, by a reseed where hactl asks for it.
    #[track_caller]
    pub(super) fn rejoin(&self, host: &str) -> Run {
        let mut run = self.cluster.hactl(&["rejoin", host, "--yes"]);
        // A watcher repairs for a moment what it finds when a host is back.
        let free = eventually(LIMIT, || {
            let busy = format!("{run}").contains("is held by");
            if busy {
                run = self.cluster.hactl(&["rejoin", host, "--yes"]);
            }
            !busy
        });
        assert!(free, "{run}");
        // 5: a server that cannot leave its tail behind shows it only once it was started.
        if matches!(run.code, 5 | 6) {
            drop(run.says("--reseed"));
            return self
                .cluster
                .hactl(&["rejoin", host, "--reseed", "--yes"])
                .exits(0);
        }
        run.exits(0)
    }

    /// systemd leaves a server of this host that dies alone.
    pub(super) fn no_restart(&self, host: &str) {
        let unit = self.unit();
        let folder = format!("/run/systemd/system/{unit}.service.d");
        self.host(host)
            .exec_ok(&format!(
                "mkdir -p {folder} && printf '[Service]\\nRestart=no\\n' >{folder}/zz-lab.conf && \
                 systemctl daemon-reload"
            ))
            .unwrap();
    }

    /// Undoes [`Self::no_restart`].
    pub(super) fn restart_again(&self, host: &str) {
        let unit = self.unit();
        let file = format!("/run/systemd/system/{unit}.service.d/zz-lab.conf");
        self.host(host)
            .exec_ok(&format!("rm -f {file} && systemctl daemon-reload"))
            .unwrap();
    }

    /// Undoes [`Self::no_restart`] wherever it was done: to hactl it is a fault that somebody should know of.
    pub(super) fn restart_all_again(&self) {
        let file = format!("/run/systemd/system/{}.service.d/zz-lab.conf", self.unit());
        let undo = format!("[ ! -e {file} ] || {{ rm {file} && systemctl daemon-reload; }}");
        for host in self.cluster.lab.hosts() {
            host.exec_ok(&undo).unwrap();
        }
    }

    /// `kill -9` of a server that nobody starts again.
    pub(super) fn kill_for_good(&self, host: &str) {
        self.no_restart(host);
        self.host(host).kill(self.process()).unwrap();
    }

    /// The server's unit.
    pub(super) fn unit(&self) -> &'static str {
        self.cluster.lab.suite().flavor().unit()
    }

    /// The server's process.
    pub(super) fn process(&self) -> &'static str {
        self.cluster.lab.suite().flavor().process()
    }

    /// It cannot be started by accident, and does not run.
    #[track_caller]
    pub(super) fn assert_fenced(&self, host: &str) {
        let unit = self.unit();
        let script = format!("systemctl is-enabled {unit}; systemctl is-active {unit}");
        let mut said = String::new();
        let fenced = eventually(Duration::from_mins(1), || {
            said = self.host(host).exec(&script).unwrap().stdout;
            said.starts_with("masked") && !said.contains("\nactive")
        });
        assert!(fenced, "{host} is not fenced: {said}");
        self.assert_no_vip(host);
    }

    #[track_caller]
    pub(super) fn assert_no_vip(&self, host: &str) {
        let addresses = self.host(host).exec_ok("ip -o -4 address show").unwrap();
        let vip = format!(" {}/", self.cluster.lab.vip());
        assert!(!addresses.contains(&vip), "{host} has the VIP: {addresses}");
    }

    /// `ip addr add` or `del` of the writer VIP, by hand.
    pub(super) fn address(&self, host: &Host, verb: &str) -> Result<(), LabError> {
        let (vip, length) = (self.cluster.lab.vip(), self.cluster.lab.prefix_len());
        let command = format!("ip addr {verb} {vip}/{length} dev eth0");
        host.exec_ok(&command).map(drop)
    }

    /// A row of the scenario's own, beside the judge's: `notes.n`.
    pub(super) fn note(&self, host: &str, first: u32, last: u32) {
        let mut text = "CREATE DATABASE IF NOT EXISTS notes; \
                        CREATE TABLE IF NOT EXISTS notes.n (id INT PRIMARY KEY);"
            .to_owned();
        for id in first..=last {
            text.push_str(&format!("INSERT INTO notes.n VALUES ({id});"));
        }
        self.host(host).sql(&text).unwrap();
    }

    /// So many of them are there.
    #[track_caller]
    pub(super) fn assert_noted(&self, host: &str, count: u32) {
        let query = "SELECT COUNT(*) FROM notes.n";
        self.cluster.await_answer(host, query, &count.to_string());
    }
}

impl Watch<'_> {
    /// It must say this sooner or later.
    #[track_caller]
    pub(super) fn says(&mut self, text: &str) {
        let mut ended = None;
        let said = eventually(LIMIT, || {
            ended = self.running.ended();
            self.said().contains(text) || ended.is_some()
        });
        assert!(
            said && self.said().contains(text),
            "the watcher does not say `{text}` (ended: {ended:?}):\n{}",
            self.said()
        );
    }

    pub(super) fn said(&self) -> String {
        self.arena.cluster.said(&self.running)
    }

    /// `kill -9`, now.
    pub(super) fn kill(&mut self) {
        self.running.end();
    }

    pub(super) fn ended(&mut self) -> Option<i32> {
        self.running.ended()
    }

    /// It hangs, whatever it is doing.
    pub(super) fn pause(&self) {
        self.running.signal("STOP");
    }

    /// It goes on, if it hung.
    pub(super) fn resume(&self) {
        self.running.signal("CONT");
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        // Whatever a scenario misses, what the watcher saw is half of the answer.
        if std::thread::panicking() {
            eprintln!("the watcher said:\n{}", self.said());
        }
    }
}

/// One by line.
pub(super) struct Listed<'a, T>(pub(super) &'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|one| writeln!(f, "{one}"))
    }
}
