//! A rejoin from every state in which a former primary is found, and with every single fault on the way.

use std::time::Duration;

use super::*;
use crate::decide::tests::rehearsal::{Fault, World};
use crate::facts::{Mark, ServerProgram, UnreachableKind};
use crate::fixture::{self, Mutate as _, cluster, consent, healthy, name, unreachable};
use crate::mysql::{Dialect, Flavor, OwnSchema, ServerError, Switch, Tail, ThreadState, Version};
use crate::plan::{CheckContext, OnFailure, Violation, check};

const FOLDER: &str = "/home/ann/kept";
const BOTH: [Flavor; 2] = [Flavor::MariaDb, Flavor::MySql];

fn mark(host: &str) -> Mark {
    Mark {
        at: 1_799_999_000,
        by: "ann@desk".to_owned(),
        host: Some(name(host)),
        text: format!("{host} was dead"),
    }
}

/// Gives a server the rows of `db1` up to a number, and rows of `db2` after them.
fn rows(cluster: &Cluster, facts: &mut ServerFacts, of_db1: u32, of_db2: u32) {
    let id = |host: &str| cluster.host(&name(host)).unwrap().server_id;
    let flavor = facts.dialect.flavor;
    let (first, second) = (id("db1"), id("db2"));
    let last = of_db1 + of_db2;
    let mut logged = format!("0-{first}-{of_db1}");
    let mut executed = logged.clone();
    if of_db2 > 0 {
        logged = format!("{logged},0-{second}-{last}");
        executed = format!("0-{second}-{last}");
    }
    if flavor == Flavor::MySql {
        let uuid = |number: u32| format!("00000000-0000-0000-0000-0000{number:08x}");
        executed = format!("{}:1-{of_db1}", uuid(first));
        if of_db2 > 0 {
            executed = format!("{executed},{}:1-{of_db2}", uuid(second));
        }
    } else {
        facts.binlog_state = Some(logged.parse().unwrap());
    }
    facts.executed = GtidSet::parse(flavor, &executed).unwrap();
}

/// After a failover of `db1`: `db2` leads and has written, `db3` follows it, and `db1` is up, read-only,
/// and follows nobody.
fn failed_over(cluster: &Cluster) -> Observation {
    let mut seen = healthy(cluster);
    let dialect = fixture::dialect(cluster.server.flavor);
    let vip = cluster.vip.as_ref().unwrap().address;
    for host in cluster.hosts.values() {
        let mut facts = fixture::follower(cluster, host, dialect, &name("db2"));
        rows(cluster, &mut facts, 100, 5);
        let reached = seen.reached_mut(host.name.as_ref());
        reached.os.addresses.retain(|held| held.address != vip);
        reached.os.marks.failover = Some(mark("db1"));
        match host.name.as_ref() {
            "db1" => {
                facts.replica = None;
                rows(cluster, &mut facts, 100, 0);
                reached.os.marks.failover = None;
            }
            "db2" => {
                facts = fixture::leader(cluster, host, dialect);
                let position = GtidSet::clone(&facts.executed);
                facts.slave_pos = facts.slave_pos.map(|_| position);
                rows(cluster, &mut facts, 100, 5);
                reached.os.addresses.push(fixture::held(vip, "eth0"));
            }
            _ => {}
        }
        reached.server = ServerView::Up(Box::new(facts));
    }
    seen
}

/// Fenced by the failover.
fn fence(seen: &mut Observation) {
    let reached = seen.reached_mut("db1");
    let dialect = reached.server.dialect().unwrap();
    let unit = reached.os.units.get_mut(dialect.service_unit()).unwrap();
    "masked".clone_into(&mut unit.enablement);
    reached.os.marks.fenced = Some(mark("db1"));
    reached.server = ServerView::Stopped;
}

fn begin<'a>(
    cluster: &'a Cluster,
    seen: &Observation,
    reseed: &[&str],
) -> Result<Rejoin<'a>, Vec<Refusal>> {
    Rejoin::new(cluster, seen, &name("db1"), &consent(reseed), FOLDER)
}

fn said(refusals: &[Refusal]) -> String {
    let each = refusals
        .iter()
        .map(|refusal| format!("{} -> {}", refusal.reason, refusal.way_out));
    each.collect::<Vec<_>>().join("\n")
}

