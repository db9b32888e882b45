//! The judge, judged: it must find what it is there to find, or every green scenario means nothing.

use std::time::Duration;

use hactl_lab::{Ledger, Suite, Violation, Writer, inspect};

use crate::cluster::{Cluster, eventually};

crate::on_each_server!(it_finds_each_harm);

fn it_finds_each_harm(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    Writer::prepare(cluster.host("db1")).unwrap();
    let writer = Writer::outside(&cluster.lab).unwrap();
    let beside = Writer::beside(&cluster.lab, cluster.host("db1")).unwrap();
    assert!(
        eventually(Duration::from_secs(10), || {
            writer.acknowledged() > 50 && beside.acknowledged() > 50
        }),
        "nothing was acknowledged: {:?}",
        writer.so_far().errors
    );
    let ledgers = [writer.stop(), beside.stop()];
    let health = inspect(&cluster.lab, &ledgers).unwrap().unwrap();
    assert_eq!(health.primary, "db1");
    assert_eq!(health.replicas, ["db2", "db3"]);

    lost(&cluster, &ledgers);
    two_writable(&cluster, &ledgers);
    two_vips(&cluster, &ledgers);
    its_own(&cluster, &ledgers);
}

/// The names of what is wrong.
fn found(cluster: &Cluster, ledgers: &[Ledger]) -> Vec<Violation> {
    match inspect(&cluster.lab, ledgers).unwrap() {
        Ok(health) => panic!("nothing was found: {health:?}"),
        Err(wrong) => wrong,
    }
}

fn lost(cluster: &Cluster, ledgers: &[Ledger]) {
    let id = ledgers[0].acks[7].id;
    let delete = format!("DELETE FROM judge.`rows` WHERE id = {id}");
    let insert = format!("INSERT INTO judge.`rows` VALUES ({id}, NOW(), 1)");
    cluster.host("db1").sql(&delete).unwrap();
    let wrong = found(cluster, ledgers);
    let lost = |one: &Violation| matches!(one, Violation::Lost { ids, .. } if ids.contains(&id));
    assert!(wrong.iter().any(lost), "{wrong:?}");
    cluster.host("db1").sql(&insert).unwrap();

    let alien = u64::MAX;
    let insert = format!("INSERT INTO judge.`rows` VALUES ({alien}, NOW(), 1)");
    let delete = format!("DELETE FROM judge.`rows` WHERE id = {alien}");
    cluster.host("db1").sql(&insert).unwrap();
    let wrong = found(cluster, ledgers);
    let found =
        |one: &Violation| matches!(one, Violation::Alien { ids, .. } if ids.contains(&alien));
    assert!(wrong.iter().any(found), "{wrong:?}");
    cluster.host("db1").sql(&delete).unwrap();
}

fn two_writable(cluster: &Cluster, ledgers: &[Ledger]) {
    cluster.host("db2").sql("SET GLOBAL read_only = 0").unwrap();
    let both = Violation::Writable(vec!["db1".to_owned(), "db2".to_owned()]);
    assert_eq!(found(cluster, ledgers), [both]);
    cluster.host("db2").sql("SET GLOBAL read_only = 1").unwrap();

    cluster.host("db1").sql("SET GLOBAL read_only = 1").unwrap();
    assert_eq!(found(cluster, ledgers), [Violation::Writable(Vec::new())]);
    cluster.host("db1").sql("SET GLOBAL read_only = 0").unwrap();
}

fn two_vips(cluster: &Cluster, ledgers: &[Ledger]) {
    let vip = format!(
        "{}/{} dev eth0",
        cluster.lab.vip(),
        cluster.lab.prefix_len()
    );
    cluster
        .host("db3")
        .exec_ok(&format!("ip addr add {vip}"))
        .unwrap();
    let wrong = found(cluster, ledgers);
    assert!(
        matches!(&wrong[..], [Violation::Vip { holders, .. }] if holders == &["db1", "db3"]),
        "{wrong:?}"
    );
    cluster
        .host("db3")
        .exec_ok(&format!("ip addr del {vip}"))
        .unwrap();
}

/// What only a replica has: first written behind the log's back, then as a transaction of its own.
fn its_own(cluster: &Cluster, ledgers: &[Ledger]) {
    let db3 = cluster.host("db3");
    let unlocked = |sql: &str| match cluster.lab.suite() {
        // Its super_read_only stops root, too.
        Suite::Sid => format!("SET GLOBAL read_only = 0; {sql}; SET GLOBAL super_read_only = 1"),
        _ => sql.to_owned(),
    };
    db3.sql(&unlocked(
        "SET SESSION sql_log_bin = 0; UPDATE judge.`rows` SET server = 0 LIMIT 1",
    ))
    .unwrap();
    let wrong = found(cluster, ledgers);
    assert!(
        matches!(&wrong[..], [Violation::Different { host, .. }] if host == "db3"),
        "{wrong:?}"
    );
    db3.sql(&unlocked("CREATE DATABASE own")).unwrap();
    let wrong = found(cluster, ledgers);
    assert!(
        matches!(&wrong[..], [Violation::Errant { host, .. }] if host == "db3"),
        "{wrong:?}"
    );
}
