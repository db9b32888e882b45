//! The same primary is back: opened again only if it is whole and nobody took its place.

use super::*;
use crate::mysql::Switch;

/// `db1` is up again, read-only, as its file says; its replicas try to connect.
fn back(cluster: &Cluster) -> Observation {
    let mut seen = dead(cluster, Death::Crash);
    let whole = healthy(cluster);
    seen.hosts
        .insert(name("db1"), whole.hosts[&name("db1")].clone());
    let facts = seen.server_mut("db1");
    facts.read_only.read_only = Switch::On;
    facts.semi_sync.source_enabled = Some(Switch::Off);
    facts.semi_sync.clients = 0;
    seen
}

fn revive<'a>(cluster: &'a Cluster, seen: &Observation) -> Result<Revive<'a>, Vec<Refusal>> {
    Revive::new(cluster, seen, &name("db1"), Vec::new())
}

#[test]
fn it_is_opened_in_the_safe_order() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 3);
        let seen = back(&cluster);
        let revive = revive(&cluster, &seen).expect("a revival");
        let plan = foresee(&cluster, &revive, &seen).expect("a plan");
        let steps: Vec<_> = plan
            .steps()
            .map(|step| format!("{}: {}", step.host, step.action))
            .collect();
        assert_eq!(
            steps,
            [
                "db1: turn semi-sync as source on",
                "db1: wait until a replica acknowledges",
                "db1: turn read-only off",
                "db1: add 192.0.2.90/24 to eth0",
            ]
        );
        let mut rules = revive.rules();
        for stage in &plan.stages {
            assert_eq!(rules.violations(stage, &seen), Vec::new());
        }
    }
}

#[test]
fn what_was_stopped_before_the_vip_is_finished() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 3);
        let mut seen = healthy(&cluster);
        assert!(!is_half_open(&cluster, &seen, &name("db1")));
        let vip = cluster.vip.as_ref().unwrap().address;
        let addresses = &mut seen.reached_mut("db1").os.addresses;
        addresses.retain(|held| held.address != vip);
        assert!(is_half_open(&cluster, &seen, &name("db1")));
        let revive = revive(&cluster, &seen).expect("a revival");
        let plan = foresee(&cluster, &revive, &seen).expect("a plan");
        let mut rules = revive.rules();
        for stage in &plan.stages {
            assert_eq!(rules.violations(stage, &seen), Vec::new());
        }
        let last = plan.steps().last().expect("a step");
        assert_eq!(last.action.to_string(), "add 192.0.2.90/24 to eth0");

        // Nor while a host is not seen that may have it.
        let mut unseen = seen.clone();
        unseen.hosts.remove(&name("db3"));
        assert!(!is_half_open(&cluster, &unseen, &name("db1")));
        // Nor in maintenance: whoever set it may have taken the VIP away.
        let mut maintained = seen.clone();
        maintained.reached_mut("db2").os.marks.maintenance = Some(mark(0, None));
        assert!(!is_half_open(&cluster, &maintained, &name("db1")));
        // Not beside another that has it, nor beside another that takes writes.
        let mut held = seen.clone();
        let addresses = &mut held.reached_mut("db3").os.addresses;
        addresses.push(fixture::held(vip, "eth0"));
        assert!(!is_half_open(&cluster, &held, &name("db1")));
        let open = &mut seen.server_mut("db3").read_only;
        open.read_only = Switch::Off;
        if let Some(super_read_only) = &mut open.super_read_only {
            *super_read_only = Switch::Off;
        }
        assert!(!is_half_open(&cluster, &seen, &name("db1")));
    }
}

#[test]
fn the_vip_that_a_former_primary_could_not_be_rid_of_is_taken_first() {
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let mut seen = back(&cluster);
    let addresses = &mut seen.reached_mut("db3").os.addresses;
    addresses.push(fixture::held("192.0.2.90".parse().unwrap(), "eth0"));
    let mut revive = revive(&cluster, &seen).expect("a revival");
    let plan = foresee(&cluster, &revive, &seen).expect("a plan");
    let first = plan.steps().next().expect("a step");
    assert_eq!(
        format!("{}: {}", first.host, first.action),
        "db3: remove 192.0.2.90/24 from eth0"
    );
    let mut rules = revive.rules();
    let mut then = seen.clone();
    for stage in &plan.stages {
        assert_eq!(rules.violations(stage, &then), Vec::new());
        then = predict(&cluster, &then, stage);
    }
    // It is still there after the attempt.
    assert!(matches!(revive.next(&seen), Next::Stage(_)));
    let Next::Refused(refusals) = revive.next(&seen) else {
        panic!("opened beside another's VIP");
    };
    assert_eq!(
        refusals[0].reason,
        "db3 still holds the writer VIP 192.0.2.90/24: clients would reach both"
    );
}

