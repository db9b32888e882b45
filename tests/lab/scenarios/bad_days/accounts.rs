//! Passwords that the inventory has changed, and accounts that somebody has dropped: the next run brings them
//! in line on every server, replicas' own logins too, and takes no server for another than it is meanwhile.

use hactl_lab::Suite;

use super::{a_row_arrives, everywhere, in_use, rows};
use crate::cluster::Cluster;

crate::scenarios! { core: ; mariadb: they_are_brought_in_line; matrix: }

fn they_are_brought_in_line(suite: Suite) {
    let mut cluster = in_use(suite);
    let held = rows(&cluster);
    the_inventory_has_other_passwords(&mut cluster);
    they_were_dropped(&cluster);
    everywhere(&cluster, &held);
    they_are_kept_out(&cluster);
    one_replica_alone_has_others(&cluster);
    everywhere(&cluster, &held);
    without_root_nobody_can_look(&mut cluster);
    everywhere(&cluster, &held);
    a_row_arrives(&cluster, "db2", 7);
}

fn the_inventory_has_other_passwords(cluster: &mut Cluster) {
    cluster.change_passwords();
    cluster.finds(&[
        "db1:AccountDiffers",
        "db2:AccountDiffers",
        "db2:ReplicationLoginFails",
        "db2:ReplicationPasswordDiffers",
        "db3:ReplicationPasswordDiffers",
    ]);
    cluster
        .hactl(&["bootstrap", "--check", "--diff"])
        .exits(0)
        .says("another password")
        .says("password");
    cluster.bootstrap();
    // A replica that has to log in again can.
    for replica in ["db2", "db3"] {
        let again = "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD";
        cluster.host(replica).sql(again).unwrap();
    }
    cluster.hactl(&["verify", "--wait", "20s"]).exits(0);
}

#[track_caller]
fn nothing_is_left_to_do(cluster: &Cluster) {
    let before = cluster.positions();
    let again = cluster.bootstrap();
    assert!(again.to_string().contains("Nothing to do"), "{again}");
    assert_eq!(cluster.positions(), before);
}

fn they_were_dropped(cluster: &Cluster) {
    for user in ["repl", "monitor", "hactl"] {
        let drop = format!("DROP USER {user}@'%'");
        let drop = drop.replace("hactl@'%'", "hactl@localhost");
        cluster.host("db1").sql(&drop).unwrap();
    }
    let left = "SELECT COUNT(*) FROM mysql.user WHERE user IN ('repl', 'monitor', 'hactl')";
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, left, "0");
    }
    cluster.finds(&["db1:AccountDiffers", "db3:AccountDiffers"]);
    cluster.bootstrap();
}

/// Locked, or with a password that has expired: the admin account, too, which is let in by root.
fn they_are_kept_out(cluster: &Cluster) {
    for (account, how) in [
        ("repl@'%'", "ACCOUNT LOCK"),
        ("monitor@'%'", "PASSWORD EXPIRE"),
        ("hactl@localhost", "ACCOUNT LOCK"),
    ] {
        let alter = format!("ALTER USER {account} {how}");
        cluster.host("db1").sql(&alter).unwrap();
    }
    let run = cluster.bootstrap();
    run.says("replication account: locked")
        .says("monitor account: password expired");
    nothing_is_left_to_do(cluster);
}

/// Written past the binary log, so that nothing that replicates brings it back.
fn one_replica_alone_has_others(cluster: &Cluster) {
    let unlogged = |host: &str, statement: &str| {
        let statement = format!("SET sql_log_bin = 0; {statement}");
        let statement = match cluster.lab.suite() {
            // Its super_read_only stops root, too.
            Suite::Sid => format!(
                "SET GLOBAL super_read_only = 0; {statement}; SET GLOBAL super_read_only = 1"
            ),
            _ => statement,
        };
        cluster.host(host).sql(&statement).unwrap();
    };
    unlogged("db2", "DROP USER monitor@'%'");
    unlogged("db3", "ALTER USER repl@'%' ACCOUNT LOCK");
    cluster.finds(&["db2:AccountDiffers", "db3:AccountDiffers"]);
    let run = cluster.bootstrap();
    run.says("monitor account: write it anew: missing on db2")
        .says("replication account: write it anew: locked on db3");
    nothing_is_left_to_do(cluster);
}

/// Where ssh does not log in as root, a server that refuses the admin account says nothing at all: neither
/// that it leads, although the inventory names another, nor what it holds.
fn without_root_nobody_can_look(cluster: &mut Cluster) {
    cluster
        .hactl(&["switchover", "--to", "db2", "--yes"])
        .exits(0);
    let text = cluster.inventory_text();
    let by_sudo = text.replace("user: root", "user: ops\n  become: sudo");
    assert_ne!(text, by_sudo);
    cluster.write_inventory(&by_sudo);
    cluster.change_passwords();
    let before = uptimes(cluster);
    cluster
        .hactl(&["bootstrap", "--check"])
        .exits(0)
        .says("db2: its server does not let hactl in");
    let run = cluster.bootstrap();
    let run = run.says("the admin account cannot log in on db1, db2, db3");
    assert!(run.to_string().contains("primary: db2"), "{run}");
    assert!(!run.to_string().contains("FAILED"), "{run}");
    assert_eq!(uptimes(cluster), before, "a server was restarted");
    assert_eq!(cluster.vip_holders(), ["db2"]);
    let roles =
        ["db1", "db2", "db3"].map(|host| cluster.host(host).sql("SELECT @@read_only").unwrap());
    assert_eq!(roles.map(|role| role.trim().to_owned()), ["1", "0", "1"]);
    nothing_is_left_to_do(cluster);
}

/// When each server was started.
fn uptimes(cluster: &Cluster) -> Vec<String> {
    let show = "systemctl show -p MainPID --value mariadb.service mysql.service";
    let hosts = cluster.lab.hosts().iter();
    hosts.map(|host| host.exec_ok(show).unwrap()).collect()
}
