//! Ctrl-C in the middle: asked once, hactl brings a failover to its end, or has not begun it; asked twice
//! it leaves at once, and what it leaves is normal input for the next run. It must never cost a row, nor
//! give clients two servers.

use hactl_lab::{Suite, primary};

use super::arena::{Arena, LIMIT};
use crate::cluster::{Running, eventually};
use crate::run::Run;

crate::scenarios! {
    core: ;
    mariadb: once_by_hand;
    matrix: twice_by_hand, in_a_watch,
}

/// The exit code of an interrupted command.
const INTERRUPTED: i32 = 130;

/// Presses Ctrl-C so many times from the moment on at which it says something.
fn press(arena: &Arena, mut running: Running, at: &str, times: u8) -> Run {
    let said = eventually(LIMIT, || {
        arena.cluster.said(&running).contains(at) || running.ended().is_some()
    });
    assert!(said, "it never says `{at}`");
    running.interrupt();
    for _ in 1..times {
        // The same signal twice at once is one.
        eventually(LIMIT, || {
            arena.cluster.said(&running).contains("once more") || running.ended().is_some()
        });
        running.interrupt();
    }
    arena.cluster.finish(running)
}

/// A primary dies, whoever fails over is interrupted, and the next run finishes whatever is left. Gives
/// how the interrupted one ended.
fn round(arena: &Arena, arguments: &[&str], at: &str, times: u8) -> Run {
    let leader = primary(&arena.cluster.lab).unwrap().name().to_owned();
    let writer = arena.write();
    let running = if arguments.contains(&"--watch") {
        let running = arena.cluster.start(arguments);
        eventually(LIMIT, || arena.cluster.said(&running).contains("watching"));
        arena.kill_for_good(&leader);
        running
    } else {
        arena.kill_for_good(&leader);
        arena.cluster.start(arguments)
    };
    let run = press(arena, running, at, times);
    eprintln!("{run}");
    arena.well_so_far();
    let next = arena.cluster.hactl(&["failover", "--yes"]);
    // 6: it was done already, and the new primary is alive.
    assert!(matches!(next.code, 0 | 6), "{next}");
    arena.await_another(&writer);
    assert_eq!(writer.so_far().turns().len(), 2, "clients had two servers");
    arena.stop(writer);
    arena.well_with(1);
    arena.rejoin(&leader);
    arena.well();
    run
}

const BY_HAND: &[&str] = &["failover", "--yes"];

/// Before the verdict nothing is begun; after it, it is finished.
fn once_by_hand(suite: Suite) {
    let arena = Arena::up(suite);
    round(&arena, BY_HAND, "until it is clear", 1)
        .exits(INTERRUPTED)
        .says("interrupted");
    for stage in ["-- Secure", "-- Promote"] {
        round(&arena, BY_HAND, stage, 1)
            .exits(0)
            .says("brought to its end");
    }
}

/// Half done, at each stage.
fn twice_by_hand(suite: Suite) {
    let arena = Arena::up(suite);
    for stage in [
        "-- Secure",
        "-- Fetch what is missing",
        "-- Promote",
        "-- Open",
    ] {
        let run = round(&arena, BY_HAND, stage, 2);
        // It may have come to its end between the two.
        assert!(matches!(run.code, INTERRUPTED | 0), "{run}");
    }
}

/// A watcher that is leaving finishes what it has begun.
fn in_a_watch(suite: Suite) {
    let arena = Arena::up(suite);
    let watch = &["failover", "--watch", "--yes"];
    round(&arena, watch, "-- Secure", 1)
        .exits(0)
        .says("failed over from");
    let run = round(&arena, watch, "-- Promote", 2);
    assert!(matches!(run.code, INTERRUPTED | 0), "{run}");
}
