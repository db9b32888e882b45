//! Failovers in the world: from every state of three hosts that a cluster can get into, with a fault at
//! every step, with hactl killed at every step and run again.

use hactl::decide::{Case, Failover, Harm};
use hactl::inventory::{Cluster, FenceCommand, FenceContract, ReplicationMode};
use hactl::mysql::Flavor;

use crate::bench::{FLAVORS, Run, assert_led_by, assert_safe, run};
use crate::search;
use crate::starts::{Fate, Place, Replica, Start, Threads, Verdict, progress};
use crate::world::{Interruption, WorldFleet, cluster};

/// What a person tells `hactl failover`, who finishes what was interrupted as well.
pub(crate) fn case() -> Case {
    case_of("db1")
}

fn case_of(dead: &str) -> Case {
    let primary = dead.parse().expect("a host's name");
    let mut case = Case::new(primary, vec!["it does not answer".to_owned()]);
    case.allowed.insert(Harm::IgnoreLast);
    case
}

/// One run of `hactl failover`.
pub(crate) fn fail_over(fleet: &WorldFleet) -> Run {
    fail_over_from(fleet, "db1")
}

/// The same from another primary.
pub(crate) fn fail_over_from(fleet: &WorldFleet, dead: &str) -> Run {
    let world = fleet.world();
    let seen = world.seen_whole();
    fleet.note("-- hactl failover".to_owned());
    let decided = Failover::of(&world.cluster, &seen, case_of(dead));
    let mut rules = decided.as_ref().ok().map(Failover::rules);
    run(fleet, decided, seen, |stage, seen| {
        rules
            .as_mut()
            .map_or_else(Vec::new, |rules| rules.violations(stage, seen))
    })
}

/// One run from a state, judged.
fn try_start(cluster: &Cluster, start: &Start) {
    let fleet = WorldFleet::new(start.build(cluster), None);
    let told = format!("{}: {start}", cluster.server.flavor);
    let before = fleet.world();
    let run = fail_over(&fleet);
    assert!(!run.is_unsafe(), "{told}: {run:?}\n{}", fleet.trace());
    assert_safe(&fleet, &told);
    if matches!(run, Run::Refused) && search::policy(&before).is_none() {
        let winner = search::winner(&before);
        assert!(
            winner.is_none(),
            "{told}: refused, and db{winner:?} could have led\n{}",
            fleet.trace()
        );
    }
    match start.verdict() {
        Verdict::Act => assert_led_by(&fleet, &[2, 3], &[1], &told),
        Verdict::Refuse => assert!(
            matches!(run, Run::Refused),
            "{told}: nobody could know that this is safe: {run:?}\n{}",
            fleet.trace()
        ),
        Verdict::Either => {}
    }
}

/// The search finds whoever leads where a failover is done: a search that finds nobody excuses all.
#[test]
fn the_search_finds_a_winner_wherever_somebody_must_lead() {
    for flavor in FLAVORS {
        let cluster = cluster(flavor, 3, &[]);
        let mut tried = 0;
        for fate in Fate::ALL {
            for [one, other] in progress(2) {
                let replicas = vec![one, other];
                let start = Start {
                    fate,
                    tail: 1,
                    replicas,
                };
                if start.verdict() == Verdict::Act {
                    tried += 1;
                    let winner = search::winner(&start.build(&cluster));
                    assert!(winner.is_some(), "{flavor}: {start}");
                }
            }
        }
        println!("{flavor}: a winner was found in {tried} states");
    }
}

/// Whatever was received and applied, whatever happened to the primary, whichever threads ran.
fn every_state_of_two_whole_replicas(flavor: Flavor) {
    let cluster = cluster(flavor, 3, &[]);
    let mut states = 0;
    for fate in Fate::ALL {
        for [one, other] in (0..=2).flat_map(progress) {
            for tail in [0, 1] {
                for (of_one, of_other) in thread_pairs(fate, tail) {
                    let replicas = vec![one.running(of_one), other.running(of_other)];
                    let start = Start {
                        fate,
                        tail,
                        replicas,
                    };
                    try_start(&cluster, &start);
                    states += 1;
                }
            }
        }
    }
    println!("{flavor}: {states} states of two whole replicas");
}

#[test]
fn every_state_of_two_whole_replicas_has_its_leader_on_mariadb() {
    every_state_of_two_whole_replicas(Flavor::MariaDb);
}

#[test]
fn every_state_of_two_whole_replicas_has_its_leader_on_mysql() {
    every_state_of_two_whole_replicas(Flavor::MySql);
}

