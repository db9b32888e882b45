//! Servers that could not be asked when a run began: what is decided of them later, and said of them before.

use crate::decide::{Bootstrap, LetIn, SeedNeed, Topology, bootstrap, foresee, reservations};
use crate::facts::{Observation, ServerView};
use crate::fixture::{self, Mutate as _, cluster, consent, healthy, name};
use crate::mysql::Flavor;
use crate::plan::Action;

/// What a server is that was down when the shape was read off shows when it runs.
#[test]
fn a_replica_that_was_down_is_asked_when_it_runs() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    seen.reached_mut("db2").server = ServerView::Stopped;
    let Bootstrap::Proceed(topology) = bootstrap(&cluster, &seen, &consent(&[])) else {
        panic!("a stopped replica is started");
    };
    let need = |seen: &Observation| {
        SeedNeed::of(&cluster, &name("db2"), &topology, seen, &consent(&[]))
            .map_err(|refusal| format!("{}; {}", refusal.reason, refusal.way_out))
    };
    assert_eq!(need(&seen), Ok(SeedNeed::Load));
    let mut later = healthy(&cluster);
    assert_eq!(need(&later), Ok(SeedNeed::None));
    // It followed another, and has a row that the primary has not.
    let source = cluster.hosts[&name("db3")].address.to_string();
    later.replica_mut("db2").source_host = source;
    assert_eq!(need(&later), Ok(SeedNeed::None));
    let state = "0-3221225985-100,0-3221225986-101".parse().unwrap();
    later.server_mut("db2").binlog_state = Some(state);
    let said = need(&later).unwrap_err();
    assert!(said.contains("has executed what db1 has not"), "{said}");
    assert!(said.contains("hactl rejoin db2"), "{said}");
}

/// A plan says above its steps what it could not see, and what it leaves as it is.
#[test]
fn a_plan_says_what_it_does_not_know() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let said = |change: &dyn Fn(&mut Observation), reseed: &[&str]| {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let topology = Topology::of(&cluster, &seen, &consent(reseed).reseed).unwrap();
        reservations(&topology, &seen, &consent(reseed)).join("\n")
    };
    assert_eq!(said(&|_| {}, &[]), "");
    let stopped = |seen: &mut Observation| seen.reached_mut("db2").server = ServerView::Stopped;
    assert!(said(&stopped, &[]).starts_with("db2: its server is stopped"));
    let refused = |seen: &mut Observation| {
        seen.reached_mut("db2").server = fixture::access_denied();
    };
    assert!(said(&refused, &[]).starts_with("db2: its server does not let hactl in"));
    let own = |seen: &mut Observation| {
        let state = "0-3221225985-100,0-3221225986-101".parse().unwrap();
        seen.server_mut("db2").binlog_state = Some(state);
    };
    assert!(said(&own, &[]).starts_with("db2: has executed what db1 has not"));
    // Nothing of it is left as it is.
    assert_eq!(said(&own, &["db2"]), "");
}

/// What refuses is let in before anything is decided, and nothing else.
#[test]
fn servers_that_refuse_are_let_in_first() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    assert!(LetIn::needed(&seen, |_| true).is_none());
    for host in ["db1", "db3"] {
        seen.reached_mut(host).server = fixture::access_denied();
    }
    seen.reached_mut("db2").server = fixture::refused(1040);
    assert!(LetIn::needed(&seen, |host| *host == name("db2")).is_none());
    let procedure = LetIn::needed(&seen, |_| true).expect("two refuse");
    let plan = foresee(&cluster, &procedure, &seen).unwrap();
    let steps: Vec<_> = plan
        .steps()
        .map(|step| (step.host.to_string(), step.action.clone()))
        .collect();
    let wanted = ["db1", "db3"].map(|host| (host.to_owned(), Action::InstallAdmin));
    assert_eq!(steps, wanted);
}
