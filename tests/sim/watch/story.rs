//! What befalls a cluster over time: known stories and stories by seed. Every story ends with a calm in
//! which all that is broken is whole again, but for what somebody fenced and, at times, the primary.

use hactl::inventory::Cluster;
use hactl::mysql::Flavor;
use std::time::Duration;

use crate::bench::FLAVORS;
use crate::prng::Prng;
use crate::world::{Fault, Interruption, Millis, Process, World};

/// How long things go wrong.
const TURMOIL: Millis = 40_000;
/// How long nothing happens then.
pub(super) const CALM: Millis = 40_000;

/// What happens, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The server of this host is killed.
    Dies(u32),
    /// Its unit starts it, unless somebody fenced it.
    Starts(u32),
    /// The host loses its power.
    LosesPower(u32),
    /// It has power again, and starts what is not fenced.
    HasPower(u32),
    /// Its server is stopped by a signal.
    Freezes(u32),
    /// It goes on.
    Thaws(u32),
    /// The watcher does not reach it; everybody else does.
    OutOfSight(u32),
    /// The watcher reaches nobody.
    WatcherCutOff,
    /// No packet passes between two hosts.
    Parted(u32, u32),
    /// No packet passes to it or from it, clients' neither.
    Isolated(u32),
    /// Every link is whole.
    Heals,
    /// Somebody makes a replica writable.
    Opened(u32),
    /// Somebody takes the VIP away from whoever has it.
    VipGone,
    /// All is whole again, but for what was fenced.
    Ends,
    /// The same, and whoever leads dies for good.
    EndsWithoutLeader,
}

impl Event {
    /// Does it to the world.
    pub(super) fn befall(self, world: &mut World) {
        match self {
            Self::Dies(host) => world.at_mut(host).server.crash(),
            Self::Starts(host) => world.at_mut(host).start(),
            Self::LosesPower(host) => world.at_mut(host).power_off(),
            Self::HasPower(host) => world.at_mut(host).power_on(),
            Self::Freezes(host) => {
                let server = &mut world.at_mut(host).server;
                if server.is_up() {
                    server.process = Process::Frozen;
                }
            }
            Self::Thaws(host) => thaw(world, host),
            Self::OutOfSight(host) => world.at_mut(host).ssh = false,
            Self::WatcherCutOff => {
                for host in world.numbers() {
                    world.at_mut(host).ssh = false;
                }
            }
            Self::Parted(one, other) => world.cut(one, other),
            Self::Isolated(host) => world.isolate(host),
            Self::Heals => world.heal(),
            Self::Opened(host) => {
                let server = &mut world.at_mut(host).server;
                server.read_only &= server.channel.is_none();
            }
            Self::VipGone => {
                for host in world.numbers() {
                    world.at_mut(host).vip = None;
                }
            }
            Self::Ends | Self::EndsWithoutLeader => {
                world.heal();
                for host in world.numbers() {
                    thaw(world, host);
                    world.at_mut(host).power_on();
                    world.at_mut(host).start();
                }
                let leads = |host: &u32| {
                    let machine = world.at(*host);
                    machine.vip.is_some() && machine.server.takes_writes()
                };
                let leader = world.numbers().find(leads);
                if self == Self::EndsWithoutLeader
                    && let Some(leader) = leader
                {
                    world.at_mut(leader).server.crash();
                }
            }
        }
    }
}

fn thaw(world: &mut World, host: u32) {
    let server = &mut world.at_mut(host).server;
    if server.process == Process::Frozen {
        server.process = Process::Up;
    }
}

/// A story.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) cluster: Cluster,
    /// When what happens.
    pub(super) events: Vec<(Millis, Event)>,
    /// What goes wrong while hactl acts.
    pub(super) faults: Vec<Fault>,
    pub(super) prng: Prng,
}

impl Story {
    /// One that is known.
    pub(super) fn of(cluster: Cluster, events: Vec<(Millis, Event)>) -> Self {
        Self {
            cluster,
            events,
            faults: Vec::new(),
            prng: Prng::new(1),
        }
    }

    /// From when on nothing happens.
    pub(super) fn calm_from(&self) -> Millis {
        self.events.last().map_or(0, |(at, _)| *at)
    }

