//! Dead, in one way or another: what must be failed over.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Suite, primary};

use super::arena::{Arena, LIMIT, TEMPTATION};
use crate::cluster::eventually;

crate::scenarios! {
    core: killed, frozen, cut_off;
    mariadb: powered_off, a_replica_dead_too;
    matrix: dead_before_the_watch, restarted_by_systemd, restarted_in_place, flapping, frayed_cable, disk_full,
}

/// F01: alive is a refusal; dead is failed over once, by hand.
fn killed(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena
        .cluster
        .hactl(&["failover", "--yes"])
        .exits(6)
        .says("switchover");
    arena.await_rows(&writer);
    assert_eq!(
        writer.so_far().turns().len(),
        1,
        "it moved a living primary"
    );

    arena.kill_for_good("db1");
    let plan = arena
        .cluster
        .hactl(&["failover", "--check"])
        .exits(0)
        .says("DeadPrimary");
    assert!(
        primary(&arena.cluster.lab).is_none(),
        "--check acted\n{plan}"
    );
    arena
        .cluster
        .hactl(&["failover", "--yes"])
        .exits(0)
        .says("DeadPrimary");
    arena.await_another(&writer);
    arena.stop(writer);
    arena.assert_fenced("db1");
    let health = arena.well_with(1);
    assert_ne!(health.primary, "db1");
    // Again: alive, and nothing happens.
    arena.cluster.hactl(&["failover", "--yes"]).exits(6);
    assert_eq!(arena.well_with(1).primary, health.primary);
}

/// F02: the unit starts it again. Whichever is first, never both.
fn restarted_by_systemd(suite: Suite) {
    let arena = Arena::with(suite, "failover: {min_interval: 1s, prefer: fastest}\n");
    let writer = arena.write();
    let _watch = arena.watch();
    for _ in 0..3 {
        let leader = primary(&arena.cluster.lab).unwrap().name().to_owned();
        arena.host(&leader).kill(arena.process()).unwrap();
        arena.await_rows(&writer);
        let failed = arena.cluster.lab.hosts().iter().filter(|host| {
            let unit = format!("systemctl is-enabled {}", arena.unit());
            host.exec(&unit).unwrap().stdout.starts_with("masked")
        });
        for host in failed.map(hactl_lab::Host::name).collect::<Vec<_>>() {
            arena.rejoin(host);
        }
    }
    arena.stop(writer);
    arena.well();
}

