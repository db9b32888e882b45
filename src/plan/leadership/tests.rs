//! Each rule is seen to be broken by the smallest wrong stage, and to be kept by the right one.

use super::*;
use crate::fixture::{self, Mutate as _, cluster, dead_primary, name, stage_of};
use crate::mysql::Flavor;
use crate::plan::{FenceMethod, Neighbours, Receiving};

const PROMOTE: Action = Action::Promote {
    within: std::time::Duration::from_secs(1),
    proof: crate::plan::Proof::OwnRow,
};

fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}

fn open() -> Action {
    set(LiveVariable::ReadOnly, Switch::Off)
}

fn wait() -> Action {
    set(LiveVariable::SemiSyncSource, Switch::On)
}

fn acker() -> Action {
    Action::AwaitAcker {
        within: std::time::Duration::from_secs(1),
    }
}

fn vip() -> Action {
    Action::AddVip {
        address: "192.0.2.90/24".to_owned(),
        interface: "eth0".to_owned(),
        neighbours: Neighbours::Known,
        lease: None,
    }
}

fn follow(source: &str) -> Action {
    Action::Replicate {
        source: name(source),
        differs: Vec::new(),
    }
}

fn repoint() -> Action {
    Action::Repoint {
        source: name("db2"),
        within: std::time::Duration::from_secs(1),
    }
}

