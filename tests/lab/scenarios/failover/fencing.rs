//! Never two: the old primary is made harmless, by force or by proof, whatever it does when it comes
//! back, and whoever else acts at the same time.

use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Suite, Writer, primary};

use super::arena::{Arena, LIMIT, QUICKLY};
use crate::cluster::eventually;

crate::scenarios! {
    core: split_brain, two_managers;
    mariadb: the_vip_goes_astray, unfenced_is_refused;
    matrix: back_with_its_old_settings, killed_manager, a_lease_runs_out, ssh_hangs, maintenance,
        made_writable_by_hand, split_brain_for_long, the_vip_on_another_interface,
}

/// F05, F54: clients beside a primary that is cut off go on writing there. None of what they are told
/// is lost, and after the heal nobody is carried back.
fn split_brain(suite: Suite) {
    // Long after a semi-sync that falls back would have fallen back.
    split_for(suite, Duration::from_secs(15));
}

/// The same for as long as it is split where others were measured.
fn split_brain_for_long(suite: Suite) {
    split_for(suite, Duration::from_secs(35));
}

fn split_for(suite: Suite, time: Duration) {
    let arena = Arena::up(suite);
    let outside = arena.write();
    let beside = arena.write_beside("db1");
    let watch = arena.watch();
    arena.host("db1").cut().unwrap();
    arena.await_another(&outside);
    sleep(time);
    arena.host("db1").heal().unwrap();
    arena.assert_fenced("db1");
    arena.await_rows(&outside);
    assert_eq!(
        outside.so_far().turns().len(),
        2,
        "a client was carried back"
    );
    arena.stop(outside);
    arena.stop(beside);
    arena.well_with(1);
    drop(watch);
    arena.rejoin("db1");
    arena.well();
}

/// F50: somebody makes the former primary writable, with the VIP. The watcher does not let it be.
fn made_writable_by_hand(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    arena.host("db1").power_off().unwrap();
    arena.await_another(&writer);
    arena.host("db1").power_on().unwrap();
    let vip = format!(
        "{}/{} dev eth0",
        arena.cluster.lab.vip(),
        arena.cluster.lab.prefix_len()
    );
    // It may be fenced already.
    let _ = arena.host("db1").exec(&format!("ip address add {vip}"));
    let _ = arena.host("db1").sql("SET GLOBAL read_only = 0");
    arena.assert_fenced("db1");
    arena.await_rows(&writer);
    arena.stop(writer);
    arena.well_with(1);
}

/// F51: its configuration says writable, as an old one may.
fn back_with_its_old_settings(suite: Suite) {
    let arena = Arena::up(suite);
    let file = arena.cluster.configuration();
    let edit = format!(
        "cp -a {file} /root/; sed -i 's/^\\(super_\\)\\?read_only *=.*/\\1read_only = 0/' {file}; grep -c 'read_only = 0' {file}"
    );
    assert_ne!(arena.host("db1").exec_ok(&edit).unwrap().trim(), "0");
    let writer = arena.write();
    let _watch = arena.watch();
    arena.host("db1").power_off().unwrap();
    arena.await_another(&writer);
    arena.host("db1").power_on().unwrap();
    arena.assert_fenced("db1");
    arena.await_rows(&writer);
    assert_eq!(
        writer.so_far().turns().len(),
        2,
        "a client was carried back"
    );
    arena.stop(writer);
    arena.well_with(1);
    if suite == Suite::Sid {
        // Its unit hands no option to the server: it comes up writable, and is stopped until a person has
        // looked.
        let run = arena.cluster.hactl(&["rejoin", "db1", "--yes"]).exits(1);
        drop(run.says("came up writable, and was stopped again"));
        arena.assert_fenced("db1");
        let mended = format!("cp -a /root/{} {file}", file.rsplit('/').next().unwrap());
        arena.host("db1").exec_ok(&mended).unwrap();
    }
    arena.rejoin("db1");
    arena.cluster.bootstrap();
    arena.well();
}

