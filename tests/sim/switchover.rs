//! Switchovers in the world: without a fault, with a fault at every step, with hactl killed at every step
//! and run again. Whatever happens before the promotion leaves the old primary with its writes and its
//! VIP.

use hactl::decide::{Switchover, SwitchoverLimits};
use hactl::inventory::HostName;
use hactl::mysql::Flavor;

use crate::bench::{FLAVORS, Run, assert_led_by, assert_safe, run};
use crate::failover::{fail_over, fail_over_from};
use crate::mutants::{self, Bend, Lie, Mutant};
use crate::oracle;
use crate::prng::{Prng, SEED, seeds};
use crate::world::{Fault, Half, Interruption, World, WorldFleet, cluster};

fn target() -> HostName {
    "db2".parse().expect("a host's name")
}

pub(crate) fn switch_over(fleet: &WorldFleet) -> Run {
    let world = fleet.world();
    let seen = world.seen_whole();
    fleet.note("-- hactl switchover --to db2".to_owned());
    let limits = SwitchoverLimits::default();
    let decided = Switchover::new(&world.cluster, &seen, Some(&target()), limits);
    let mut rules = decided.as_ref().ok().map(Switchover::rules);
    run(fleet, decided, seen, |stage, seen| {
        rules
            .as_mut()
            .map_or_else(Vec::new, |rules| rules.violations(stage, seen))
    })
}

fn healthy(flavor: Flavor, hosts: usize) -> World {
    let mut world = World::healthy(&cluster(flavor, hosts, &[]));
    (0..3).for_each(|_| world.write());
    world
}

/// How many steps an undisturbed switchover takes.
pub(crate) fn length(flavor: Flavor, hosts: usize) -> usize {
    let fleet = WorldFleet::new(healthy(flavor, hosts), None);
    switch_over(&fleet);
    fleet.steps()
}

#[test]
fn a_switchover_moves_the_writer_and_loses_nothing() {
    for flavor in FLAVORS {
        for hosts in 3..=7 {
            let fleet = WorldFleet::new(healthy(flavor, hosts), None);
            let told = format!("{flavor}, {hosts} hosts");
            let run = switch_over(&fleet);
            assert!(run.is_finished(), "{told}: {run:?}");
            assert_safe(&fleet, &told);
            assert_led_by(&fleet, &[2], &[], &told);
            let steps = fleet.steps();
            switch_over(&fleet);
            assert_eq!(fleet.steps(), steps, "{told}: a second run does something");
        }
    }
}

/// A fault of a step is undone or gone on with by the same run, as far as it can; a further run finishes.
#[test]
fn a_fault_at_any_step_leaves_one_writer() {
    for flavor in FLAVORS {
        for at in 0..length(flavor, 3) {
            for what in [
                Interruption::NotDone,
                Interruption::AnswerLost,
                Interruption::Halfway(Half::Address),
                Interruption::Halfway(Half::Server),
            ] {
                let told = format!("{flavor}, step {at}, {what:?}");
                let fleet = WorldFleet::new(healthy(flavor, 3), Some((at, what)));
                switch_over(&fleet);
                assert_safe(&fleet, &told);
                let led = oracle::leader(&fleet.world());
                assert!(led.is_ok(), "{told}: {led:?}\n{}", fleet.trace());
                switch_over(&fleet);
                assert_safe(&fleet, &told);
                assert_led_by(&fleet, &[2], &[], &told);
            }
        }
    }
}

#[test]
fn a_run_killed_anywhere_is_finished_by_the_next() {
    for flavor in FLAVORS {
        for at in 0..length(flavor, 4) {
            for what in [
                Interruption::KilledBefore,
                Interruption::KilledAfter,
                Interruption::KilledHalfway(Half::Address),
                Interruption::KilledHalfway(Half::Server),
            ] {
                let told = format!("{flavor}, step {at}, {what:?}");
                let fleet = WorldFleet::new(healthy(flavor, 4), Some((at, what)));
                let run = switch_over(&fleet);
                assert!(run.is_killed(), "{told}: {run:?}");
                assert_safe(&fleet, &told);
                switch_over(&fleet);
                assert_safe(&fleet, &told);
                assert_led_by(&fleet, &[2], &[], &told);
            }
        }
    }
}

/// Whatever was left half done, the old primary may die before anybody goes on with it.
#[test]
fn a_primary_that_dies_after_a_killed_run_is_failed_over() {
    for flavor in FLAVORS {
        for at in 0..length(flavor, 4) {
            for what in [Interruption::KilledBefore, Interruption::KilledAfter] {
                let told = format!("{flavor}, step {at}, {what:?}");
                let fleet = WorldFleet::new(healthy(flavor, 4), Some((at, what)));
                switch_over(&fleet);
                fleet.change(|world| world.at_mut(1).power_off());
                fail_over(&fleet);
                assert_safe(&fleet, &told);
                assert_led_by(&fleet, &[2, 3, 4], &[1], &told);
            }
        }
    }
}

