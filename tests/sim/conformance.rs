//! The simulator's side of the list of what actions do: its world must do what the list says, and look
//! as `observed.txt` has it, which real servers are held to as well.

#[path = "../conformance/mod.rs"]
mod list;

use std::collections::BTreeMap;

use hactl::mysql::Flavor;
use hactl::plan::Outcome;

use list::cases::{CASES, Case, Given};
use list::sight::{Sight, heading};
use list::{HOSTS, OBSERVED, steps};

use crate::bench::FLAVORS;
use crate::world::{Effect, Row, World, cluster};

fn prepare(world: &mut World, given: Given) {
    match given {
        Given::Rows(count) => (0..count).for_each(|_| world.write()),
        Given::Waiting => {
            world.write();
            assert!(world.at(1).server.waits(), "somebody acknowledged");
        }
        Given::ApplierStopped(host) => threads(world, host, true, false),
        Given::ReceiverStopped(host) => threads(world, host, false, true),
        Given::BothStopped(host) => threads(world, host, false, false),
        Given::Killed(host) => {
            world.at_mut(host).server.crash();
            world.at_mut(host).server.masked = true;
        }
    }
    world.settle();
}

fn threads(world: &mut World, host: u32, receiver: bool, applier: bool) {
    let server = &mut world.at_mut(host).server;
    if !receiver {
        server.stop_receiver();
    }
    server.channel.as_mut().expect("a replica").applier = applier;
}

/// Client rows that can be read: what is proven after a promotion is another table's.
fn rows(world: &World) -> BTreeMap<u32, usize> {
    let is_clients = |row: &&Row| row.writer == 1;
    let up = HOSTS
        .into_iter()
        .filter(|host| world.at(*host).server.is_up());
    up.map(|host| {
        let server = &world.at(host).server;
        let visible = server.log[..server.committed].iter();
        (host, visible.filter(is_clients).count())
    })
    .collect()
}

/// What is wrong after a case, and what is seen.
fn replay(flavor: Flavor, case: &Case) -> (Vec<String>, Vec<String>) {
    let mut world = World::healthy(&cluster(flavor, 3, &[]));
    for given in case.given {
        prepare(&mut world, *given);
    }
    let mut last = Outcome::Already;
    for does in case.does {
        let step = steps::step(*does, &world.seen_whole());
        last = match world.carry_out(&step) {
            Effect::Ended(outcome) => outcome,
            // Nothing else happens, so it waits in vain.
            Effect::Waits(_) => Outcome::Failed {
                error: format!("{does:?} waits"),
                hint: None,
            },
        };
    }
    let sight = Sight {
        cluster: &world.cluster,
        seen: &world.seen_whole(),
        rows: rows(&world),
        last: &last,
    };
    (sight.wrong(case, flavor), sight.lines())
}

#[test]
fn the_world_does_what_the_list_says() {
    let mut whole = String::new();
    for flavor in FLAVORS {
        for case in CASES {
            let (wrong, lines) = replay(flavor, case);
            assert!(wrong.is_empty(), "{flavor}: {}: {wrong:?}", case.name);
            whole += &format!("{}\n{}\n\n", heading(case, flavor), lines.join("\n"));
        }
    }
    assert!(whole == OBSERVED, "observed.txt should be:\n{whole}");
}
