//! Who leads, who may be loaded, what stands in the way: each answer from the smallest difference to a
//! healthy cluster.

use super::*;
use crate::facts::{Observation, RootAccess, ServerView, UnreachableKind};
use crate::fixture::{self, Mutate as _, bare, cluster, consent, healthy, held, name, unreachable};
use crate::inventory::Cluster;
use crate::mysql::{Flavor, Seeding};

/// `db1` and so on, each up with these databases and following these hosts.
fn running(cluster: &Cluster, hosts: &[(&str, &[&str], Option<&str>)]) -> Observation {
    let mut seen = healthy(cluster);
    for (host, databases, source) in hosts {
        let facts = seen.server_mut(host);
        facts.databases = databases.iter().map(ToString::to_string).collect();
        facts.replica = source.map(|source| fixture::following(cluster, &name(source)));
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
    SeedNeed::of(&name("db2"), &topology, &seen, &consent)
        .map_err(|refusal| format!("{}; {}", refusal.reason, refusal.way_out))
}

#[test]
fn only_what_is_empty_or_given_up_is_loaded() {
    let alone = |seen: &mut Observation| seen.server_mut("db2").replica = None;
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

/// A change of what is seen, and the codes that are then found.
type Row = (fn(&mut Observation), &'static [&'static str]);

#[test]
fn the_preflight_finds_what_would_stop_a_run_halfway() {
    let cluster = cluster(Flavor::MariaDb, 2);
    let rows: &[Row] = &[
        (|_| {}, &[]),
        (
            |seen| {
                drop(
                    seen.hosts
                        .insert(name("db2"), unreachable(UnreachableKind::Network)),
                );
            },
            &["HostUnreachable"],
        ),
        (
            |seen| {
                drop(
                    seen.hosts
                        .insert(name("db2"), unreachable(UnreachableKind::HostKey)),
                );
            },
            &["HostKeyNotTrusted"],
        ),
        (
            |seen| drop(seen.hosts.remove(&name("db2"))),
            &["HostUnreachable"],
        ),
        (
            |seen| seen.reached_mut("db2").os.login.root = RootAccess::None,
            &["NoRootAccess"],
        ),
        (
            |seen| "fedora".clone_into(&mut seen.reached_mut("db2").os.distribution),
            &["DistributionUnknown"],
        ),
        (
            |seen| seen.reached_mut("db2").os.disk_free = Some(1 << 20),
            &["DiskFull"],
        ),
        (|seen| seen.reached_mut("db2").os.disk_free = None, &[]),
        (
            |seen| seen.reached_mut("db2").os.interfaces.clear(),
            &["InterfaceMissing"],
        ),
        (
            |seen| {
                let mysql = "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))";
                seen.reached_mut("db2").os.server_version = Some(mysql.to_owned());
            },
            &["WrongFlavor"],
        ),
        (|seen| seen.reached_mut("db2").os.server_version = None, &[]),
        (
            |seen| seen.reached_mut("db2").server = fixture::refused(1040),
            &["ServerSilent"],
        ),
        (
            |seen| seen.reached_mut("db2").server = fixture::access_denied(),
            &[],
        ),
        (
            |seen| {
                for host in ["db1", "db2"] {
                    seen.server_mut(host).server_uuid = Some("a-copy".to_owned());
                }
            },
            &["DuplicateServerUuid"],
        ),
    ];
    for (change, expected) in rows {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let codes: Vec<_> = preflight(&cluster, &seen)
            .iter()
            .map(|found| found.code)
            .collect();
        assert_eq!(codes, *expected);
    }
}

#[test]
fn the_vip_is_no_hosts_own_address() {
    let mut cluster = cluster(Flavor::MariaDb, 2);
    let mut seen = healthy(&cluster);
    // On a replica it is for the playbook to repair, and no obstacle.
    let vip = held([192, 0, 2, 90].into(), "eth0");
    seen.reached_mut("db2").os.addresses.push(vip);
    assert_eq!(preflight(&cluster, &seen), []);
    if let Some(vip) = &mut cluster.vip {
        vip.address = [192, 0, 2, 2].into();
    }
    let found = preflight(&cluster, &seen);
    assert_eq!(
        found.iter().map(|found| found.code).collect::<Vec<_>>(),
        ["VipIsOwnAddress"]
    );
}