/// All pairs where the primary was killed or lost its power, which are the usual cases; elsewhere the two that differ most,
/// beside a replica that is well.
fn thread_pairs(fate: Fate, tail: usize) -> Vec<(Threads, Threads)> {
    let all = Threads::ALL;
    let usual = fate == Fate::Killed || (fate == Fate::PoweredOff && tail == 0);
    if usual {
        all.into_iter()
            .flat_map(|one| all.map(|other| (one, other)))
            .collect()
    } else {
        vec![
            (Threads::BOTH, Threads::BOTH),
            (Threads::NONE, Threads::BOTH),
        ]
    }
}

/// Replicas that go on from a file and a position, one or both: what they received is in no set that they tell
/// of on one flavor, and is lost on neither.
#[test]
fn every_state_of_replicas_by_position_has_its_leader() {
    let pairs = [
        (Threads::BOTH, Threads::BOTH),
        (Threads::ALL[1], Threads::ALL[2]),
        (Threads::NONE, Threads::BOTH),
        (Threads::NONE, Threads::NONE),
    ];
    let mut states = 0;
    for flavor in FLAVORS {
        let mut cluster = cluster(flavor, 3, &[]);
        cluster.replication_mode = ReplicationMode::Position;
        for fate in [Fate::Killed, Fate::PoweredOff, Fate::CutOff] {
            for [one, other] in progress(2) {
                for (of_one, of_other) in pairs {
                    for by_file in [false, true] {
                        let one = one.running(of_one).by_position();
                        let other = Replica {
                            by_file,
                            ..other.running(of_other)
                        };
                        let start = Start {
                            fate,
                            tail: 1,
                            replicas: vec![one, other],
                        };
                        try_start(&cluster, &start);
                        states += 1;
                    }
                }
            }
        }
    }
    println!("{states} states of replicas by position");
}

/// What a replica received and cannot apply may have been acknowledged. Where neither its GTIDs nor the dead
/// primary tell what that is, its place in the primary's log says whether others have it, too.
#[test]
fn what_a_broken_applier_holds_by_position_is_not_left_behind() {
    for flavor in FLAVORS {
        let mut cluster = cluster(flavor, 4, &[]);
        cluster.replication_mode = ReplicationMode::Position;
        for (received, may_lead) in [(1, false), (2, true)] {
            let whole = Replica::with(received, received);
            for others in [whole, whole.by_position()] {
                let start = Start {
                    fate: Fate::PoweredOff,
                    tail: 0,
                    replicas: vec![Replica::with(2, 1).by_position(), others, others],
                };
                let mut world = start.build(&cluster);
                world.at_mut(2).server.broken = true;
                let fleet = WorldFleet::new(world, None);
                let told = format!("{flavor}: {start}, db2 broken");
                let run = fail_over(&fleet);
                assert!(!run.is_unsafe(), "{told}: {run:?}\n{}", fleet.trace());
                assert_safe(&fleet, &told);
                if may_lead {
                    assert_led_by(&fleet, &[3, 4], &[1, 2], &told);
                } else {
                    let world = fleet.world();
                    let leads = |host: u32| !world.at(host).server.read_only;
                    assert!(!(2..=4).any(leads), "{told}: {run:?}");
                }
            }
        }
    }
}

/// Replicas that are down or out of reach, and replicas that somebody made writable.
#[test]
fn every_state_with_a_replica_away_is_acted_on_or_refused_rightly() {
    for flavor in FLAVORS {
        let cluster = cluster(flavor, 3, &[]);
        for fate in Fate::ALL {
            for [one, other] in progress(2) {
                for place in Place::ALL {
                    for other_place in Place::ALL {
                        let one = Replica { place, ..one };
                        let other = Replica {
                            place: other_place,
                            ..other
                        };
                        let replicas = vec![one, other];
                        try_start(
                            &cluster,
                            &Start {
                                fate,
                                tail: 1,
                                replicas,
                            },
                        );
                    }
                }
                let one = Replica {
                    is_writable: true,
                    ..one
                };
                let replicas = vec![one, other];
                try_start(
                    &cluster,
                    &Start {
                        fate,
                        tail: 0,
                        replicas,
                    },
                );
            }
        }
    }
}

/// The states in which faults are planted: one of each kind that takes another way.
fn crossroads() -> Vec<Start> {
    let behind = Replica::with(1, 0);
    let ahead = Replica::with(2, 1);
    let halted = ahead.running(Threads::NONE);
    let start = |fate, tail, replicas: &[Replica]| Start {
        fate,
        tail,
        replicas: replicas.to_vec(),
    };
    vec![
        start(Fate::Killed, 0, &[ahead, ahead]),
        start(Fate::Killed, 1, &[behind, ahead]),
        start(Fate::Killed, 1, &[halted, behind]),
        start(Fate::Frozen, 0, &[behind, ahead]),
        start(Fate::PoweredOff, 1, &[ahead, behind]),
        start(Fate::CutOff, 1, &[behind, ahead]),
        start(Fate::KilledOutOfReach, 0, &[ahead, ahead]),
    ]
}

