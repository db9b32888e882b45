//! Watches over time: the real diagnosis, failover, recovery in place and repairs on a world in which
//! hosts die, return by themselves, fall silent and are parted, some of it while hactl acts. Told as
//! stories: a few known ones, and any number by seed (`HACTL_SIM_SEED` replays one).
//!
//! Held to: no failover while a replica that can be asked still receives from the primary; none when
//! the watcher alone is cut off; a dead primary is failed over in the end; repairs make no second
//! writer, lose no row, and come to an end.

mod keeper;
mod senses;
mod story;

use std::time::Duration;

use hactl::decide::Verdict;
use hactl::facts::Observation;
use hactl::inventory::{Cluster, HostName};
use hactl::mysql::{Flavor, Switch};
use hactl::plan::{Action, LiveVariable, Look, OnFailure, StagePlan, Step};

use self::keeper::{Bend, Ear, Keeper, PROBE};
use self::story::{CALM, Event, Story};
use crate::bench::FLAVORS;
use crate::oracle;
use crate::prng::{SEED, seeds};
use crate::switchover;
use crate::world::{Interruption, Millis, World, WorldFleet, cluster};

/// How many stories are told without one being named.
const COUNT: u64 = 160;
/// A repair that is made more often than this while nothing happens has no end.
const OFTEN: usize = 2;
/// Clients write this often.
const WRITE: Millis = 2_000;

fn straight(_: &Observation, _: &HostName) -> Vec<StagePlan> {
    Vec::new()
}

fn heard(verdict: Verdict) -> Verdict {
    verdict
}

/// A cluster whose failovers may follow each other at once.
fn watched(flavor: Flavor, hosts: usize, lease: Option<Duration>) -> Cluster {
    let mut cluster = cluster(flavor, hosts, &[]);
    cluster.failover.min_interval = Duration::from_secs(1);
    if let Some(vip) = &mut cluster.vip {
        vip.lease = lease;
    }
    cluster
}

/// Whatever a killed switchover left, whoever watches next brings the writer back.
#[test]
fn a_switchover_that_was_killed_is_taken_care_of() {
    for story in story(&[], None) {
        let flavor = story.cluster.server.flavor;
        for at in 0..switchover::length(flavor, 3) {
            for what in [Interruption::KilledBefore, Interruption::KilledAfter] {
                let told = format!("{flavor}, step {at}, {what:?}");
                let world = World::healthy(&story.cluster);
                let fleet = WorldFleet::new(world, Some((at, what)));
                switchover::switch_over(&fleet);
                let end = tell_in(fleet, &story, straight, heard);
                end.assert_safe(&told);
                let led = oracle::leader(&end.world());
                assert!(
                    matches!(led, Ok(1 | 2)),
                    "{told}: {led:?}\n{}",
                    end.fleet.trace()
                );
            }
        }
    }
}

/// How a story ended.
struct Told {
    fleet: WorldFleet,
    wrongs: Vec<String>,
    attempts: Vec<Millis>,
    repaired: usize,
}

impl Told {
    fn world(&self) -> World {
        self.fleet.world()
    }

    #[track_caller]
    fn assert_safe(&self, told: &str) {
        let wrongs = &self.wrongs;
        assert!(
            wrongs.is_empty(),
            "{told}: {wrongs:#?}\n{}",
            self.fleet.trace()
        );
    }
}

/// Lets a story happen under the eyes of a watcher.
fn tell(story: &Story, bend: Bend, ear: Ear) -> Told {
    let world = World::healthy(&story.cluster);
    let fleet = WorldFleet::new(world, story.faults.clone()).paced(story.prng.clone());
    tell_in(fleet, story, bend, ear)
}

/// The same of hosts in any state.
fn tell_in(fleet: WorldFleet, story: &Story, bend: Bend, ear: Ear) -> Told {
    let mut keeper = Keeper::new(&fleet, bend, ear);
    keeper.reconsider();
    let mut events = story.events.iter().peekable();
    let mut wrongs = Vec::new();
    let end = story.calm_from() + CALM;
    for now in (0..end).step_by(usize::try_from(PROBE).expect("short")) {
        fleet.change(|world| world.pass(now));
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= now) {
            fleet.note(format!("** {now}: {event:?}"));
            fleet.change(|world| event.befall(world));
        }
        keeper.turn();
        if now % WRITE == 0 {
            fleet.change(World::write);
        }
        let wrong = oracle::moment(&fleet.world());
        wrongs.extend(wrong.map(|wrong| format!("at {now}: {wrong}")));
    }
    let settled = story.calm_from() + CALM / 2;
    let endless = keeper.repairs_since(settled);
    let endless = endless.iter().filter(|(_, count)| **count > OFTEN);
    wrongs.extend(endless.map(|(what, count)| format!("repaired {count} times: {what}")));
    let last = fleet.wrongs();
    wrongs.extend(last.into_iter().chain(keeper.wrongs));
    let (attempts, repaired) = (keeper.attempts, keeper.repaired.len());
    Told {
        fleet,
        wrongs,
        attempts,
        repaired,
    }
}

