//! The single actions of a change of leadership, on real servers: each does what its contract says, can
//! be done twice, and leaves the server as it was when it cannot be done.

use std::time::Duration;

use hactl::fleet::{Fleet, LiveFleet, Progress};
use hactl::inventory::HostName;
use hactl::mysql::Switch;
use hactl::plan::{Action, LiveVariable, OnFailure, Outcome, Proof, Receiving, Step};
use hactl_lab::Suite;
use tokio::runtime::Runtime;

use crate::cluster::Cluster;

crate::scenarios! {
    core: ;
    mariadb: what_was_received_is_applied, a_tail_is_salvaged_and_a_replica_promoted, a_blocked_demotion_changes_nothing,
        a_tail_that_nobody_acknowledged_is_cut_off;
    matrix:
}

/// A cluster, and a fleet that is connected to it.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) fleet: LiveFleet,
    pub(crate) runtime: Runtime,
}

struct Silent;

impl Progress for Silent {
    fn tell(&self, _: &HostName, _: &str) {}
}

impl Stage {
    pub(crate) fn set(suite: Suite) -> Self {
        Self::on(Cluster::bootstrapped(suite))
    }

    /// On a cluster that stands.
    pub(crate) fn on(cluster: Cluster) -> Self {
        let runtime = Runtime::new().unwrap();
        let fleet = runtime.block_on(cluster.fleet());
        let table = "CREATE DATABASE q; CREATE TABLE q.t (id INT PRIMARY KEY)";
        cluster.host("db1").sql(table).unwrap();
        Self {
            cluster,
            fleet,
            runtime,
        }
    }

    pub(crate) fn act(&self, host: &str, action: Action) -> Outcome {
        let step = Step {
            task: String::new(),
            host: name(host),
            action,
            why: String::new(),
            on_failure: OnFailure::Stop,
        };
        self.runtime.block_on(self.fleet.apply(&step, &Silent))
    }

    #[track_caller]
    fn changes(&self, host: &str, action: Action) {
        let what = action.to_string();
        assert_eq!(self.act(host, action), Outcome::Changed, "{host}: {what}");
    }

    #[track_caller]
    fn finds_done(&self, host: &str, action: Action) {
        let what = action.to_string();
        assert_eq!(self.act(host, action), Outcome::Already, "{host}: {what}");
    }

    #[track_caller]
    fn answer(&self, host: &str, query: &str) -> String {
        let text = self.cluster.host(host).sql(query).unwrap();
        text.trim().to_owned()
    }

    /// `kill -9`, and systemd may not start it again.
    pub(crate) fn kill(&self, host: &str) {
        let flavor = self.cluster.lab.suite().flavor();
        let (unit, process) = (flavor.unit(), flavor.process());
        let host = self.cluster.host(host);
        host.exec_ok(&format!("systemctl mask --runtime {unit}"))
            .unwrap();
        assert_eq!(host.kill(process).unwrap(), 1);
        host.exec_ok(&format!(
            "while pgrep -x {process} >/dev/null; do sleep 0.05; done"
        ))
        .unwrap();
    }

    /// Writes a row that waits for an acknowledgement, and does not wait for it.
    pub(crate) fn begin_to_write(&self, host: &str, id: u32) {
        let client = self.cluster.lab.suite().flavor().client();
        let write =
            format!("({client} -e 'INSERT INTO q.t VALUES ({id})' >/dev/null 2>&1 &) ; sleep 0.5");
        self.cluster.host(host).exec_ok(&write).unwrap();
    }
}

fn name(host: &str) -> HostName {
    host.parse().unwrap()
}

fn follow(source: &str) -> Action {
    Action::Replicate {
        source: name(source),
        differs: Vec::new(),
    }
}

fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}

const ROWS: &str = "SELECT COUNT(*) FROM q.t";
const DRAIN: Action = Action::Drain {
    at_boot: Receiving::Held,
};
const SOON: Duration = Duration::from_secs(10);

/// Whatever was stopped before.
fn what_was_received_is_applied(suite: Suite) {
    let stage = Stage::set(suite);
    for (replica, stop) in [
        ("db2", "STOP REPLICA SQL_THREAD"),
        ("db3", "STOP REPLICA SQL_THREAD; DO SLEEP(1); STOP REPLICA"),
    ] {
        let host = stage.cluster.host(replica);
        host.sql("STOP REPLICA SQL_THREAD").unwrap();
        let rows = if replica == "db2" { "(1), (2)" } else { "(3)" };
        let write = format!("INSERT INTO q.t VALUES {rows}");
        stage.cluster.host("db1").sql(&write).unwrap();
        stage.cluster.await_received(replica);
        host.sql(stop).unwrap();
    }
    stage.cluster.await_received("db2");
    stage.kill("db1");
    for replica in ["db2", "db3"] {
        stage.changes(replica, DRAIN);
        stage.finds_done(replica, DRAIN);
        assert_eq!(stage.answer(replica, ROWS), "3", "{replica}");
    }
}

