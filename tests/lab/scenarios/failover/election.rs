//! Who takes over, and what is saved before: received rows that were not applied, the dead server's
//! own log, a replica that must not lead.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Suite, primary};

use super::arena::{Arena, QUICKLY};

crate::scenarios! {
    core: both_threads_stopped, the_tail_of_a_dead_server;
    mariadb: the_most_advanced_must_not_lead, each_has_what_the_other_lacks;
    matrix: appliers_stopped, an_errant_candidate, rebooted_meanwhile, a_broken_applier, fallen_back_to_asynchronous, a_torn_relay_log,
        a_domain_of_its_own, a_full_relay_log, the_tail_after_a_promotion_begun,
}

const REPLICAS: [&str; 2] = ["db2", "db3"];

fn on_both(arena: &Arena, sql: &str) {
    for replica in REPLICAS {
        arena.host(replica).sql(sql).unwrap();
    }
}

/// Rows 1 to 50, acknowledged, received by both and applied by none.
fn fifty_unapplied(arena: &Arena) {
    on_both(arena, "STOP REPLICA SQL_THREAD");
    arena.note("db1", 1, 50);
    for replica in REPLICAS {
        arena.cluster.await_received(replica);
    }
}

/// The failover, and every one of the 50 is there afterwards, wherever one looks.
fn fail_over_with_fifty(arena: &Arena) {
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    for host in [&health.primary, &health.replicas[0]] {
        arena.assert_noted(host, 50);
    }
    arena.rejoin("db1");
    arena.well();
    arena.assert_noted("db1", 50);
}

/// This replica is of no use, and nobody else would acknowledge: that is said, and goes on when a person
/// permits it.
#[track_caller]
fn fail_over_uncovered(arena: &Arena, useless: &str) {
    let failover = |more: &[&str]| {
        let arguments = [&["failover", "--yes"], more].concat();
        arena.cluster.hactl(&arguments).says(useless)
    };
    failover(&[]).exits(6).says("--allow-uncovered");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");
    let run = failover(&["--allow-uncovered"]);
    assert!(matches!(run.code, 0 | 5), "{run}");
}

/// F22: the applier is stopped, the receiver looks for the dead.
fn appliers_stopped(suite: Suite) {
    let arena = Arena::up(suite);
    fifty_unapplied(&arena);
    arena.kill_for_good("db1");
    fail_over_with_fifty(&arena);
}

/// F23: nothing runs any more, and starting both threads would throw the rows away.
fn both_threads_stopped(suite: Suite) {
    let arena = Arena::up(suite);
    fifty_unapplied(&arena);
    on_both(&arena, "STOP REPLICA");
    arena.kill_for_good("db1");
    fail_over_with_fifty(&arena);
}

/// F24: the candidates lost their power, and came back, while the primary died.
fn rebooted_meanwhile(suite: Suite) {
    let arena = Arena::up(suite);
    fifty_unapplied(&arena);
    arena.no_restart("db1");
    for host in ["db2", "db3"] {
        arena.host(host).power_off().unwrap();
    }
    arena.host("db1").kill(arena.process()).unwrap();
    for replica in REPLICAS {
        arena.host(replica).power_on().unwrap();
        arena.host(replica).await_server().unwrap();
    }
    fail_over_with_fifty(&arena);
}

/// F21: much is received and little applied; clients wait for it, and get it all.
fn a_full_relay_log(suite: Suite) {
    let arena = Arena::up(suite);
    on_both(&arena, "STOP REPLICA SQL_THREAD");
    arena.note("db1", 1, 50);
    arena
        .host("db1")
        .sql(
            "CREATE TABLE notes.big (id INT AUTO_INCREMENT PRIMARY KEY, x VARCHAR(1000));
             INSERT INTO notes.big (x) SELECT REPEAT('x', 1000) FROM information_schema.columns LIMIT 2000;
             INSERT INTO notes.big (x) SELECT a.x FROM notes.big a, (SELECT 1 FROM notes.big LIMIT 40) b",
        )
        .unwrap();
    for replica in REPLICAS {
        arena.cluster.await_received(replica);
    }
    on_both(&arena, "START REPLICA SQL_THREAD");
    arena.kill_for_good("db1");
    fail_over_with_fifty(&arena);
}

/// F25: it died in the middle of sending; the torn end is nobody's row.
fn a_torn_relay_log(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 50);
    let big = "CREATE TABLE notes.big (id INT AUTO_INCREMENT PRIMARY KEY, x VARCHAR(1000));
        INSERT INTO notes.big (x) SELECT REPEAT('x', 1000) FROM information_schema.columns LIMIT 2000;
        INSERT INTO notes.big (x) SELECT a.x FROM notes.big a, (SELECT 1 FROM notes.big LIMIT 60) b";
    let db1 = arena.host("db1");
    std::thread::scope(|scope| {
        // It ends with the server.
        let sent = scope.spawn(|| db1.sql(big));
        sleep(Duration::from_millis(1200));
        db1.power_off().unwrap();
        let _ = sent.join();
    });
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    arena.assert_noted(&health.primary, 50);
    arena.host("db1").power_on().unwrap();
    arena.host("db1").await_server().unwrap();
    arena.rejoin("db1");
    arena.well();
}

/// F20: db3 has more than db2 and is to be avoided: db2 takes from it what it lacks, and leads.
fn the_most_advanced_must_not_lead(suite: Suite) {
    let arena = Arena::up(suite);
    arena.give_host("db3", "promotion: avoid", QUICKLY);
    arena.host("db2").sql("STOP REPLICA IO_THREAD").unwrap();
    arena.note("db1", 1, 50);
    arena.cluster.await_received("db3");
    arena.host("db1").power_off().unwrap();
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    assert_eq!(health.primary, "db2");
    arena.assert_noted("db2", 50);
}

