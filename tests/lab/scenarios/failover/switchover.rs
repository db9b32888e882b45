//! The planned change: done without a loss, or undone without a trace.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Health, Suite, primary};

use super::arena::{Arena, LIMIT};
use crate::cluster::eventually;
use crate::run::Run;

crate::scenarios! {
    core: under_load;
    mariadb: privileged_writers_and_events, the_new_primary_dies_at_once;
    matrix: a_target_that_does_not_replicate, a_commit_that_waits, killed_in_the_middle, there_and_back, a_long_transaction, the_target_cannot_catch_up, the_target_dies,
        the_source_dies, a_sibling_dies, fifty_times, what_clients_hold, a_prepared_transaction,
}

fn to(arena: &Arena, host: &str) -> Run {
    arena.cluster.hactl(&["switchover", "--to", host, "--yes"])
}

/// db1 leads as before, clients write, and nothing is left of the attempt.
fn assert_undone(arena: &Arena, writer: hactl_lab::Writer) {
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "it moved");
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F60.
fn under_load(suite: Suite) {
    let arena = Arena::up(suite);
    let writers = [arena.write(), arena.write(), arena.write_beside("db3")];
    let check = arena
        .cluster
        .hactl(&["switchover", "--to", "db2", "--check"])
        .exits(0);
    assert_eq!(
        primary(&arena.cluster.lab).unwrap().name(),
        "db1",
        "{check}"
    );
    to(&arena, "db2").exits(0);
    for writer in writers {
        arena.await_another(&writer);
        arena.stop(writer);
    }
    assert_eq!(arena.well().primary, "db2");
    // It leads already.
    to(&arena, "db2");
    assert_eq!(arena.well().primary, "db2");
}

/// A watcher that has not looked at the new primary yet learns from its replicas that it was one.
fn the_new_primary_dies_at_once(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    arena.no_restart("db2");
    to(&arena, "db2").exits(0);
    arena.host("db2").kill(arena.process()).unwrap();
    arena.assert_fenced("db2");
    arena.await_another(&writer);
    arena.stop(writer);
    assert_ne!(arena.well_with(1).primary, "db2");
    arena.rejoin("db2");
    arena.well();
}