type Stages = Vec<(Look, Vec<(&'static str, Action)>)>;
type Change = fn(&mut Observation);

/// `db1` is fenced, and the receivers of the others are stopped.
fn secured(seen: &mut Observation) {
    let reached = seen.reached_mut("db1");
    reached.server = ServerView::Stopped;
    reached
        .os
        .addresses
        .retain(|held| held.address.to_string() != "192.0.2.90");
    reached.os.marks.fenced = Some(crate::facts::Mark {
        at: 0,
        by: String::new(),
        host: None,
        text: String::new(),
    });
    for host in ["db2", "db3"] {
        seen.replica_mut(host).receiver = ThreadState::Stopped;
    }
}

/// What is said of stages, one after the other, on what is seen before all of them.
fn said(waived: &[Waiver], change: Change, stages: Stages) -> Vec<String> {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = dead_primary(&cluster);
    secured(&mut seen);
    change(&mut seen);
    let waived = waived.iter().copied().collect();
    let mut rules = LeadershipRules::new(&cluster, name("db1"), OldPrimary::Dead, waived);
    let mut found = Vec::new();
    for (look, steps) in stages {
        let stage = StagePlan {
            look,
            ..stage_of(steps)
        };
        let violations = rules.violations(&stage, &seen);
        found.extend(violations.iter().map(ToString::to_string));
    }
    found
}

fn promote() -> (Look, Vec<(&'static str, Action)>) {
    (Look::None, vec![("db2", PROMOTE)])
}

fn opened() -> (Look, Vec<(&'static str, Action)>) {
    let steps = vec![
        ("db2", wait()),
        ("db2", acker()),
        ("db2", open()),
        ("db2", vip()),
        ("db3", follow("db2")),
    ];
    (Look::None, steps)
}

#[test]
fn the_right_order_breaks_nothing() {
    assert_eq!(said(&[], |_| {}, vec![promote(), opened()]), [""; 0]);
}

/// What is wrong, what is seen besides, the stages, and what is said.
type Row = (&'static str, Change, Stages, &'static str);

const UNCOVERED: &str = "db2 would take writes that no replica acknowledges";

/// Who is promoted, and beside whom.
fn promotions() -> Vec<Row> {
    let beside = "db2 would be promoted while db1 is neither fenced nor cut off from its replicas";
    vec![
        (
            "no fence",
            |seen| {
                seen.reached_mut("db1").os.marks.fenced = None;
                seen.replica_mut("db3").receiver = ThreadState::Connecting;
            },
            vec![promote()],
            beside,
        ),
        (
            "unreachable, and a replica still tries to receive",
            |seen| {
                let view = fixture::unreachable(crate::facts::UnreachableKind::Network);
                seen.hosts.insert(name("db1"), view);
                seen.replica_mut("db3").receiver = ThreadState::Connecting;
            },
            vec![promote()],
            beside,
        ),
        (
            "unreachable, and a replica is not seen",
            |seen| {
                for host in ["db1", "db3"] {
                    let view = fixture::unreachable(crate::facts::UnreachableKind::Network);
                    seen.hosts.insert(name(host), view);
                }
            },
            vec![promote()],
            beside,
        ),
        (
            "unreachable, and a replica that is stopped may be started",
            |seen| {
                let view = fixture::unreachable(crate::facts::UnreachableKind::Network);
                seen.hosts.insert(name("db1"), view);
                seen.reached_mut("db3").server = ServerView::Stopped;
            },
            vec![promote()],
            beside,
        ),
        (
            "another takes writes",
            |seen| seen.server_mut("db3").read_only.read_only = Switch::Off,
            vec![promote()],
            "db2 would become the primary while db3 takes writes",
        ),
        (
            "not drained",
            |seen| seen.replica_mut("db2").receiver = ThreadState::Running,
            vec![promote()],
            "db2 still receives: what it is receiving would be lost",
        ),
        (
            "drained until a restart",
            |_| {},
            vec![(
                Look::None,
                vec![(
                    "db2",
                    Action::Drain {
                        at_boot: Receiving::Resumes,
                    },
                )],
            )],
            "db2 still receives: what it is receiving would be lost",
        ),
        (
            "two promoted",
            |_| {},
            vec![promote(), (Look::None, vec![("db3", PROMOTE)])],
            "db3 would be promoted after db2, and nobody has looked whether db2 was",
        ),
    ]
}

/// What is done with whoever leads, and with those who follow.
fn openings() -> Vec<Row> {
    vec![
        (
            "opened without a promotion",
            |_| {},
            vec![(Look::None, vec![("db2", open())])],
            "db2 is a replica and would become writable",
        ),
        (
            "opened before semi-sync",
            |_| {},
            vec![
                promote(),
                (Look::None, vec![("db2", open()), ("db2", wait())]),
            ],
            UNCOVERED,
        ),
        (
            "VIP before writes",
            |_| {},
            vec![
                promote(),
                (
                    Look::None,
                    vec![("db2", wait()), ("db2", acker()), ("db2", vip())],
                ),
            ],
            "db2 would get the writer VIP before it takes writes",
        ),
        (
            "VIP before an acknowledging replica",
            |_| {},
            vec![
                promote(),
                (
                    Look::None,
                    vec![("db2", wait()), ("db2", open()), ("db2", vip())],
                ),
            ],
            UNCOVERED,
        ),
        (
            "VIP where another has it",
            |seen| {
                let held = fixture::held("192.0.2.90".parse().expect("an address"), "eth0");
                seen.reached_mut("db3").os.addresses.push(held);
            },
            vec![promote(), opened()],
            "db3 still holds the writer VIP that db2 would get",
        ),
        (
            "repointed before the promotion",
            |_| {},
            vec![(Look::None, vec![("db3", follow("db2"))])],
            "db3 would follow db2 before db2 is promoted",
        ),
        (
            "repointed beside the promotion",
            |_| {},
            vec![(Look::None, vec![("db2", PROMOTE), ("db3", follow("db2"))])],
            "db3 would follow db2 before db2 is promoted",
        ),
        (
            "repointed while it receives",
            |seen| seen.replica_mut("db3").receiver = ThreadState::Running,
            vec![promote(), opened()],
            "db3 still receives: what it is receiving would be lost",
        ),
        (
            "the new primary made a replica",
            |_| {},
            vec![promote(), (Look::None, vec![("db2", follow("db1"))])],
            "db2 is the primary and would be made a replica",
        ),
        (
            "a replica waits for acknowledgements",
            |_| {},
            vec![promote(), (Look::None, vec![("db3", wait())])],
            "db3 is a replica and would wait for acknowledgements",
        ),
        (
            "somebody else fenced",
            |_| {},
            vec![(
                Look::None,
                vec![(
                    "db3",
                    Action::Fence {
                        method: FenceMethod::Ssh,
                    },
                )],
            )],
            "db3 is not the failed primary and would be fenced",
        ),
    ]
}

#[test]
fn each_rule_is_broken_by_its_smallest_mistake() {
    for (what, change, stages, expected) in promotions().into_iter().chain(openings()) {
        let found = said(&[], change, stages);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{what}");
    }
}

/// A promotion that was looked at is judged by what is seen: the replica that it still is may lead no
/// more than before, and another may be promoted.
#[test]
fn a_look_is_believed_more_than_a_promise() {
    let looked = (Look::All, vec![("db2", PROMOTE)]);
    let other = (Look::None, vec![("db3", PROMOTE)]);
    assert_eq!(said(&[], |_| {}, vec![looked, other]), [""; 0]);
}

#[test]
fn what_a_person_permits_is_no_violation() {
    let no_mark: Change = |seen| {
        let view = fixture::unreachable(crate::facts::UnreachableKind::Network);
        seen.hosts.insert(name("db1"), view);
        seen.replica_mut("db3").receiver = ThreadState::Connecting;
    };
    for waiver in [Waiver::Unfenced, Waiver::FencedByCommand] {
        assert_eq!(said(&[waiver], no_mark, vec![promote()]), [""; 0]);
    }
    let bare = || (Look::None, vec![("db2", open()), ("db2", vip())]);
    assert_eq!(said(&[], |_| {}, vec![promote(), bare()]).len(), 2);
    let permitted = said(&[Waiver::Uncovered], |_| {}, vec![promote(), bare()]);
    assert_eq!(permitted, [""; 0]);
}

#[test]
fn a_demoted_primary_refuses_writes_or_nobody_is_promoted() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = fixture::healthy(&cluster);
    seen.replica_mut("db2").receiver = ThreadState::Stopped;
    let stage = stage_of(vec![("db2", PROMOTE)]);
    let early = stage_of(vec![("db3", repoint())]);
    let broken = |stage: &StagePlan, seen: &Observation| {
        let mut rules =
            LeadershipRules::new(&cluster, name("db1"), OldPrimary::Demoted, BTreeSet::new());
        rules.violations(stage, seen).len()
    };
    let rules = |seen: &Observation| [broken(&stage, seen), broken(&early, seen)];
    assert_eq!(rules(&seen), [1, 1]);
    let read_only = &mut seen.server_mut("db1").read_only;
    (read_only.read_only, read_only.super_read_only) = (Switch::On, Some(Switch::On));
    assert_eq!(rules(&seen), [0, 0]);
}

#[test]
fn after_a_death_no_replica_is_repointed_before_the_promotion() {
    let early = || (Look::None, vec![("db3", repoint())]);
    let promoted = (Look::None, vec![("db2", PROMOTE)]);
    assert_eq!(
        said(&[], |_| (), vec![early()]),
        ["db3 would follow db2 before db2 is promoted"]
    );
    // What is promoted is never made a replica, whoever led before.
    let own = (Look::None, vec![("db2", repoint())]);
    assert_eq!(said(&[], |_| (), vec![promoted, own]).len(), 1);
}

/// What is said of a switch from `db1`, which takes no more writes, when one thing of it is other than it
/// should be: a stage that prepares `db2`, and one in which it takes over.
fn said_of_a_switch(spoil: impl Fn(&mut [Vec<(&'static str, Action)>; 2])) -> Vec<String> {
    let second = std::time::Duration::from_secs(1);
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = fixture::healthy(&cluster);
    seen.server_mut("db1").read_only.read_only = Switch::On;
    let vip: std::net::IpAddr = "192.0.2.90".parse().unwrap();
    let addresses = &mut seen.reached_mut("db1").os.addresses;
    addresses.retain(|held| held.address != vip);
    let position = seen.server_mut("db1").executed.clone();
    let promote = Action::Promote {
        within: second,
        proof: Proof::Applied,
    };
    let await_position = Action::AwaitPosition {
        position,
        within: second,
    };
    let drain = Action::Drain {
        at_boot: Receiving::Resumes,
    };
    let mut stages = [
        vec![
            ("db2", await_position),
            ("db2", drain),
            ("db2", wait()),
            ("db3", repoint()),
        ],
        vec![
            ("db2", promote),
            ("db2", open()),
            ("db2", self::vip()),
            ("db3", follow("db2")),
        ],
    ];
    spoil(&mut stages);
    let mut rules =
        LeadershipRules::new(&cluster, name("db1"), OldPrimary::Demoted, BTreeSet::new());
    let mut found = Vec::new();
    for steps in stages {
        let stage = StagePlan {
            look: Look::None,
            ..stage_of(steps)
        };
        let violations = rules.violations(&stage, &seen);
        found.extend(violations.iter().map(ToString::to_string));
    }
    found
}

#[test]
fn an_heir_is_followed_once_it_has_everything_and_opened_only_under_cover() {
    assert_eq!(said_of_a_switch(|_| ()), [""; 0]);
    // Neither waits for acknowledgements nor is followed nor promoted before it has everything.
    for missing in [0, 1] {
        let said = said_of_a_switch(|[first, _]| drop(first.remove(missing)));
        assert!(said[0].contains("would wait"), "{said:?}");
        assert!(
            said.contains(&"db3 would follow db2 before db2 is promoted".to_owned()),
            "{said:?}"
        );
    }
    // The old primary is no replica yet: somebody proven has to lead it.
    assert_eq!(
        said_of_a_switch(|[_, second]| second.push(("db1", follow("db2")))),
        ["db1 would follow db2 before db2 is promoted"]
    );
    // A proof by a row of its own has switched semi-sync off.
    assert_eq!(
        said_of_a_switch(|[_, second]| second[0].1 = PROMOTE),
        [UNCOVERED]
    );
}
