//! The failed one comes back: as it is, without its unacknowledged tail, or by a reseed that somebody
//! asked for.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::Suite;

use super::arena::{Arena, LIMIT, QUICKLY};
use crate::cluster::eventually;

crate::scenarios! {
    core: not_ahead, ahead_by_a_tail;
    mariadb: one_of_two, a_cut_tail_is_kept;
    matrix: purged_logs, an_interrupted_reseed, it_is_named_by_every_command, a_copied_identity, a_sound_member, left_behind,
        data_of_its_own, a_donor_under_load,
}

/// db1 dies and db2 or db3 leads.
fn failed_over(arena: &Arena) {
    let writer = arena.write();
    arena.kill_for_good("db1");
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    arena.assert_fenced("db1");
}

/// F80: nothing is thrown away.
fn not_ahead(suite: Suite) {
    let arena = Arena::up(suite);
    failed_over(&arena);
    let plan = arena.cluster.hactl(&["rejoin", "db1", "--check"]).exits(0);
    arena.assert_fenced("db1");
    let run = arena.cluster.hactl(&["rejoin", "db1", "--yes"]).exits(0);
    drop(plan);
    arena.well();
    // Again: nothing to do.
    let again = arena.cluster.hactl(&["rejoin", "db1", "--yes"]);
    assert!(matches!(again.code, 0 | 6), "{run}\n{again}");
    arena.well();
}

/// A row in the log of db1, which waits for its acknowledgement.
fn nobody_acknowledges(arena: &Arena) {
    let client = arena.cluster.lab.suite().flavor().client();
    let tail =
        format!("systemd-run --quiet --unit=tail {client} -e 'INSERT INTO notes.n VALUES (4711)'");
    arena.host("db1").exec_ok(&tail).unwrap();
    sleep(Duration::from_secs(1));
}

/// F81, S9: the dead primary's log has rows that nobody acknowledged. They are shown, and go; they
/// never spread.
fn ahead_by_a_tail(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    for replica in ["db2", "db3"] {
        arena.assert_noted(replica, 1);
        arena.host("db1").sever(arena.host(replica)).unwrap();
    }
    nobody_acknowledges(&arena);
    arena.host("db1").power_off().unwrap();
    for replica in ["db2", "db3"] {
        arena.host("db1").mend(arena.host(replica)).unwrap();
    }
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let health = arena.well_with(1);
    arena.assert_noted(&health.primary, 1);

    arena.host("db1").power_on().unwrap();
    // While it recovers, `rejoin` asks for patience.
    arena.host("db1").await_server().unwrap();
    arena.rejoin("db1");
    arena.well();
    for host in ["db1", "db2", "db3"] {
        arena.assert_noted(host, 1);
    }
}

/// F81, S9: the same where the server is stopped when it comes back. What its log alone holds is named
/// before anything is done, and in a file when it is cut off; nothing of it is said elsewhere.
fn a_cut_tail_is_kept(suite: Suite) {
    let arena = Arena::up(suite);
    arena.note("db1", 1, 1);
    for replica in ["db2", "db3"] {
        arena.assert_noted(replica, 1);
    }
    // Without ssh to it nobody can salvage its log.
    arena.host("db1").cut().unwrap();
    nobody_acknowledges(&arena);
    arena.kill_for_good("db1");
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let leader = arena.well_with(1).primary;
    // With its VIP: nobody could take it away, and no watcher runs that would now.
    arena.host("db1").heal().unwrap();
    // The leader goes on in the same domain.
    arena.note(&leader, 2, 2);

    let files = || arena.cluster.kept();
    let plan = arena.cluster.hactl(&["rejoin", "db1", "--check"]).exits(0);
    assert!(!plan.stdout.contains("4711"), "{plan}");
    assert!(files().is_empty());
    let run = match suite {
        Suite::Bookworm | Suite::Trixie => {
            drop(plan.says("GIVES UP: 1 transaction (0-").says("kept as SQL"));
            arena.cluster.hactl(&["rejoin", "db1", "--yes"]).exits(0)
        }
        // They commit it at their start, and give it up with the rest of their data.
        Suite::Bullseye | Suite::Sid => arena.rejoin("db1"),
    };
    let said = format!("{}{}", run.stdout, run.stderr);
    let kept = files();
    if matches!(suite, Suite::Bookworm | Suite::Trixie) {
        assert_eq!(kept.len(), 1, "{run}");
    }
    assert!(kept.iter().any(|(path, ..)| said.contains(path)), "{run}");
    assert!(said.contains("@1=4711"), "{run}");
    for (_, text, mode) in &kept {
        assert!(
            text.contains("@1=4711") && text.contains("INSERT INTO `notes`.`n`"),
            "{text}"
        );
        assert!(
            !text.contains("@1=1\n") && !text.contains("@1=2\n"),
            "{text}"
        );
        assert_eq!(*mode, 0o600);
    }
    arena.well();
    for host in ["db1", "db2", "db3"] {
        let cut = "SELECT COUNT(*) FROM notes.n WHERE id = 4711";
        arena.cluster.await_answer(host, cut, "0");
    }
    // Nothing there, nothing said.
    arena.kill_for_good(&leader);
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    let plan = arena
        .cluster
        .hactl(&["rejoin", &leader, "--check"])
        .exits(0);
    assert!(!plan.stdout.contains("GIVES UP"), "{plan}");
    arena.cluster.hactl(&["rejoin", &leader, "--yes"]).exits(0);
    assert_eq!(files().len(), kept.len());
}

