//! What the steps of a change of leadership are predicted to leave behind, one by one, from a healthy
//! cluster that `db1` leads.

use super::*;
use crate::facts::{Mark, MarkKind, PackageManager, UnitState};
use crate::fixture::{Mutate as _, cluster, dialect, healthy, name, stage_of};
use crate::inventory::HookPoint;
use crate::mysql::{Flavor, GtidSet, Switch, ThreadState};
use crate::plan::{FenceMethod, FileChange, Neighbours, Receiving};

const DRAIN: Action = Action::Drain {
    at_boot: Receiving::Held,
};

const PROMOTE: Action = Action::Promote {
    within: std::time::Duration::from_secs(1),
    proof: crate::plan::Proof::OwnRow,
};

const BOTH: [Flavor; 2] = [Flavor::MariaDb, Flavor::MySql];

/// A healthy cluster after these actions, and before.
fn after(
    flavor: Flavor,
    change: impl Fn(&mut Observation),
    steps: Vec<(&str, Action)>,
) -> (Cluster, Observation, Observation) {
    let cluster = cluster(flavor, 3);
    let mut seen = healthy(&cluster);
    change(&mut seen);
    let after = predict(&cluster, &seen, &stage_of(steps));
    (cluster, seen, after)
}

fn further(flavor: Flavor) -> GtidSet {
    let text = match flavor {
        Flavor::MariaDb => "0-1-150",
        Flavor::MySql => "00000000-0000-0000-0000-000000000001:1-150",
    };
    GtidSet::parse(flavor, text).expect("a GTID set")
}

fn up<'a>(seen: &'a Observation, host: &str) -> &'a ServerFacts {
    seen.server(&name(host)).expect("a server that is up")
}

fn fence() -> Action {
    Action::Fence {
        method: FenceMethod::Ssh,
    }
}

#[test]
fn debians_packages_start_a_server_and_others_do_not() {
    for flavor in BOTH {
        let package = dialect(flavor).server_package().to_owned();
        let installed = |manager| {
            let install = Action::InstallPackages {
                packages: vec![package.clone()],
            };
            let absent = |seen: &mut Observation| {
                let db2 = seen.reached_mut("db2");
                (db2.server, db2.os.package_manager) = (ServerView::Absent, manager);
            };
            let (_, _, seen) = after(flavor, absent, vec![("db2", install)]);
            let reached = seen.reached(&name("db2")).unwrap();
            let unit = &reached.os.units[dialect(flavor).service_unit()];
            (reached.server.up().is_some(), unit.state)
        };
        for manager in [None, Some(PackageManager::Apt)] {
            assert_eq!(installed(manager), (true, UnitState::Active));
        }
        for manager in [PackageManager::Dnf, PackageManager::Yum] {
            assert_eq!(installed(Some(manager)), (false, UnitState::Inactive));
        }
    }
}

#[test]
fn a_fenced_host_has_no_server_no_vip_and_says_so() {
    for flavor in BOTH {
        let (cluster, seen, after) = after(flavor, |_| {}, vec![("db1", fence())]);
        let reached = after.reached(&name("db1")).expect("reached");
        assert!(matches!(reached.server, ServerView::Stopped));
        let unit = &reached.os.units[dialect(flavor).service_unit()];
        assert_eq!(unit.state, UnitState::Inactive);
        assert_eq!(unit.enablement, "masked");
        let vip = cluster.vip.as_ref().expect("a VIP").address;
        assert!(seen.os(&name("db1")).expect("reached").has_address(vip));
        assert!(!reached.os.has_address(vip));
        let mark = reached.os.marks.fenced.as_ref().expect("a mark");
        assert_eq!((mark.at, &mark.host), (seen.taken_at, &Some(name("db1"))));
        assert_eq!(after.server(&name("db2")), seen.server(&name("db2")));
    }
}

#[test]
fn an_unfenced_host_has_a_read_only_server() {
    for action in [Action::Unfence, Action::Rewind] {
        let steps = vec![("db1", fence()), ("db1", action)];
        let (_, _, after) = after(Flavor::MySql, |_| {}, steps);
        let facts = up(&after, "db1");
        assert!(facts.read_only.is_full());
        assert_eq!(facts.semi_sync.source_enabled, Some(Switch::Off));
        let os = after.os(&name("db1")).expect("reached");
        assert!(os.units[dialect(Flavor::MySql).service_unit()].is_enabled());
        // The note goes when the rejoin has proven itself, not before.
        assert!(os.marks.fenced.is_some());
    }
}

#[test]
fn draining_applies_what_was_received_and_no_more() {
    for flavor in BOTH {
        let received = |seen: &mut Observation| {
            let status = crate::fixture::Mutate::replica_mut(seen, "db2");
            status.retrieved = Some(further(flavor));
            status.applier = ThreadState::Stopped;
        };
        let steps = vec![("db2", DRAIN), ("db3", DRAIN)];
        let (_, seen, after) = after(flavor, received, steps);
        let (drained, other) = (up(&after, "db2"), up(&after, "db3"));
        assert!(drained.executed.contains(&further(flavor)));
        assert_eq!(other.executed, up(&seen, "db3").executed);
        let status = drained.replica.as_ref().expect("still a replica");
        assert_eq!(
            (status.receiver, status.applier),
            (ThreadState::Stopped, ThreadState::Running)
        );
    }
}