/// The same of the new one: whoever led before has everything but what was written since, and follows.
#[test]
fn a_target_that_dies_after_a_killed_run_is_failed_over() {
    for flavor in FLAVORS {
        for at in 0..length(flavor, 3) {
            for what in [Interruption::KilledBefore, Interruption::KilledAfter] {
                let told = format!("{flavor}, step {at}, {what:?}");
                let fleet = WorldFleet::new(healthy(flavor, 3), Some((at, what)));
                switch_over(&fleet);
                let led = oracle::leader(&fleet.world());
                fleet.change(|world| {
                    if led == Ok(2) {
                        world.write();
                        world.settle();
                    }
                    world.at_mut(2).power_off();
                });
                fail_over_from(&fleet, "db2");
                assert_safe(&fleet, &told);
                if led == Ok(2) {
                    assert_led_by(&fleet, &[1, 3], &[2], &told);
                }
            }
        }
    }
}

/// Hosts that die in the middle may leave no writer, never two, and never lose a row.
#[test]
fn a_host_that_dies_in_the_middle_costs_no_row() {
    let dies = |host| {
        [
            Interruption::ServerDies(host),
            Interruption::PowerFails(host),
        ]
    };
    for flavor in FLAVORS {
        for at in 0..length(flavor, 4) {
            for what in (1..=4).flat_map(dies) {
                let told = format!("{flavor}, step {at}, {what:?}");
                let fleet = WorldFleet::new(healthy(flavor, 4), Some((at, what)));
                switch_over(&fleet);
                switch_over(&fleet);
                assert_safe(&fleet, &told);
                let is_sibling = matches!(
                    what,
                    Interruption::ServerDies(3 | 4) | Interruption::PowerFails(3 | 4)
                );
                if is_sibling {
                    assert_led_by(&fleet, &[1, 2], &[], &told);
                }
            }
        }
    }
}

/// One seed: so many hosts, one fault, and steps of different hosts mixed.
fn by_seed(seed: u64) {
    let mut prng = Prng::new(seed);
    let flavor = prng.one_of(&FLAVORS);
    let hosts = 4 + prng.below(4);
    let world = healthy(flavor, hosts as usize);
    let host = 1 + prng.below(hosts);
    let what = prng.one_of(&[
        Interruption::NotDone,
        Interruption::AnswerLost,
        Interruption::KilledBefore,
        Interruption::KilledAfter,
        Interruption::ServerDies(host),
        Interruption::PowerFails(host),
    ]);
    let fault: Fault = (prng.below(24) as usize, what);
    let told = format!("{SEED}={seed}: {flavor}, {hosts} hosts, {fault:?}");
    let fleet = WorldFleet::new(world, Some(fault)).paced(prng);
    switch_over(&fleet);
    assert_safe(&fleet, &told);
    fleet.change(|world| {
        for host in world.numbers() {
            world.at_mut(host).power_on();
            world.at_mut(host).start();
        }
    });
    for _ in 0..2 {
        switch_over(&fleet);
    }
    assert_safe(&fleet, &told);
    let died = matches!(
        what,
        Interruption::ServerDies(1 | 2) | Interruption::PowerFails(1 | 2)
    );
    if !died {
        assert_led_by(&fleet, &[2], &[], &told);
    }
}

#[test]
fn clusters_of_four_to_seven_are_switched_over_by_seed() {
    seeds(300).into_iter().for_each(by_seed);
}

/// The worlds in which a bent switchover may show what is wrong with it.
fn worlds(flavor: Flavor) -> Vec<World> {
    let mut slow = healthy(flavor, 3);
    slow.at_mut(2).server.slow = true;
    (0..2).for_each(|_| slow.write());
    vec![healthy(flavor, 3), slow]
}

fn is_caught(lie: Lie, bend: Bend) -> bool {
    let wrong = |world: World| {
        let fleet = WorldFleet::new(world, None);
        let world = fleet.world();
        let seen = world.seen_whole();
        let limits = SwitchoverLimits::default();
        let real = Switchover::new(&world.cluster, &seen, Some(&target()), limits);
        let mutant = real.map(|real| Mutant::new(real, lie, bend));
        run(&fleet, mutant, seen, |_, _| Vec::new()).is_unsafe() || !fleet.wrongs().is_empty()
    };
    FLAVORS.into_iter().flat_map(worlds).any(wrong)
}

#[test]
fn every_bent_switchover_is_caught() {
    let bent: [(&str, Bend); 5] = [
        ("the last rows are not waited for", mutants::no_wait),
        ("the VIP comes before the writes", mutants::vip_first),
        ("nobody acknowledges", mutants::no_cover),
        (
            "writes come before the acknowledgements",
            mutants::writable_first,
        ),
        ("nobody is promoted", mutants::no_promotion),
    ];
    let missed: Vec<_> = bent
        .iter()
        .filter(|(_, bend)| !is_caught(mutants::truth, *bend))
        .map(|(name, _)| name)
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    // A switchover looks after its cut: the VIP stays only where nobody does.
    assert!(is_caught(mutants::looks_without_vip, mutants::vip_stays));
    assert!(
        !is_caught(mutants::truth, mutants::straight),
        "the real one is caught"
    );
}
