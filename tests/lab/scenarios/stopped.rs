//! Replication that was stopped is started again, and not one acknowledged row is lost by it: starting
//! both threads of a MariaDB replica throws away a relay log that was not applied.

use hactl_lab::Suite;
use std::fmt::Write as _;

use crate::cluster::Cluster;

crate::on_each_server!(replication_is_found_and_started);

fn replication_is_found_and_started(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    cluster.host("db2").sql("STOP REPLICA").unwrap();
    cluster.finds(&["db2:ReplicationStopped"]);
    cluster.bootstrap();

    unapplied(&cluster);
    a_server_of_a_replica(&cluster);
}

/// Whom it follows shows when it runs: it is started and follows on, and is neither emptied nor taken for a
/// stranger.
fn a_server_of_a_replica(cluster: &Cluster) {
    let unit = cluster.lab.suite().flavor().unit();
    let stop = format!("systemctl stop {unit}");
    cluster.host("db3").exec_ok(&stop).unwrap();
    cluster.finds(&["db3:DeadReplica"]);
    let mark = "CREATE TABLE queue.meanwhile (id INT PRIMARY KEY)";
    cluster.host("db1").sql(mark).unwrap();
    let run = cluster.bootstrap().says("db3: its server is stopped");
    assert!(!run.to_string().contains("loading"), "{run}");
    cluster.await_answer("db3", "SELECT COUNT(*) FROM queue.meanwhile", "0");
}

/// Acknowledged by both, applied by none, and then stopped altogether.
fn unapplied(cluster: &Cluster) {
    for replica in ["db2", "db3"] {
        cluster
            .host(replica)
            .sql("STOP REPLICA SQL_THREAD")
            .unwrap();
    }
    cluster.host("db1").sql(&fifty_rows()).unwrap();
    for replica in ["db2", "db3"] {
        cluster.await_received(replica);
        cluster.host(replica).sql("STOP REPLICA").unwrap();
    }
    cluster.finds(&["db2:ReplicationStopped", "db3:ReplicationStopped"]);
    forget(cluster);
    cluster.bootstrap();
    for replica in ["db2", "db3"] {
        cluster.await_answer(replica, "SELECT COUNT(*) FROM queue.t", "50");
    }
}

/// The primary cannot send the rows again: a replica that throws its relay log away is found out.
fn forget(cluster: &Cluster) {
    let primary = cluster.host("db1");
    // A dump thread that has not noticed yet that its replica is gone keeps its log from being purged.
    let dumps = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
    for thread in primary.sql(dumps).unwrap().lines() {
        // It may have ended by itself meanwhile.
        let _ = primary.sql(&format!("KILL {thread}"));
    }
    primary.sql("FLUSH BINARY LOGS").unwrap();
    let logs = || primary.sql("SHOW BINARY LOGS").unwrap();
    let newest = logs()
        .lines()
        .last()
        .and_then(|line| line.split('\t').next())
        .unwrap()
        .to_owned();
    primary
        .sql(&format!("DO SLEEP(1); PURGE BINARY LOGS TO '{newest}'"))
        .unwrap();
    assert_eq!(
        logs().lines().count(),
        1,
        "the primary still has what it should have forgotten"
    );
}

/// Each is a commit of its own that waits for its acknowledgement.
pub(crate) fn fifty_rows() -> String {
    let mut text = "CREATE DATABASE queue; CREATE TABLE queue.t (id INT PRIMARY KEY);".to_owned();
    for id in 1..=50 {
        let _ = write!(text, "INSERT INTO queue.t VALUES ({id});");
    }
    text
}
