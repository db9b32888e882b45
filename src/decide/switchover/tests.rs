//! A switchover from every side: what is refused, in which order it is done, and where it ends when any
//! one step fails, loses its answer, or is the last one of a hactl that was killed.

use super::*;
use crate::decide::tests::rehearsal::{Fault, World};
use crate::facts::{Mark, ServerView, UnreachableKind};
use crate::fixture::{Mutate as _, cluster, cluster_with, healthy, held, name, unreachable};
use crate::inventory::{Durability, HookPoint};
use crate::mysql::{Flavor, OpenWrite, ServerFacts, Switch, ThreadState};
use crate::plan::{Action, Look, OnFailure, predict};

fn limits() -> SwitchoverLimits {
    SwitchoverLimits::default()
}

fn three() -> Cluster {
    cluster(Flavor::MariaDb, 3)
}

fn refused(cluster: &Cluster, seen: &Observation, target: Option<&str>) -> Vec<String> {
    let target = target.map(name);
    match Switchover::new(cluster, seen, target.as_ref(), limits()) {
        Ok(found) => vec![format!("goes to {}", found.target())],
        Err(refusals) => refusals
            .into_iter()
            .map(|refusal| format!("{} -> {}", refusal.reason, refusal.way_out))
            .collect(),
    }
}

#[test]
fn the_plan_reads_like_a_switchover() {
    let cluster = three();
    let seen = healthy(&cluster);
    let procedure = Switchover::new(&cluster, &seen, Some(&name("db2")), limits()).unwrap();
    let plan = crate::decide::foresee(&cluster, &procedure, &seen).unwrap();
    let lines: Vec<_> = plan
        .stages
        .iter()
        .flat_map(|stage| {
            let steps = stage.steps.iter();
            let steps = steps.map(|step| format!("  {}: {}", step.host, step.action));
            std::iter::once(stage.play.clone()).chain(steps)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    Cut clients off
      db1: remove 192.0.2.90/24, refuse writes and end clients' sessions
    Hand over to db2
      db2: wait until 0-3221225985-100 is applied
      db2: stop receiving and apply what was received
      db2: turn semi-sync as source on
      db3: take db2 as its next source
    db2 takes over
      db2: promote
      db2: wait until a replica acknowledges
      db2: turn read-only off
      db2: add 192.0.2.90/24 to eth0
      db3: replicate from db2
    db2 leads
      db1: replicate from db2
      db1: turn semi-sync as source off
    "#);
    assert_eq!(plan.intent, "switch shop from db1 to db2");
}

#[test]
fn what_no_step_of_another_host_needs_is_not_looked_at() {
    let cluster = three();
    let seen = healthy(&cluster);
    let procedure = Switchover::new(&cluster, &seen, None, limits()).unwrap();
    let plan = crate::decide::foresee(&cluster, &procedure, &seen).unwrap();
    let looks: Vec<_> = plan.stages.iter().map(|stage| stage.look.clone()).collect();
    let both = Look::Servers([name("db1"), name("db2")].into());
    assert_eq!(looks, [both, Look::None, Look::All, Look::All]);
    for step in plan.steps() {
        let later = matches!(
            step.action,
            Action::Replicate { .. } | Action::Repoint { .. } | Action::GiveWay { .. }
        ) || (step.host == name("db1") && step.task == "Semi-sync off");
        assert_eq!(step.on_failure == OnFailure::GoOn, later, "{step:?}");
    }
}

#[test]
fn every_fault_at_every_step_ends_with_one_leader() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        for hosts in [2, 3, 4] {
            let cluster = cluster(flavor, hosts);
            for start in starts(&cluster) {
                let mut world = World::new(&cluster, start.clone(), None);
                let end = world.run(&mut begin(&cluster, &start).unwrap());
                assert_eq!(end, Some(Next::Done), "{:#?}", world.log);
                assert_eq!(world.leader(), ("db2".to_owned(), true));
                for at in 0..world.steps {
                    for fault in [
                        Fault::Failed,
                        Fault::LostBefore,
                        Fault::LostAfter,
                        Fault::Killed,
                    ] {
                        survives(&cluster, &start, at, fault);
                    }
                }
            }
        }
    }
}