fn story(events: &[(Millis, Event)], lease: Option<Duration>) -> impl Iterator<Item = Story> {
    let events = events.to_vec();
    FLAVORS
        .into_iter()
        .map(move |flavor| Story::of(watched(flavor, 3, lease), events.clone()))
}

#[test]
fn a_primary_that_dies_for_good_is_failed_over() {
    for event in [Event::Dies(1), Event::LosesPower(1), Event::Freezes(1)] {
        for story in story(&[(5_000, event)], None) {
            let told = tell(&story, straight, heard);
            told.assert_safe(&format!("{event:?}"));
            let end = oracle::end(&told.world(), &[1]);
            assert!(
                matches!(end, Ok(2 | 3)),
                "{event:?}: {end:?}\n{}",
                told.fleet.trace()
            );
            assert_eq!(told.attempts.len(), 1, "{event:?}\n{}", told.fleet.trace());
        }
    }
}

#[test]
fn a_primary_that_is_back_at_once_leads_on() {
    let events = [(5_000, Event::Dies(1)), (5_000, Event::Starts(1))];
    for story in story(&events, None) {
        let told = tell(&story, straight, heard);
        told.assert_safe("back at once");
        let end = oracle::end(&told.world(), &[]);
        assert_eq!(end, Ok(1), "{}", told.fleet.trace());
    }
}

#[test]
fn a_watcher_that_is_cut_off_does_nothing() {
    for lease in [None, Some(Duration::from_secs(10))] {
        let events = [(5_000, Event::WatcherCutOff), (45_000, Event::Heals)];
        for story in story(&events, lease) {
            let told = tell(&story, straight, heard);
            told.assert_safe("the watcher is cut off");
            assert!(told.attempts.is_empty(), "{}", told.fleet.trace());
        }
    }
}

#[test]
fn a_primary_that_only_the_watcher_misses_is_left_alone() {
    let events = [(5_000, Event::OutOfSight(1)), (45_000, Event::Heals)];
    for story in story(&events, None) {
        let told = tell(&story, straight, heard);
        told.assert_safe("only the watcher misses it");
        assert!(told.attempts.is_empty(), "{}", told.fleet.trace());
        assert_eq!(oracle::end(&told.world(), &[]), Ok(1));
    }
}

/// Whoever is killed in the middle is started anew, and the one that is half put in its place leads.
#[test]
fn a_failover_that_was_begun_is_brought_to_its_end() {
    for event in [Event::LosesPower(1), Event::Isolated(1)] {
        for at in 0..14 {
            for story in story(&[(5_000, event)], None) {
                let faults = vec![(at, Interruption::KilledAfter)];
                let told = tell(&Story { faults, ..story }, straight, heard);
                let name = format!("{event:?}, killed after step {at}");
                told.assert_safe(&name);
                let end = oracle::end(&told.world(), &[1]);
                assert!(
                    matches!(end, Ok(2 | 3)),
                    "{name}: {end:?}\n{}",
                    told.fleet.trace()
                );
            }
        }
    }
}

/// Its address goes by itself; the heal finds one writer, and one address.
#[test]
fn a_cut_off_primary_loses_its_lease_before_another_leads() {
    let events = [(5_000, Event::Isolated(1)), (40_000, Event::Heals)];
    for story in story(&events, Some(Duration::from_secs(10))) {
        let told = tell(&story, straight, heard);
        told.assert_safe("cut off with a lease");
        assert!(told.world().resurfaced.is_empty(), "the VIP came back");
        let end = oracle::end(&told.world(), &[1]);
        assert!(matches!(end, Ok(2 | 3)), "{end:?}\n{}", told.fleet.trace());
        let first = told.attempts.first();
        assert!(first.is_some_and(|at| *at >= 15_000), "{first:?}");
    }
}

