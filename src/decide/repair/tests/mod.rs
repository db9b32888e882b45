//! What is repaired and what is only said, each from one difference to a healthy cluster.

mod semi_sync;

use super::*;
use crate::decide::{Next, Procedure as _, foresee};
use crate::facts::{Mark, UnreachableKind};
use crate::fixture::{
    Mutate as _, cluster, cluster_with, healthy, held, name, refused, unreachable,
};
use crate::mysql::{Flavor, GtidSet, Positioning, ServerError, ThreadState};
use crate::plan::{Outcome, predict};

const BOTH: [Flavor; 2] = [Flavor::MariaDb, Flavor::MySql];

fn mark(host: Option<&str>) -> Mark {
    Mark {
        at: 0,
        by: "ann@desk".to_owned(),
        host: host.map(name),
        text: "new disk".to_owned(),
    }
}

fn found(cluster: &Cluster, seen: &Observation) -> (Vec<String>, Vec<&'static str>) {
    let repairs = repairs(cluster, seen, &name("db1")).unwrap_or_default();
    let steps = repairs.safe.iter().flat_map(|stage| stage.steps.iter());
    let steps = steps.map(|step| format!("{}: {}", step.host, step.action));
    let told = repairs.told.iter().map(|finding| finding.code);
    (steps.collect(), told.collect())
}

#[test]
fn a_primary_that_cannot_be_asked_says_nothing_about_its_replicas() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    assert_eq!(
        repairs(&cluster, &seen, &name("db1")),
        Some(Repairs::default())
    );
    seen.server_mut("db1").read_only.read_only = Switch::On;
    assert_eq!(repairs(&cluster, &seen, &name("db1")), None);
    seen.hosts.remove(&name("db1"));
    assert_eq!(repairs(&cluster, &seen, &name("db1")), None);
}

/// `db2` follows nobody, and is not the primary.
fn stray(seen: &mut Observation) -> &mut ServerFacts {
    let facts = seen.server_mut("db2");
    facts.replica = None;
    facts
}

fn stop(seen: &mut Observation, uptime: Duration) -> &mut ReplicaStatus {
    let facts = seen.server_mut("db2");
    facts.uptime = uptime;
    let status = facts.replica.as_mut().unwrap();
    status.receiver = ThreadState::Stopped;
    status.applier = ThreadState::Stopped;
    status
}

fn vip(seen: &mut Observation, from: &str, to: Option<&str>) {
    let address = "192.0.2.90".parse().unwrap();
    let addresses = &mut seen.reached_mut(from).os.addresses;
    addresses.retain(|held| held.address != address);
    if let Some(to) = to {
        seen.reached_mut(to)
            .os
            .addresses
            .push(held(address, "eth0"));
    }
}

/// `db1` took over from `db3`, and `db2` was away.
fn straggle(seen: &mut Observation) {
    seen.replica_mut("db2").source_host = "192.0.2.3".to_owned();
    seen.reached_mut("db1").os.marks.failover = Some(mark(Some("db3")));
    let reached = seen.reached_mut("db3");
    reached.server = ServerView::Stopped;
    reached.os.marks.fenced = Some(mark(Some("db3")));
}

/// A transaction that it wrote itself.
fn own_writes(facts: &mut ServerFacts) {
    let flavor = facts.dialect.flavor;
    let own = match flavor {
        Flavor::MariaDb => format!("0-{}-999", facts.server_id),
        Flavor::MySql => format!("{}:1-3", facts.server_uuid.clone().unwrap_or_default()),
    };
    let own = GtidSet::parse(flavor, &own).unwrap();
    if let GtidSet::MariaDb(_) = own {
        let state = facts.binlog_state.as_ref().unwrap();
        facts.binlog_state = Some(format!("{state},{own}").parse().unwrap());
        facts.executed = own;
    } else {
        facts.executed = facts.executed.union(&own).unwrap();
    }
}

type Change = fn(&mut Observation);
type Row = (
    &'static str,
    Change,
    &'static [&'static str],
    &'static [&'static str],
);

const FENCE: &str = "db2: fence: VIP off, server killed and masked";