/// As it should be; with the VIP on the wrong host; after a restart of the primary.
fn starts(cluster: &Cluster) -> Vec<Observation> {
    let vip = cluster.vip.as_ref().unwrap().address;
    let good = healthy(cluster);
    let mut bare = good.clone();
    let addresses = &mut bare.reached_mut("db1").os.addresses;
    addresses.retain(|held| held.address != vip);
    let mut starts = vec![good];
    if cluster.hosts.len() > 2 {
        let mut wrong = bare.clone();
        let addresses = &mut wrong.reached_mut("db3").os.addresses;
        addresses.push(held(vip, "eth0"));
        starts.push(wrong);
    }
    let replica = bare.server_mut("db2").read_only;
    let primary = bare.server_mut("db1");
    primary.read_only = replica;
    primary.semi_sync.source_enabled = Some(Switch::Off);
    starts.push(bare);
    starts
}

fn begin<'a>(cluster: &'a Cluster, seen: &Observation) -> Result<Switchover<'a>, Vec<Refusal>> {
    Switchover::new(cluster, seen, Some(&name("db2")), limits())
}

fn survives(cluster: &Cluster, start: &Observation, at: usize, fault: Fault) {
    let mut world = World::new(cluster, start.clone(), Some((at, fault)));
    let end = world.run(&mut begin(cluster, start).unwrap());
    if let Some(end) = &end {
        // Whoever is told the end can write at once; one that was refused is told of db1.
        let expected = if *end == Next::Done { "db2" } else { "db1" };
        assert_eq!(
            world.leader(),
            (expected.to_owned(), true),
            "{at} {fault:?} {:#?}",
            world.log
        );
        let waits = |facts: &ServerFacts| facts.semi_sync.source_enabled == Some(Switch::On);
        let mut replicas = world
            .truth
            .servers()
            .filter(|(_, facts)| facts.is_replica());
        assert!(
            !replicas.any(|(_, facts)| waits(facts)),
            "a replica waits for acknowledgements: {at} {fault:?} {:#?}",
            world.log
        );
    }
    world.fault = None;
    world.log.push("again".to_owned());
    let again = begin(cluster, &world.truth);
    let mut again = again.unwrap_or_else(|refusals| panic!("{refusals:#?} {:#?}", world.log));
    assert_eq!(world.run(&mut again), Some(Next::Done), "{:#?}", world.log);
    assert_eq!(world.leader(), ("db2".to_owned(), true), "{:#?}", world.log);
}

#[test]
fn a_switch_interrupted_anywhere_can_be_taken_back_or_finished_without_naming_a_target() {
    let cluster = three();
    let start = healthy(&cluster);
    for at in 0..15 {
        let mut world = World::new(&cluster, start.clone(), Some((at, Fault::Killed)));
        if world.run(&mut begin(&cluster, &start).unwrap()).is_some() {
            break;
        }
        world.fault = None;
        let mut again = Switchover::new(&cluster, &world.truth, None, limits()).unwrap();
        assert_eq!(world.run(&mut again), Some(Next::Done), "{:#?}", world.log);
        assert!(world.leader().1, "{:#?}", world.log);
    }
    // Before the promotion the old primary may be named, too.
    let mut world = World::new(&cluster, start.clone(), Some((2, Fault::Killed)));
    assert_eq!(world.run(&mut begin(&cluster, &start).unwrap()), None);
    world.fault = None;
    let back = Switchover::new(&cluster, &world.truth, Some(&name("db1")), limits());
    assert_eq!(world.run(&mut back.unwrap()), Some(Next::Done));
    assert_eq!(world.leader(), ("db1".to_owned(), true));
}

