//! What a watcher perceives of the world over time, put together as pulses. It says what was seen, as
//! the live senses do: a state lasts from its first sign on, silence from the last answer on, and what
//! a replica received is known by a change between two answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hactl::facts::{Beat, MachinePulse, Process as Seen, Pulse, ServerPulse, Vigil, VipPresence};
use hactl::inventory::HostName;
use hactl::mysql::BeatFacts;

use crate::world::{Millis, Process, World};

/// What has been seen so far.
#[derive(Debug)]
pub(super) struct Senses {
    /// When this watch began: its own clock starts there.
    began: Millis,
    pulses: BTreeMap<HostName, Pulse>,
    latest: BTreeMap<HostName, BeatFacts>,
}

impl Senses {
    /// Nothing is known yet.
    pub(super) fn new(world: &World) -> Self {
        let unknown = Pulse {
            server: ServerPulse::Unknown,
            machine: MachinePulse::Unknown,
            last: None,
        };
        let hosts = world.machines.iter().map(|machine| machine.name.clone());
        Self {
            began: world.now,
            pulses: hosts.map(|host| (host, unknown.clone())).collect(),
            latest: BTreeMap::new(),
        }
    }

    /// Everything that is known.
    pub(super) fn vigil(&self, world: &World) -> Vigil {
        Vigil {
            now: world.now - self.began,
            pulses: self.pulses.clone(),
        }
    }

    /// Asks every host once.
    pub(super) fn ask(&mut self, world: &World) {
        let now = world.now - self.began;
        for (number, machine) in world.numbers().zip(&world.machines) {
            let Some(pulse) = self.pulses.get_mut(&machine.name) else {
                continue;
            };
            let process = machine.server.process;
            match (machine.is_reached(), process) {
                (true, Process::Up) => {
                    let facts = world.beat(number);
                    let earlier = self.latest.get(&machine.name);
                    let heard = earlier.is_some_and(|earlier| facts.has_received_since(earlier));
                    let before = pulse.last.as_ref().and_then(|last| last.received);
                    let received = if heard { Some(now) } else { before };
                    let received = facts.replica.as_ref().and(received);
                    pulse.server = ServerPulse::Answers { at: now };
                    pulse.last = Some(beat(&facts, now, received));
                    self.latest.insert(machine.name.clone(), facts);
                }
                (true, Process::Gone) => pulse.server = refuses(&pulse.server, now),
                _ => pulse.server = silent(&pulse.server, now),
            }
            pulse.machine = if machine.is_reached() {
                let process = match process {
                    Process::Up => Seen::Runs,
                    Process::Frozen => Seen::Frozen,
                    Process::Gone => Seen::Gone,
                };
                MachinePulse::Works {
                    at: now,
                    process,
                    vip: VipPresence::Unknown,
                }
            } else {
                machine_silent(&pulse.machine, now)
            };
        }
    }
}

fn beat(facts: &BeatFacts, at: Millis, received: Option<Millis>) -> Beat {
    Beat {
        at,
        took: Duration::from_millis(1),
        server_id: facts.server_id,
        uptime: facts.uptime,
        read_only: facts.read_only,
        executed: facts.executed.clone(),
        semi_sync: facts.semi_sync.clone(),
        replica: facts.replica.clone(),
        received,
        stuck: None,
    }
}

fn refuses(before: &ServerPulse, now: Millis) -> ServerPulse {
    let since = match before {
        ServerPulse::Refuses { since, .. } => *since,
        _ => now,
    };
    let text = "refused".to_owned();
    ServerPulse::Refuses { since, text }
}

fn silent(before: &ServerPulse, now: Millis) -> ServerPulse {
    let since = match before {
        ServerPulse::Answers { at } => *at,
        ServerPulse::Silent { since, .. } => *since,
        _ => now,
    };
    let text = "no answer".to_owned();
    ServerPulse::Silent { since, text }
}

fn machine_silent(before: &MachinePulse, now: Millis) -> MachinePulse {
    let since = match before {
        MachinePulse::Works { at, .. } => *at,
        MachinePulse::Silent { since, .. } => *since,
        _ => now,
    };
    let text = "no answer".to_owned();
    MachinePulse::Silent { since, text }
}