fn plan(cluster: &Cluster, seen: &Observation, reseed: &[&str]) -> String {
    let planned = begin(cluster, seen, reseed)
        .and_then(|procedure| crate::decide::foresee(cluster, &procedure, seen));
    match planned {
        Err(refusals) => format!("refused: {}", said(&refusals)),
        Ok(plan) => {
            let steps = plan
                .steps()
                .map(|step| format!("{}: {}", step.host, step.action));
            let loses = plan.loses.iter().map(|lost| format!("loses {lost}"));
            loses.chain(steps).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn a_healthy_replica_has_nothing_to_do() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        let facts = seen.server_mut("db1");
        facts.replica = Some(fixture::following(&cluster, &name("db2")));
        assert_eq!(plan(&cluster, &seen, &[]), "");
        // Permission to drop its data is no wish to.
        assert_eq!(plan(&cluster, &seen, &["db1"]), "");
    }
}

#[test]
fn two_servers_of_one_name_are_never_joined() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        seen.server_mut("db1").server_id = seen.server_mut("db3").server_id;
        let text = plan(&cluster, &seen, &["db1"]);
        assert!(
            text.starts_with("refused: the servers on db1 and db3"),
            "{text}"
        );
        let own = cluster.host(&name("db1")).unwrap().server_id;
        assert!(text.contains(&format!("`server_id = {own}`")), "{text}");
    }
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = failed_over(&cluster);
    let uuid = seen.server_mut("db2").server_uuid.clone();
    seen.server_mut("db1").server_uuid = uuid;
    let text = plan(&cluster, &seen, &["db1"]);
    assert!(text.contains("auto.cnf"), "{text}");
}

#[test]
fn one_that_is_not_ahead_follows_again() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        let follows = "db1: replicate from db2\ndb2: write a row and read it on db1";
        assert_eq!(plan(&cluster, &seen, &[]), follows);
        seen.server_mut("db1").semi_sync.source_enabled = Some(Switch::On);
        let quiet = format!("db1: turn semi-sync as source off\n{follows}");
        assert_eq!(plan(&cluster, &seen, &[]), quiet);
        // A single survivor waits for nobody until there is somebody to wait for.
        seen.server_mut("db2").semi_sync.source_enabled = Some(Switch::Off);
        assert!(
            plan(&cluster, &seen, &[]).contains("db2: turn semi-sync as source on\ndb2: write")
        );
    }
}

#[test]
fn a_fenced_one_is_started_first_without_its_tail_where_the_server_can() {
    let started = "db1: unmask and start the server, read-only\n\
         db1: replicate from db2\n\
         db2: write a row and read it on db1\n\
         db1: remove /var/lib/hactl/shop/fenced.json";
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        fence(&mut seen);
        let expected = match flavor {
            Flavor::MariaDb => {
                let keep =
                    "db1: save what its log holds and db2 lacks, if anything, to /home/ann/kept";
                let taken_at = seen.taken_at;
                format!(
                    "{keep}/shop-db1-{taken_at}-tail.sql\n\
                     db1: cut off the tail that no replica acknowledged\n{started}"
                )
            }
            Flavor::MySql => started.to_owned(),
        };
        assert_eq!(plan(&cluster, &seen, &[]), expected);
        // A release that would keep it is started as usual.
        let old = Dialect::new(Flavor::MariaDb, Version::new(10, 5, 23));
        seen.reached_mut("db1").os.server_program = Some(ServerProgram::Known(old));
        assert_eq!(plan(&cluster, &seen, &[]), started);
    }
}

#[test]
fn a_tail_is_named_before_it_is_cut_off_and_nothing_is_cut_that_was_not_kept() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = failed_over(&cluster);
    fence(&mut seen);
    let begun = begin(&cluster, &seen, &[]).unwrap();
    assert!(begun.cuts_off(&seen));
    let loses = |tail: &str| {
        let tail = Tail::parse(tail).unwrap();
        begun.clone().with_tail(&tail).heading().loses
    };
    assert!(loses("").is_empty());
    insta::assert_snapshot!(loses("0-1 101 103 3\n").join("\n"), @"3 transactions (0-1-101 to 0-1-103), which the log of db1 holds and db2 has not executed: cut off as db1 starts; kept as SQL in /home/ann/kept");

    let mut procedure = begun.clone();
    let Next::Stage(stage) = procedure.next(&seen) else {
        panic!("nothing to do");
    };
    let primary = &name("db2");
    let consent = &BTreeSet::new();
    let violations = |stage: &StagePlan| {
        let context = CheckContext {
            primary,
            consent,
            seen: &seen,
        };
        check(stage, &context)
    };
    assert_eq!(violations(&stage), []);
    let unkept = [Violation::TailNotKept(name("db1"))];
    let mut late = stage.clone();
    late.steps.swap(0, 1);
    assert_eq!(violations(&late), unkept);
    let mut lax = stage.clone();
    lax.steps[0].on_failure = OnFailure::GoOn;
    assert_eq!(violations(&lax), unkept);

    // What could not be kept ends the rejoin.
    let failed = Outcome::Failed {
        error: "no space left on device".to_owned(),
        hint: None,
    };
    procedure.ended(&[(stage.steps[0].clone(), failed)]);
    assert!(matches!(procedure.next(&seen), Next::Refused(_)));

    seen.reached_mut("db1").server = failed_over(&cluster).reached_mut("db1").server.clone();
    assert!(!begun.cuts_off(&seen));
}

