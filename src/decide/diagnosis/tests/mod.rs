//! One row per way to fail or to seem failed: what a watcher knows at a moment, and what that means. Time
//! is counted from the beginning of the trouble, at 10 s of the watch.

mod rows;

use std::time::Duration;

use rows::{alive, begun, crashes, others, silences};

use super::*;
use crate::facts::{MachinePulse, Millis, Process, Pulse, ServerPulse, VipPresence};
use crate::fixture::{cluster, cluster_with, name, vigil};
use crate::inventory::{Durability, Prefer};
use crate::mysql::{Flavor, Switch, ThreadState};

const BEGAN: Millis = 10_000;

/// A watch some time after the trouble began, in which everything but what is changed went on well.
struct Watch {
    cluster: Cluster,
    vigil: Vigil,
}

impl Watch {
    fn after(ms: Millis) -> Self {
        let cluster = cluster(Flavor::MariaDb, 3);
        let vigil = vigil(&cluster, BEGAN + ms);
        let mut watch = Self { cluster, vigil };
        // ssh was last asked before the trouble began.
        watch.pulse("db1").machine = MachinePulse::Works {
            at: BEGAN - 1,
            process: Process::Runs,
            vip: VipPresence::Unknown,
        };
        watch
    }

    fn pulse(&mut self, host: &str) -> &mut Pulse {
        self.vigil.pulses.get_mut(&name(host)).expect("a pulse")
    }

    fn server(mut self, host: &str, server: ServerPulse) -> Self {
        self.pulse(host).server = server;
        self
    }

    fn refuses(self, host: &str) -> Self {
        let text = "connection refused".to_owned();
        self.server(host, ServerPulse::Refuses { since: BEGAN, text })
    }

    fn silent(self, host: &str) -> Self {
        let text = "timed out".to_owned();
        self.server(host, ServerPulse::Silent { since: BEGAN, text })
    }

    fn process(mut self, process: Process) -> Self {
        let at = self.vigil.now;
        self.pulse("db1").machine = MachinePulse::Works {
            at,
            process,
            vip: VipPresence::Unknown,
        };
        self
    }

    fn no_ssh(mut self) -> Self {
        self.pulse("db1").machine = MachinePulse::Silent {
            since: BEGAN,
            text: "timed out".to_owned(),
        };
        self
    }

    fn receiver(mut self, host: &str, state: ThreadState) -> Self {
        let beat = self.pulse(host).last.as_mut().expect("a beat");
        beat.replica.as_mut().expect("a replica").receiver = state;
        self
    }

    fn follows_nobody(mut self, host: &str) -> Self {
        self.pulse(host).last.as_mut().expect("a beat").replica = None;
        self
    }

    /// The latest that a replica has received.
    fn received(mut self, host: &str, at: Millis) -> Self {
        self.pulse(host).last.as_mut().expect("a beat").received = Some(at);
        self
    }

    fn lost_by_replicas(self) -> Self {
        self.receiver("db2", ThreadState::Connecting)
            .receiver("db3", ThreadState::Connecting)
    }

    /// Both replicas run, and have received nothing since the trouble began.
    fn nothing_received(self) -> Self {
        self.received("db2", BEGAN).received("db3", BEGAN + 100)
    }

    /// So many commits of the primary wait for an acknowledgement.
    fn waiting(mut self, commits: u32) -> Self {
        let beat = self.pulse("db1").last.as_mut().expect("a beat");
        beat.semi_sync.waiting_sessions = commits;
        self
    }

