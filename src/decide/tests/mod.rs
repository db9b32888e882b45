//! Who leads, who may be loaded, what stands in the way: each answer from the smallest difference to a
//! healthy cluster.

mod preflight;
pub(super) mod rehearsal;
mod unseen;

use super::*;
use crate::decide;
use crate::facts::{Mark, Observation, ServerView, UnreachableKind};
use crate::fixture::{self, Mutate as _, bare, cluster, consent, healthy, held, name, unreachable};
use crate::inventory::Cluster;
use crate::mysql::{Flavor, OwnSchema, Seeding, Switch};

/// `db1` and so on, each up with these databases and following these hosts.
fn running(cluster: &Cluster, hosts: &[(&str, &[&str], Option<&str>)]) -> Observation {
    let mut seen = healthy(cluster);
    for (host, databases, source) in hosts {
        let facts = seen.server_mut(host);
        facts.databases = databases.iter().map(ToString::to_string).collect();
        facts.replica = source.map(|source| fixture::following(cluster, &name(source)));
        // Not of hactl's making.
        facts.own_schema = OwnSchema::Absent;
    }
    seen
}

fn topology(hosts: &[(&str, &[&str], Option<&str>)], reseed: &[&str]) -> Result<String, String> {
    let cluster = cluster(Flavor::MariaDb, hosts.len());
    let seen = running(&cluster, hosts);
    Topology::of(&cluster, &seen, &consent(reseed).reseed)
        .map(|found| format!("{} by {:?}", found.primary, found.basis))
        .map_err(|error| format!("{error}; {}", error.hint()))
}

#[test]
fn the_primary_is_who_others_follow_else_who_the_inventory_names() {
    let data: &[&str] = &["shop"];
    let none: &[&str] = &[];
    let found = |hosts: &[(&str, &[&str], Option<&str>)]| topology(hosts, &[]).unwrap();
    assert_eq!(
        found(&[("db1", none, None), ("db2", none, None)]),
        "db1 by Inventory"
    );
    assert_eq!(
        found(&[("db1", data, None), ("db2", data, None)]),
        "db1 by Inventory"
    );
    assert_eq!(
        found(&[("db1", data, None), ("db2", none, Some("db1"))]),
        "db1 by Replication"
    );
    // What runs beats the inventory.
    assert_eq!(
        found(&[("db1", data, Some("db2")), ("db2", data, None)]),
        "db2 by Replication"
    );
    // A chain has one top.
    let chain = [
        ("db1", data, Some("db2")),
        ("db2", data, Some("db3")),
        ("db3", data, None),
    ];
    assert_eq!(found(&chain), "db3 by Replication");
    // Given up is not counted as data.
    let elsewhere: [(&str, &[&str], Option<&str>); 2] = [("db1", none, None), ("db2", data, None)];
    assert_eq!(topology(&elsewhere, &["db2"]).unwrap(), "db1 by Inventory");
}

/// Two hosts after a failover: nothing replicates, and the inventory still names the dead one.
fn failed_over(flavor: Flavor) -> (Cluster, Observation) {
    let cluster = cluster(flavor, 2);
    let mut seen = healthy(&cluster);
    seen.server_mut("db2").replica = None;
    (cluster, seen)
}

fn writes(seen: &mut Observation, host: &str, may_write: Switch) {
    let read_only = match may_write {
        Switch::On => Switch::Off,
        Switch::Off => Switch::On,
    };
    let facts = seen.server_mut(host);
    facts.read_only.read_only = read_only;
    if let Some(also) = &mut facts.read_only.super_read_only {
        *also = read_only;
    }
}

#[test]
fn where_nothing_replicates_the_member_that_takes_writes_leads() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let (cluster, mut seen) = failed_over(flavor);
        writes(&mut seen, "db2", Switch::On);
        writes(&mut seen, "db1", Switch::Off);
        let of = |seen: &Observation, reseed: &[&str]| {
            Topology::of(&cluster, seen, &consent(reseed).reseed)
                .map(|found| format!("{} by {:?}", found.primary, found.basis))
                .map_err(|error| format!("{error}; {}", error.hint()))
        };
        // Back read-only, stopped, or out of reach: it does not lead.
        assert_eq!(of(&seen, &[]).unwrap(), "db2 by Alone");
        seen.reached_mut("db1").server = ServerView::Stopped;
        assert_eq!(of(&seen, &[]).unwrap(), "db2 by Alone");
        assert_eq!(decide::leader(&cluster, &seen), Ok(name("db2")));
        seen.hosts
            .insert(name("db1"), unreachable(UnreachableKind::Network));
        assert_eq!(of(&seen, &[]).unwrap(), "db2 by Alone");
        // A server that takes writes and never was a member is new; one half loaded, and one given up, too.
        seen.server_mut("db2").own_schema = OwnSchema::Absent;
        seen.server_mut("db2").databases = Vec::new();
        assert_eq!(of(&seen, &[]).unwrap(), "db1 by Inventory");
        let (_, mut seen) = failed_over(flavor);
        writes(&mut seen, "db1", Switch::On);
        writes(&mut seen, "db2", Switch::On);
        let said = of(&seen, &[]).unwrap_err();
        assert!(
            said.contains("two servers take writes, and nothing replicates: db1 and db2"),
            "{said}"
        );
        assert_eq!(of(&seen, &["db2"]).unwrap(), "db1 by Alone");
        seen.server_mut("db2").seeding = Seeding::Unfinished;
        assert_eq!(of(&seen, &[]).unwrap(), "db1 by Alone");
    }
}