#[test]
fn what_is_waited_for_or_fetched_is_executed() {
    for flavor in BOTH {
        let until = further(flavor);
        let rows = [
            (
                Action::CatchUp {
                    source: name("db3"),
                    until: until.clone(),
                },
                ThreadState::Stopped,
            ),
            (
                Action::AwaitPosition {
                    position: until.clone(),
                    within: std::time::Duration::from_secs(1),
                },
                ThreadState::Running,
            ),
        ];
        for (action, receiver) in rows {
            let (_, seen, after) = after(flavor, |_| {}, vec![("db2", action)]);
            assert!(!up(&seen, "db2").executed.contains(&until));
            assert!(up(&after, "db2").executed.contains(&until));
            let status = up(&after, "db2").replica.as_ref().expect("a replica");
            assert_eq!(status.receiver, receiver);
        }
    }
}

#[test]
fn a_promoted_server_still_refuses_clients() {
    for flavor in BOTH {
        let (_, _, after) = after(flavor, |_| {}, vec![("db2", PROMOTE)]);
        let facts = up(&after, "db2");
        assert!(facts.replica.is_none());
        assert!(!facts.read_only.is_writable());
        assert_eq!(facts.semi_sync.source_enabled, Some(Switch::Off));
    }
}

#[test]
fn a_demoted_server_refuses_writes_and_keeps_semi_sync() {
    let demote = Action::Demote {
        within: std::time::Duration::from_secs(1),
        vip: Some("192.0.2.90/24".to_owned()),
    };
    let (cluster, before, after) = after(Flavor::MySql, |_| {}, vec![("db1", demote)]);
    let held = |seen: &Observation| {
        let vip = cluster.vip.as_ref().expect("a VIP").address;
        seen.os(&name("db1")).expect("seen").has_address(vip)
    };
    assert!(held(&before) && !held(&after));
    assert!(up(&after, "db1").read_only.is_full());
    assert_eq!(up(&after, "db1").semi_sync.source_enabled, Some(Switch::On));
}

#[test]
fn a_replica_that_joins_acknowledges_and_one_that_is_there_counts_once() {
    let replicate = |source: &str| Action::Replicate {
        source: name(source),
        differs: Vec::new(),
    };
    let steps = vec![
        ("db3", replicate("db2")),
        ("db3", replicate("db2")),
        ("db1", replicate("db2")),
    ];
    let (_, _, then) = after(Flavor::MariaDb, |_| {}, steps);
    assert_eq!(up(&then, "db2").semi_sync.clients, 2);
    let (_, seen, then) = after(Flavor::MariaDb, |_| {}, vec![("db3", replicate("db1"))]);
    assert_eq!(
        up(&then, "db1").semi_sync.clients,
        up(&seen, "db1").semi_sync.clients
    );
    let silent = |seen: &mut Observation| {
        crate::fixture::Mutate::server_mut(seen, "db3")
            .semi_sync
            .replica_enabled = Some(Switch::Off);
    };
    let (_, _, then) = after(Flavor::MariaDb, silent, vec![("db3", replicate("db2"))]);
    assert_eq!(up(&then, "db2").semi_sync.clients, 0);
}

#[test]
fn a_mark_is_written_and_taken_away_like_a_file() {
    let mark = Mark {
        at: 7,
        by: "root@control".to_owned(),
        host: None,
        text: "kernel update".to_owned(),
    };
    let path = MarkKind::Maintenance.path(&cluster(Flavor::MariaDb, 3).name);
    let write = Action::WriteFile(FileChange {
        path: path.clone(),
        content: serde_json::to_string(&mark).expect("JSON"),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "644".to_owned(),
        before: None,
    });
    let marks = |steps| {
        let (_, _, after) = after(Flavor::MariaDb, |_| {}, steps);
        after.os(&name("db2")).expect("reached").marks.clone()
    };
    assert_eq!(
        marks(vec![("db2", write.clone())]).maintenance,
        Some(mark.clone())
    );
    let remove = Action::RemoveFile { path };
    let both = vec![("db2", write), ("db2", remove)];
    assert_eq!(marks(both), crate::facts::Marks::default());
}

#[test]
fn what_changes_nothing_that_is_seen_is_predicted_to_change_nothing() {
    let within = std::time::Duration::from_secs(1);
    let gtids = further(Flavor::MySql);
    let actions = [
        Action::AwaitAcker { within },
        Action::RunHook {
            hook: HookPoint::BeforeFence,
        },
        Action::Salvage {
            from: name("db1"),
            after: None,
        },
        Action::SaveErrant {
            beside: name("db1"),
            transactions: gtids,
            path: "/tmp/errant.sql".to_owned(),
        },
        Action::SaveTail {
            beside: name("db1"),
            path: "/tmp/tail.sql".to_owned(),
        },
    ];
    for action in actions {
        let what = action.to_string();
        let (_, seen, after) = after(Flavor::MySql, |_| {}, vec![("db2", action)]);
        assert_eq!(format!("{seen:?}"), format!("{after:?}"), "{what}");
    }
}

#[test]
fn an_address_is_held_once_however_often_it_is_added() {
    let add = Action::AddVip {
        address: "192.0.2.90/24".to_owned(),
        interface: "eth0".to_owned(),
        neighbours: Neighbours::Known,
        lease: None,
    };
    let (_, _, after) = after(
        Flavor::MySql,
        |_| {},
        vec![("db2", add.clone()), ("db2", add)],
    );
    let os = after.os(&name("db2")).expect("reached");
    assert_eq!(os.addresses.len(), 2);
}
