//! Versions: who could not follow whom, now and once another leads, and what is said of it.

use super::{codes, findings};
use crate::facts::Observation;
use crate::fixture::{Mutate as _, cluster, healthy, name};
use crate::inventory::{Cluster, Promotion};
use crate::mysql::Flavor;

/// A healthy cluster in which `db1`, `db2`, … run these.
fn running(flavor: Flavor, versions: [&str; 3]) -> (Cluster, Observation) {
    let cluster = cluster(flavor, 3);
    let mut seen = healthy(&cluster);
    for (host, version) in ["db1", "db2", "db3"].into_iter().zip(versions) {
        seen.server_mut(host).dialect.version = version.parse().unwrap();
    }
    (cluster, seen)
}

/// Only what is about versions: other releases may want other privileges.
fn said(cluster: &Cluster, seen: &Observation) -> String {
    let found = findings(cluster, seen);
    let about = [
        "ReplicaOlderThanPrimary",
        "CandidateNewerThanOthers",
        "SeriesLeftOut",
    ];
    let lines = found
        .iter()
        .filter(|finding| about.contains(&finding.code))
        .map(|found| {
            let host = found.host.as_ref().unwrap();
            format!(
                "{host} {}: {} -> {}\n",
                found.code, found.message, found.next
            )
        });
    lines.collect()
}

#[test]
fn an_upgrade_is_told_what_may_lead_when() {
    let mut text = String::new();
    for (flavor, versions) in [
        // As it should be, in the middle and towards the end of an upgrade.
        (Flavor::MariaDb, ["10.11.18", "11.8.6", "10.11.18"]),
        (Flavor::MariaDb, ["10.11.18", "11.8.6", "11.8.6"]),
        // The primary first, which is the wrong way.
        (Flavor::MariaDb, ["11.8.6", "10.11.18", "11.8.2"]),
        (Flavor::MySql, ["8.4.9", "9.7.4", "8.4.0"]),
        (Flavor::MySql, ["8.0.36", "9.7.4", "8.0.28"]),
    ] {
        let (cluster, seen) = running(flavor, versions);
        text = format!("{text}{versions:?}\n{}", said(&cluster, &seen));
    }
    insta::assert_snapshot!(text, @r#"
    ["10.11.18", "11.8.6", "10.11.18"]
    db2 CandidateNewerThanOthers: runs 11.8.6; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db1 (10.11.18) and db3 (10.11.18) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    ["10.11.18", "11.8.6", "11.8.6"]
    db2 CandidateNewerThanOthers: runs 11.8.6; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db1 (10.11.18) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    db3 CandidateNewerThanOthers: runs 11.8.6; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db1 (10.11.18) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    ["11.8.6", "10.11.18", "11.8.2"]
    db2 ReplicaOlderThanPrimary: runs 10.11.18, older than the primary's 11.8.6: it may not understand all that the primary writes -> upgrade the replica; the primary is upgraded last
    db3 CandidateNewerThanOthers: runs 11.8.2; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db2 (10.11.18) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    ["8.4.9", "9.7.4", "8.4.0"]
    db2 CandidateNewerThanOthers: runs 9.7.4; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db1 (8.4.9) and db3 (8.4.0) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    ["8.0.36", "9.7.4", "8.0.28"]
    db2 CandidateNewerThanOthers: runs 9.7.4; after a switchover or failover to it, older servers would follow it that may not understand all that it writes: db1 (8.0.36) and db3 (8.0.28) -> upgrade those before it leads; until then `promotion: avoid` lets others lead first
    db2 SeriesLeftOut: runs 9.7.4, too new for db1 with 8.0.36, which it follows: replication is supported from one long-term series to the next, and 8.4 lies between -> upgrade in steps: all servers to 8.4 first
    db3 ReplicaOlderThanPrimary: runs 8.0.28, older than the primary's 8.0.36: it may not understand all that the primary writes -> upgrade the replica; the primary is upgraded last
    "#);
}

#[test]
fn patches_of_one_series_are_nothing_to_speak_of() {
    for (flavor, versions) in [
        (Flavor::MariaDb, ["10.11.6", "10.11.18", "10.11.2"]),
        (Flavor::MySql, ["8.4.0", "8.4.9", "8.4.3"]),
        (Flavor::MySql, ["8.0.42", "8.0.34", "8.0.36"]),
    ] {
        let (cluster, seen) = running(flavor, versions);
        assert_eq!(said(&cluster, &seen), "", "{versions:?}");
    }
}

/// What may never lead leads nobody into trouble, and what is not seen is no follower.
#[test]
fn only_those_that_may_lead_count_and_only_beside_those_that_are_seen() {
    let (mut cluster, mut seen) = running(Flavor::MariaDb, ["10.11.18", "11.8.6", "10.11.18"]);
    let db2 = cluster.hosts.get_mut(&name("db2")).unwrap();
    db2.promotion = Promotion::Never;
    assert_eq!(said(&cluster, &seen), "");
    cluster.hosts.get_mut(&name("db2")).unwrap().promotion = Promotion::Avoid;
    seen.hosts.remove(&name("db3"));
    assert!(said(&cluster, &seen).contains(": db1 (10.11.18) ->"));
    let wrong = codes(&findings(&cluster, &seen));
    assert!(wrong.contains(&"CandidateNewerThanOthers"), "{wrong:?}");
}