/// A replica was away while the failover was led to its end, and follows the failed one when it is back.
#[test]
fn who_took_over_leads_though_a_replica_still_follows_the_failed_one() {
    for hosts in [3, 4] {
        let cluster = cluster(Flavor::MariaDb, hosts);
        let mut seen = healthy(&cluster);
        seen.server_mut("db2").replica = None;
        writes(&mut seen, "db2", Switch::On);
        if hosts == 4 {
            seen.replica_mut("db4").source_host = "192.0.2.2".to_owned();
        }
        seen.reached_mut("db1").server = ServerView::Stopped;
        let leader = |seen: &Observation| decide::leader(&cluster, seen);
        let topology = |seen: &Observation| {
            let found = Topology::of(&cluster, seen, &consent(&[]).reseed);
            found.map(|found| found.primary)
        };
        // Not at its end: with nobody behind db2 it is still db1's failover that must be finished.
        if hosts == 3 {
            assert_eq!(topology(&seen), Ok(name("db1")));
        }
        seen.reached_mut("db2").os.marks.failover = Some(Mark {
            at: 0,
            by: String::new(),
            host: Some(name("db1")),
            text: String::new(),
        });
        if hosts == 3 {
            assert_eq!(topology(&seen), Ok(name("db1")), "it has no VIP yet");
        }
        let vip = cluster.vip.as_ref().unwrap().address;
        seen.reached_mut("db1").os.addresses.clear();
        let held = held(vip, "eth0");
        seen.reached_mut("db2").os.addresses.push(held);
        assert_eq!(topology(&seen), Ok(name("db2")));
        assert_eq!(leader(&seen), Ok(name("db2")));
        // Alive and writable, it is nobody's to overlook.
        seen.reached_mut("db1").server = healthy(&cluster).reached_mut("db1").server.clone();
        assert_ne!(topology(&seen), Ok(name("db2")));
    }
}

/// S11: who took over is read-only after a restart, and leads all the same.
#[test]
fn a_noted_failover_counts_while_its_host_is_away() {
    let (cluster, mut seen) = failed_over(Flavor::MySql);
    writes(&mut seen, "db2", Switch::Off);
    seen.reached_mut("db1").server = ServerView::Stopped;
    // Nobody noted a failover: it is not at its end, and the dead one is who it is about.
    assert_eq!(decide::leader(&cluster, &seen), Ok(name("db1")));
    let mark = |host: &str| Mark {
        at: 0,
        by: String::new(),
        host: Some(name(host)),
        text: String::new(),
    };
    seen.reached_mut("db2").os.marks.failover = Some(mark("db1"));
    assert_eq!(decide::leader(&cluster, &seen), Ok(name("db2")));
    // It was up and followed nobody when bootstrap was asked.
    assert!(
        refusals(&seen, &cluster, &[])
            .iter()
            .all(|said| !said.starts_with("db2"))
    );
    // Back since: an old mark says nothing.
    let (_, mut seen) = failed_over(Flavor::MySql);
    writes(&mut seen, "db2", Switch::Off);
    writes(&mut seen, "db1", Switch::Off);
    seen.reached_mut("db2").os.marks.failover = Some(mark("db1"));
    assert_eq!(decide::leader(&cluster, &seen), Ok(name("db1")));
}

/// Who took over is away: what was written since is not on the one that is left.
#[test]
fn a_replaced_primary_is_not_made_primary_by_provisioning() {
    let (cluster, mut seen) = failed_over(Flavor::MariaDb);
    seen.hosts
        .insert(name("db2"), unreachable(UnreachableKind::Network));
    seen.reached_mut("db1").server = ServerView::Stopped;
    seen.reached_mut("db1").os.marks.fenced = Some(Mark {
        at: 0,
        by: String::new(),
        host: Some(name("db1")),
        text: "masked".to_owned(),
    });
    let said = refusals(&seen, &cluster, &[]).join("\n");
    assert!(said.contains("db1 is fenced: masked"), "{said}");
}