#[test]
fn a_server_that_no_failover_left_behind_is_not_rewound() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = failed_over(&cluster);
    for host in ["db2", "db3"] {
        seen.reached_mut(host).os.marks.failover = None;
    }
    seen.reached_mut("db1").server = ServerView::Stopped;
    assert!(
        plan(&cluster, &seen, &[]).starts_with("db1: unmask and start the server, read-only\n")
    );
}

#[test]
fn what_only_it_has_is_named_and_goes_only_when_allowed_and_kept() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        rows(&cluster, seen.server_mut("db1"), 103, 0);
        let refused = plan(&cluster, &seen, &[]);
        assert!(
            refused.starts_with("refused: db1 has executed"),
            "{refused}"
        );
        assert!(refused.contains("103"), "{refused}");
        assert!(refused.contains("`hactl rejoin db1 --reseed`"), "{refused}");
        let allowed = plan(&cluster, &seen, &["db1"]);
        let lines: Vec<_> = allowed.lines().collect();
        assert!(
            lines[0].starts_with("loses ") && lines[0].ends_with("kept as SQL in /home/ann/kept")
        );
        assert_eq!(
            lines[1..],
            [
                "db1: save what only it has to /home/ann/kept/shop-db1-1800000000.sql",
                "db2: dump and load into db1 (after dropping every database on db1)",
                "db1: replicate from db2",
                "db2: write a row and read it on db1",
            ]
        );
        // Somebody else's permission is none.
        assert!(plan(&cluster, &seen, &["db3"]).starts_with("refused"));
    }
}

#[test]
fn what_is_found_only_after_its_start_is_kept_and_named() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = failed_over(&cluster);
    let mut tail = seen
        .server("db1".parse().as_ref().unwrap())
        .unwrap()
        .clone();
    rows(&cluster, &mut tail, 103, 0);
    fence(&mut seen);
    let run = |reseed: &[&str]| {
        let mut world = World::new(&cluster, seen.clone(), None);
        world
            .asleep
            .insert(name("db1"), (tail.clone(), tail.clone()));
        let mut procedure = begin(&cluster, &seen, reseed).unwrap();
        let end = world.run(&mut procedure);
        (end, world, procedure.kept().map(str::to_owned))
    };
    let (end, world, kept) = run(&[]);
    let file = "/home/ann/kept/shop-db1-1800000000.sql";
    assert_eq!(kept.as_deref(), Some(file));
    match end {
        Some(Next::Refused(refusals)) => assert!(refusals[0].reason.contains(file)),
        end => panic!("{end:?} {:#?}", world.log),
    }
    let (end, world, _) = run(&["db1"]);
    assert_eq!(end, Some(Next::Done), "{:#?}", world.log);
    assert_eq!(world.leader(), ("db2".to_owned(), true));
}

#[test]
fn what_cannot_be_kept_does_not_go() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = failed_over(&cluster);
    rows(&cluster, seen.server_mut("db1"), 103, 0);
    let mut world = World::new(&cluster, seen.clone(), Some((0, Fault::Failed)));
    let mut procedure = begin(&cluster, &seen, &["db1"]).unwrap();
    assert!(matches!(world.run(&mut procedure), Some(Next::Refused(_))));
    assert_eq!(world.steps, 1, "{:#?}", world.log);
}

#[test]
fn logs_that_are_gone_need_a_reseed() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = failed_over(&cluster);
    let purged = seen.server_mut("db2").executed.clone();
    seen.server_mut("db2").purged = Some(purged);
    let refused = plan(&cluster, &seen, &[]);
    assert!(
        refused.contains("db2 has purged binary logs that db1 would need"),
        "{refused}"
    );
    assert!(refused.contains("--reseed"), "{refused}");
    assert_eq!(
        plan(&cluster, &seen, &["db1"]),
        "db2: dump and load into db1 (after dropping every database on db1)\n\
         db1: replicate from db2\n\
         db2: write a row and read it on db1"
    );
}