#[test]
fn what_fails_for_good_after_the_promotion_is_said_and_not_undone() {
    let cluster = three();
    let start = healthy(&cluster);
    let mut procedure = begin(&cluster, &start).unwrap();
    let mut world = World::new(&cluster, start, None);
    let mut seen = world.truth.clone();
    let refused = loop {
        match procedure.next(&seen) {
            Next::Stage(stage) => {
                let mut ended = Vec::new();
                for step in &stage.steps {
                    let to_db3 = step.host == name("db3");
                    let outcome = if to_db3 {
                        Outcome::Failed {
                            error: "no route".to_owned(),
                            hint: None,
                        }
                    } else {
                        world.happen(step);
                        Outcome::Changed
                    };
                    ended.push((step.clone(), outcome));
                }
                procedure.ended(&ended);
                seen = world.truth.clone();
            }
            Next::Refused(refusals) => break refusals,
            Next::Done => panic!("db3 was not repointed, and nobody says so"),
        }
    };
    assert_eq!(world.writable(), [&name("db2")]);
    let said: Vec<_> = refused
        .iter()
        .map(|refusal| format!("{} -> {}", refusal.reason, refusal.way_out))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    on db3, to replicate from db2: no route -> remove the cause, then run again
    db3 does not follow db2 -> run `hactl rejoin db3`
    "#);
}

#[test]
fn an_undone_switch_says_why_and_that_nothing_is_lost() {
    let cluster = three();
    let start = healthy(&cluster);
    let mut world = World::new(&cluster, start.clone(), Some((0, Fault::Failed)));
    let Some(Next::Refused(refusals)) = world.run(&mut begin(&cluster, &start).unwrap()) else {
        panic!("it was not undone");
    };
    let said: Vec<_> = refusals
        .iter()
        .map(|refusal| format!("{} -> {}", refusal.reason, refusal.way_out))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    the switch to db2 was undone: db1 takes writes as before -> remove the cause, then run `hactl switchover --to db2` again
    on db1, to remove 192.0.2.90/24, refuse writes and end clients' sessions: it broke -> remove the cause, then run again
    "#);
}

#[test]
fn a_primary_that_dies_in_the_middle_is_left_to_the_failover() {
    let cluster = three();
    let start = healthy(&cluster);
    let mut procedure = begin(&cluster, &start).unwrap();
    let Next::Stage(stage) = procedure.next(&start) else {
        panic!("nothing is cut");
    };
    let good = |step: &Step| (step.clone(), Outcome::Changed);
    procedure.ended(&stage.steps.iter().map(good).collect::<Vec<_>>());
    let mut seen = predict(&cluster, &start, &stage);
    seen.hosts
        .insert(name("db1"), unreachable(UnreachableKind::Network));
    let Next::Refused(refusals) = procedure.next(&seen) else {
        panic!("it goes on without knowing what db1 had committed");
    };
    assert!(
        refusals[0]
            .way_out
            .contains("`hactl failover` if db1 is dead")
    );
}

#[test]
fn hooks_run_before_the_cut_and_after_the_opening() {
    let mut cluster = three();
    for point in [HookPoint::BeforePromote, HookPoint::AfterPromote] {
        cluster.hooks.commands.insert(point, "true".to_owned());
    }
    let seen = healthy(&cluster);
    let procedure = begin(&cluster, &seen).unwrap();
    let plan = crate::decide::foresee(&cluster, &procedure, &seen).unwrap();
    let place = |wanted: &dyn Fn(&Action) -> bool| {
        plan.steps().position(|step| wanted(&step.action)).unwrap()
    };
    let hook = |point| move |action: &Action| *action == Action::RunHook { hook: point };
    let before = place(&hook(HookPoint::BeforePromote));
    let after = place(&hook(HookPoint::AfterPromote));
    let cut = place(&|action| matches!(action, Action::Demote { vip: Some(_), .. }));
    let open = place(&|action| matches!(action, Action::AddVip { .. }));
    assert!(before < cut && open < after);
    // One that fails leaves everything as it was.
    let mut world = World::new(&cluster, seen.clone(), Some((0, Fault::Failed)));
    let end = world.run(&mut begin(&cluster, &seen).unwrap());
    assert!(matches!(end, Some(Next::Refused(_))) && world.steps == 1);
}

/// One difference to a healthy cluster.
type Change = fn(&mut Observation);

