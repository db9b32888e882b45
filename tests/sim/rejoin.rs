//! Rejoins in the world: a former primary comes back as a replica after a real failover, with and without
//! a tail that nobody acknowledged; hactl killed at every step and run again.

use std::collections::BTreeSet;

use hactl::decide::{self, Consent, Rejoin};
use hactl::mysql::Flavor;

use crate::bench::{FLAVORS, Run, assert_led_by, assert_safe, run};
use crate::failover::fail_over;
use crate::mutants::{self, Bend, Mutant};
use crate::starts::{Fate, Replica, Start};
use crate::world::{Fault, Interruption, World, WorldFleet, cluster};

/// Whether the data of the host may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// It may not.
    Stays,
    /// It may.
    MayGo,
}

/// How the former primary is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// As the failover left it: fenced.
    Fenced,
    /// It lost its power and came back by itself, beside the new primary.
    Returned,
}

fn rejoin(fleet: &WorldFleet, data: Data) -> Run {
    bent(fleet, data, mutants::straight)
}

/// A rejoin whose stages are bent out of shape.
fn bent(fleet: &WorldFleet, data: Data, bend: Bend) -> Run {
    let world = fleet.world();
    let seen = world.seen_whole();
    fleet.note(format!("-- hactl rejoin db1, data {data:?}"));
    let host = "db1".parse().expect("a host's name");
    let mut consent = Consent::default();
    if data == Data::MayGo {
        consent.reseed = BTreeSet::from(["db1".parse().expect("a host's name")]);
    }
    let decided = Rejoin::new(&world.cluster, &seen, &host, &consent, "/tmp");
    let mutant = decided.map(|real| Mutant::new(real, mutants::truth, bend));
    run(fleet, mutant, seen, |_, _| Vec::new())
}

/// A cluster after its failover.
fn failed_over(flavor: Flavor, found: Found, tail: usize) -> World {
    let fate = match found {
        Found::Fenced => Fate::Killed,
        Found::Returned => Fate::PoweredOff,
    };
    let start = Start {
        fate,
        tail,
        replicas: vec![Replica::with(2, 1), Replica::with(2, 2)],
    };
    let fleet = WorldFleet::new(start.build(&cluster(flavor, 3, &[])), None);
    // Salvage brings the tail over where ssh works: it is cut off for this.
    if found == Found::Fenced && tail > 0 {
        fleet.change(|world| world.at_mut(1).ssh = false);
    }
    fail_over(&fleet);
    assert_safe(&fleet, "the failover before");
    assert_led_by(&fleet, &[2, 3], &[1], "the failover before");
    fleet.change(|world| {
        world.heal();
        world.at_mut(1).power_on();
        (0..2).for_each(|_| world.write());
    });
    fleet.world()
}

/// Whether only a new seed helps: a tail that cannot be cut off any more, or not by this flavor.
fn needs_seed(flavor: Flavor, found: Found, tail: usize) -> bool {
    tail > 0 && (found == Found::Returned || flavor == Flavor::MySql)
}

fn each_case(mut judge: impl FnMut(Flavor, Found, usize, &str)) {
    for flavor in FLAVORS {
        for found in [Found::Fenced, Found::Returned] {
            for tail in [0, 1] {
                judge(
                    flavor,
                    found,
                    tail,
                    &format!("{flavor}, {found:?}, tail of {tail}"),
                );
            }
        }
    }
}

#[test]
fn a_former_primary_comes_back_and_gives_up_nothing_unasked() {
    each_case(|flavor, found, tail, told| {
        let fleet = WorldFleet::new(failed_over(flavor, found, tail), None);
        let run = rejoin(&fleet, Data::Stays);
        assert_safe(&fleet, told);
        if needs_seed(flavor, found, tail) {
            assert!(!run.is_finished(), "{told}: nobody gave its data up");
            let kept = fleet.world().at(1).server.log.len();
            assert_eq!(kept, 3, "{told}: data went\n{}", fleet.trace());
            rejoin(&fleet, Data::MayGo);
            assert_safe(&fleet, told);
        }
        assert_led_by(&fleet, &[2, 3], &[], told);
        let steps = fleet.steps();
        rejoin(&fleet, Data::Stays);
        assert_eq!(fleet.steps(), steps, "{told}: a second run does something");
    });
}

#[test]
fn a_tail_is_kept_before_it_is_cut_off() {
    let led = |bend: Bend| {
        let fleet = WorldFleet::new(failed_over(Flavor::MariaDb, Found::Fenced, 1), None);
        bent(&fleet, Data::Stays, bend);
        let world = fleet.world();
        assert_eq!(world.cut_off.len(), 1, "{}", fleet.trace());
        (world.kept.clone(), world.cut_off.clone(), fleet.wrongs())
    };
    let (kept, cut_off, wrongs) = led(mutants::straight);
    assert_eq!((kept, wrongs.len()), (cut_off, 0), "{wrongs:?}");
    // The oracle would see it otherwise.
    let (kept, _, wrongs) = led(mutants::nothing_kept);
    assert!(kept.is_empty() && !wrongs.is_empty());
}

#[test]
fn a_fault_at_any_step_is_safe_and_the_next_run_converges() {
    let interruptions = [
        Interruption::NotDone,
        Interruption::AnswerLost,
        Interruption::KilledBefore,
        Interruption::KilledAfter,
    ];
    each_case(|flavor, found, tail, told| {
        let world = failed_over(flavor, found, tail);
        let whole = WorldFleet::new(world.clone(), None);
        rejoin(&whole, Data::MayGo);
        for at in 0..whole.steps() {
            for what in interruptions {
                let fault: Fault = (at, what);
                let told = format!("{told}: {fault:?}");
                let fleet = WorldFleet::new(world.clone(), [fault]);
                rejoin(&fleet, Data::MayGo);
                assert_safe(&fleet, &told);
                rejoin(&fleet, Data::MayGo);
                assert_safe(&fleet, &told);
                assert_led_by(&fleet, &[2, 3], &[], &told);
            }
        }
    });
}

/// A replica was out of reach while its primary was replaced, and comes back following the dead one.
#[test]
fn who_was_away_during_a_failover_is_made_to_follow_by_the_watchers_repair() {
    for flavor in FLAVORS {
        let told = &format!("{flavor}");
        let mut world = World::healthy(&cluster(flavor, 4, &[]));
        (0..3).for_each(|_| world.write());
        world.isolate(4);
        world.write();
        world.at_mut(1).server.crash();
        let fleet = WorldFleet::new(world, None);
        fail_over(&fleet);
        fleet.change(|world| {
            world.heal();
            world.write();
        });
        let seen = fleet.world().seen_whole();
        let cluster = fleet.world().cluster.clone();
        let leader = decide::leader(&cluster, &seen).expect("somebody leads");
        let needed = decide::repairs(&cluster, &seen, &leader).expect("it leads");
        assert!(!needed.safe.is_empty(), "{told}: {:?}", needed.told);
        let repair = decide::Repair::new(&cluster, &leader, needed);
        run(&fleet, Ok(repair), seen, |_, _| Vec::new());
        fleet.change(World::settle);
        assert_safe(&fleet, told);
        assert_led_by(&fleet, &[2, 3], &[1], told);
    }
}