#[test]
fn where_no_one_server_leads_it_says_which_and_what_to_do() {
    let data: &[&str] = &["shop"];
    let two = [
        ("db1", data, None),
        ("db2", data, Some("db1")),
        ("db3", data, None),
        ("db4", data, Some("db3")),
    ];
    let said = topology(&two, &[]).unwrap_err();
    assert!(
        said.starts_with("two servers act as primary: db1 and db3"),
        "{said}"
    );
    let ring = [("db1", data, Some("db2")), ("db2", data, Some("db1"))];
    let said = topology(&ring, &[]).unwrap_err();
    assert!(
        said.starts_with("no server stands at the top: db1, db2 replicate"),
        "{said}"
    );
    let elsewhere: [(&str, &[&str], Option<&str>); 2] = [("db1", &[], None), ("db2", data, None)];
    let said = topology(&elsewhere, &[]).unwrap_err();
    assert!(
        said.contains("db2 holds databases (shop), while db1"),
        "{said}"
    );
    assert!(
        said.contains("write `primary: true` on db2 instead of db1"),
        "{said}"
    );
}

/// A half-filled server's data does not make it the primary.
#[test]
fn an_unfinished_seed_is_no_data() {
    let cluster = cluster(Flavor::MariaDb, 2);
    let mut seen = running(&cluster, &[("db1", &[], None), ("db2", &["shop"], None)]);
    seen.server_mut("db2").seeding = Seeding::Unfinished;
    let found = Topology::of(&cluster, &seen, &consent(&[]).reseed).unwrap();
    assert_eq!(found.primary, name("db1"));
    assert!(!found.serves(&name("db1")));
}

fn need(change: impl Fn(&mut Observation), reseed: &[&str]) -> Result<SeedNeed, String> {
    let cluster = cluster(Flavor::MariaDb, 2);
    let mut seen = healthy(&cluster);
    change(&mut seen);
    let consent = consent(reseed);
    let topology = Topology::of(&cluster, &seen, &consent.reseed).unwrap();
    SeedNeed::of(&cluster, &name("db2"), &topology, &seen, &consent)
        .map_err(|refusal| format!("{}; {}", refusal.reason, refusal.way_out))
}

#[test]
fn only_what_is_empty_or_given_up_is_loaded() {
    let alone = |seen: &mut Observation| {
        let facts = seen.server_mut("db2");
        (facts.replica, facts.own_schema) = (None, OwnSchema::Absent);
    };
    let empty = |seen: &mut Observation| {
        let facts = seen.server_mut("db2");
        (facts.replica, facts.databases) = (None, Vec::new());
    };
    let half = |seen: &mut Observation| {
        let facts = seen.server_mut("db2");
        (facts.replica, facts.seeding) = (None, Seeding::Unfinished);
    };
    let stranger = |seen: &mut Observation| {
        seen.replica_mut("db2").source_host = "203.0.113.9".to_owned();
    };
    assert_eq!(need(|_| {}, &[]), Ok(SeedNeed::None));
    assert_eq!(need(|_| {}, &["db2"]), Ok(SeedNeed::EmptyThenLoad));
    assert_eq!(need(empty, &[]), Ok(SeedNeed::Load));
    assert_eq!(need(half, &[]), Ok(SeedNeed::EmptyThenLoad));
    assert_eq!(need(alone, &["db2"]), Ok(SeedNeed::EmptyThenLoad));
    assert_eq!(need(stranger, &["db2"]), Ok(SeedNeed::EmptyThenLoad));
    let said = need(alone, &[]).unwrap_err();
    assert!(said.contains("holds databases of its own: shop"), "{said}");
    assert!(said.contains("--reseed db2"), "{said}");
    let said = need(stranger, &[]).unwrap_err();
    assert!(
        said.starts_with("db2 replicates from 203.0.113.9:3306, which is not in"),
        "{said}"
    );
}

fn refusals(seen: &Observation, cluster: &Cluster, reseed: &[&str]) -> Vec<String> {
    match bootstrap(cluster, seen, &consent(reseed)) {
        Bootstrap::Proceed(_) => Vec::new(),
        Bootstrap::Refused(refusals) => {
            refusals.into_iter().map(|refusal| refusal.reason).collect()
        }
    }
}

