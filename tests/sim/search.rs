//! Looks for a safe winner by trying: in the world itself, every host that could lead and every short
//! way to make it lead, with no idea of how hactl decides. A failover that is refused where one is found
//! must be refused for a reason that has a name.

use std::time::Duration;

use hactl::inventory::HostName;
use hactl::mysql::Switch;
use hactl::plan::{
    Action, FenceMethod, LiveVariable, Neighbours, OnFailure, Proof, Receiving, Step,
};

use crate::oracle;
use crate::world::{Effect, World};

const DRAIN: Action = Action::Drain {
    at_boot: Receiving::Held,
};

/// Why a careful tool may refuse although somebody could lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// The primary answers: that is a switchover.
    PrimaryAnswers,
    /// A host that is not seen may acknowledge to a primary that could not be fenced, or hold more than
    /// all others.
    UnseenHost,
    /// Somebody made a replica writable: what it holds is not known to be the primary's.
    WritableReplica,
}

/// The reason to refuse in this state, if there is one.
pub(crate) fn policy(world: &World) -> Option<Policy> {
    let machine = world.at(1);
    if machine.is_reached() && machine.server.takes_writes() {
        return Some(Policy::PrimaryAnswers);
    }
    let seen = |number: &u32| world.at(*number).is_reached() && world.at(*number).server.is_up();
    if !replicas(world).iter().all(seen) {
        return Some(Policy::UnseenHost);
    }
    let opened = |number: &u32| !world.at(*number).server.read_only;
    replicas(world)
        .iter()
        .any(opened)
        .then_some(Policy::WritableReplica)
}

fn replicas(world: &World) -> Vec<u32> {
    world.numbers().filter(|number| *number != 1).collect()
}

/// A host that could lead, with every acknowledged row and alone.
pub(crate) fn winner(world: &World) -> Option<u32> {
    let usable = |number: &u32| world.at(*number).is_reached() && world.at(*number).server.is_up();
    let usable: Vec<_> = replicas(world).into_iter().filter(usable).collect();
    let mut led = usable.iter().flat_map(|leader| {
        // Fetched from nobody, or from one that may have more.
        let donors = usable.iter().filter(move |donor| *donor != leader);
        let donors = std::iter::once(None).chain(donors.map(|donor| Some(*donor)));
        donors.map(|donor| (*leader, donor)).collect::<Vec<_>>()
    });
    led.find(|(leader, donor)| is_safe(world.clone(), &usable, *leader, *donor))
        .map(|(leader, _)| leader)
}

fn is_safe(mut world: World, usable: &[u32], leader: u32, donor: Option<u32>) -> bool {
    let name = |number: u32| world.at(number).name.clone();
    let source = name(leader);
    let method = FenceMethod::Ssh;
    let mut steps = vec![(1, Action::Fence { method })];
    steps.extend(usable.iter().map(|number| (*number, DRAIN)));
    if let Some(donor) = donor {
        let until = world.seen_whole();
        let until = until.server(&name(donor)).map(|facts| &facts.executed);
        let Some(until) = until.cloned() else {
            return false;
        };
        let source = name(donor);
        steps.push((leader, Action::CatchUp { source, until }));
    }
    let within = Duration::from_secs(1);
    steps.push((
        leader,
        Action::Promote {
            within,
            proof: Proof::OwnRow,
        },
    ));
    steps.push((leader, set(LiveVariable::SemiSyncSource, Switch::On)));
    for number in usable.iter().filter(|number| **number != leader) {
        let (source, differs) = (source.clone(), Vec::new());
        steps.push((*number, Action::Replicate { source, differs }));
    }
    steps.push((leader, set(LiveVariable::ReadOnly, Switch::Off)));
    let vip = Action::AddVip {
        address: "192.0.2.90/24".to_owned(),
        interface: "eth0".to_owned(),
        neighbours: Neighbours::Known,
        lease: None,
    };
    steps.push((leader, vip));
    for (host, action) in steps {
        let may_fail = matches!(action, Action::Fence { .. });
        let step = step(world.at(host).name.clone(), action);
        let is_done = matches!(world.carry_out(&step), Effect::Ended(outcome) if outcome.is_good());
        world.write();
        let is_wrong = oracle::after(&world, &step).or(oracle::moment(&world));
        if !(is_done || may_fail) || is_wrong.is_some() {
            return false;
        }
    }
    oracle::end(&world, &[1]) == Ok(leader)
}

fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}

fn step(host: HostName, action: Action) -> Step {
    Step {
        task: "search".to_owned(),
        host,
        action,
        why: String::new(),
        on_failure: OnFailure::Stop,
    }
}