const OBSTACLES: &[(&str, Change)] = &[
    ("its threads", |seen| {
        seen.replica_mut("db2").applier = ThreadState::Stopped;
    }),
    ("its lag", |seen| {
        seen.replica_mut("db2").lag = Some(Duration::from_secs(11));
    }),
    ("its delay", |seen| seen.replica_mut("db2").delay_s = 60),
    ("its filters", |seen| {
        seen.replica_mut("db2").filters = vec!["Replicate_Do_DB = a".to_owned()];
    }),
    ("its binary log", |seen| {
        let off = "OFF".to_owned();
        let variables = &mut seen.server_mut("db2").variables;
        variables.insert("log_slave_updates".to_owned(), off);
    }),
    ("errant transactions", |seen| {
        let facts = seen.server_mut("db2");
        let own = format!("{},0-2-7", facts.executed);
        facts.binlog_state = Some(own.parse().unwrap());
    }),
    ("its version", |seen| {
        seen.server_mut("db2").dialect.version.minor = 6;
    }),
    ("its source", |seen| {
        let facts = seen.server_mut("db2");
        facts.replica.as_mut().unwrap().source_host = "192.0.2.3".to_owned();
    }),
    ("no acknowledgement", |seen| {
        for host in ["db1", "db3"] {
            seen.server_mut(host).semi_sync.replica_enabled = Some(Switch::Off);
        }
    }),
    ("commits that wait", |seen| {
        let semi_sync = &mut seen.server_mut("db1").semi_sync;
        (semi_sync.clients, semi_sync.waiting_sessions) = (0, 3);
    }),
    ("a long transaction", |seen| {
        seen.server_mut("db1").oldest_write = Some(OpenWrite {
            session: 42,
            user: "app".to_owned(),
            from: "192.0.2.9:5000".to_owned(),
            age: Duration::from_secs(10),
            rows: 1,
        });
    }),
    ("another host", |seen| {
        let gone = unreachable(UnreachableKind::Network);
        seen.hosts.insert(name("db3"), gone);
    }),
    ("another server", |seen| {
        seen.reached_mut("db3").server = ServerView::Stopped;
    }),
    ("a dead primary", |seen| {
        seen.reached_mut("db1").server = ServerView::Stopped;
    }),
    ("two primaries", |seen| {
        let facts = seen.server_mut("db2");
        facts.replica = None;
        facts.read_only.read_only = Switch::Off;
    }),
    ("maintenance", |seen| {
        seen.reached_mut("db3").os.marks.maintenance = Some(Mark {
            at: 0,
            by: "ann@desk".to_owned(),
            host: Some(name("db2")),
            text: "new disk".to_owned(),
        });
    }),
];

