//! `replication: {mode: position}`: a replica attaches to its seed by file and position, and every change of
//! leadership is as safe as by GTID.

use std::time::Duration;

use hactl::inventory::HostName;
use hactl::plan::{Action, Outcome};
use hactl_lab::{Server, Suite, primary};

use super::arena::{Arena, QUICKLY};
use crate::cluster::{Cluster, eventually};
use crate::leading::Stage;

crate::scenarios! {
    core: ; mariadb: ;
    matrix: it_loses_nothing_and_stays_converged, killed_before_it_begins, a_broken_applier_is_not_left_behind, killed_servers,
}

const MODE: &str = "replication: {mode: position}\n";
const REPLICAS: [&str; 2] = ["db2", "db3"];

fn up(suite: Suite) -> Arena {
    let arena = Arena::with(suite, &format!("{QUICKLY}{MODE}"));
    for replica in REPLICAS {
        assert!(is_by_position(&arena.cluster, replica), "{replica}");
    }
    arena
}

fn status(cluster: &Cluster, host: &str) -> String {
    let client = cluster.lab.suite().flavor().client();
    let ask = format!("{client} -E -e 'SHOW REPLICA STATUS'");
    cluster.host(host).exec_ok(&ask).unwrap()
}

fn is_by_position(cluster: &Cluster, host: &str) -> bool {
    let status = status(cluster, host);
    status.contains("Using_Gtid: No") || status.contains("Auto_Position: 0")
}

fn runs(cluster: &Cluster, host: &str) -> bool {
    status(cluster, host).matches("_Running: Yes").count() == 2
}

#[track_caller]
fn is_converged(cluster: &Cluster) {
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
    cluster.hactl(&["bootstrap", "--yes"]).exits(0);
    cluster.hactl(&["verify"]).exits(0);
}

/// Rows that were acknowledged and that nobody has applied are there after a failover; who was given another
/// source follows by GTID, and that is in order, too.
fn it_loses_nothing_and_stays_converged(suite: Suite) {
    let arena = up(suite);
    is_converged(&arena.cluster);
    for replica in REPLICAS {
        assert!(is_by_position(&arena.cluster, replica), "{replica}");
    }
    // Nobody applies, and one receives no more.
    for replica in REPLICAS {
        arena.host(replica).sql("STOP REPLICA SQL_THREAD").unwrap();
    }
    arena.note("db1", 1, 30);
    for replica in REPLICAS {
        arena.cluster.await_received(replica);
    }
    arena.host("db2").sql("STOP REPLICA").unwrap();
    arena.note("db1", 31, 50);
    arena.cluster.await_received("db3");
    arena.host("db1").power_off().unwrap();
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    for host in [&health.primary, &health.replicas[0]] {
        arena.assert_noted(host, 50);
    }
    arena.host("db1").power_on().unwrap();
    arena.host("db1").await_server().unwrap();
    arena.rejoin("db1");
    arena.well();
    arena.assert_noted("db1", 50);
    is_converged(&arena.cluster);

    // One that is seeded anew attaches by position again, beside one that follows by GTID.
    let run = ["bootstrap", "--reseed", "db1", "--yes"];
    arena.cluster.hactl(&run).exits(0);
    assert!(is_by_position(&arena.cluster, "db1"));
    is_converged(&arena.cluster);
    let to = ["switchover", "--to", "db1", "--yes"];
    arena.cluster.hactl(&to).exits(0);
    arena.note("db1", 51, 60);
    arena.well();
    for replica in REPLICAS {
        arena.assert_noted(replica, 60);
    }
    is_converged(&arena.cluster);
}