    fn change(mut self, change: impl Fn(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn prefer(mut self, prefer: Prefer) -> Self {
        self.cluster.failover.prefer = prefer;
        self
    }

    fn available(mut self) -> Self {
        self.cluster.durability = Durability::Available;
        self
    }

    fn diagnose(&self) -> Diagnosis {
        diagnose(&self.cluster, &self.vigil, &name("db1"))
    }

    /// `DeadPrimary: Dead ProcessGone`.
    fn said(&self) -> String {
        let diagnosis = self.diagnose();
        let verdict = match &diagnosis.verdict {
            Verdict::Healthy => "healthy".to_owned(),
            Verdict::Trouble(_) => "alive".to_owned(),
            Verdict::Suspected => "suspected".to_owned(),
            Verdict::Dead { basis } => format!("dead by {basis:?}"),
            Verdict::Unreachable => "never fail over".to_owned(),
            Verdict::ReadOnlyPrimary => "read-only".to_owned(),
        };
        format!("{}: {verdict}", diagnosis.code)
    }
}

/// What happened, what is known of it, and what it is called.
type Row = (&'static str, Watch, &'static str);

#[test]
fn each_way_to_fail_or_to_seem_so_has_its_name() {
    let mut wrong = Vec::new();
    let rows = [crashes(), silences(), others(), begun(), alive()];
    for (what, watch, expected) in rows.into_iter().flatten() {
        let said = watch.said();
        if said != expected {
            wrong.push((what, said, watch.diagnose().because));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reasons_have_places_and_numbers() {
    let watch = Watch::after(2_300)
        .silent("db1")
        .no_ssh()
        .receiver("db2", ThreadState::Connecting)
        .received("db3", BEGAN);
    assert_eq!(
        watch.diagnose().because,
        [
            "db1:3306 has given no answer for 2.3 s: timed out",
            "ssh to db1 has given no answer for 2.3 s: timed out",
            "db2 has lost its connection to db1",
            "db3 has received nothing for 2.3 s",
        ]
    );
    let killed = Watch::after(400).refuses("db1").process(Process::Gone);
    assert_eq!(
        killed.diagnose().because,
        [
            "db1:3306 has refused connections for 0.4 s",
            "ssh to db1 works and it has no server process",
        ]
    );
}

#[test]
fn what_ssh_said_before_the_trouble_proves_nothing() {
    let stale = Watch::after(100).refuses("db1").change(|watch| {
        watch.pulse("db1").machine = MachinePulse::Works {
            at: BEGAN - 1,
            process: Process::Gone,
            vip: VipPresence::Unknown,
        };
    });
    assert_eq!(stale.said(), "SuspectedPrimary: suspected");
}

#[test]
fn a_primary_that_was_never_seen_alive_is_said_to_be_a_stranger() {
    let never = Watch::after(100)
        .refuses("db1")
        .process(Process::Gone)
        .change(|watch| watch.pulse("db1").last = None);
    let diagnosis = never.diagnose();
    assert_eq!(diagnosis.acquaintance, Acquaintance::NeverSeen);
    let last = diagnosis.because.last().expect("a reason");
    assert!(last.contains("never seen alive"), "{last}");
}

/// A leased VIP that cannot be taken off goes by itself; until then nobody else may have it.
#[test]
fn a_lease_must_have_run_out_where_nothing_can_be_fenced() {
    let lease = |ms| {
        let mut watch = Watch::after(ms).silent("db1").no_ssh().lost_by_replicas();
        let vip = watch.cluster.vip.as_mut().expect("a VIP");
        vip.lease = Some(Duration::from_secs(10));
        watch
    };
    assert_eq!(lease(10_900).said(), "SuspectedPrimary: suspected");
    assert_eq!(lease(11_000).said(), "DeadPrimary: dead by Silent");
    let reached = lease(2_300).process(Process::Frozen);
    assert_eq!(reached.said(), "DeadPrimary: dead by Silent");
}

#[test]
fn trouble_names_every_replica() {
    let watch = Watch::after(0)
        .receiver("db2", ThreadState::Stopped)
        .change(|watch| {
            let beat = watch.pulse("db3").last.as_mut().expect("a beat");
            beat.read_only.read_only = Switch::Off;
            beat.replica.as_mut().expect("a replica").lag = Some(Duration::from_secs(90));
        });
    let Verdict::Trouble(findings) = watch.diagnose().verdict else {
        panic!("no trouble");
    };
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(
        codes,
        ["ReplicationStopped", "ReplicaIsWritable", "ReplicaLagging"]
    );
    let blocked = cluster_with(Flavor::MySql, 3, "");
    let mut vigil = vigil(&blocked, 0);
    let pulse = vigil.pulses.get_mut(&name("db1")).expect("a pulse");
    pulse.last.as_mut().expect("a beat").semi_sync.clients = 0;
    let diagnosis = diagnose(&blocked, &vigil, &name("db1"));
    assert_eq!(diagnosis.code, "SemiSyncBlocked");
    let next = |vigil: &Vigil| match diagnose(&blocked, vigil, &name("db1")).verdict {
        Verdict::Trouble(findings) => findings[0].next.clone(),
        other => panic!("{other:?}"),
    };
    assert!(next(&vigil).contains("`hactl verify`"), "{}", next(&vigil));
    // One whose machine is there and whose server is not comes back by a command.
    let pulse = vigil.pulses.get_mut(&name("db3")).expect("a pulse");
    pulse.server = ServerPulse::Refuses {
        since: 0,
        text: "connection refused".to_owned(),
    };
    assert!(
        next(&vigil).contains("`hactl rejoin db3`"),
        "{}",
        next(&vigil)
    );
}
