//! What must be true, said from the world's own truth: what servers hold, what clients were told. It
//! uses nothing of what decides, and knows nothing of stages and plans.

use std::collections::BTreeSet;

use hactl::plan::{Action, Step};

use crate::world::{Process, Row, World};

/// What is wrong at this very moment, whatever hactl is in the middle of.
pub(crate) fn moment(world: &World) -> Option<String> {
    let serving: Vec<_> = world
        .numbers()
        .filter(|number| acknowledges(world, *number))
        .collect();
    if serving.len() > 1 {
        return Some(format!("clients are answered on {serving:?} at once"));
    }
    let holders: Vec<_> = world
        .numbers()
        .filter(|number| {
            let machine = world.at(*number);
            let was_away = world.resurfaced.contains(number);
            machine.is_reached() && machine.clients && machine.vip.is_some() && !was_away
        })
        .collect();
    if holders.len() > 1 {
        return Some(format!("the VIP is on {holders:?} at once"));
    }
    if let Some(alone) = uncovered(world) {
        return Some(alone);
    }
    if let Some(row) = world.cut_off.difference(&world.kept).next() {
        return Some(format!("{row:?} was cut off, and nobody kept it"));
    }
    let lacking = serving.first().and_then(|leader| missing(world, *leader));
    if lacking.is_some() {
        return lacking;
    }
    let following = world.numbers().find(|number| {
        let server = &world.at(*number).server;
        server.takes_writes() && server.channel.is_some()
    });
    // Somebody else may have made it so before; hactl must not.
    following
        .filter(|number| world.at(*number).vip.is_some())
        .map(|number| format!("db{number} follows, is writable and has the VIP"))
}

/// What is wrong after this step, seen from what it did.
pub(crate) fn after(world: &World, step: &Step) -> Option<String> {
    let host = world.number(&step.host)?;
    let machine = world.at(host);
    match step.action {
        // S17: whoever arrives finds a server that takes writes, and no second one beside it.
        Action::AddVip { .. } if machine.vip.is_some() => {
            // One that died a moment ago can do no harm with it.
            if machine.server.is_up() && machine.server.read_only {
                return Some(format!("db{host} got the VIP and takes no writes"));
            }
            let other = world.numbers().find(|other| {
                let beside = world.at(*other);
                *other != host && beside.vip.is_some() && beside.clients && beside.power
            });
            let other = other.filter(|other| could_acknowledge(world, *other));
            other.map(|other| format!("db{host} got the VIP beside db{other}"))
        }
        // S22: what only a replica has is never taken along in silence.
        Action::Replicate { .. } => {
            let channel = machine.server.channel.as_ref();
            let source = channel.filter(|channel| channel.connected)?.source;
            let led = &world.at(source).server.log;
            let errant = machine.server.holds().find(|row| !led.contains(row));
            errant.map(|row| format!("db{host} follows db{source}, which lacks {row:?}"))
        }
        // A promoted server is the only one, and whole.
        Action::Promote { .. } if machine.server.is_up() && machine.server.channel.is_none() => {
            missing(world, host)
        }
        _ => None,
    }
}

/// Why a primary must not be taken for dead: one that hactl can ask hears from it. Nothing that is
/// further away counts, and nothing that is only believed.
pub(crate) fn alive(world: &World, leader: u32) -> Option<String> {
    let hears = |number: &u32| {
        let machine = world.at(*number);
        machine.is_reached() && world.receives(*number) == Some(leader)
    };
    let witness = world.numbers().find(hears)?;
    Some(format!("db{witness} receives from db{leader}"))
}

/// An acknowledged row that is on one disk only, or might have been.
fn uncovered(world: &World) -> Option<String> {
    if let Some(row) = world.client.uncovered.first() {
        return Some(format!(
            "{row:?} was acknowledged by a server that waits for nobody"
        ));
    }
    let alone = |row: &&Row| {
        let holds = |number: &u32| world.at(*number).server.holds().any(|held| held == *row);
        world.numbers().filter(holds).count() < 2
    };
    let row = world.client.acknowledged.iter().find(alone)?;
    Some(format!(
        "{row:?} was acknowledged and is on no second server"
    ))
}

/// Whether a client's write is acknowledged here, now.
fn acknowledges(world: &World, number: u32) -> bool {
    world.serves(number) && could_acknowledge(world, number)
}

/// Whether a write that got here would be acknowledged: now, or once the process is thawed.
fn could_acknowledge(world: &World, number: u32) -> bool {
    let server = &world.at(number).server;
    let alive = server.process != Process::Gone && !server.read_only;
    alive && (!server.semi_sync_source || world.ackers(number) > 0)
}

/// Acknowledged rows that a server does not have and will not get.
fn missing(world: &World, number: u32) -> Option<String> {
    let log: BTreeSet<_> = world.at(number).server.log.iter().collect();
    let acknowledged = &world.client.acknowledged;
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|row| !log.contains(row))
        .collect();
    (!lost.is_empty()).then(|| format!("db{number} leads and lacks {lost:?}"))
}

/// The one host that leads: it takes writes, has the VIP, is whole, and clients are answered.
pub(crate) fn leader(world: &World) -> Result<u32, String> {
    let leaders: Vec<_> = world
        .numbers()
        .filter(|number| {
            let machine = world.at(*number);
            machine.power && machine.server.takes_writes() && machine.server.channel.is_none()
        })
        .collect();
    let reached: Vec<_> = leaders
        .iter()
        .copied()
        .filter(|number| world.at(*number).is_reached())
        .collect();
    let [leader] = reached.as_slice() else {
        return Err(format!("these are writable and follow nobody: {reached:?}"));
    };
    if world.at(*leader).vip.is_none() {
        return Err(format!("db{leader} leads without the VIP"));
    }
    match missing(world, *leader) {
        Some(lost) => Err(lost),
        None => Ok(*leader),
    }
}

/// What is not as it should be in the end: one leader that acknowledges, and every replica that can be
/// reached and is whole follows it. `spared` are hosts that need not follow.
pub(crate) fn end(world: &World, spared: &[u32]) -> Result<u32, String> {
    let leader = leader(world)?;
    if !could_acknowledge(world, leader) {
        return Err(format!("db{leader} leads and nobody acknowledges"));
    }
    for number in world.numbers().filter(|number| *number != leader) {
        let machine = world.at(number);
        if !machine.is_reached() || !machine.server.is_up() || spared.contains(&number) {
            continue;
        }
        let channel = machine.server.channel.as_ref();
        if !channel.is_some_and(|channel| channel.source == leader && channel.connected) {
            return Err(format!(
                "db{number} does not follow db{leader}: {channel:?}"
            ));
        }
        let led = &world.at(leader).server.log;
        if let Some(errant) = machine.server.holds().find(|row| !led.contains(row)) {
            return Err(format!(
                "db{number} holds {errant:?}, which db{leader} lacks"
            ));
        }
        if !machine.server.read_only || machine.vip.is_some() || machine.server.semi_sync_source {
            return Err(format!("db{number} is no plain replica"));
        }
    }
    Ok(leader)
}