/// F52: its sshd accepts and never answers. That is waited for within bounds.
fn ssh_hangs(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.host("db1").freeze("sshd").unwrap();
    arena.host("db1").freeze(arena.process()).unwrap();
    arena.cluster.hactl(&["failover", "--yes"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    arena.host("db1").power_off().unwrap();
    arena.well_with(1);
}

/// S12: cut off, not lossless, no fence: it may be acknowledging rows out there. Refused, with the way
/// out named by its harm.
fn unfenced_is_refused(suite: Suite) {
    let arena = Arena::with(suite, &format!("{QUICKLY}durability: available\n"));
    arena.host("db1").cut().unwrap();
    let plan = || arena.cluster.hactl(&["failover", "--yes"]);
    plan().exits(6).says("--allow-unfenced");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");
    // A program that promises it is a way out.
    let own = format!(
        "durability: available\nfailover:\n  min_interval: 1s\n  prefer: promote\n  fence: \
         {{command: \"{}\"}}\n",
        "test \\\"$HACTL_HOST\\\" = db1"
    );
    arena.host("db1").power_off().unwrap();
    arena.give(&own);
    plan().exits(0);
    arena.well_with(1);
}

/// F53: the VIP is taken away, and put where it does not belong. The watcher puts it right, and the
/// neighbours learn of it.
fn the_vip_goes_astray(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    let _watch = arena.watch();
    let vip = format!(
        "{}/{} dev eth0",
        arena.cluster.lab.vip(),
        arena.cluster.lab.prefix_len()
    );
    let alone = || arena.cluster.vip_holders() == ["db1"];
    let change = |host: &str, verb: &str| {
        let script = format!("ip address {verb} {vip}");
        arena.host(host).exec_ok(&script).unwrap();
    };
    change("db1", "del");
    assert!(eventually(LIMIT, alone), "nobody put it back");
    arena.await_rows(&writer);
    change("db3", "add");
    assert!(eventually(LIMIT, alone), "nobody took it away");
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// F53: the VIP is on the primary, and on the wrong interface of it. That is found, and put right.
fn the_vip_on_another_interface(suite: Suite) {
    let arena = Arena::up(suite);
    let (vip, length) = (arena.cluster.lab.vip(), arena.cluster.lab.prefix_len());
    // With a prefix of its own: the subnet stays where it is.
    let astray =
        format!("ip address del {vip}/{length} dev eth0 && ip address add {vip}/32 dev lo");
    arena.host("db1").exec_ok(&astray).unwrap();
    arena.cluster.finds(&["db1:VipOnOtherInterface"]);
    let writer = arena.write();
    let _watch = arena.watch();
    let shown = || arena.host("db1").exec_ok("ip -o -4 address show").unwrap();
    let is_right = || {
        let shown = shown();
        let vip = format!(" {vip}/");
        let mut held = shown.lines().filter(|line| line.contains(&vip));
        held.next().is_some_and(|line| line.contains(" eth0 ")) && held.next().is_none()
    };
    assert!(eventually(LIMIT, is_right), "{}", shown());
    arena.await_rows(&writer);
    arena.stop(writer);
    assert_eq!(arena.well().primary, "db1");
}

/// A cut-off primary drops the address by itself when nobody renews it, and a heal shows it once.
fn a_lease_runs_out(suite: Suite) {
    let arena = Arena::up(suite);
    let lab = &arena.cluster.lab;
    let leased = lab
        .inventory_yaml()
        .replace("vip:\n", "vip:\n  lease: 4s\n");
    arena.cluster.write_inventory(&(leased + QUICKLY));
    let writer = arena.write();
    let _watch = arena.watch();
    let mine = format!("ip -o address show to {} | grep -q dynamic", lab.vip());
    let is_leased = || arena.host("db1").exec_ok(&mine).is_ok();
    assert!(eventually(LIMIT, is_leased), "the address has no lease");
    arena.host("db1").cut().unwrap();
    arena.await_another(&writer);
    arena.assert_no_vip("db1");
    arena.host("db1").heal().unwrap();
    arena.await_rows(&writer);
    assert_eq!(
        writer.so_far().turns().len(),
        2,
        "a client was carried back"
    );
    arena.stop(writer);
    arena.assert_fenced("db1");
    arena.well_with(1);
}

/// F58: two people at once. One acts, the other is told.
fn two_managers(suite: Suite) {
    let arena = Arena::up(suite);
    let writer = arena.write();
    arena.kill_for_good("db1");
    let both = [0, 1].map(|_| arena.cluster.start(&["failover", "--yes"]));
    let runs = both.map(|running| arena.cluster.finish(running));
    let done = runs.iter().filter(|run| run.code == 0).count();
    let refused = runs.iter().filter(|run| run.code == 6).count();
    assert_eq!((done, refused), (1, 1), "{}\n{}", runs[0], runs[1]);
    arena.await_another(&writer);
    assert_eq!(writer.so_far().turns().len(), 2);
    arena.stop(writer);
    arena.well_with(1);
}

/// F59, S23: the manager is killed at any moment of the failover. Its lock goes with it, and the next
/// one finishes what it finds.
fn killed_manager(suite: Suite) {
    let arena = Arena::up(suite);
    for round in 0..4 {
        let writer = arena.write();
        let leader = primary(&arena.cluster.lab).unwrap().name().to_owned();
        arena.kill_for_good(&leader);
        let running = arena.cluster.start(&["failover", "--yes"]);
        sleep(Duration::from_millis(150 + 200 * round));
        running.kill();
        // 6: it was done already, and the new primary is alive.
        let run = arena.cluster.hactl(&["failover", "--yes"]);
        assert!(matches!(run.code, 0 | 6), "{run}");
        arena.await_another(&writer);
        arena.stop(writer);
        arena.well_with(1);
        arena.rejoin(&leader);
        arena.well();
    }
}

/// Whoever works on a host tells the watchers, and they leave it alone.
fn maintenance(suite: Suite) {
    let arena = Arena::up(suite);
    let writer: Writer = arena.write();
    arena.cluster.hactl(&["maintenance", "on"]).exits(0);
    let mut watch = arena.watch();
    arena.kill_for_good("db1");
    watch.says("maintenance");
    // The watcher looks under the lock now and then: then it is that which is said.
    let is_said = eventually(LIMIT, || {
        let run = arena.cluster.hactl(&["failover", "--yes"]).exits(6);
        format!("{}{}", run.stdout, run.stderr).contains("maintenance")
    });
    assert!(is_said, "nobody says that there is maintenance");
    assert!(primary(&arena.cluster.lab).is_none(), "it acted");
    arena.cluster.hactl(&["maintenance", "off"]).exits(0);
    arena.await_another(&writer);
    arena.stop(writer);
    arena.well_with(1);
}
