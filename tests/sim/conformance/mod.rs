//! The simulator's side of the list of [`cases`]: it must see what the list says.

mod cases;

use std::time::Duration;

use cases::{CASES, Case, Does, Given, Seen};
use hactl::facts::{Observation, ServerView};
use hactl::inventory::HostName;
use hactl::mysql::{Flavor, ServerFacts, Switch, ThreadState};
use hactl::plan::{Action, FenceMethod, LiveVariable, OnFailure, Outcome, Receiving, Step};

use crate::world::{Effect, Process, World, cluster};

fn name(host: u32) -> HostName {
    format!("db{host}").parse().expect("a host's name")
}

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

fn step(world: &World, does: Does) -> Step {
    let set = |variable, value| Action::SetVariable { variable, value };
    let (host, action) = match does {
        Does::Drain(host) => (
            host,
            Action::Drain {
                at_boot: Receiving::Held,
            },
        ),
        Does::Promote(host) => (
            host,
            Action::Promote {
                within: Duration::from_secs(1),
            },
        ),
        Does::Replicate(host, source) => (
            host,
            Action::Replicate {
                source: name(source),
                differs: Vec::new(),
            },
        ),
        Does::Demote(host) => (
            host,
            Action::Demote {
                within: Duration::from_secs(1),
                vip: None,
            },
        ),
        Does::Fence(host) => (
            host,
            Action::Fence {
                method: FenceMethod::Ssh,
            },
        ),
        Does::Unfence(host) => (host, Action::Unfence),
        Does::Rewind(host) => (host, Action::Rewind),
        Does::Salvage(host, from) => (
            host,
            Action::Salvage {
                from: name(from),
                after: None,
            },
        ),
        Does::CatchUp(host, source) => {
            let seen = world.seen_whole();
            let until = &seen.server(&name(source)).expect("it is up").executed;
            let (source, until) = (name(source), until.clone());
            (host, Action::CatchUp { source, until })
        }
        Does::Writable(host) => (host, set(LiveVariable::ReadOnly, Switch::Off)),
        Does::WaitForNobody(host) => (host, set(LiveVariable::SemiSyncSource, Switch::Off)),
    };
    Step {
        task: "conformance".to_owned(),
        host: name(host),
        action,
        why: String::new(),
        on_failure: OnFailure::Stop,
    }
}

/// Whether it is so, by what is observed; of rows, by what can be read.
fn is_so(world: &World, seen: &Observation, last: &Outcome, fact: Seen) -> bool {
    let server = |host| seen.server(&name(host));
    let is = |host, so: &dyn Fn(&ServerFacts) -> bool| server(host).is_some_and(so);
    let receiver = |facts: &ServerFacts| facts.replica.as_ref().map(|replica| replica.receiver);
    let reached = |host| seen.reached(&name(host)).expect("it is reached");
    let vip = world.cluster.vip.as_ref().expect("a VIP").address;
    match fact {
        Seen::Done => last.is_good(),
        Seen::NotDone => matches!(last, Outcome::Failed { .. }),
        Seen::Rows(host, count) => {
            let server = &world.at(host).server;
            let own_proofs = |row: &&crate::world::Row| row.writer == 1;
            server.process == Process::Up
                && server.log[..server.committed]
                    .iter()
                    .filter(own_proofs)
                    .count()
                    == count
        }
        Seen::FollowsNobody(host) => is(host, &|facts| !facts.is_replica()),
        Seen::Follows(host, source) => is(host, &|facts| {
            let address = world.cluster.hosts[&name(source)].address.to_string();
            facts
                .replica
                .as_ref()
                .is_some_and(|replica| replica.source_host == address)
        }),
        Seen::Drained(host) => is(host, &|facts| {
            facts.replica.as_ref().is_some_and(|replica| {
                replica.receiver == ThreadState::Stopped && replica.applier == ThreadState::Running
            })
        }),
        Seen::Receives(host) => is(host, &|facts| receiver(facts) == Some(ThreadState::Running)),
        Seen::ReadOnly(host) => is(host, &|facts| facts.read_only.read_only == Switch::On),
        Seen::Writable(host) => is(host, &|facts| facts.read_only.is_writable()),
        Seen::Down(host) => matches!(reached(host).server, ServerView::Stopped),
        Seen::Masked(host) => reached(host)
            .os
            .units
            .values()
            .any(|unit| unit.enablement == "masked"),
        Seen::HasVip(host) => reached(host).os.has_address(vip),
        Seen::HasNoVip(host) => !reached(host).os.has_address(vip),
    }
}

fn replay(flavor: Flavor, case: &Case) -> Vec<Seen> {
    let mut world = World::healthy(&cluster(flavor, 3, &[]));
    for given in case.given {
        prepare(&mut world, *given);
    }
    let mut last = Outcome::Already;
    for does in case.does {
        let step = step(&world, *does);
        last = match world.carry_out(&step) {
            Effect::Ended(outcome) => outcome,
            Effect::Waits(_) => panic!("{}: {does:?} waits", case.name),
        };
    }
    let of_flavor = match flavor {
        Flavor::MariaDb => case.mariadb,
        Flavor::MySql => case.mysql,
    };
    let seen = world.seen_whole();
    let facts = case.seen.iter().chain(of_flavor).copied();
    facts
        .filter(|fact| !is_so(&world, &seen, &last, *fact))
        .collect()
}

#[test]
fn the_world_does_what_the_list_says() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        for case in CASES {
            let wrong = replay(flavor, case);
            assert!(
                wrong.is_empty(),
                "{flavor}: {}: not so: {wrong:?}",
                case.name
            );
        }
    }
}