#[test]
fn stories_by_seed_are_safe_and_end_well() {
    let (mut attempts, mut repaired, mut led, mut whole, mut stories) = (0, 0, 0, 0, 0);
    for seed in seeds(COUNT) {
        let story = Story::by_seed(seed, watched);
        let told = tell(&story, straight, heard);
        let name = format!("{SEED}={seed}: {story:?}");
        told.assert_safe(&name);
        stories += 1;
        attempts += told.attempts.len();
        repaired += told.repaired;
        let world = told.world();
        whole += usize::from(oracle::end(&world, &story::spared(&world)).is_ok());
        match oracle::leader(&world) {
            Ok(_) => led += 1,
            Err(why) => assert!(
                story::is_excused(&world),
                "{name}: nobody leads: {why}\n{}",
                told.fleet.trace()
            ),
        }
    }
    println!(
        "{stories} stories, {attempts} changes of the leadership, {repaired} repairs; {led} led in the \
         end, {whole} of them with every replica in order"
    );
}

fn step(host: &HostName, action: Action) -> StagePlan {
    let step = Step {
        task: "mistake".to_owned(),
        host: host.clone(),
        action,
        why: String::new(),
        on_failure: OnFailure::GoOn,
    };
    StagePlan {
        play: "Repair".to_owned(),
        steps: vec![step],
        look: Look::All,
    }
}

/// Whatever follows nobody beside the primary follows it, whatever it holds.
fn follows_whatever_it_holds(seen: &Observation, leader: &HostName) -> Vec<StagePlan> {
    let strays = seen
        .servers()
        .filter(|(host, facts)| *host != leader && !facts.is_replica());
    let (source, differs) = (leader.clone(), Vec::new());
    let follow = Action::Replicate { source, differs };
    strays.map(|(host, _)| step(host, follow.clone())).collect()
}

/// A primary whose commits wait for nobody's word is told not to wait.
fn waits_for_nobody(seen: &Observation, leader: &HostName) -> Vec<StagePlan> {
    let blocked = seen.server(leader).map(|facts| &facts.semi_sync);
    let is_blocked = blocked.is_some_and(|semi_sync| semi_sync.waiting_sessions > 0);
    let alone = set(LiveVariable::SemiSyncSource);
    is_blocked
        .then(|| step(leader, alone))
        .into_iter()
        .collect()
}

/// Servers that follow nobody are opened, since somebody must take writes.
fn opens_whoever_follows_nobody(seen: &Observation, _: &HostName) -> Vec<StagePlan> {
    let closed = seen
        .servers()
        .filter(|(_, facts)| !facts.is_replica() && !facts.read_only.is_writable());
    let open = set(LiveVariable::ReadOnly);
    closed.map(|(host, _)| step(host, open.clone())).collect()
}

/// What was repaired is repaired again.
fn never_ends(_: &Observation, leader: &HostName) -> Vec<StagePlan> {
    vec![step(leader, set(LiveVariable::ReadOnly))]
}

/// Turns it off.
fn set(variable: LiveVariable) -> Action {
    let value = Switch::Off;
    Action::SetVariable { variable, value }
}

/// "I cannot reach it" is taken for "dead".
fn out_of_reach_is_dead(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Unreachable => Verdict::Dead {
            basis: hactl::decide::DeathBasis::Silent,
        },
        other => other,
    }
}

/// Nobody is ever dead.
fn nobody_is_dead(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Dead { .. } => Verdict::Suspected,
        other => other,
    }
}

#[test]
fn every_mistake_of_a_watcher_is_caught() {
    let bent: [(&str, Bend, Ear); 6] = [
        ("diverged ones follow", follows_whatever_it_holds, heard),
        (
            "a blocked primary waits for nobody",
            waits_for_nobody,
            heard,
        ),
        (
            "closed ones are opened",
            opens_whoever_follows_nobody,
            heard,
        ),
        ("a repair has no end", never_ends, heard),
        ("out of reach is dead", straight, out_of_reach_is_dead),
        ("nobody is dead", straight, nobody_is_dead),
    ];
    let stories: Vec<_> = story::telling(watched);
    let caught = |bend: Bend, ear: Ear| {
        stories.iter().any(|story| {
            let told = tell(story, bend, ear);
            let world = told.world();
            let is_led = oracle::end(&world, &story::spared(&world)).is_ok();
            !told.wrongs.is_empty() || (!is_led && !story::is_excused(&world))
        })
    };
    let missed: Vec<_> = bent
        .iter()
        .filter(|(_, bend, ear)| !caught(*bend, *ear))
        .map(|(name, ..)| name)
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    assert!(!caught(straight, heard), "the real one is caught");
}