/// F82: what it lacks is nowhere any more. Said, and done only when asked.
fn purged_logs(suite: Suite) {
    let arena = Arena::up(suite);
    failed_over(&arena);
    let leader = arena.well_with(1).primary;
    let leader = arena.host(&leader);
    let writer = arena.write();
    arena.await_rows(&writer);
    leader.sql("FLUSH BINARY LOGS").unwrap();
    arena.await_rows(&writer);
    arena.stop(writer);
    arena.well_with(1);
    let logs = || leader.sql("SHOW BINARY LOGS").unwrap();
    let purged = eventually(LIMIT, || {
        let newest = logs()
            .lines()
            .last()
            .unwrap()
            .split('\t')
            .next()
            .unwrap()
            .to_owned();
        // Just after it was begun it can be in use still.
        let _ = leader.sql(&format!("DO SLEEP(1); PURGE BINARY LOGS TO '{newest}'"));
        logs().lines().count() == 1
    });
    assert!(purged, "{}", logs());
    // Where the server does not say what it has purged, only an attempt shows it.
    let run = arena.cluster.hactl(&["rejoin", "db1", "--yes"]);
    assert!(matches!(run.code, 5 | 6), "{run}");
    run.says("--reseed");
    arena
        .cluster
        .hactl(&["rejoin", "db1", "--yes"])
        .exits(6)
        .says("--reseed");
    arena
        .cluster
        .hactl(&["rejoin", "db1", "--reseed", "--yes"])
        .exits(0);
    arena.well();
}