#[test]
fn replicas_that_a_given_up_failover_stopped_are_started() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let mut seen = back(&cluster);
    for host in ["db2", "db3"] {
        seen.replica_mut(host).receiver = ThreadState::Stopped;
    }
    assert_eq!(repointed(&cluster, &seen), ["db2", "db3"]);
    // What ended it is said by its error; it does not start by itself either.
    seen.replica_mut("db2").last_io_error = Some(crate::mysql::ServerError {
        number: 2003,
        text: "can't connect".to_owned(),
    });
    assert_eq!(repointed(&cluster, &seen), ["db2", "db3"]);
    // One that looks for its source by itself is enough.
    seen.replica_mut("db2").receiver = ThreadState::Connecting;
    assert_eq!(repointed(&cluster, &seen), [""; 0]);
}

/// Who is made to follow db1 again.
fn repointed(cluster: &Cluster, seen: &Observation) -> Vec<String> {
    let revive = revive(cluster, seen).expect("a revival");
    let plan = foresee(cluster, &revive, seen).expect("a plan");
    let replicate = plan
        .steps()
        .filter(|step| step.action.to_string() == "replicate from db1");
    replicate.map(|step| step.host.to_string()).collect()
}

#[test]
fn a_promotion_that_wrote_nothing_is_taken_back_and_one_that_did_is_finished() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 3);
        let mut seen = back(&cluster);
        seen.server_mut("db2").replica = None;
        assert!(!is_left(&cluster, &seen, &name("db1")));
        assert_eq!(repointed(&cluster, &seen), ["db2"]);

        proven(&mut seen, "db2");
        assert!(is_left(&cluster, &seen, &name("db1")));
        let refusals = revive(&cluster, &seen).expect_err("a refusal");
        assert!(refusals[0].reason.contains("was promoted meanwhile"));
        assert_eq!(leader(&cluster, &seen, &[]), "db2");
        let failover = begin(&cluster, &seen, &[]).expect("a failover");
        let plan = foresee(&cluster, &failover, &seen).expect("a plan");
        let first = plan.steps().next().expect("a step");
        assert_eq!(first.host, name("db1"));
        assert!(matches!(first.action, crate::plan::Action::Fence { .. }));
    }
}

/// A follower by position may hold what the primary lost with its power; that shows once it is applied.
#[test]
fn it_is_not_opened_beside_what_nobody_can_tell() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let mut seen = back(&cluster);
    by_position(&mut seen, "db2", (500, 400));
    let refusals = revive(&cluster, &seen).expect_err("a refusal");
    assert_eq!(
        refusals[0].reason,
        "db2 has not applied all that it has received, and no GTID tells what that is: db1 may lack some of it"
    );
    by_position(&mut seen, "db2", (500, 500));
    assert!(revive(&cluster, &seen).is_ok());
}

#[test]
fn it_is_refused_where_somebody_took_its_place_or_something_is_missing() {
    type Change = fn(&mut Observation);
    let rows: [(&str, Change); 6] = [
        ("not up", |seen| {
            seen.reached_mut("db1").server = ServerView::Stopped;
        }),
        ("was promoted meanwhile", |seen| proven(seen, "db2")),
        ("takes writes", |seen| {
            seen.server_mut("db3").read_only.read_only = Switch::Off;
        }),
        ("it lacks what db2 has", |seen| received(seen, "db2", 150)),
        ("was fenced", |seen| {
            seen.reached_mut("db1").os.marks.fenced = Some(crate::facts::Mark {
                at: 0,
                by: String::new(),
                host: None,
                text: String::new(),
            });
        }),
        ("would acknowledge", |seen| {
            lose(seen, "db2");
            lose(seen, "db3");
        }),
    ];
    for (word, change) in rows {
        let cluster = fixture::cluster(Flavor::MySql, 3);
        let mut seen = back(&cluster);
        assert!(revive(&cluster, &seen).is_ok());
        change(&mut seen);
        let refusals = revive(&cluster, &seen).expect_err(word);
        assert!(
            refusals.iter().any(|refusal| refusal.reason.contains(word)),
            "{word}: {refusals:?}"
        );
    }
}

#[test]
fn a_step_that_fails_is_a_refusal_that_names_the_failover() {
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let seen = back(&cluster);
    let mut revive = revive(&cluster, &seen).expect("a revival");
    let Next::Stage(stage) = revive.next(&seen) else {
        panic!("no stage");
    };
    let ended = play(&stage, &|_| fails());
    revive.ended(&ended);
    let Next::Refused(refusals) = revive.next(&seen) else {
        panic!("not refused");
    };
    assert!(refusals[0].way_out.contains("hactl failover"));
}