/// `MariaDB` does not say what it has purged: the replica's own error does.
#[test]
fn logs_that_turn_out_to_be_gone_need_a_reseed_as_well() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = failed_over(&cluster);
    let mut fresh = fixture::following(&cluster, &name("db2"));
    fresh.receiver = ThreadState::Stopped;
    fresh.last_io_error = Some(ServerError {
        number: 1236,
        text: "not in the binary log".to_owned(),
    });
    for reseed in [&[][..], &["db1"]] {
        let mut procedure = begin(&cluster, &seen, reseed).unwrap();
        let Next::Stage(stage) = procedure.next(&seen) else {
            panic!("it does not try");
        };
        let failed = Outcome::Failed {
            error: "error 1236".to_owned(),
            hint: None,
        };
        procedure.ended(&[(stage.steps[0].clone(), failed)]);
        seen.server_mut("db1").replica = Some(fresh.clone());
        match procedure.next(&seen) {
            Next::Stage(stage) => {
                assert!(matches!(stage.steps[0].action, Action::Seed { .. }));
                assert!(!reseed.is_empty());
            }
            Next::Refused(refusals) => {
                assert!(said(&refusals).contains("`hactl rejoin db1 --reseed`"));
                assert!(reseed.is_empty());
            }
            Next::Done => panic!("nothing was done"),
        }
        seen.server_mut("db1").replica = None;
    }
}

#[test]
fn a_second_primary_is_stopped_at_once() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let mut seen = failed_over(&cluster);
        let facts = seen.server_mut("db1");
        facts.read_only.read_only = Switch::Off;
        let calm = {
            let mut calm = facts.clone();
            calm.read_only = fixture::follower(
                &cluster,
                cluster.host(&name("db1")).unwrap(),
                calm.dialect,
                &name("db2"),
            )
            .read_only;
            calm.semi_sync.source_enabled = Some(Switch::Off);
            calm
        };
        assert!(plan(&cluster, &seen, &[]).starts_with("db1: fence: VIP off, server killed"));
        let mut world = World::new(&cluster, seen.clone(), None);
        world.falls_asleep = Some((calm.clone(), calm));
        let mut procedure = begin(&cluster, &seen, &[]).unwrap();
        assert_eq!(
            world.run(&mut procedure),
            Some(Next::Done),
            "{:#?}",
            world.log
        );
        assert_eq!(world.leader(), ("db2".to_owned(), true));
    }
}

#[test]
fn every_fault_at_every_step_is_gone_on_from_by_the_next_run() {
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let start = failed_over(&cluster);
        let asleep = start.server(&name("db1")).unwrap().clone();
        let mut tail = asleep.clone();
        rows(&cluster, &mut tail, 103, 0);
        let mut fenced = start.clone();
        fence(&mut fenced);
        for at in 0..10 {
            for fault in [
                Fault::Failed,
                Fault::LostBefore,
                Fault::LostAfter,
                Fault::Killed,
            ] {
                let mut world = World::new(&cluster, fenced.clone(), Some((at, fault)));
                world
                    .asleep
                    .insert(name("db1"), (tail.clone(), asleep.clone()));
                let _ = world.run(&mut begin(&cluster, &fenced, &["db1"]).unwrap());
                assert_eq!(world.writable(), [&name("db2")], "{:#?}", world.log);
                world.fault = None;
                world.log.push("again".to_owned());
                let again = begin(&cluster, &world.truth, &["db1"]);
                let mut again = again.unwrap_or_else(|refusals| {
                    panic!("{} {:#?}", said(&refusals), world.log);
                });
                assert_eq!(world.run(&mut again), Some(Next::Done), "{:#?}", world.log);
                assert_eq!(world.leader(), ("db2".to_owned(), true), "{:#?}", world.log);
                assert_eq!(world.truth.os(&name("db1")).unwrap().marks.fenced, None);
            }
        }
    }
}