#[test]
fn everything_that_stands_in_the_way_is_said_before_anything_is_touched() {
    let cluster = three();
    let mut said = String::new();
    for (what, change) in OBSTACLES {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let refusals = refused(&cluster, &seen, Some("db2"));
        assert!(!refusals[0].starts_with("goes to"), "{what}");
        said = format!("{said}{what}:\n  {}\n", refusals.join("\n  "));
    }
    insta::assert_snapshot!(said, @r#"
    its threads:
      the applier of db2 does not run -> repair what `hactl verify` names, then run again
    its lag:
      db2 is 11 s behind, and the switch may wait for 10 s -> wait until it has caught up, or raise `--max-wait`
    its delay:
      db2 is held back by 60 s on purpose -> choose another
    its filters:
      db2 does not have everything: it filters by Replicate_Do_DB = a -> choose another, or remove the filters and reseed it
    its binary log:
      log_replica_updates is off on db2: it cannot lead others -> choose another, or run `hactl bootstrap`
    errant transactions:
      db2 has executed transactions that db1 has not: 0-2-7 -> `hactl rejoin db2` shows them and says how to go on
    its version:
      db2 runs 10.6.18, older than db1 with 10.11.18 -> choose another, or upgrade it first: no primary may be newer than a replica
    its source:
      db2 replicates from 192.0.2.3:3306, not from db1 -> run `hactl bootstrap`, then again
    no acknowledgement:
      nobody would acknowledge what db2 commits, and `durability: lossless` promises that somebody does -> run `hactl bootstrap`, which turns semi-sync on at the replicas
    commits that wait:
      3 commits on db1 wait for an acknowledgement that no replica gives: it could not be made read-only -> bring a replica back: `hactl verify` names what is wrong with them
    a long transaction:
      on db1, session 42 of app@192.0.2.9:5000 has a transaction open for 10 s, with rows changed: 1: it would be rolled back -> wait until it is committed, end it (`KILL 42`), or permit it by a longer `--max-wait`
    another host:
      db3 cannot be reached: it does not answer -> bring it back (`hactl rejoin db3`), or take it out of the inventory
    another server:
      no server runs on db3 -> bring it back (`hactl rejoin db3`), or take it out of the inventory
    a dead primary:
      db1, which the others follow, is not up -> `hactl failover` promotes a replica
    two primaries:
      db1 and db2 both take writes and follow nobody -> find out which of them clients write to; make the other read-only and run `hactl rejoin` for it (db1 or db2)
    maintenance:
      db2 is in maintenance (new disk, by ann@desk) -> choose another, or run `hactl maintenance off db2`
    "#);
}

#[test]
fn the_best_of_the_fit_is_chosen() {
    let cluster = cluster(Flavor::MySql, 4);
    let go = |cluster: &Cluster, seen: &Observation| refused(cluster, seen, None).join("; ");
    let mut seen = healthy(&cluster);
    assert_eq!(go(&cluster, &seen), "goes to db2");
    seen.replica_mut("db2").lag = Some(Duration::from_secs(2));
    assert_eq!(go(&cluster, &seen), "goes to db3");
    seen.replica_mut("db3").receiver = ThreadState::Connecting;
    assert_eq!(go(&cluster, &seen), "goes to db4");
    let mut flagged = cluster.clone();
    let flag = |cluster: &mut Cluster, host: &str, promotion| {
        cluster.hosts.get_mut(&name(host)).unwrap().promotion = promotion;
    };
    flag(&mut flagged, "db4", crate::inventory::Promotion::Avoid);
    assert_eq!(go(&flagged, &seen), "goes to db2");
    flag(&mut flagged, "db2", crate::inventory::Promotion::Never);
    assert_eq!(go(&flagged, &seen), "goes to db4");
}

/// The last step of an upgrade: no refusal, and no silence.
#[test]
fn a_newer_target_is_taken_and_what_that_means_is_said() {
    let cluster = three();
    let mut seen = healthy(&cluster);
    let newer = "11.8.6".parse().unwrap();
    seen.server_mut("db2").dialect.version = newer;
    let because = |target: Option<&str>| {
        let target = target.map(name);
        let switchover = Switchover::new(&cluster, &seen, target.as_ref(), limits()).unwrap();
        switchover.heading().because
    };
    let said = because(Some("db2"));
    assert_eq!(
        said[1..],
        [
            "db2 runs 11.8.6: older servers will follow it, which may not understand all that it writes: \
          db1 (10.11.18) and db3 (10.11.18)"
        ]
    );
    // Left to itself it goes to one that all can follow.
    assert_eq!(refused(&cluster, &seen, None), ["goes to db3"]);
    assert_eq!(because(None).len(), 1);
}

#[test]
fn an_unknown_host_is_not_guessed_at() {
    let cluster = three();
    let seen = healthy(&cluster);
    assert_eq!(
        refused(&cluster, &seen, Some("db9")),
        ["db9 is not in the inventory -> choose one of db1, db2, db3"]
    );
    // The primary itself: nothing to do, and no refusal.
    let mut stays = Switchover::new(&cluster, &seen, Some(&name("db1")), limits()).unwrap();
    assert_eq!(stays.next(&seen), Next::Done);
}

#[test]
fn without_lossless_nobody_is_waited_for() {
    let cluster = cluster_with(Flavor::MariaDb, 3, "durability: available\n");
    assert_eq!(cluster.durability, Durability::Available);
    let seen = healthy(&cluster);
    let plan = crate::decide::foresee(&cluster, &begin(&cluster, &seen).unwrap(), &seen).unwrap();
    let waits = |step: &Step| matches!(step.action, Action::AwaitAcker { .. });
    assert!(!plan.steps().any(waits));
}

#[test]
fn a_fenced_server_does_not_stand_in_the_way() {
    let cluster = cluster(Flavor::MariaDb, 4);
    let mut seen = healthy(&cluster);
    let db4 = seen.reached_mut("db4");
    db4.server = ServerView::Stopped;
    db4.os.marks.fenced = Some(Mark {
        at: 0,
        by: String::new(),
        host: Some(name("db4")),
        text: "fenced".to_owned(),
    });
    assert_eq!(refused(&cluster, &seen, Some("db2")), ["goes to db2"]);
}
