//! Failovers of four to seven hosts by seed: any state, up to three faults at any step, steps of
//! different hosts mixed. `HACTL_SIM_SEED` replays one; a failure prints it.

use hactl::inventory::Cluster;

use crate::bench::{FLAVORS, assert_led_by, assert_safe};
use crate::failover::{fail_over, finish};
use crate::oracle;
use crate::prng::{Prng, SEED, seeds};
use crate::starts::{Fate, Place, Replica, Start, Threads, Verdict};
use crate::world::{Fault, Interruption, WorldFleet, cluster};

/// How many seeds are tried without one being named.
const COUNT: u64 = 1_000;

fn replica(prng: &mut Prng) -> Replica {
    let received = prng.below(4) as usize;
    let short = u32::try_from(received).expect("few rows") + 1;
    let threads = if prng.once_in(4) {
        prng.one_of(&Threads::ALL)
    } else {
        Threads::BOTH
    };
    let place = if prng.once_in(8) {
        prng.one_of(&Place::ALL)
    } else {
        Place::Up
    };
    Replica {
        threads,
        place,
        is_writable: prng.once_in(40),
        ..Replica::with(received, prng.below(short) as usize)
    }
}

fn inventory(prng: &mut Prng, hosts: u32) -> Cluster {
    let flavor = prng.one_of(&FLAVORS);
    let wishes = ["promotion: prefer", "promotion: avoid", "promotion: never"];
    let wish = (2 + prng.below(hosts - 1)) as usize;
    let promotions = if prng.once_in(2) {
        vec![(wish, prng.one_of(&wishes))]
    } else {
        Vec::new()
    };
    cluster(flavor, hosts as usize, &promotions)
}

fn fault(prng: &mut Prng, hosts: u32) -> Fault {
    let host = 1 + prng.below(hosts);
    let what = prng.one_of(&[
        Interruption::NotDone,
        Interruption::AnswerLost,
        Interruption::KilledBefore,
        Interruption::KilledAfter,
        Interruption::ServerDies(host),
        Interruption::PowerFails(host),
        Interruption::Returns(host),
    ]);
    (prng.below(30) as usize, what)
}

fn is_death(fault: &Fault) -> bool {
    matches!(
        fault.1,
        Interruption::ServerDies(_) | Interruption::PowerFails(_)
    )
}

fn by_seed(seed: u64) {
    let mut prng = Prng::new(seed);
    let hosts = 4 + prng.below(4);
    let cluster = inventory(&mut prng, hosts);
    let start = Start {
        fate: prng.one_of(&Fate::ALL),
        tail: prng.below(2) as usize,
        replicas: (1..hosts).map(|_| replica(&mut prng)).collect(),
    };
    let faults: Vec<_> = (0..prng.below(4))
        .map(|_| fault(&mut prng, hosts))
        .collect();
    let flavor = cluster.server.flavor;
    let told = format!("{SEED}={seed}: {flavor}: {start}; {faults:?}");
    let fleet = WorldFleet::new(start.build(&cluster), faults.clone()).paced(prng);
    let run = fail_over(&fleet);
    assert!(!run.is_unsafe(), "{told}: {run:?}\n{}", fleet.trace());
    assert_safe(&fleet, &told);
    finish(&fleet);
    assert_safe(&fleet, &told);
    if start.verdict() == Verdict::Act && !faults.iter().any(is_death) {
        let all: Vec<_> = fleet.world().numbers().collect();
        assert_led_by(&fleet, &all, &[1], &told);
    }
    come_back(&fleet, &told);
}

/// Everything comes back, and nobody does anything: still nobody is answered twice or wrongly.
fn come_back(fleet: &WorldFleet, told: &str) {
    fleet.change(|world| {
        world.heal();
        for number in world.numbers() {
            world.at_mut(number).power_on();
        }
    });
    fleet.change(crate::world::World::write);
    let wrong = oracle::moment(&fleet.world());
    assert!(
        wrong.is_none(),
        "{told}: after the return: {wrong:?}\n{}",
        fleet.trace()
    );
}

#[test]
fn clusters_of_four_to_seven_fail_over_by_seed() {
    seeds(COUNT).into_iter().for_each(by_seed);
}