    /// One by seed.
    pub(super) fn by_seed(
        seed: u64,
        watched: fn(Flavor, usize, Option<Duration>) -> Cluster,
    ) -> Self {
        let mut prng = Prng::new(seed);
        let flavor = prng.one_of(&FLAVORS);
        let hosts = 3 + prng.below(2);
        let lease = prng.one_of(&[None, Some(Duration::from_secs(10))]);
        let mut events = Vec::new();
        for _ in 0..=prng.below(4) {
            mishap(&mut prng, hosts, &mut events);
        }
        events.sort_by_key(|(at, _)| *at);
        let end = prng.one_of(&[Event::Ends, Event::EndsWithoutLeader]);
        events.push((TURMOIL, end));
        let fault = |prng: &mut Prng| {
            let what = prng.one_of(&[
                Interruption::NotDone,
                Interruption::AnswerLost,
                Interruption::KilledBefore,
                Interruption::KilledAfter,
            ]);
            (prng.below(16) as usize, what)
        };
        let faults = (0..prng.below(3)).map(|_| fault(&mut prng)).collect();
        Self {
            cluster: watched(flavor, hosts as usize, lease),
            events,
            faults,
            prng,
        }
    }
}

/// Something goes wrong, and is right again after a while, or not.
fn mishap(prng: &mut Prng, hosts: u32, events: &mut Vec<(Millis, Event)>) {
    let host = if prng.once_in(2) {
        1
    } else {
        1 + prng.below(hosts)
    };
    let other = 1 + host % hosts;
    let (wrong, right) = prng.one_of(&[
        (Event::Dies(host), Event::Starts(host)),
        (Event::LosesPower(host), Event::HasPower(host)),
        (Event::Freezes(host), Event::Thaws(host)),
        (Event::OutOfSight(host), Event::Heals),
        (Event::WatcherCutOff, Event::Heals),
        (Event::Parted(host, other), Event::Heals),
        (Event::Isolated(host), Event::Heals),
        (Event::Opened(host), Event::Heals),
        (Event::VipGone, Event::Heals),
    ]);
    let at = 500 * Millis::from(prng.below(60));
    let until = at + prng.one_of(&[500, 1_000, 3_000, 10_000, 20_000]);
    events.push((at, wrong));
    if until < TURMOIL && !prng.once_in(4) {
        events.push((until, right));
    }
}

/// Hosts that need not follow: those that follow nobody, which only a person brings back.
pub(super) fn spared(world: &World) -> Vec<u32> {
    let is_lost = |number: &u32| world.at(*number).server.channel.is_none();
    world.numbers().filter(is_lost).collect()
}

/// Whether too few replicas are left for anybody to lead: one that leads needs another to acknowledge.
pub(super) fn is_excused(world: &World) -> bool {
    let follows = |number: &u32| {
        let machine = world.at(*number);
        machine.is_reached() && machine.server.is_up() && machine.server.channel.is_some()
    };
    world.numbers().filter(follows).count() < 2
}

/// A few in which a mistake shows.
pub(super) fn telling(watched: fn(Flavor, usize, Option<Duration>) -> Cluster) -> Vec<Story> {
    let lists: [&[(Millis, Event)]; 5] = [
        &[(5_000, Event::Dies(1))],
        &[(5_000, Event::OutOfSight(1)), (30_000, Event::Heals)],
        &[
            (5_000, Event::Parted(1, 2)),
            (5_000, Event::Parted(1, 3)),
            (25_000, Event::Heals),
        ],
        // What it wrote alone comes back with it.
        &[
            (5_000, Event::Parted(1, 2)),
            (5_000, Event::Parted(1, 3)),
            (5_000, Event::OutOfSight(1)),
            (8_000, Event::LosesPower(1)),
            (30_000, Event::Heals),
            (30_000, Event::HasPower(1)),
        ],
        &[(5_000, Event::VipGone), (9_000, Event::Opened(2))],
    ];
    let of = |flavor: Flavor| {
        lists
            .iter()
            .map(move |events| Story::of(watched(flavor, 3, None), events.to_vec()))
    };
    FLAVORS.into_iter().flat_map(of).collect()
}
