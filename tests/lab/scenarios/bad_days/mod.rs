//! Days on which something is wrong before hactl is asked. What a person sees says what is wrong, where, why
//! and what to do next; the exit code says how far it went; and whatever it was, no row is lost on any server.
//! `CATALOGUE.md` is the list of them, also of those that other scenarios cover.
//!
//! Every run is watched for passwords: see `Cluster::finish`.

mod accounts;
mod identity;
mod keys;
mod packages;
mod strays;

use hactl_lab::Suite;

use crate::cluster::Cluster;

/// Three hosts that clients have used.
fn in_use(suite: Suite) -> Cluster {
    let cluster = Cluster::bootstrapped(suite);
    cluster
        .host("db1")
        .sql(
            "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, x VARCHAR(40));
             INSERT INTO shop.t VALUES (1, 'one'), (2, 'two'), (3, 'three')",
        )
        .unwrap();
    for replica in ["db2", "db3"] {
        cluster.await_answer(replica, "SELECT COUNT(*) FROM shop.t", "3");
    }
    cluster
}

const ROWS: &str = "CHECKSUM TABLE shop.t";

/// What every server must still hold.
fn rows(cluster: &Cluster) -> String {
    let rows = cluster.host("db1").sql(ROWS).unwrap();
    rows.trim().to_owned()
}

/// It does.
#[track_caller]
fn everywhere(cluster: &Cluster, rows: &str) {
    for host in cluster.lab.hosts() {
        cluster.await_answer(host.name(), ROWS, rows);
    }
}

/// A row that is written now arrives: the replicas' connections are as good as new.
#[track_caller]
fn a_row_arrives(cluster: &Cluster, primary: &str, id: u32) {
    let write = format!("INSERT INTO shop.t VALUES ({id}, 'more')");
    cluster.host(primary).sql(&write).unwrap();
    for host in cluster.lab.hosts() {
        let ask = format!("SELECT COUNT(*) FROM shop.t WHERE id = {id}");
        cluster.await_answer(host.name(), &ask, "1");
    }
}