fn length(cluster: &Cluster, start: &Start) -> usize {
    let fleet = WorldFleet::new(start.build(cluster), None);
    fail_over(&fleet);
    fleet.steps()
}

/// Runs again until it is finished, three times at most.
pub(crate) fn finish(fleet: &WorldFleet) {
    for _ in 0..3 {
        if crate::oracle::end(&fleet.world(), &[1]).is_ok() {
            return;
        }
        fail_over(fleet);
    }
}

fn each_fault(of: impl Fn() -> Vec<Interruption>, judge: impl Fn(&WorldFleet, Interruption, &str)) {
    let mut runs = 0;
    for flavor in FLAVORS {
        let cluster = cluster(flavor, 3, &[]);
        for start in crossroads() {
            for at in 0..length(&cluster, &start) {
                for what in of() {
                    let fleet = WorldFleet::new(start.build(&cluster), Some((at, what)));
                    let told = format!("{flavor}: {start}: step {at}, {what:?}");
                    let run = fail_over(&fleet);
                    assert!(!run.is_unsafe(), "{told}: {run:?}\n{}", fleet.trace());
                    assert_safe(&fleet, &told);
                    finish(&fleet);
                    assert_safe(&fleet, &told);
                    judge(&fleet, what, &told);
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} faults in the middle of a failover");
}

#[test]
fn a_fault_at_any_step_is_safe_and_the_next_run_converges() {
    let of = || {
        vec![
            Interruption::NotDone,
            Interruption::AnswerLost,
            Interruption::KilledBefore,
            Interruption::KilledAfter,
        ]
    };
    each_fault(of, |fleet, _, told| {
        assert_led_by(fleet, &[2, 3], &[1], told);
    });
}

/// With three hosts one more death leaves nobody to acknowledge: no writer then, and no loss either.
#[test]
fn a_death_or_a_return_at_any_step_costs_no_row() {
    let of = || {
        let dies = |host| {
            [
                Interruption::ServerDies(host),
                Interruption::PowerFails(host),
            ]
        };
        let mut of: Vec<_> = [2, 3].into_iter().flat_map(dies).collect();
        of.push(Interruption::Returns(1));
        of
    };
    each_fault(of, |fleet, what, told| {
        if what == Interruption::Returns(1) {
            assert_led_by(fleet, &[1, 2, 3], &[1], told);
        }
    });
}

/// With a fence command nothing has to be proven.
#[test]
fn a_fence_command_takes_the_place_of_ssh() {
    for flavor in FLAVORS {
        let mut cluster = cluster(flavor, 4, &[]);
        cluster.failover.fence = Some(FenceCommand {
            command: "/usr/local/sbin/power-off".to_owned(),
            contract: FenceContract::Hactl,
            timeout: std::time::Duration::from_secs(10),
        });
        for fate in [Fate::FrozenOutOfReach, Fate::PoweredOff, Fate::CutOff] {
            let replicas = vec![Replica::with(2, 1); 3];
            let start = Start {
                fate,
                tail: 1,
                replicas,
            };
            let fleet = WorldFleet::new(start.build(&cluster), None);
            let told = format!("{flavor}: {start}");
            fail_over(&fleet);
            assert_safe(&fleet, &told);
            assert_led_by(&fleet, &[2, 3, 4], &[1], &told);
        }
    }
}

/// Promotion flags break ties and nothing else: who may not lead is a source for who may.
#[test]
fn a_replica_that_may_not_lead_is_fetched_from() {
    for flavor in FLAVORS {
        let cluster = cluster(
            flavor,
            4,
            &[(2, "promotion: never"), (4, "promotion: prefer")],
        );
        for behind in [3, 4] {
            let mut replicas = vec![
                Replica::with(2, 2),
                Replica::with(1, 1),
                Replica::with(1, 0),
            ];
            replicas[behind - 2] = Replica::with(0, 0);
            let start = Start {
                fate: Fate::PoweredOff,
                tail: 0,
                replicas,
            };
            let fleet = WorldFleet::new(start.build(&cluster), None);
            let told = format!("{flavor}: {start}");
            fail_over(&fleet);
            assert_safe(&fleet, &told);
            assert_led_by(&fleet, &[3, 4], &[1], &told);
        }
    }
}
