//! What people do to servers by hand: verify finds each thing by its name, bootstrap repairs it, and
//! verify is green again.

use hactl_lab::Suite;

use crate::by_hand;
use crate::cluster::Cluster;

crate::on_each_server!(is_found_and_repaired);

fn is_found_and_repaired(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    a_file(&cluster);
    a_server_older_than_its_file(&cluster);
    a_setting(&cluster);
    an_account(&cluster);
    a_writable_replica(&cluster);
    the_vip(&cluster);
    a_password(&cluster);
    by_hand::is_found_and_undone(&cluster);
    // Whatever was repaired, no replica wrote anything by itself.
    cluster.hactl(&["verify"]).exits(0);
}

/// my.cnf: what the server then runs with is what verify sees.
fn a_file(cluster: &Cluster) {
    let file = cluster.configuration();
    let edit = format!("sed -i '/^sync_binlog/d' {file} && echo 'sync_binlog = 0' >>{file}");
    cluster.host("db2").exec_ok(&edit).unwrap();
    cluster
        .host("db2")
        .sql("SET GLOBAL sync_binlog = 0")
        .unwrap();
    cluster.finds(&["db2:NotDurable"]);
    let check = cluster
        .hactl(&["bootstrap", "--check", "--diff"])
        .exits(0)
        .says("-sync_binlog = 0");
    assert!(check.stdout.contains(file), "{check}");
    cluster.bootstrap();
    assert_eq!(
        cluster
            .host("db2")
            .sql("SELECT @@global.sync_binlog")
            .unwrap()
            .trim(),
        "1"
    );
}

/// What a hactl leaves that was killed between writing the file and restarting the server: the file
/// is right, and the server has never read it.
fn a_server_older_than_its_file(cluster: &Cluster) {
    cluster
        .host("db3")
        .exec_ok(&format!("touch {}", cluster.configuration()))
        .unwrap();
    cluster
        .host("db3")
        .sql("SET GLOBAL sync_binlog = 0")
        .unwrap();
    cluster.finds(&["db3:NotDurable"]);
    cluster.bootstrap();
    assert_eq!(
        cluster
            .host("db3")
            .sql("SELECT @@global.sync_binlog")
            .unwrap()
            .trim(),
        "1"
    );
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
}

/// The file is right, and SQL has set something else: it is set back, and nobody is restarted.
fn a_setting(cluster: &Cluster) {
    let db1 = cluster.host("db1");
    let show = "systemctl show -p MainPID --value mariadb.service mysql.service";
    let started = || db1.exec_ok(show);
    let before = started().unwrap();
    db1.sql("SET GLOBAL sync_binlog = 0").unwrap();
    cluster.finds(&["db1:NotDurable"]);
    let run = cluster.bootstrap();
    run.says("db1: set back live: sync_binlog = 1");
    assert_eq!(started().unwrap(), before);
    let now = db1.sql("SELECT @@global.sync_binlog").unwrap();
    assert_eq!(now.trim(), "1");
}

fn an_account(cluster: &Cluster) {
    cluster.host("db1").sql("DROP USER monitor@'%'").unwrap();
    cluster.await_answer(
        "db2",
        "SELECT COUNT(*) FROM mysql.user WHERE user = 'monitor'",
        "0",
    );
    cluster.finds(&["db1:AccountDiffers"]);
    cluster.bootstrap();
    cluster.await_answer(
        "db3",
        "SELECT COUNT(*) FROM mysql.user WHERE user = 'monitor'",
        "1",
    );
}

fn a_writable_replica(cluster: &Cluster) {
    cluster.host("db3").sql("SET GLOBAL read_only = 0").unwrap();
    cluster.finds(&["db3:ReplicaIsWritable"]);
    cluster.bootstrap();
    assert_eq!(
        cluster
            .host("db3")
            .sql("SELECT @@global.read_only")
            .unwrap()
            .trim(),
        "1"
    );
}

fn the_vip(cluster: &Cluster) {
    let vip = format!(
        "{}/{} dev {}",
        cluster.lab.vip(),
        cluster.lab.prefix_len(),
        cluster.lab.interface()
    );
    cluster
        .host("db1")
        .exec_ok(&format!("ip address del {vip}"))
        .unwrap();
    cluster.finds(&["db1:VipMissing"]);
    cluster
        .host("db2")
        .exec_ok(&format!("ip address add {vip}"))
        .unwrap();
    cluster.finds(&["db2:VipOnReplica"]);
    cluster.bootstrap();
    assert_eq!(cluster.vip_holders(), ["db1"]);

    // On two at once.
    cluster
        .host("db3")
        .exec_ok(&format!("ip address add {vip}"))
        .unwrap();
    cluster.finds(&["db3:VipOnReplica"]);
    cluster.bootstrap();
    assert_eq!(cluster.vip_holders(), ["db1"]);
}

/// Changed by hand on the primary: the replicas' links live on, and would fail at their next login.
fn a_password(cluster: &Cluster) {
    cluster
        .host("db1")
        .sql("ALTER USER repl@'%' IDENTIFIED BY 'another'")
        .unwrap();
    cluster.await_answer("db2", "SELECT 1", "1");
    cluster.finds(&["db2:ReplicationLoginFails", "db3:ReplicationLoginFails"]);
    cluster.bootstrap();
}
