//! Reboots and power cuts: a replica comes back by itself with every row that it acknowledged, the
//! primary comes back read-only and without the VIP until bootstrap makes it lead again.

use hactl_lab::Suite;

use crate::cluster::Cluster;
use crate::stopped::fifty_rows;

crate::on_each_server!(every_host);

/// `RESET SLAVE` and `CHANGE MASTER` delete the relay logs before they note so: a server killed in between
/// knows a source, looks for logs that are gone, and refuses every other command of replication.
#[test]
fn a_mariadb_killed_while_it_forgot_its_source_replicates_again() {
    let cluster = Cluster::bootstrapped(Suite::Bookworm);
    let db1 = cluster.host("db1");
    db1.sql(&fifty_rows()).unwrap();
    let half_forgotten = "systemctl stop mariadb && rm /var/lib/mysql/relay-bin.0* && \
                          systemctl start mariadb";
    // The second and third line are the source's file and position: the new source's, as yet unknown.
    let half_changed = "systemctl stop mariadb && rm /var/lib/mysql/relay-bin.0* && \
                        sed -i '2s/.*//; 3s/.*/4/' /var/lib/mysql/master.info && \
                        systemctl start mariadb";
    for half_done in [half_forgotten, half_changed] {
        cluster.await_answer("db2", "SELECT COUNT(*) FROM queue.t", "50");
        cluster.host("db2").exec_ok(half_done).unwrap();
        cluster.hactl(&["verify", "--wait", "60s"]).exits(0);
    }

    // Logs that went before they were applied are another matter.
    let db3 = cluster.host("db3");
    db3.sql("STOP REPLICA SQL_THREAD").unwrap();
    db1.sql("INSERT INTO queue.t VALUES (51)").unwrap();
    cluster.await_received("db3");
    db3.exec_ok(half_forgotten).unwrap();
    let start = db3.exec("/usr/local/sbin/hactl-start-replication").unwrap();
    assert_ne!(start.status, 0, "{start:?}");
    assert!(start.stderr.contains("reseed this replica"), "{start:?}");
    cluster.await_answer("db3", "SELECT COUNT(*) FROM queue.t", "50");
}

/// `RESET REPLICA ALL` and `CHANGE REPLICATION SOURCE` delete the relay logs before they note so, too: the
/// applier of a server that was killed in between cannot be started any more.
#[test]
fn a_mysql_killed_while_it_forgot_its_source_is_repaired() {
    let cluster = Cluster::bootstrapped(Suite::Sid);
    let db1 = cluster.host("db1");
    db1.sql(&fifty_rows()).unwrap();
    let db2 = cluster.host("db2");
    let half_forgotten = "systemctl stop mysql && rm /var/lib/mysql/relay-bin.0* && \
                          : >/var/lib/mysql/relay-bin.index && systemctl start mysql";
    cluster.await_answer("db2", "SELECT COUNT(*) FROM queue.t", "50");
    db2.exec_ok(half_forgotten).unwrap();
    let start = db2.sql("START REPLICA SQL_THREAD").unwrap_err();
    assert!(start.to_string().contains("1872"), "{start}");
    cluster.hactl(&["rejoin", "db2", "--yes"]).exits(0);
    db1.sql("INSERT INTO queue.t VALUES (51)").unwrap();
    cluster.await_answer("db2", "SELECT COUNT(*) FROM queue.t", "51");

    // Logs that went before they were applied are another matter.
    db2.sql("STOP REPLICA SQL_THREAD").unwrap();
    db1.sql("INSERT INTO queue.t VALUES (52)").unwrap();
    cluster.await_received("db2");
    db2.exec_ok(half_forgotten).unwrap();
    let rejoin = cluster.hactl(&["rejoin", "db2", "--yes"]);
    assert_ne!(rejoin.code, 0, "{rejoin}");
    assert!(rejoin.stderr.contains("not wholly applied"), "{rejoin}");
    cluster.await_answer("db2", "SELECT COUNT(*) FROM queue.t", "51");
}

fn every_host(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    for replica in ["db2", "db3"] {
        cluster.host(replica).reboot().unwrap();
        cluster.hactl(&["verify", "--wait", "60s"]).exits(0);
    }
    power_cut_with_unapplied_rows(&cluster);
    the_primary(&cluster);
}

/// Both replicas acknowledge 50 rows and apply none; then the power of all three goes, and db1's stays
/// away until the rows have been looked for: only the replicas' disks have them.
fn power_cut_with_unapplied_rows(cluster: &Cluster) {
    for replica in ["db2", "db3"] {
        cluster
            .host(replica)
            .sql("STOP REPLICA SQL_THREAD")
            .unwrap();
    }
    cluster.host("db1").sql(&fifty_rows()).unwrap();
    for replica in ["db2", "db3"] {
        cluster.await_received(replica);
    }
    for host in ["db2", "db3", "db1"] {
        cluster.host(host).power_off().unwrap();
    }
    for replica in ["db2", "db3"] {
        cluster.host(replica).power_on().unwrap();
        cluster.await_answer(replica, "SELECT COUNT(*) FROM queue.t", "50");
    }
    // A primary that is away is nothing that provisioning decides about.
    cluster.hactl(&["bootstrap", "--yes"]).exits(4);

    cluster.host("db1").power_on().unwrap();
    cluster.host("db1").await_server().unwrap();
    cluster.finds(&["db1:PrimaryIsReadOnly", "db1:VipMissing"]);
    assert_eq!(cluster.vip_holders(), Vec::<&str>::new());
    cluster.bootstrap();
    assert_eq!(cluster.vip_holders(), ["db1"]);
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, "SELECT COUNT(*) FROM queue.t", "50");
    }
}

fn the_primary(cluster: &Cluster) {
    cluster.host("db1").reboot().unwrap();
    cluster.host("db1").await_server().unwrap();
    cluster.finds(&["db1:PrimaryIsReadOnly", "db1:VipMissing"]);
    assert_eq!(
        cluster
            .host("db1")
            .sql("SELECT @@global.read_only")
            .unwrap()
            .trim(),
        "1"
    );
    cluster.bootstrap();
    cluster
        .host("db1")
        .sql("INSERT INTO queue.t VALUES (51)")
        .unwrap();
    cluster.await_answer("db3", "SELECT COUNT(*) FROM queue.t", "51");
}