/// F02: the same server is back whole, and nobody was promoted.
fn restarted_in_place(suite: Suite) {
    let arena = Arena::with(suite, "failover: {min_interval: 1s, prefer: in-place}\n");
    let writer = arena.write();
    let _watch = arena.watch();
    arena.host("db1").kill(arena.process()).unwrap();
    arena.await_rows(&writer);
    assert_eq!(writer.so_far().turns().len(), 1, "another took over");
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F03: it accepts connections and never answers.
fn frozen(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    arena.host("db1").freeze(arena.process()).unwrap();
    watch.says("DeadPrimary");
    arena.await_another(&writer);
    arena.stop(writer);
    // ssh works: it was killed for good, and does not thaw.
    arena.assert_fenced("db1");
    arena.well_with(1);
    drop(watch);
    arena.rejoin("db1");
    arena.well();
}

/// F04: not even a refusal comes back.
fn powered_off(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    arena.host("db1").power_off().unwrap();
    watch.says("DeadPrimary");
    arena.await_another(&writer);
    arena.stop(writer);
    arena.well_with(1);

    // The power is back: read-only, no VIP, and told apart from a healthy one.
    arena.host("db1").power_on().unwrap();
    arena.assert_fenced("db1");
    assert_watched(&arena, "db1");
    drop(watch);
    arena.rejoin("db1");
    arena.well();
}

/// F05: alive, and out of everyone's reach.
fn cut_off(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let mut watch = arena.watch();
    arena.host("db1").cut().unwrap();
    watch.says("DeadPrimary");
    arena.await_another(&writer);
    arena.stop(writer);
    arena.well_with(1);
    arena.host("db1").heal().unwrap();
    arena.assert_fenced("db1");
    drop(watch);
    arena.rejoin("db1");
    arena.well();
}

/// F08: nobody is left to acknowledge, and the one that is away may have more. Both are said, and
/// neither is risked unasked.
fn a_replica_dead_too(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.host("db3").power_off().unwrap();
    arena.await_rows(&writer);
    arena.kill_for_good("db1");
    arena
        .cluster
        .hactl(&["failover", "--yes"])
        .exits(6)
        .says("db3");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");

    arena.host("db3").power_on().unwrap();
    arena.host("db3").await_server().unwrap();
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    arena.well_with(1);
    arena.rejoin("db1");
    arena.well();
}

/// F15: a watcher that has never seen the primary alive still knows from the replicas who it was.
fn dead_before_the_watch(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.kill_for_good("db1");
    let _watch = arena.watch();
    arena.await_another(&writer);
    arena.stop(writer);
    arena.well_with(1);
    arena.assert_fenced("db1");
}

/// F16: it hangs and goes on, for longer and longer, until it is taken for dead; then it is fenced.
fn flapping(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    for millis in [200, 500, 1000, 1500, 2000, 3000, 6000] {
        if arena.host("db1").freeze(arena.process()).is_err() {
            break;
        }
        sleep(Duration::from_millis(millis));
        // Gone when it was fenced meanwhile.
        let _ = arena.host("db1").thaw(arena.process());
        sleep(Duration::from_millis(500));
    }
    arena.await_rows(&writer);
    assert!(
        writer.so_far().turns().len() <= 2,
        "{:?}",
        writer.so_far().turns()
    );
    arena.stop(writer);
    if arena.look().is_ok_and(|health| health.primary != "db1") {
        arena.assert_fenced("db1");
        arena.rejoin("db1");
    }
    arena.well();
}

/// F16: three packets in ten are lost: slow, and not dead.
fn frayed_cable(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    arena.host("db1").fray().unwrap();
    sleep(TEMPTATION);
    arena.host("db1").heal().unwrap();
    arena.await_rows(&writer);
    arena.stop(writer);
    // Whether it was taken for dead is a matter of luck; that nothing was lost by it is not.
    if arena.look().is_ok_and(|health| health.primary != "db1") {
        arena.assert_fenced("db1");
        arena.rejoin("db1");
    }
    arena.well();
}

/// F13: the primary's disk is full. What becomes of it, no row is lost.
fn disk_full(suite: Suite) {
    let arena = Arena::up(suite);
    let unit = arena.unit();
    // As large as hactl wants it, until all is in order; then as large as what is on it.
    arena
        .host("db1")
        .exec_ok(&format!(
            "systemctl stop {unit} && cp -a /var/lib/mysql /var/lib/mysql.full && \
             mount -t tmpfs -o size=4g tmpfs /var/lib/mysql && \
             cp -a /var/lib/mysql.full/. /var/lib/mysql/ && chown mysql:mysql /var/lib/mysql && \
             systemctl start {unit}"
        ))
        .unwrap();
    arena.cluster.bootstrap();
    let writer = arena.write();
    let _watch = arena.watch();
    arena
        .host("db1")
        .exec_ok(
            "size=$(du -sm /var/lib/mysql | cut -f1) && \
             mount -o remount,size=$((size + 40))m /var/lib/mysql && \
             { dd if=/dev/zero of=/var/lib/mysql/filler bs=1M 2>/dev/null; true; }",
        )
        .unwrap();
    sleep(TEMPTATION);
    arena
        .host("db1")
        .exec_ok("rm /var/lib/mysql/filler")
        .unwrap();
    arena.await_rows(&writer);
    arena.stop(writer);
    let failed = arena.look().is_ok_and(|health| health.primary != "db1");
    if failed {
        arena.rejoin("db1");
    }
    arena.well();
}

/// The watcher's lock is on this host, though it lost it when the host was away.
#[track_caller]
fn assert_watched(arena: &Arena, host: &str) {
    let lock = "/run/hactl/server-3306.watch.lock";
    let script = format!("[ -e {lock} ] && ! flock -n {lock} true && echo held; true");
    let held = || arena.host(host).exec_ok(&script).unwrap().trim() == "held";
    assert!(eventually(LIMIT, held), "the watch is not known on {host}");
}