const ROWS: &[Row] = &[
    ("all is well", |_| {}, &[], &[]),
    (
        "a replica that takes writes",
        |seen| seen.server_mut("db2").read_only.read_only = Switch::Off,
        &["db2: turn read-only on"],
        &["ReplicaIsWritable"],
    ),
    (
        "a replica that waits",
        |seen| seen.server_mut("db2").semi_sync.source_enabled = Some(Switch::On),
        &["db2: turn semi-sync as source off"],
        &["ReplicaWaitsForAcks"],
    ),
    (
        "a replica that came back from a reboot",
        |seen| {
            stop(seen, Duration::from_secs(40));
        },
        &["db2: replicate from db1"],
        &["ReplicationStopped"],
    ),
    (
        "one that is still coming back",
        |seen| {
            stop(seen, Duration::from_secs(5));
        },
        &[],
        &[],
    ),
    (
        "one that applies its relay log before it goes on",
        |seen| {
            let status = stop(seen, Duration::from_secs(40));
            status.using_gtid = Positioning::File;
            status.applier = ThreadState::Running;
        },
        &[],
        &[],
    ),
    (
        "one that somebody stopped",
        |seen| {
            stop(seen, Duration::from_hours(1));
        },
        &[],
        &["ReplicationStopped"],
    ),
    (
        "one that stopped with an error",
        |seen| {
            stop(seen, Duration::from_secs(40)).last_sql_error = Some(ServerError {
                number: 1062,
                text: "Duplicate entry".to_owned(),
            });
        },
        &[],
        &["ReplicationStopped"],
    ),
    (
        "lag",
        |seen| seen.replica_mut("db2").lag = Some(Duration::from_mins(2)),
        &[],
        &["ReplicaLagging"],
    ),
    (
        "filters",
        |seen| seen.replica_mut("db2").filters = vec!["Replicate_Do_DB = a".to_owned()],
        &[],
        &["ReplicaFilters"],
    ),
    (
        "another source",
        |seen| seen.replica_mut("db2").source_host = "192.0.2.77".to_owned(),
        &[],
        &["ConnectedToWrongPrimary"],
    ),
    (
        "a replica that was away when db1 took over from db3",
        straggle,
        &["db2: stop receiving and apply what was received"],
        &["ConnectedToWrongPrimary", "Fenced"],
    ),
    (
        "one that has something of its own",
        |seen| {
            straggle(seen);
            own_writes(seen.server_mut("db2"));
        },
        &[],
        &["ErrantGtid", "ConnectedToWrongPrimary", "Fenced"],
    ),
    (
        "one whose source nobody replaced",
        |seen| {
            straggle(seen);
            for host in ["db1", "db3"] {
                let marks = &mut seen.reached_mut(host).os.marks;
                (marks.failover, marks.fenced) = (None, None);
            }
        },
        &[],
        &["ConnectedToWrongPrimary", "DeadReplica"],
    ),
    (
        "one whose source was replaced once and is a replica again",
        |seen| {
            seen.replica_mut("db2").source_host = "192.0.2.3".to_owned();
            seen.reached_mut("db1").os.marks.failover = Some(mark(Some("db3")));
        },
        &[],
        &["ConnectedToWrongPrimary"],
    ),
    (
        "one that is held back on purpose",
        |seen| {
            straggle(seen);
            seen.replica_mut("db2").delay_s = 3600;
        },
        &[],
        &["ConnectedToWrongPrimary", "Fenced"],
    ),
    (
        "no VIP",
        |seen| vip(seen, "db1", None),
        &["db1: add 192.0.2.90/24 to eth0"],
        &["VipMissing"],
    ),
    (
        "the VIP on another interface: first off, and on only when that was seen",
        |seen| {
            vip(seen, "db1", None);
            let address = "192.0.2.90".parse().unwrap();
            let addresses = &mut seen.reached_mut("db1").os.addresses;
            addresses.push(held(address, "lo"));
        },
        &["db1: remove 192.0.2.90/24 from lo"],
        &["VipOnOtherInterface"],
    ),
    (
        "the VIP elsewhere: first off, and on only when that was seen",
        |seen| vip(seen, "db1", Some("db2")),
        &["db2: remove 192.0.2.90/24 from eth0"],
        &["VipOnReplica"],
    ),
    (
        "the VIP twice",
        |seen| vip(seen, "db3", Some("db3")),
        &["db3: remove 192.0.2.90/24 from eth0"],
        &["VipOnReplica"],
    ),
    (
        "the VIP on a host whose server hangs",
        |seen| {
            vip(seen, "db3", Some("db3"));
            seen.reached_mut("db3").server = refused(1040);
        },
        &["db3: remove 192.0.2.90/24 from eth0"],
        &["VipOnReplica", "ServerRefuses"],
    ),
    (
        "a former primary that takes writes",
        |seen| stray(seen).read_only.read_only = Switch::Off,
        &[FENCE],
        &["FormerPrimaryReturned"],
    ),
    (
        "a former primary that a failover left behind",
        |seen| {
            stray(seen);
            seen.reached_mut("db3").os.marks.failover = Some(mark(Some("db2")));
        },
        &[FENCE],
        &["FormerPrimaryReturned"],
    ),
    (
        "a former primary with the VIP that lets nobody look",
        |seen| {
            seen.reached_mut("db2").server = refused(1040);
            vip(seen, "db2", Some("db2"));
            seen.reached_mut("db3").os.marks.failover = Some(mark(Some("db2")));
        },
        &[FENCE],
        &["FormerPrimaryReturned"],
    ),
    (
        "a server that lets nobody look, with the VIP",
        |seen| {
            seen.reached_mut("db2").server = refused(1040);
            vip(seen, "db2", Some("db2"));
        },
        &["db2: remove 192.0.2.90/24 from eth0"],
        &["VipOnReplica", "ServerRefuses"],
    ),
    (
        "one that failed once, was rejoined, and lets nobody look",
        |seen| {
            seen.reached_mut("db2").server = refused(1040);
            seen.reached_mut("db3").os.marks.failover = Some(mark(Some("db2")));
        },
        &[],
        &["ServerRefuses"],
    ),
    (
        "a former primary with the VIP",
        |seen| {
            stray(seen);
            vip(seen, "db2", Some("db2"));
        },
        &[FENCE],
        &["FormerPrimaryReturned"],
    ),
    (
        "a server that follows nobody and was not left behind",
        |seen| {
            stray(seen);
        },
        &[],
        &["NotReplicating"],
    ),
    (
        "a server that was never one of them",
        |seen| {
            let facts = stray(seen);
            facts.own_schema = OwnSchema::Absent;
            facts.read_only.read_only = Switch::Off;
        },
        &[],
        &["NotReplicating"],
    ),
    (
        "one that is being seeded",
        |seen| {
            let facts = stray(seen);
            facts.seeding = Seeding::Unfinished;
            facts.read_only.read_only = Switch::Off;
        },
        &[],
        &["NotReplicating"],
    ),
    (
        "another that has replicas",
        |seen| {
            stray(seen).read_only.read_only = Switch::Off;
            seen.replica_mut("db3").source_host = "192.0.2.2".to_owned();
        },
        &[],
        &["TwoPrimaries", "ConnectedToWrongPrimary"],
    ),
    (
        "a fenced one",
        |seen| {
            let reached = seen.reached_mut("db2");
            reached.server = ServerView::Stopped;
            reached.os.marks.fenced = Some(mark(Some("db2")));
        },
        &[],
        &["Fenced"],
    ),
    (
        "a stopped one",
        |seen| seen.reached_mut("db2").server = ServerView::Stopped,
        &[],
        &["DeadReplica"],
    ),
    (
        "a host out of reach",
        |seen| {
            let gone = unreachable(UnreachableKind::Network);
            seen.hosts.insert(name("db2"), gone);
        },
        &[],
        &["HostUnreachable"],
    ),
    (
        "a former primary in maintenance",
        |seen| {
            stray(seen).read_only.read_only = Switch::Off;
            seen.reached_mut("db3").os.marks.maintenance = Some(mark(Some("db2")));
        },
        &[],
        &["FormerPrimaryReturned"],
    ),
    (
        "everything in maintenance",
        |seen| {
            vip(seen, "db1", None);
            seen.reached_mut("db3").os.marks.maintenance = Some(mark(None));
        },
        &[],
        &["VipMissing"],
    ),
    (
        "a primary that is down: a failover's business",
        |seen| {
            seen.reached_mut("db1").server = ServerView::Stopped;
            stray(seen).read_only.read_only = Switch::Off;
        },
        &[],
        &[],
    ),
    (
        "a primary that takes no writes: another may lead by now",
        |seen| {
            seen.server_mut("db1").read_only.read_only = Switch::On;
            stray(seen).read_only.read_only = Switch::Off;
        },
        &[],
        &[],
    ),
];

