//! Every check fires on what it is for and on nothing else: a healthy cluster, one thing changed, the
//! codes that must be found. A check without a row in here would be a check that nobody has seen work.

mod both;
mod flavored;
mod machines;
mod versions;

use std::collections::BTreeSet;

use super::*;
use crate::facts::{FileFacts, ServerView};
use crate::fixture::{self, Mutate as _, cluster, healthy};
use crate::mysql::{BinlogState, Flavor, GtidSet, Positioning, ServerError, Switch};
use both::{REPLICATION, SERVERS};
use flavored::{MARIADB, MYSQL};
use machines::MACHINES;

pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) change: fn(&mut Observation),
    pub(super) codes: &'static [&'static str],
}

pub(super) const fn case(
    what: &'static str,
    change: fn(&mut Observation),
    codes: &'static [&'static str],
) -> Case {
    Case {
        what,
        change,
        codes,
    }
}

pub(super) fn set(seen: &mut Observation, host: &str, variable: &str, value: &str) {
    let variables = &mut seen.server_mut(host).variables;
    assert!(
        variables
            .insert(variable.to_owned(), value.to_owned())
            .is_some(),
        "{variable} is not a variable of a healthy server"
    );
}

pub(super) fn error(number: u16) -> ServerError {
    ServerError {
        number,
        text: "so it is".to_owned(),
    }
}

/// `db2` has executed exactly this.
pub(super) fn own_transaction(seen: &mut Observation, gtids: &str) {
    let facts = seen.server_mut("db2");
    if facts.dialect.flavor == Flavor::MariaDb {
        let state: BinlogState = gtids.parse().unwrap();
        facts.binlog_state = Some(state);
    } else {
        facts.executed = GtidSet::parse(Flavor::MySql, gtids).unwrap();
    }
}

pub(super) fn account<'a>(
    facts: &'a mut crate::mysql::ServerFacts,
    user: &str,
) -> &'a mut crate::mysql::AccountFacts {
    let mut accounts = facts.accounts.iter_mut();
    accounts.find(|(name, _)| name.user == user).unwrap().1
}

/// Everything that is found. The files of a host are those that somebody changed.
fn findings(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    let verdict = verify(cluster, seen, &drift(seen));
    verdict.findings().into_iter().cloned().collect()
}

/// What bootstrap would write: another text than the file has, unless that says that it is as wanted.
fn drift(seen: &Observation) -> Drift {
    let differs = |(path, facts): (&String, &FileFacts)| {
        let before = match facts {
            FileFacts::Present { content, .. } => Some(content.clone()),
            _ => None,
        };
        let is_wanted = before
            .as_ref()
            .is_some_and(|text| text.contains("as wanted"));
        (!is_wanted).then(|| FileDrift {
            path: path.clone(),
            why: "differs".to_owned(),
            before,
            wanted: "sync_binlog = 1".to_owned(),
        })
    };
    let hosts = seen.all_reached();
    hosts
        .map(|(host, reached)| {
            let files = reached.os.files.iter().filter_map(differs);
            (host.clone(), files.collect())
        })
        .collect()
}

fn codes(found: &[Finding]) -> Vec<&'static str> {
    let mut codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes
}

