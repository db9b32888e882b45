//! Failovers that make the mistakes of others: each must be caught, by the oracle in one of a few worlds
//! or by the second checker before anything is done.

use hactl::decide::{Failover, Harm};
use hactl::inventory::Cluster;

use crate::bench::{FLAVORS, Run, run};
use crate::failover::case;
use crate::mutants::{self, Bend, Lie, Mutant};
use crate::oracle;
use crate::starts::{Fate, Place, Replica, Start};
use crate::world::{Ended, World, WorldFleet, cluster};

/// Whether the second checker is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checker {
    /// It looks at every stage.
    Looks,
    /// The mistake is carried out.
    IsAway,
}

/// Who must see a mistake, at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeenBy {
    /// The oracle: it does harm in one of the worlds.
    Oracle,
    /// The second checker: it does harm only together with a fault.
    Checker,
}

/// A mistake.
struct Mistake {
    name: &'static str,
    lie: Lie,
    bend: Bend,
    /// Harm that is permitted where no person permitted it.
    allows: &'static [Harm],
    seen_by: SeenBy,
}

/// No mistake.
const NONE: Mistake = Mistake {
    name: "none",
    lie: mutants::truth,
    bend: mutants::straight,
    allows: &[],
    seen_by: SeenBy::Oracle,
};

const fn bent(name: &'static str, bend: Bend) -> Mistake {
    Mistake { name, bend, ..NONE }
}

/// The list.
const MISTAKES: [Mistake; 10] = [
    Mistake {
        name: "nobody is fenced, and nobody looks",
        lie: mutants::looks_fenced,
        bend: mutants::no_fence,
        ..NONE
    },
    Mistake {
        name: "who is not seen is forgotten",
        allows: &[Harm::UnseenReplica, Harm::Unfenced],
        ..NONE
    },
    Mistake {
        name: "positions are not compared",
        lie: mutants::all_equal,
        ..NONE
    },
    Mistake {
        name: "siblings follow before the proof",
        bend: mutants::early_repoint,
        seen_by: SeenBy::Checker,
        ..NONE
    },
    bent("nothing is drained", mutants::no_drain),
    bent("one that is behind leads", mutants::other_leader),
    bent("the VIP comes before the writes", mutants::vip_first),
    bent("nobody acknowledges", mutants::no_cover),
    bent(
        "writes come before the acknowledgements",
        mutants::writable_first,
    ),
    bent("nobody is promoted", mutants::no_promotion),
];

/// The worlds in which a mistake may show.
fn worlds(cluster: &Cluster) -> Vec<World> {
    let (behind, ahead) = (Replica::with(1, 0), Replica::with(2, 1));
    let start = |fate, tail, replicas: &[Replica]| Start {
        fate,
        tail,
        replicas: replicas.to_vec(),
    };
    let mut worlds: Vec<_> = [
        start(Fate::Killed, 0, &[behind, ahead, behind]),
        start(Fate::Killed, 0, &[ahead, behind, behind]),
        start(Fate::Frozen, 1, &[ahead, behind, behind]),
        start(Fate::PoweredOff, 0, &[behind, ahead, behind]),
    ]
    .iter()
    .map(|start| start.build(cluster))
    .collect();
    // The controller sees two replicas; the third stays with the primary, and its clients do.
    let away = Replica {
        place: Place::OutOfReach,
        ..ahead
    };
    let parted = start(Fate::OutOfReach, 0, &[ahead, behind, away]);
    worlds.push(parted.build(cluster));
    worlds
}

/// Leads a failover astray in one world; tells what was wrong.
fn lead(world: World, mistake: &Mistake, checker: Checker) -> Option<String> {
    let fleet = WorldFleet::new(world, None);
    let world = fleet.world();
    let seen = world.seen_whole();
    let mut case = case();
    case.allowed.extend(mistake.allows);
    let decided = Failover::of(&world.cluster, &(mistake.lie)(&seen), case);
    let mut rules = decided.as_ref().ok().map(Failover::rules);
    let mutant = decided.map(|real| Mutant::new(real, mistake.lie, mistake.bend));
    let run = run(&fleet, mutant, seen, |stage, seen| {
        match (checker, &mut rules) {
            (Checker::Looks, Some(rules)) => rules.violations(stage, seen),
            _ => Vec::new(),
        }
    });
    if let Run::Ended(Ended::Unsafe(violation)) = run {
        return Some(format!("checker: {violation}"));
    }
    let wrong = fleet.wrongs().into_iter().next();
    let end = run.is_finished().then(|| oracle::end(&fleet.world(), &[1]));
    wrong.or(end.and_then(Result::err))
}

/// Whether somebody notices, in any world.
fn is_caught(mistake: &Mistake, checker: Checker) -> bool {
    FLAVORS.into_iter().any(|flavor| {
        let cluster = cluster(flavor, 4, &[]);
        let mut worlds = worlds(&cluster).into_iter();
        worlds.any(|world| lead(world, mistake, checker).is_some())
    })
}

#[test]
fn the_oracle_sees_every_mistake_that_does_harm() {
    let missed: Vec<_> = MISTAKES
        .iter()
        .filter(|mistake| mistake.seen_by == SeenBy::Oracle)
        .filter(|mistake| !is_caught(mistake, Checker::IsAway))
        .map(|mistake| mistake.name)
        .collect();
    assert!(missed.is_empty(), "not seen: {missed:#?}");
}

#[test]
fn every_mistake_is_caught() {
    let missed: Vec<_> = MISTAKES
        .iter()
        .filter(|mistake| !is_caught(mistake, Checker::Looks))
        .map(|mistake| mistake.name)
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

#[test]
fn no_mistake_is_none() {
    assert!(!is_caught(&NONE, Checker::Looks));
}