/// F83: killed in the middle of a reseed, again and again; then done.
fn an_interrupted_reseed(suite: Suite) {
    let arena = Arena::up(suite);
    arena
        .host("db1")
        .sql("CREATE DATABASE big; CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, x VARCHAR(1000));
              INSERT INTO big.t (x) SELECT REPEAT('x', 1000) FROM information_schema.columns LIMIT 1000;
              INSERT INTO big.t (x) SELECT a.x FROM big.t a, (SELECT 1 FROM big.t LIMIT 40) b")
        .unwrap();
    failed_over(&arena);
    for millis in [700, 1500, 2500] {
        let running = arena.cluster.start(&["rejoin", "db1", "--reseed", "--yes"]);
        sleep(Duration::from_millis(millis));
        running.kill();
        arena.well_with_any();
    }
    arena
        .cluster
        .hactl(&["rejoin", "db1", "--reseed", "--yes"])
        .exits(0);
    arena.well();
}

/// Whatever a person asks first, the answer names the command that helps.
fn it_is_named_by_every_command(suite: Suite) {
    let arena = Arena::up(suite);
    failed_over(&arena);
    let hint = "hactl rejoin db1";
    arena.cluster.hactl(&["verify"]).says(hint);
    arena.cluster.hactl(&["bootstrap", "--yes"]).says(hint);
    arena.cluster.hactl(&["status"]).says(hint);
    arena.assert_fenced("db1");
    arena.rejoin("db1");
    arena.well();
}

/// F86: the server of the failed host was copied from another. Two of one name are told apart or
/// refused, never joined.
fn a_copied_identity(suite: Suite) {
    let arena = Arena::up(suite);
    failed_over(&arena);
    let file = arena.cluster.configuration();
    let other = arena.host("db3").sql("SELECT @@server_id").unwrap();
    let edit = format!(
        "sed -i 's/^\\(server.id *= *\\).*/\\1{}/' {file}",
        other.trim()
    );
    arena.host("db1").exec_ok(&edit).unwrap();
    // Only a server that runs tells its number.
    let run = arena.cluster.hactl(&["rejoin", "db1", "--yes"]);
    assert!(matches!(run.code, 5 | 6), "{run}");
    run.says("server_id");
    arena.well_with(1);

    let own = arena
        .cluster
        .hactl(&["rejoin", "db1", "--yes"])
        .exits(6)
        .says("`server_id = ");
    let said = format!("{}{}", own.stdout, own.stderr);
    let (_, rest) = said.split_once("`server_id = ").unwrap();
    let (own, _) = rest.split_once('`').unwrap();
    let edit = format!(
        "sed -i 's/^\\(server.id *= *\\).*/\\1{own}/' {file} && systemctl restart {}",
        arena.unit()
    );
    arena.host("db1").exec_ok(&edit).unwrap();
    arena.rejoin("db1");
    arena.well();
}

/// A member that nothing ails is left alone, and the primary is never made a replica of itself.
fn a_sound_member(suite: Suite) {
    let arena = Arena::up(suite);
    let before = arena.cluster.positions();
    arena.cluster.hactl(&["rejoin", "db1", "--yes"]).exits(6);
    let run = arena.cluster.hactl(&["rejoin", "db2", "--yes"]);
    assert!(matches!(run.code, 0 | 6), "{run}");
    assert_eq!(arena.cluster.positions(), before);
    assert_eq!(arena.well().primary, "db1");
}

/// F84: what somebody put on the failed server by hand is shown and kept until a reseed is asked for.
fn data_of_its_own(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.host("db1").cut().unwrap();
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    // Cut off, nobody acknowledges: only without waiting can anything be written there.
    let off = match suite {
        Suite::Sid => "SET GLOBAL rpl_semi_sync_source_enabled = 0",
        _ => "SET GLOBAL rpl_semi_sync_master_enabled = 0",
    };
    let own = format!(
        "{off}; SET GLOBAL read_only = 0; CREATE DATABASE own; CREATE TABLE own.t (id INT PRIMARY KEY)"
    );
    arena.host("db1").sql(&own).unwrap();
    arena.host("db1").heal().unwrap();
    // 5: it takes writes, so that it is fenced first.
    let run = arena.cluster.hactl(&["rejoin", "db1", "--yes"]);
    assert!(matches!(run.code, 5 | 6), "{run}");
    run.says("db1 has executed").says("--reseed");
    let kept = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'own'";
    arena.cluster.await_answer("db1", kept, "1");
    arena.well_with(1);
    arena.rejoin("db1");
    arena.well();
    let spread = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'own'";
    for host in ["db1", "db2", "db3"] {
        arena.cluster.await_answer(host, spread, "0");
    }
}

/// F85: clients write, tables come and go, and one is of an engine without transactions.
fn a_donor_under_load(suite: Suite) {
    let arena = Arena::up(suite);
    failed_over(&arena);
    let leader = arena.well_with(1).primary;
    let client = suite.flavor().client();
    let engine = match suite {
        Suite::Sid => "MyISAM",
        _ => "Aria",
    };
    let tables = format!(
        "CREATE DATABASE busy; CREATE TABLE busy.plain (id INT PRIMARY KEY) ENGINE={engine}; \
         INSERT INTO busy.plain VALUES (1), (2), (3)"
    );
    arena.host(&leader).sql(&tables).unwrap();
    let ddl = format!(
        "systemd-run --quiet --unit=ddl sh -c 'i=0; while :; do i=$((i+1)); \
         {client} -e \"CREATE TABLE busy.t$i (id INT PRIMARY KEY); INSERT INTO busy.t$i VALUES ($i); \
         ALTER TABLE busy.t$i ADD COLUMN x INT\"; sleep 0.2; done'"
    );
    arena.host(&leader).exec_ok(&ddl).unwrap();
    let writer = arena.write();
    arena
        .cluster
        .hactl(&["rejoin", "db1", "--reseed", "--yes"])
        .exits(0);
    arena.await_rows(&writer);
    arena.stop(writer);
    arena.host(&leader).exec_ok("systemctl stop ddl").unwrap();
    arena.well();
    for host in ["db1", "db2", "db3"] {
        arena
            .cluster
            .await_answer(host, "SELECT COUNT(*) FROM busy.plain", "3");
    }
}

/// Nothing replicates after a failover of two hosts: every command finds who leads all the same, also
/// when it is read-only after a restart.
fn one_of_two(suite: Suite) {
    let arena = Arena::of(2, suite, QUICKLY);
    let writer = arena.write();
    arena.kill_for_good("db1");
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    assert_eq!(arena.well_with(0).primary, "db2");

    let led = |code: i32| {
        let status = arena.cluster.hactl(&["status"]).exits(0);
        let line = status.stdout.lines().find(|line| line.starts_with("db2 "));
        assert!(
            line.is_some_and(|line| line.contains(" primary: ")),
            "{status}"
        );
        let verify = arena.cluster.hactl(&["verify"]).exits(code);
        verify.says("hactl rejoin db1")
    };
    led(3);
    arena
        .cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(6)
        .says("hactl rejoin db1");
    arena.host("db2").reboot().unwrap();
    arena.host("db2").await_server().unwrap();
    led(3).says("PrimaryIsReadOnly").says("hactl failover");
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.rejoin("db1");
    assert_eq!(arena.well().primary, "db2");
}

/// A replica that is away while the primary is replaced comes back following the dead one: the watcher
/// makes it follow the new one, and says so.
fn left_behind(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    let writer = arena.write();
    let mut watch = arena.watch();
    arena.host("db3").cut().unwrap();
    arena.kill_for_good("db1");
    arena.await_another(&writer);
    arena.host("db3").heal().unwrap();
    watch.says("db3 repaired: replicate from db2");
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well_with(1).primary, "db2");
    drop(watch);
    arena.rejoin("db1");
    arena.well();
}