#[test]
fn only_what_is_safe_is_repaired_and_all_of_it_is_said() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        for (what, change, steps, told) in ROWS {
            let mut seen = healthy(&cluster);
            change(&mut seen);
            let (found_steps, found_told) = found(&cluster, &seen);
            assert_eq!(found_steps, *steps, "{flavor}: {what}");
            assert_eq!(found_told, *told, "{flavor}: {what}");
        }
    }
}

#[test]
fn repaired_once_it_stays_so() {
    let cluster = cluster(Flavor::MariaDb, 3);
    for (what, change, ..) in ROWS {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        for round in 0.. {
            let needed = repairs(&cluster, &seen, &name("db1")).unwrap_or_default();
            let repair = Repair::new(&cluster, &name("db1"), needed);
            let plan = foresee(&cluster, &repair, &seen).unwrap();
            if plan.stages.is_empty() {
                break;
            }
            assert!(
                round < 3,
                "{what}: it is repaired again and again: {plan:?}"
            );
            for stage in plan.stages {
                seen = predict(&cluster, &seen, &stage);
            }
        }
    }
}

/// A repair of one that was left behind, led by hand. `arrives` is what its relay log still held.
fn repointed(flavor: Flavor, arrives: fn(&mut ServerFacts), drain: &Outcome) -> Vec<String> {
    let cluster = cluster(flavor, 3);
    let mut seen = healthy(&cluster);
    straggle(&mut seen);
    let needed = repairs(&cluster, &seen, &name("db1")).unwrap();
    let mut repair = Repair::new(&cluster, &name("db1"), needed);
    let mut done = Vec::new();
    while let Next::Stage(stage) = repair.next(&seen) {
        let ended = |step: &Step| (step.clone(), drain.clone());
        repair.ended(&stage.steps.iter().map(ended).collect::<Vec<_>>());
        seen = predict(&cluster, &seen, &stage);
        arrives(seen.server_mut("db2"));
        let steps = stage.steps.iter();
        done.extend(steps.map(|step| format!("{}: {}", step.host, step.action)));
    }
    done
}