/// F26: db2 has received everything and can apply none of it.
fn a_broken_applier(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    arena.assert_noted("db2", 1);
    let own = "SET GLOBAL read_only = 0; SET sql_log_bin = 0; INSERT INTO notes.n VALUES (2); \
               SET GLOBAL read_only = 1";
    arena.host("db2").sql(own).unwrap();
    arena.note("db1", 2, 50);
    arena.cluster.await_received("db3");
    arena.kill_for_good("db1");
    fail_over_uncovered(&arena, "db2");
    let health = arena.well_with(0);
    assert_eq!(health.primary, "db3");
    arena.assert_noted("db3", 50);
}

/// F27: a row of its own on db2 is found before anything is touched, and never spreads.
fn an_errant_candidate(suite: Suite) {
    let arena = Arena::up(suite);
    arena
        .host("db2")
        .sql("SET GLOBAL read_only = 0; CREATE DATABASE own; SET GLOBAL read_only = 1")
        .unwrap();
    arena.note("db1", 1, 50);
    arena.cluster.await_received("db3");
    arena.kill_for_good("db1");
    fail_over_uncovered(&arena, "db2");
    let leader = primary(&arena.cluster.lab).expect("db3 may lead").name();
    assert_eq!(leader, "db3");
    arena.assert_noted("db3", 50);
    let spread = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'own'";
    arena.cluster.await_answer("db3", spread, "0");
}

/// F28: whoever led, something would be lost or spread. That is a person's decision.
fn each_has_what_the_other_lacks(suite: Suite) {
    let arena = Arena::up(suite);
    for replica in REPLICAS {
        let own = format!(
            "SET GLOBAL read_only = 0; CREATE DATABASE of_{replica}; SET GLOBAL read_only = 1"
        );
        arena.host(replica).sql(&own).unwrap();
    }
    arena.kill_for_good("db1");
    let run = arena.cluster.hactl(&["failover", "--yes"]).exits(6);
    run.says("db2").says("db3");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");
}

/// F29: the same, in a domain of its own (MySQL: under a name of its own).
fn a_domain_of_its_own(suite: Suite) {
    let arena = Arena::up(suite);
    let own = match suite {
        Suite::Sid => {
            "SET GLOBAL read_only = 0; SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:1'; \
             CREATE DATABASE own; SET gtid_next = AUTOMATIC; SET GLOBAL read_only = 1"
        }
        _ => {
            "SET GLOBAL read_only = 0; SET SESSION gtid_domain_id = 7; CREATE DATABASE own; \
             SET GLOBAL read_only = 1"
        }
    };
    arena.host("db3").sql(own).unwrap();
    arena.note("db1", 1, 50);
    arena.cluster.await_received("db2");
    arena.kill_for_good("db1");
    fail_over_uncovered(&arena, "db3");
    let leader = primary(&arena.cluster.lab).expect("db2 may lead").name();
    assert_eq!(leader, "db2");
    arena.assert_noted("db2", 50);
}

/// F36: nobody acknowledged the last rows, and no log can be had. It is said that they may be lost, and
/// done only when that is permitted.
fn fallen_back_to_asynchronous(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    arena.note("db1", 1, 1);
    for replica in REPLICAS {
        arena.assert_noted(replica, 1);
        arena.host("db1").sever(arena.host(replica)).unwrap();
    }
    arena.note("db1", 2, 50);
    arena.host("db1").power_off().unwrap();
    for replica in REPLICAS {
        arena.host("db1").mend(arena.host(replica)).unwrap();
    }
    arena
        .cluster
        .hactl(&["failover", "--yes"])
        .exits(6)
        .says("--allow-unfenced");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");
    let check = arena
        .cluster
        .hactl(&["failover", "--check", "--allow-unfenced"]);
    let text = format!("{}{}", check.stdout, check.stderr);
    assert!(
        text.contains("lost") && !text.contains("nothing that was"),
        "{check}"
    );
    let run = arena
        .cluster
        .hactl(&["failover", "--allow-unfenced", "--yes"]);
    assert!(matches!(run.code, 0 | 5), "{run}");
    let health = arena.well_with(1);
    arena.assert_noted(&health.primary, 1);
}

/// F38, S15: only the dead server's log has the rows, and ssh to it works.
fn the_tail_of_a_dead_server(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    with_a_tail(&arena);
    arena.kill_for_good("db1");
    it_is_not_lost(&arena);
}

/// The same where a failover was killed in the middle of its promotion: db2 has forgotten whom it followed,
/// and up to where.
fn the_tail_after_a_promotion_begun(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    with_a_tail(&arena);
    arena.kill_for_good("db1");
    let db2 = arena.host("db2");
    db2.sql("STOP REPLICA; RESET REPLICA ALL").unwrap();
    it_is_not_lost(&arena);
}

/// Row 1 on all; up to 50 on db1 alone.
fn with_a_tail(arena: &Arena) {
    arena.note("db1", 1, 1);
    for replica in REPLICAS {
        arena.assert_noted(replica, 1);
    }
    on_both(arena, "STOP REPLICA IO_THREAD");
    arena.note("db1", 2, 50);
}

fn it_is_not_lost(arena: &Arena) {
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    for host in [&health.primary, &health.replicas[0]] {
        arena.assert_noted(host, 50);
    }
    arena.rejoin("db1");
    arena.well();
}