#[test]
fn each_check_finds_what_it_is_for_and_nothing_else() {
    let rows = [
        (Flavor::MariaDb, MARIADB),
        (Flavor::MySql, MYSQL),
        (Flavor::MariaDb, SERVERS),
        (Flavor::MySql, SERVERS),
        (Flavor::MariaDb, REPLICATION),
        (Flavor::MySql, REPLICATION),
        (Flavor::MariaDb, MACHINES),
        (Flavor::MySql, MACHINES),
    ];
    let mut wrong = Vec::new();
    for (flavor, cases) in rows {
        let cluster = cluster(flavor, 3);
        for case in cases {
            let mut seen = healthy(&cluster);
            (case.change)(&mut seen);
            let mut expected = case.codes.to_vec();
            expected.sort_unstable();
            let found = findings(&cluster, &seen);
            if codes(&found) != expected {
                wrong.push(format!(
                    "{flavor}, {}: {expected:?} but {found:#?}",
                    case.what
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// So that a new check cannot come without a row above.
#[test]
fn no_check_is_unproven() {
    let cases = || {
        [SERVERS, REPLICATION, MACHINES, MARIADB, MYSQL]
            .into_iter()
            .flatten()
    };
    for (flavor, rows) in [(Flavor::MariaDb, MARIADB), (Flavor::MySql, MYSQL)] {
        // With everything that an inventory can demand.
        let cluster = fixture::cluster_with(flavor, 3, "replication: {tls: required}\n");
        let topology = fixture::named_topology(&cluster);
        for check in CHECKS {
            let fires = |case: &Case| {
                let mut seen = healthy(&cluster);
                (case.change)(&mut seen);
                let topology = Topology::of(&cluster, &seen, &BTreeSet::new())
                    .unwrap_or_else(|_| topology.clone());
                let context = Context {
                    cluster: &cluster,
                    seen: &seen,
                    topology: &topology,
                    drift: &drift(&seen),
                };
                !(check.find)(&context).is_empty()
            };
            let of_flavor = SERVERS
                .iter()
                .chain(REPLICATION)
                .chain(MACHINES)
                .chain(rows);
            assert!(
                of_flavor.clone().any(fires),
                "{flavor}: nothing fires {}",
                check.about
            );
        }
    }
    assert!(cases().count() > CHECKS.len());
}

/// Without a VIP, without replicas, with a shorter durability: what is not wanted is not missed.
#[test]
fn what_nobody_asked_for_is_not_missed() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let alone = cluster(flavor, 1);
        let mut seen = healthy(&alone);
        seen.server_mut("db1").semi_sync.source_enabled = Some(Switch::Off);
        assert_eq!(
            findings(&alone, &seen),
            [],
            "one server alone waits for nobody"
        );
        let available = fixture::cluster_with(flavor, 3, "durability: available\n");
        let mut seen = healthy(&available);
        seen.server_mut("db1").semi_sync.timeout_ms = Some(10_000);
        set(&mut seen, "db2", "sync_relay_log", "10000");
        assert_eq!(findings(&available, &seen), [], "{flavor}");
    }
}

/// An acknowledgement from a replica that may never lead is none to rely on.
#[test]
fn somebody_who_acknowledges_may_lead() {
    let mut cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    let never = |cluster: &mut Cluster, host: &str| {
        let host = cluster.hosts.get_mut(&fixture::name(host));
        host.unwrap().promotion = crate::inventory::Promotion::Never;
    };
    never(&mut cluster, "db2");
    assert_eq!(findings(&cluster, &seen), []);
    seen.server_mut("db3").semi_sync.replica_active = Some(Switch::Off);
    let found = findings(&cluster, &seen);
    assert_eq!(codes(&found), ["ReplicaDoesNotAck", "SemiSyncUncovered"]);
    never(&mut cluster, "db3");
    seen = healthy(&cluster);
    assert_eq!(
        codes(&findings(&cluster, &seen)),
        ["NoCandidate", "SemiSyncUncovered"]
    );
}

/// Every finding says what was seen and where to go next.
#[test]
fn findings_name_the_next_step() {
    let cluster = cluster(Flavor::MariaDb, 3);
    for case in SERVERS.iter().chain(REPLICATION).chain(MACHINES) {
        let mut seen = healthy(&cluster);
        (case.change)(&mut seen);
        for finding in findings(&cluster, &seen) {
            assert!(finding.next.len() > 10, "{finding:?}");
            assert!(!finding.message.is_empty(), "{finding:?}");
            assert!(!finding.message.ends_with('.'), "{finding:?}");
        }
    }
}

/// Bootstrap would refuse, and name the rejoin; the rejoin would refuse, since nobody leads.
/// An account is repaired where it is the account; whether a primary is dead takes more than one look.
#[test]
fn a_silent_server_is_no_account_to_repair() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let next = |host: &str, refused: ServerView| {
        let mut seen = healthy(&cluster);
        seen.reached_mut(host).server = refused;
        let found = findings(&cluster, &seen);
        let server = found.iter().find(|found| found.code.starts_with("Server"));
        server.unwrap().next.clone()
    };
    assert!(next("db2", fixture::access_denied()).starts_with("run `hactl bootstrap`"));
    assert!(next("db2", fixture::refused(1040)).starts_with("look at its log"));
    assert!(next("db1", fixture::refused(1040)).starts_with("run `hactl failover --check`"));
}

#[test]
fn a_read_only_primary_beside_a_failed_member_is_opened_by_a_failover() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let cluster = cluster(flavor, 3);
        let mut seen = healthy(&cluster);
        seen.server_mut("db1").read_only.read_only = Switch::On;
        let hint = |seen: &Observation| {
            let findings = findings(&cluster, seen);
            let found = findings.iter().find(|one| one.code == "PrimaryIsReadOnly");
            format!("{found:?}")
        };
        assert!(hint(&seen).contains("run `hactl bootstrap`"));
        seen.reached_mut("db3").os.marks.fenced = Some(crate::facts::Mark {
            at: 0,
            by: String::new(),
            host: Some(fixture::name("db3")),
            text: "masked".to_owned(),
        });
        assert!(hint(&seen).contains("run `hactl failover`"));
    }
}

#[test]
fn commits_that_wait_beside_a_fenced_member_name_the_command_that_ends_it() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    seen.server_mut("db1").semi_sync.clients = 0;
    let next = |seen: &Observation| {
        let found = findings(&cluster, seen);
        let blocked = found
            .into_iter()
            .find(|found| found.code == "SemiSyncBlocked");
        blocked.unwrap().next
    };
    assert!(!next(&seen).contains("rejoin"), "{}", next(&seen));
    let reached = seen.reached_mut("db3");
    reached.server = ServerView::Stopped;
    reached.os.marks.fenced = Some(crate::facts::Mark {
        at: 1_799_999_000,
        by: "ann@desk".to_owned(),
        host: None,
        text: "dead".to_owned(),
    });
    assert!(
        next(&seen).contains("`hactl rejoin db3`"),
        "{}",
        next(&seen)
    );
}