#[test]
fn who_was_left_behind_follows_only_what_has_all_that_it_received() {
    let drained = "db2: stop receiving and apply what was received";
    for flavor in BOTH {
        let all = repointed(flavor, |_| {}, &Outcome::Changed);
        assert_eq!(all, [drained, "db2: replicate from db1"], "{flavor}");
        // It had acknowledged what the new primary never got: that shows once it is applied.
        let own = repointed(flavor, own_writes, &Outcome::Changed);
        assert_eq!(own, [drained], "{flavor}");
        let failed = Outcome::Unknown {
            error: "lost".to_owned(),
        };
        let unknown = repointed(flavor, |_| {}, &failed);
        assert_eq!(unknown, [drained], "{flavor}: nobody knows what is applied");
    }
}

#[test]
fn an_address_that_an_unseen_host_may_hold_is_asked_for() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    vip(&mut seen, "db1", None);
    let neighbours = |seen: &Observation| {
        let stage = repairs(&cluster, seen, &name("db1"))
            .unwrap()
            .safe
            .pop()
            .unwrap();
        match stage.steps[0].action {
            Action::AddVip { neighbours, .. } => neighbours,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(neighbours(&seen), Neighbours::Known);
    let gone = unreachable(UnreachableKind::Network);
    seen.hosts.insert(name("db3"), gone);
    assert_eq!(neighbours(&seen), Neighbours::Ask);
}

#[test]
fn who_is_fenced_is_told_how_to_come_back() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    stray(&mut seen).read_only.read_only = Switch::Off;
    let told = repairs(&cluster, &seen, &name("db1"))
        .unwrap()
        .told
        .remove(0);
    assert_eq!(
        told.message,
        "came back and takes writes, while db1 leads (repaired: fence: VIP off, server killed and masked)"
    );
    assert_eq!(told.next, "`hactl rejoin db2` brings it back as a replica");
}

/// In that mode both are in order; and a replica that follows like that and was stopped is no longer taken for
/// one that applies its relay log before it goes on.
#[test]
fn a_replica_may_follow_by_position_where_that_is_the_mode() {
    type Change = fn(&mut Observation);
    let by_position: Change = |seen| seen.replica_mut("db2").using_gtid = Positioning::File;
    let stopped: Change = |seen| {
        let status = stop(seen, Duration::from_hours(1));
        (status.using_gtid, status.applier) = (Positioning::File, ThreadState::Running);
        let log = Some("binlog.000001".parse().unwrap());
        status.read_source_log.clone_from(&log);
        status.exec_source_log = log;
    };
    let replaying: Change = |seen| {
        let status = stop(seen, Duration::from_hours(1));
        (status.using_gtid, status.applier) = (Positioning::File, ThreadState::Running);
        status.read_source_log = Some("binlog.000001".parse().unwrap());
    };
    for (mode, change, codes) in [
        ("gtid", by_position, &["FollowsByPosition"][..]),
        ("position", by_position, &[][..]),
        ("gtid", stopped, &[][..]),
        ("position", stopped, &["ReplicationStopped"][..]),
        ("gtid", replaying, &[][..]),
        ("position", replaying, &[][..]),
    ] {
        let more = format!("replication: {{mode: {mode}}}\n");
        let cluster = cluster_with(Flavor::MariaDb, 3, &more);
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let found = found(&cluster, &seen);
        assert_eq!(found, (Vec::new(), codes.to_vec()), "{mode}");
    }
}

/// What has been seeded to its end and not started is bootstrap's to start, whatever the host just did.
#[test]
fn half_a_seed_is_never_started() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    stop(&mut seen, Duration::from_secs(40));
    seen.server_mut("db2").seeding = Seeding::Unfinished;
    assert_eq!(found(&cluster, &seen), (Vec::new(), vec!["HalfSeeded"]));
}
