//! The model is held to what real servers and networks do.

use std::time::Duration;

use hactl::mysql::Flavor;
use hactl::plan::{Action, Neighbours, OnFailure, Step};

use super::{Effect, Lease, NET_TIMEOUT, Process, World, cluster};

fn healthy() -> World {
    World::healthy(&cluster(Flavor::MariaDb, 3, &[]))
}

fn connected(world: &World, host: u32) -> bool {
    let channel = world.at(host).server.channel.as_ref();
    channel.expect("a replica").connected
}

#[test]
fn a_killed_source_is_noticed_at_once_and_a_silent_one_later() {
    let mut world = healthy();
    world.at_mut(1).server.crash();
    world.settle();
    assert!(!connected(&world, 2));
    for silent in [Process::Frozen, Process::Up] {
        let mut world = healthy();
        world.at_mut(1).server.process = silent;
        if silent == Process::Up {
            world.isolate(1);
        }
        world.settle();
        assert!(connected(&world, 2), "{silent:?}");
        world.pass(NET_TIMEOUT);
        assert!(!connected(&world, 2), "{silent:?}");
    }
}

#[test]
fn a_commit_is_acknowledged_by_who_received_it_and_by_nobody_else() {
    let mut world = healthy();
    world.write();
    assert_eq!(world.client.acknowledged.len(), 1);
    world.cut(1, 2);
    world.cut(1, 3);
    world.write();
    world.write();
    assert_eq!(world.client.acknowledged.len(), 1, "nobody received it");
    assert_eq!(world.at(1).server.log.len(), 2, "the client waits");
    world.heal();
    world.settle();
    assert_eq!(world.client.acknowledged.len(), 2);
    assert!(world.client.uncovered.is_empty());
}

#[test]
fn a_client_that_was_cut_off_is_told_nothing_any_more() {
    let mut world = healthy();
    world.cut(1, 2);
    world.cut(1, 3);
    world.write();
    world.at_mut(1).vip = None;
    world.write();
    world.heal();
    world.settle();
    assert!(world.client.acknowledged.is_empty());
}

#[test]
fn an_address_with_a_lease_goes_by_itself() {
    let mut world = healthy();
    let vip = Step {
        task: String::new(),
        host: "db1".parse().unwrap(),
        action: Action::AddVip {
            address: "192.0.2.90/24".to_owned(),
            interface: "eth0".to_owned(),
            neighbours: Neighbours::Known,
            lease: Some(Duration::from_secs(10)),
        },
        why: String::new(),
        on_failure: OnFailure::Stop,
    };
    assert!(matches!(world.carry_out(&vip), Effect::Ended(outcome) if outcome.is_good()));
    assert_eq!(world.at(1).vip, Some(Lease::Until(10_000)));
    world.pass(9_999);
    assert!(world.at(1).vip.is_some());
    world.pass(10_000);
    assert!(world.at(1).vip.is_none());
}

#[test]
fn a_returned_host_is_harmless() {
    let mut world = healthy();
    world.write();
    world.at_mut(1).power_off();
    world.settle();
    world.at_mut(1).power_on();
    let machine = world.at(1);
    assert!(machine.server.is_up() && machine.server.read_only && machine.vip.is_none());
    assert!(!machine.server.semi_sync_source);
}