#[test]
fn what_stands_in_the_way_is_said_with_its_way_out() {
    type Change = fn(&mut Observation);
    let cases: &[(&str, Change)] = &[
        ("out of reach", |seen| {
            let gone = unreachable(UnreachableKind::Network);
            seen.hosts.insert(name("db1"), gone);
        }),
        ("not installed", |seen| {
            seen.reached_mut("db1").server = ServerView::Absent;
        }),
        ("no login", |seen| {
            seen.reached_mut("db1").server = fixture::access_denied();
        }),
        ("recovering", |seen| {
            seen.reached_mut("db1").server = fixture::refused(2013);
        }),
        ("no leader", |seen| {
            seen.server_mut("db2").read_only.read_only = Switch::On;
        }),
        ("two leaders", |seen| {
            let facts = seen.server_mut("db3");
            facts.replica = None;
            facts.read_only.read_only = Switch::Off;
        }),
        ("a straggler", |seen| {
            seen.replica_mut("db3").source_host = "192.0.2.1".to_owned();
        }),
        ("a leader that nobody follows, and one unseen", |seen| {
            let gone = unreachable(UnreachableKind::Network);
            seen.hosts.insert(name("db3"), gone);
        }),
        ("data from nowhere", |seen| {
            let facts = seen.server_mut("db1");
            facts.executed = GtidSet::empty(Flavor::MariaDb);
            facts.own_schema = OwnSchema::Absent;
        }),
        ("a broken applier", |seen| {
            let mut status = seen.replica_mut("db3").clone();
            status.applier = ThreadState::Stopped;
            status.last_sql_error = Some(ServerError {
                number: 1062,
                text: "Duplicate entry".to_owned(),
            });
            seen.server_mut("db1").replica = Some(status);
        }),
        ("no log to compare", |seen| {
            seen.server_mut("db1").binlog_state = None;
        }),
    ];
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut all = String::new();
    for (what, change) in cases {
        let mut seen = failed_over(&cluster);
        change(&mut seen);
        let Err(refusals) = begin(&cluster, &seen, &[]) else {
            panic!("{what} is no obstacle");
        };
        all = format!("{all}{what}:\n  {}\n", said(&refusals));
    }
    insta::assert_snapshot!(all, @r#"
    out of reach:
      db1 cannot be reached: it does not answer -> look at the cable
    not installed:
      no database server is installed on db1 -> run `hactl bootstrap`, which installs and fills it
    no login:
      hactl may not log in to the server on db1: error 1045 -> run `hactl bootstrap`, which repairs hactl's account where root may log in
    recovering:
      the server on db1 does not answer: error 2013 -> it may still be recovering: look at its log on db1 (journalctl -u mariadb -u mysql), then run again
    no leader:
      no other server takes writes, so db1 has nobody to follow -> run `hactl failover`, which makes a primary that is read-only after a restart writable; or `hactl verify` to see what is there
    two leaders:
      db2 and db3 both take writes and follow nobody -> find out which of them clients write to, and make the other read-only; then rejoin that one first
    a straggler:
      db3 still replicates from db1, and db2 takes the writes -> run `hactl rejoin db3`, which makes it follow db2, then again
    a leader that nobody follows, and one unseen:
      db2 takes writes and nobody follows it; db3, which is not seen, may lead as well -> bring db3 back, or take it out of the inventory
    data from nowhere:
      db1 holds databases (shop), and no GTID says where they come from -> save what you need from it; `hactl rejoin db1 --reseed` drops its databases and loads those of db2
    a broken applier:
      db1 cannot apply what it received: error 1062: Duplicate entry -> save what you need from it; `hactl rejoin db1 --reseed` drops its databases and loads those of db2
    no log to compare:
      what db1 and db2 have executed cannot be compared (0-3221225985-100 and 0-3221225986-105) -> save what you need from it; `hactl rejoin db1 --reseed` drops its databases and loads those of db2
    "#);
}

#[test]
fn a_primary_is_never_taken_for_one_that_comes_back() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let seen = healthy(&cluster);
    let refused = begin(&cluster, &seen, &["db1"]).unwrap_err();
    assert_eq!(
        said(&refused),
        "db1 is the primary: db2 replicates from it -> make another the primary first: `hactl switchover`"
    );
    let mut dead = seen.clone();
    dead.reached_mut("db1").server = ServerView::Stopped;
    assert!(said(&begin(&cluster, &dead, &[]).unwrap_err()).contains("`hactl failover`"));
    let pair = fixture::cluster(Flavor::MariaDb, 2);
    let mut seen = failed_over(&pair);
    seen.server_mut("db1").uptime = Duration::from_secs(3);
    let back = begin(&pair, &seen, &[]).unwrap();
    assert_eq!(back.leader(), &name("db2"));
}

#[test]
fn an_empty_server_is_filled_without_asking() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = failed_over(&cluster);
    let facts = seen.server_mut("db1");
    facts.executed = GtidSet::empty(Flavor::MariaDb);
    facts.own_schema = OwnSchema::Absent;
    facts.databases.clear();
    assert!(plan(&cluster, &seen, &[]).starts_with("db2: dump and load into db1\n"));
}