/// What is demanded of the connection to the source is looked at, and nothing where nothing is.
#[test]
fn a_replica_that_is_not_protected_as_demanded_is_found() {
    for (more, found) in [
        ("", false),
        ("replication: {tls: off}\n", false),
        ("replication: {tls: required}\n", true),
        ("replication: {tls: verified, ca: /ca.pem}\n", true),
    ] {
        let cluster = fixture::cluster_with(Flavor::MySql, 3, more);
        let mut seen = healthy(&cluster);
        assert_eq!(findings(&cluster, &seen), []);
        seen.replica_mut("db2").ssl = Some(Switch::Off);
        let codes = codes(&findings(&cluster, &seen));
        let expected: &[&str] = if found {
            &["ReplicationUnprotected"]
        } else {
            &[]
        };
        assert_eq!(codes, expected, "{more}");
    }
}

/// Either is in order there: by position after a seed, by GTID after a failover.
#[test]
fn a_replica_by_position_is_found_only_where_that_is_not_the_mode() {
    for (more, expected) in [
        ("", &["FollowsByPosition"][..]),
        ("replication: {mode: gtid}\n", &["FollowsByPosition"][..]),
        ("replication: {mode: position}\n", &[][..]),
    ] {
        let cluster = fixture::cluster_with(Flavor::MariaDb, 3, more);
        let mut seen = healthy(&cluster);
        assert_eq!(findings(&cluster, &seen), []);
        seen.replica_mut("db2").using_gtid = Positioning::File;
        assert_eq!(codes(&findings(&cluster, &seen)), expected, "{more}");
        seen.replica_mut("db2").using_gtid = Positioning::GtidWithOwnWrites;
        assert_eq!(
            codes(&findings(&cluster, &seen)),
            ["CountsOwnWrites"],
            "{more}"
        );
    }
}