fn a_tail_is_salvaged_and_a_replica_promoted(suite: Suite) {
    let stage = Stage::set(suite);
    let event = "CREATE EVENT q.e ON SCHEDULE EVERY 1 DAY DO DO 1";
    stage.cluster.host("db1").sql(event).unwrap();
    stage.cluster.await_received("db2");
    stage.cluster.await_received("db3");
    stage.changes("db1", set(LiveVariable::SemiSyncSource, Switch::Off));
    for replica in ["db2", "db3"] {
        stage.changes(replica, DRAIN);
    }
    let rows = "INSERT INTO q.t VALUES (1); FLUSH BINARY LOGS; INSERT INTO q.t VALUES (2)";
    stage.cluster.host("db1").sql(rows).unwrap();
    stage.kill("db1");

    let salvage = || Action::Salvage {
        from: name("db1"),
        after: None,
    };
    stage.changes("db2", salvage());
    stage.finds_done("db2", salvage());
    assert_eq!(stage.answer("db2", ROWS), "2");

    stage.changes(
        "db2",
        Action::Promote {
            within: SOON,
            proof: Proof::OwnRow,
        },
    );
    assert_eq!(stage.answer("db2", "SELECT @@read_only"), "1");
    let events = "SELECT STATUS FROM information_schema.EVENTS";
    assert_eq!(stage.answer("db2", events), "ENABLED");

    stage.changes("db2", set(LiveVariable::SemiSyncSource, Switch::On));
    let soon = Duration::from_millis(500);
    let alone = stage.act("db2", Action::AwaitAcker { within: soon });
    assert!(matches!(alone, Outcome::Failed { .. }), "{alone:?}");
    stage.changes("db3", follow("db2"));
    stage.finds_done("db2", Action::AwaitAcker { within: SOON });
    stage.changes("db2", set(LiveVariable::ReadOnly, Switch::Off));
    // It leads: nothing is proven again, and no acknowledgement is given up for it.
    stage.finds_done(
        "db2",
        Action::Promote {
            within: SOON,
            proof: Proof::OwnRow,
        },
    );
    stage
        .cluster
        .host("db2")
        .sql("INSERT INTO q.t VALUES (3)")
        .unwrap();
    stage.cluster.await_answer("db3", ROWS, "3");
}

fn a_blocked_demotion_changes_nothing(suite: Suite) {
    let stage = Stage::set(suite);
    for replica in ["db2", "db3"] {
        stage.changes(replica, DRAIN);
    }
    stage.begin_to_write("db1", 1);
    let within = Duration::from_secs(1);
    let blocked = stage.act("db1", Action::Demote { within, vip: None });
    let Outcome::Failed { error, .. } = &blocked else {
        panic!("{blocked:?}");
    };
    assert!(error.contains("semi-sync ACK"), "{error}");
    assert_eq!(stage.answer("db1", "SELECT @@read_only"), "0");

    stage.changes("db2", follow("db1"));
    stage.cluster.await_answer("db1", ROWS, "1");
    stage.changes("db1", Action::Demote { within, vip: None });
    stage.finds_done("db1", Action::Demote { within, vip: None });
    assert_eq!(stage.answer("db1", "SELECT @@read_only"), "1");
}

/// Where the server cannot, nothing is done.
fn a_tail_that_nobody_acknowledged_is_cut_off(suite: Suite) {
    let stage = Stage::set(suite);
    for replica in ["db2", "db3"] {
        stage.changes(replica, DRAIN);
    }
    stage.begin_to_write("db1", 1);
    stage.kill("db1");
    let host = stage.cluster.host("db1");
    if suite == Suite::Sid {
        stage.finds_done("db1", Action::Rewind);
        return;
    }
    stage.changes("db1", Action::Rewind);
    stage.finds_done("db1", Action::Rewind);
    // MariaDB 10.5 takes the option and commits the tail all the same.
    let rows = if suite == Suite::Bullseye { "1" } else { "0" };
    assert_eq!(stage.answer("db1", ROWS), rows);
    assert_eq!(stage.answer("db1", "SELECT @@read_only"), "1");
    let left = host.exec_ok("systemctl show-environment").unwrap();
    assert!(!left.contains("MYSQLD_OPTS"), "{left}");
}
