//! Alive, whatever it looks like from somewhere: what must not be failed over.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Direction, Host, PassingReplica, Suite};

use super::arena::{Arena, LIMIT, QUICKLY, TEMPTATION};
use crate::cluster::eventually;

crate::scenarios! {
    core: hidden_from_the_manager;
    mariadb: replication_cut_only, an_acknowledgement_is_lost;
    matrix: the_monitor_is_locked_out, all_replicas_dead, replicas_stopped_by_hand, no_connection_left,
        no_connection_left_for_a_replica, a_name_that_is_not_resolved,
}

/// F06: only the manager cannot see it; the replicas can, and their word counts.
fn hidden_from_the_manager(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write_beside("db2");
    let mut watch = arena.watch();
    arena.host("db1").veil().unwrap();
    watch.says("UnreachablePrimary");
    assert_it_stays(&arena, &writer);
    arena
        .cluster
        .hactl(&["failover", "--yes"])
        .exits(6)
        .says("UnreachablePrimary");
    arena.host("db1").heal().unwrap();
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F07: replication is cut and everyone sees the primary. Commits wait for their acknowledgement: that
/// is said, and is no death.
fn replication_cut_only(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    for replica in ["db2", "db3"] {
        arena.host("db1").sever(arena.host(replica)).unwrap();
    }
    watch.says("SemiSyncBlocked");
    sleep(TEMPTATION);
    for replica in ["db2", "db3"] {
        arena.host("db1").mend(arena.host(replica)).unwrap();
    }
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F09, F37: the last one that acknowledges is gone. The primary lives and its commits wait: it is not
/// taken for dead, and goes on when they are back.
fn all_replicas_dead(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    for replica in ["db2", "db3"] {
        arena.host(replica).power_off().unwrap();
    }
    watch.says("SemiSyncBlocked");
    arena.cluster.hactl(&["failover", "--yes"]).exits(6);
    for replica in ["db2", "db3"] {
        arena.host(replica).power_on().unwrap();
    }
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F10: receivers that somebody stopped are no witnesses of a death.
fn replicas_stopped_by_hand(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    let writer = arena.write();
    let mut watch = arena.watch();
    for replica in ["db2", "db3"] {
        arena.host(replica).sql("STOP REPLICA IO_THREAD").unwrap();
    }
    watch.says("ReplicationStopped");
    arena.host("db1").veil().unwrap();
    sleep(TEMPTATION);
    arena.host("db1").heal().unwrap();
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    for replica in ["db2", "db3"] {
        arena.host(replica).sql("START REPLICA IO_THREAD").unwrap();
    }
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F11: "too many connections" is said by a server that lives.
fn no_connection_left(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    // The least that a server takes. The writer, the watcher and the replicas hold some; these the rest.
    let db1 = arena.host("db1");
    db1.sql("SET GLOBAL max_connections = 10").unwrap();
    let client = suite.flavor().client();
    let hold = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do \
         systemd-run --quiet {client} -ujudge -h127.0.0.1 --protocol=TCP -e 'DO SLEEP(25)' ; done"
    );
    db1.exec_ok(&hold).unwrap();
    sleep(TEMPTATION);
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    let freed = eventually(Duration::from_mins(1), || {
        db1.sql("SET GLOBAL max_connections = 151").is_ok()
    });
    assert!(freed);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// Commits that wait for an acknowledgement keep every connection: the replica that would give it gets in
/// all the same, and all of them go on.
fn no_connection_left_for_a_replica(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    let unit = arena.unit();
    let table = "CREATE TABLE judge.abandoned (id INT AUTO_INCREMENT PRIMARY KEY)";
    let db1 = arena.host("db1");
    db1.sql(table).unwrap();
    // While fewer are in use: above the most, not even the spare one is left.
    db1.sql("SET GLOBAL max_connections = 12").unwrap();
    for replica in ["db2", "db3"] {
        let stop = format!("systemctl stop {unit}");
        arena.host(replica).exec_ok(&stop).unwrap();
    }
    let client = suite.flavor().client();
    let abandoned = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do systemd-run --quiet {client} -ujudge \
         -h127.0.0.1 --protocol=TCP -e 'INSERT INTO judge.abandoned VALUES ()'; done"
    );
    db1.exec_ok(&abandoned).unwrap();
    let is_full = || {
        let said = db1.sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
        let said = said.unwrap_or_default();
        let count = said.split_whitespace().last().map(str::parse);
        // The question itself has the spare one.
        matches!(count, Some(Ok(13_u32..)))
    };
    assert!(eventually(LIMIT, is_full), "there is room on db1");
    let begin = format!("systemctl start {unit}");
    arena.host("db2").exec_ok(&begin).unwrap();
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    arena.host("db3").exec_ok(&begin).unwrap();
    db1.sql("SET GLOBAL max_connections = 151").unwrap();
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F12: "access denied" is said by a server that lives.
fn the_monitor_is_locked_out(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    let db1 = arena.host("db1");
    db1.sql("ALTER USER monitor@'%' ACCOUNT LOCK").unwrap();
    let sessions = "SELECT id FROM information_schema.processlist WHERE user = 'monitor'";
    for session in db1.sql(sessions).unwrap().lines() {
        // It may be gone by now.
        let _ = db1.sql(&format!("KILL {session}"));
    }
    watch.says("monitor");
    assert_it_stays(&arena, &writer);
    db1.sql("ALTER USER monitor@'%' ACCOUNT UNLOCK").unwrap();
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F14: the name service does not know the primary any more. That says nothing about the primary.
fn a_name_that_is_not_resolved(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let known = arena.cluster.lab.inventory_yaml() + QUICKLY;
    let address = format!("address: {},", arena.host("db1").address());
    let unknown = known.replace(&address, "address: db1.invalid,");
    assert_ne!(known, unknown);
    arena.cluster.write_inventory(&unknown);
    let run = arena.cluster.hactl(&["failover", "--yes"]);
    assert!(matches!(run.code, 4 | 6), "{run}");
    assert_it_stays(&arena, &writer);
    arena.cluster.write_inventory(&known);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// The primary is tempting, and nobody takes over.
#[track_caller]
fn assert_it_stays(arena: &Arena, writer: &hactl_lab::Writer) {
    sleep(TEMPTATION);
    arena.await_rows(writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
}

/// Every replica has two commits, and what it acknowledges them by dies with its connection. Back by its GTID
/// a `MariaDB` replica is not sent them again, and not asked again either; and a third commit, which would be
/// acknowledged, waits for the second to make room.
fn an_acknowledgement_is_lost(suite: Suite) {
    let arena = Arena::up(suite);
    let db1 = arena.host("db1");
    db1.sql("CREATE TABLE judge.ack (id INT PRIMARY KEY)")
        .unwrap();
    let pairs = [1, 3, 5, 7, 9, 11].map(|first| [first, first + 1]);
    let arrives = |pair: &[u32; 2]| arrives_unacknowledged(&arena, *pair);
    let pair = pairs.into_iter().find(arrives);
    let pair = pair.expect("no two commits arrive");
    end_dump_threads(db1);
    db1.heal().unwrap();
    // It goes on watching: the replica is led back to its GTIDs after the commits are through.
    let mut watch = arena.watch();
    if matches!(suite, Suite::Bookworm | Suite::Sid) {
        watch.says("AcknowledgementLost");
    }
    let are_through = || has_both(db1, pair);
    assert!(eventually(LIMIT, are_through), "the commits wait");
    let writer = arena.write();
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// Makes two commits while the primary hears nothing, and waits until every replica has them. What has not
/// been sent when the primary begins to send again, after some 200 ms, arrives only when it hears again:
/// then both are acknowledged, and another pair may be quicker.
fn arrives_unacknowledged(arena: &Arena, pair: [u32; 2]) -> bool {
    let db1 = arena.host("db1");
    let client = arena.cluster.lab.suite().flavor().client();
    let insert = pair
        .map(|id| format!("systemd-run --quiet {client} -e 'INSERT INTO judge.ack VALUES ({id})'"));
    db1.mute(Direction::Incoming).unwrap();
    db1.exec_ok(&insert.join("; ")).unwrap();
    let have = || {
        let mut replicas = ["db2", "db3"].iter();
        replicas.all(|replica| has_both(arena.host(replica), pair))
    };
    let arrived = eventually(Duration::from_secs(3), have);
    if !arrived {
        db1.heal().unwrap();
        let are_through = || has_both(db1, pair);
        assert!(eventually(LIMIT, are_through), "the commits wait too soon");
    }
    arrived
}

/// On the primary a row shows only when it is acknowledged.
fn has_both(host: &Host, pair: [u32; 2]) -> bool {
    let [one, other] = pair;
    let read = format!("SELECT COUNT(*) FROM judge.ack WHERE id IN ({one}, {other})");
    host.sql(&read).unwrap().trim() == "2"
}

/// The only replica attaches and is gone before the thread that reads the acknowledgements has seen it: the
/// server then ends its dump thread for ever, and lets the replica in no more (`MariaDB`, in
/// `Ack_receiver::wait_for_slave_connection`). Its connections that were given up while its cable was out
/// come just so: 1 of 30 cuts of 4 to 12 s did.
#[test]
fn a_mariadb_whose_dump_thread_does_not_end() {
    let arena = Arena::up(Suite::Bookworm);
    let (db1, db2, unit) = (arena.host("db1"), arena.host("db2"), arena.unit());
    let own = db2.sql("SELECT @@server_id").unwrap();
    let passing = PassingReplica::prepare(db1, own.trim().parse().unwrap()).unwrap();
    let mut watch = arena.watch();
    arena
        .host("db3")
        .exec_ok(&format!("systemctl stop {unit}"))
        .unwrap();
    db2.cut().unwrap();
    // Whoever comes under the id of a replica that is still served waits for the end of that thread, and it
    // for a sign of life from the cut-off replica; no login gets through meanwhile.
    end_dump_threads(db1);
    // On one processor the reader of acknowledgements comes late more often.
    db1.exec_ok("taskset --all-tasks --pid 1 $(pidof mariadbd)")
        .unwrap();
    // A visit fails also where the server takes its time over a login.
    let stuck = (0..5_000).any(|_| passing.visit().is_err() && does_not_end(db1));
    assert!(stuck, "every dump thread ended");
    db2.heal().unwrap();
    watch.says("DumpThreadStuck");
    let writer = arena.write();
    arena
        .host("db3")
        .exec_ok(&format!("systemctl start {unit}"))
        .unwrap();
    db1.sql("DROP USER passing@'%'").unwrap();
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
    assert_eq!(db2.sql("SELECT @@server_id").unwrap(), own);
}

/// Ends the dump threads that the primary has by now.
fn end_dump_threads(primary: &Host) {
    let dumps = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
    for dump in primary.sql(dumps).unwrap().lines() {
        primary.sql(&format!("KILL {dump}")).unwrap();
    }
}

/// One that only ends late, as on a busy machine, is gone before.
fn does_not_end(primary: &Host) -> bool {
    let ending = "SELECT id FROM information_schema.processlist \
                  WHERE state = 'Waiting to finalize termination' AND time > 5";
    eventually(Duration::from_secs(10), || {
        primary.sql(ending).is_ok_and(|ending| !ending.is_empty())
    })
}