/// Seeded and not started, which is where a run that is killed may leave it: it receives and acknowledges
/// nothing, not even after a reboot, and the next run makes it a replica.
fn killed_before_it_begins(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Installed);
    cluster.write_inventory(&(cluster.lab.inventory_yaml() + MODE));
    cluster.bootstrap();
    let stage = Stage::on(cluster);
    let cluster = &stage.cluster;
    let name = |host: &str| host.parse::<HostName>().unwrap();
    let seed = || {
        let into = vec![name("db2")];
        let action = Action::Seed {
            emptied: into.clone(),
            into,
        };
        assert_eq!(stage.act("db1", action), Outcome::Changed);
        assert!(is_by_position(cluster, "db2") && !runs(cluster, "db2"));
        cluster.finds(&["db2:HalfSeeded", "db2:ReplicationStopped"]);
    };

    seed();
    cluster
        .host("db1")
        .sql("CREATE DATABASE meanwhile")
        .unwrap();
    let action = Action::Replicate {
        source: name("db1"),
        differs: Vec::new(),
    };
    assert_eq!(stage.act("db2", action), Outcome::Changed);
    assert!(runs(cluster, "db2") && is_by_position(cluster, "db2"));
    let there = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'meanwhile'";
    cluster.await_answer("db2", there, "1");
    is_converged(cluster);

    seed();
    cluster.host("db2").reboot().unwrap();
    cluster.host("db2").await_server().unwrap();
    // The boot's own start of replication comes to its end. What else it says of the boot is of no matter.
    let booted = "systemctl is-system-running --wait";
    cluster.host("db2").exec(booted).unwrap();
    assert!(status(cluster, "db2").contains("_IO_Running: No"));
    cluster.finds(&["db2:HalfSeeded"]);
    cluster.bootstrap();
    assert!(runs(cluster, "db2") && is_by_position(cluster, "db2"));
}

/// db2 has received what db3 has not and can apply none of it; the dead primary's log cannot be read. Nobody
/// is promoted beside it. With the row repaired and the primary back, nothing is missing anywhere.
fn a_broken_applier_is_not_left_behind(suite: Suite) {
    let arena = up(suite);
    arena.note("db1", 1, 1);
    for replica in REPLICAS {
        arena.assert_noted(replica, 1);
    }
    let own = "SET GLOBAL read_only = 0; SET sql_log_bin = 0; INSERT INTO notes.n VALUES (2); \
               SET GLOBAL read_only = 1";
    arena.host("db2").sql(own).unwrap();
    arena.host("db3").sql("STOP REPLICA IO_THREAD").unwrap();
    let row = "INSERT INTO notes.n VALUES (2)";
    arena.host("db1").sql(row).unwrap();
    arena.note("db1", 3, 20);
    arena.cluster.await_received("db2");
    arena.host("db1").power_off().unwrap();
    let failover = ["failover", "--yes", "--allow-uncovered"];
    let run = arena.cluster.hactl(&failover);
    assert!(matches!(run.code, 1 | 5 | 6), "{run}");
    drop(run.says("has not applied all of it"));
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");

    arena.host("db1").power_on().unwrap();
    arena.host("db1").await_server().unwrap();
    let again = "SET GLOBAL read_only = 0; SET sql_log_bin = 0; DELETE FROM notes.n WHERE id = 2; \
                 SET GLOBAL read_only = 1";
    arena.host("db2").sql(again).unwrap();
    arena.cluster.hactl(&["bootstrap", "--yes"]).exits(0);
    arena.well();
    arena.assert_noted("db2", 20);
}

/// Servers that are killed under load come back by themselves, each with everything; the primary in place.
fn killed_servers(suite: Suite) {
    let keys = format!("failover: {{min_interval: 1s, prefer: in-place}}\n{MODE}");
    let arena = Arena::with(suite, &keys);
    let writer = arena.write();
    for host in ["db2", "db3", "db2"] {
        arena.host(host).kill(arena.process()).unwrap();
        arena.host(host).await_server().unwrap();
        arena.await_rows(&writer);
        let back = eventually(Duration::from_mins(1), || runs(&arena.cluster, host));
        assert!(back, "{host}: {}", status(&arena.cluster, host));
    }
    let _watch = arena.watch();
    arena.host("db1").kill(arena.process()).unwrap();
    arena.await_rows(&writer);
    arena.stop(writer);
    arena.well();
}