#[test]
fn a_bootstrap_refuses_what_it_may_not_decide() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let said = |change: &dyn Fn(&mut Observation), reseed: &[&str]| {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        refusals(&seen, &cluster, reseed)
    };
    assert!(said(&|_| {}, &["db2"]).is_empty());
    assert!(refusals(&bare(&cluster), &cluster, &[]).is_empty());
    assert_eq!(
        said(&|_| {}, &["db1"]),
        ["db1 is the primary: its data is what the others are seeded from"]
    );
    let primary_is =
        |server: &ServerView| said(&|seen| seen.reached_mut("db1").server = server.clone(), &[]);
    assert_eq!(
        primary_is(&ServerView::Stopped),
        ["db1, from which the others replicate, is stopped"]
    );
    assert_eq!(
        primary_is(&ServerView::Absent),
        ["db1, from which the others replicate, has no server program"]
    );
    assert_eq!(
        primary_is(&fixture::refused(1040)),
        ["db1, from which the others replicate, does not answer (error 1040)"]
    );
    assert!(
        primary_is(&fixture::access_denied()).is_empty(),
        "repaired by the playbook"
    );
    // Both at once, not one after the other.
    let both = said(
        &|seen| {
            for host in ["db2", "db3"] {
                seen.server_mut(host).replica = None;
            }
        },
        &[],
    );
    assert_eq!(both.len(), 2, "{both:?}");
}

/// A member that a failover left behind, and how it is told from a server that is merely stopped.
#[test]
fn a_failed_member_waits_for_its_rejoin() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mark = |host: &str| crate::facts::Mark {
        at: 0,
        by: "ann@desk".to_owned(),
        host: Some(name(host)),
        text: "it was dead".to_owned(),
    };
    let said = |change: &dyn Fn(&mut Observation), reseed: &[&str]| {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let refused = match bootstrap(&cluster, &seen, &consent(reseed)) {
            Bootstrap::Proceed(_) => Vec::new(),
            Bootstrap::Refused(refusals) => refusals
                .into_iter()
                .map(|refusal| format!("{} -> {}", refusal.reason, refusal.way_out))
                .collect(),
        };
        let found = verify::verify(&cluster, &seen, &verify::Drift::new());
        let found = found.findings();
        let found = found
            .into_iter()
            .find(|finding| finding.next.contains("hactl rejoin db2"));
        (refused, found.map(|finding| finding.code))
    };
    let rejoin = "-> `hactl rejoin db2` brings it back";
    let fenced = |seen: &mut Observation| {
        let reached = seen.reached_mut("db2");
        reached.os.marks.fenced = Some(mark("db2"));
        reached.server = ServerView::Stopped;
    };
    let expected = format!("db2 is fenced: it was dead {rejoin} as a replica");
    // Permission to drop its data does not bring it back either.
    for reseed in [&[][..], &["db2"]] {
        assert_eq!(
            said(&fenced, reseed),
            (vec![expected.clone()], Some("Fenced"))
        );
    }
    let masked = |seen: &mut Observation| {
        let reached = seen.reached_mut("db2");
        let unit = reached.os.units.get_mut("mariadb.service");
        let unit = unit.expect("the server's unit");
        "masked".clone_into(&mut unit.enablement);
        reached.server = ServerView::Stopped;
    };
    assert!(said(&masked, &[]).0[0].contains("the unit is masked"));
    let replaced = |seen: &mut Observation| {
        seen.reached_mut("db3").os.marks.failover = Some(mark("db2"));
        seen.reached_mut("db2").server = ServerView::Stopped;
    };
    assert!(said(&replaced, &[]).0[0].contains(rejoin));
    let stray = |seen: &mut Observation| seen.server_mut("db2").replica = None;
    assert_eq!(
        said(&stray, &[]),
        (
            vec![
                "db2 was a member of this cluster, and does not replicate while db1 leads \
                 -> `hactl rejoin db2` brings it back, or says what only it has"
                    .to_owned()
            ],
            Some("NotReplicating")
        )
    );
    // A replica that is merely stopped, and one that came back long ago.
    let stopped = |seen: &mut Observation| seen.reached_mut("db2").server = ServerView::Stopped;
    assert_eq!(said(&stopped, &[]), (Vec::new(), None));
    let back = |seen: &mut Observation| {
        seen.reached_mut("db3").os.marks.failover = Some(mark("db2"));
    };
    assert_eq!(said(&back, &[]), (Vec::new(), None));
}

#[test]
fn a_dead_primary_is_a_failovers_business() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    seen.reached_mut("db1").server = ServerView::Stopped;
    let Bootstrap::Refused(refusals) = bootstrap(&cluster, &seen, &consent(&[])) else {
        panic!("it would provision beside a dead primary");
    };
    assert!(
        refusals[0]
            .way_out
            .starts_with("`hactl failover` promotes a replica")
    );
    let found = verify::verify(&cluster, &seen, &verify::Drift::new());
    let found = found.findings();
    let dead = found.iter().find(|finding| finding.code == "DeadPrimary");
    assert!(dead.is_some_and(|finding| finding.next.contains("`hactl failover`")));
}