/// F68, a little: whoever it chooses, and back.
fn there_and_back(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    for _ in 0..3 {
        arena.cluster.hactl(&["switchover", "--yes"]).exits(0);
    }
    to(&arena, "db1");
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F68.
fn fifty_times(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    for round in 0..50 {
        to(&arena, if round % 2 == 0 { "db2" } else { "db1" }).exits(0);
        arena.await_rows(&writer);
    }
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F55, F56: those that read-only does not stop: accounts with every right, and the server's own
/// events. Neither leaves a transaction on the old primary.
fn privileged_writers_and_events(suite: Suite) {
    let arena = Arena::up(suite);
    let db1 = arena.host("db1");
    db1.sql(
        "CREATE DATABASE app; CREATE TABLE app.t (id INT AUTO_INCREMENT PRIMARY KEY, x INT);
         CREATE TABLE app.events (id INT AUTO_INCREMENT PRIMARY KEY, x INT);
         CREATE USER boss@'%' IDENTIFIED BY ''; GRANT ALL ON *.* TO boss@'%';
         SET GLOBAL event_scheduler = ON;
         CREATE EVENT app.ticks ON SCHEDULE EVERY 1 SECOND DO INSERT INTO app.events (x) VALUES (1);",
    )
    .unwrap();
    let vip = arena.cluster.lab.vip();
    let client = suite.flavor().client();
    // It ends with its connection, and begins anew.
    let boss = format!(
        "systemd-run --quiet --unit=boss sh -c 'while :; do {{ while :; do \
         echo \"INSERT INTO app.t (x) VALUES (1);\"; sleep 0.01; done; }} | {client} -h{vip} -uboss; done'"
    );
    arena.host("db3").exec_ok(&boss).unwrap();
    let writer = arena.write();
    to(&arena, "db2").exits(0);
    arena.await_another(&writer);
    arena.host("db3").exec_ok("systemctl stop boss").unwrap();
    arena.stop(writer);
    arena
        .host("db2")
        .sql("SET GLOBAL event_scheduler = OFF")
        .unwrap();
    assert_eq!(arena.well().primary, "db2");
}

/// F61: longer than it was said to wait for: refused, before anything is touched.
fn a_long_transaction(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    let writer = arena.write();
    let client = suite.flavor().client();
    let long = format!(
        "systemd-run --quiet --unit=long {client} -e 'BEGIN; INSERT INTO notes.n VALUES (2); \
         DO SLEEP(600); COMMIT'"
    );
    arena.host("db1").exec_ok(&long).unwrap();
    sleep(Duration::from_secs(2));
    let run = arena
        .cluster
        .hactl(&["switchover", "--to", "db2", "--max-wait", "1s", "--yes"]);
    run.exits(6).says("transaction open");
    assert_undone(&arena, writer);
    arena.host("db1").exec("systemctl stop long").unwrap();
}

/// F57, F61: what clients and backups hold of the primary: a table lock, a lock of everything, a query
/// that does not end, a transaction that only read. Who holds it is ended, and the writer moves.
fn what_clients_hold(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    let holds = [
        "LOCK TABLES notes.n WRITE; DO SLEEP(600)",
        "FLUSH TABLES WITH READ LOCK; DO SLEEP(600)",
        "SELECT SLEEP(600) FROM notes.n",
        "BEGIN; SELECT * FROM notes.n; DO SLEEP(600)",
    ];
    for hold in holds {
        let (leader, target) = sides(&arena);
        hold_on(&arena, &leader, hold);
        to(&arena, target).exits(0);
        let ended = "systemctl is-active hold";
        let is_ended = || arena.host(&leader).exec(ended).unwrap().stdout.trim() != "active";
        assert!(eventually(LIMIT, is_ended), "`{hold}` goes on on {leader}");
        let writer = arena.write();
        arena.stop(writer);
        assert_eq!(arena.well().primary, target, "{hold}");
    }
}

/// F61: a prepared transaction outlives its session and moves along: it is committed where the writer is
/// now, and nobody lacks it.
fn a_prepared_transaction(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    let prepared = "XA START 'held'; INSERT INTO notes.n VALUES (2); XA END 'held'; \
                    XA PREPARE 'held'; DO SLEEP(600)";
    hold_on(&arena, "db1", prepared);
    let is_prepared = || {
        let said = arena.host("db1").sql("XA RECOVER").unwrap();
        said.contains("held")
    };
    assert!(eventually(LIMIT, is_prepared), "nothing is prepared");
    to(&arena, "db2").exits(0);
    arena.host("db2").sql("XA COMMIT 'held'").unwrap();
    let writer = arena.write();
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db2");
    for host in ["db1", "db2", "db3"] {
        arena.assert_noted(host, 2);
    }
}

/// Who leads, and who else could.
fn sides(arena: &Arena) -> (String, &'static str) {
    let leader = primary(&arena.cluster.lab).unwrap().name().to_owned();
    let target = if leader == "db1" { "db2" } else { "db1" };
    (leader, target)
}

/// A session of a client on this host that says this and stays.
fn hold_on(arena: &Arena, host: &str, statements: &str) {
    let client = arena.cluster.lab.suite().flavor().client();
    let unit = format!("systemd-run --quiet --collect --unit=hold {client} -e \"{statements}\"");
    arena.host(host).exec_ok(&unit).unwrap();
    let asked = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' \
                 AND id <> CONNECTION_ID()";
    let holds = || {
        arena
            .host(host)
            .sql(asked)
            .is_ok_and(|said| said.trim() == "1")
    };
    assert!(eventually(LIMIT, holds), "`{statements}` does not begin");
}

/// F57, S8: commits of the primary wait for an acknowledgement that does not come; read-only would wait
/// with them, and must not be waited for.
fn a_commit_that_waits(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    for replica in ["db2", "db3"] {
        arena.host(replica).sql("STOP REPLICA IO_THREAD").unwrap();
    }
    let run = to(&arena, "db2");
    assert!(matches!(run.code, 5 | 6), "{run}");
    for replica in ["db2", "db3"] {
        arena.host(replica).sql("START REPLICA IO_THREAD").unwrap();
    }
    assert_undone(&arena, writer);
}

/// F66: the target's applier waits for a lock and does not get there in time. Undone.
fn the_target_cannot_catch_up(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let client = suite.flavor().client();
    let lock = format!(
        "systemd-run --quiet --unit=lock {client} -e 'LOCK TABLES judge.`rows` READ; DO SLEEP(600)'"
    );
    arena.host("db2").exec_ok(&lock).unwrap();
    let run = arena
        .cluster
        .hactl(&["switchover", "--to", "db2", "--max-wait", "2s", "--yes"]);
    assert!(matches!(run.code, 5 | 6), "{run}");
    arena.host("db2").exec_ok("systemctl stop lock").unwrap();
    assert_undone(&arena, writer);
}

/// F67: refused before anything is touched.
fn a_target_that_does_not_replicate(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.host("db2").sql("STOP REPLICA SQL_THREAD").unwrap();
    to(&arena, "db2").exits(6).says("db2");
    arena.host("db2").sql("START REPLICA SQL_THREAD").unwrap();
    assert_undone(&arena, writer);
}

/// Moments after its start at which something happens to a switchover.
const MOMENTS: [u64; 5] = [100, 300, 450, 600, 900];

/// F65: killed at any moment; the same command finishes it, and so do the others that a person may type.
fn killed_in_the_middle(suite: Suite) {
    let arena = Arena::up(suite);
    for (turn, millis) in MOMENTS.into_iter().enumerate() {
        let (source, target) = sides(&arena);
        let writer = arena.write();
        let running = arena
            .cluster
            .start(&["switchover", "--to", target, "--yes"]);
        sleep(Duration::from_millis(millis));
        running.kill();
        if turn % 2 == 0 {
            recover(&arena);
        } else {
            to(&arena, target).exits(0);
        }
        arena.await_rows(&writer);
        arena.stop(writer);
        bring_back(&arena, &source);
        arena.well();
    }
}

/// What a person types who finds clients without a primary.
fn recover(arena: &Arena) {
    if arena.look().is_ok_and(|health| health.replicas.len() == 2) {
        return;
    }
    for command in [
        ["status"].as_slice(),
        &["failover", "--yes"],
        &["bootstrap", "--yes"],
        &["status"],
    ] {
        eprintln!("{}", arena.cluster.hactl(command));
    }
}

/// A former primary comes back by a person's word alone.
fn bring_back(arena: &Arena, host: &str) {
    let is_member =
        |health: &Health| health.primary == host || health.replicas.iter().any(|of| of == host);
    // A replica that was on its way reconnects.
    let is_back = eventually(Duration::from_secs(15), || {
        arena.look().is_ok_and(|health| is_member(&health))
    });
    if !is_back {
        arena.rejoin(host);
    }
}

/// Something dies at every moment of a switchover; then all comes back, and nothing is lost.
fn while_it_dies(suite: Suite, victim: &str) {
    let arena = Arena::up(suite);
    for millis in MOMENTS {
        let writer = arena.write();
        let running = arena.cluster.start(&["switchover", "--to", "db2", "--yes"]);
        sleep(Duration::from_millis(millis));
        arena.host(victim).power_off().unwrap();
        let run = arena.cluster.finish(running);
        assert_ne!(run.code, -1, "{run}");
        if primary(&arena.cluster.lab).is_none() {
            arena.cluster.hactl(&["failover", "--yes"]);
        }
        arena.host(victim).power_on().unwrap();
        // A fenced server does not answer.
        let _ = arena
            .host(victim)
            .exec("systemctl is-system-running --wait");
        recover(&arena);
        arena.await_rows(&writer);
        arena.stop(writer);
        bring_back(&arena, victim);
        arena.well();
        to(&arena, "db1");
        arena.well();
    }
}

/// F62.
fn the_target_dies(suite: Suite) {
    while_it_dies(suite, "db2");
}

/// F63.
fn the_source_dies(suite: Suite) {
    while_it_dies(suite, "db1");
}

/// F64.
fn a_sibling_dies(suite: Suite) {
    while_it_dies(suite, "db3");
}
