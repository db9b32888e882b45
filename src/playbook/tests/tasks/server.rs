//! Modules that look at the database server.

use super::{Row, says, says_allowed, says_on, table};
use crate::facts::Observation;
use crate::fixture::{self, Mutate as _, cluster};
use crate::mysql::{AccountName, Barrier, Flavor, Positioning, Seeding, Switch, ThreadState};

#[test]
fn mysql_admin() {
    table(
        "mysql_admin: {}",
        &[
            (|_| {}, ""),
            (
                |seen| seen.reached_mut("db2").server = fixture::access_denied(),
                "create the admin account [the admin account cannot log in]",
            ),
            (
                |seen| seen.reached_mut("db2").server = fixture::refused(1040),
                "",
            ),
        ],
    );
}

#[test]
fn mysql_variables() {
    let task = "mysql_variables: {read_only: on, semi_sync_source: off}";
    table(
        task,
        &[
            (|_| {}, ""),
            (
                |seen| seen.server_mut("db2").read_only.read_only = Switch::Off,
                "turn read-only on [read-only is off]",
            ),
            (
                |seen| seen.server_mut("db2").semi_sync.source_enabled = Some(Switch::On),
                "turn semi-sync as source off [semi-sync as source is on]",
            ),
        ],
    );
    // Neither fully on nor fully off: either wish is a change.
    let mysql = cluster(Flavor::MySql, 2);
    let half = |seen: &mut Observation| {
        seen.server_mut("db2").read_only.super_read_only = Some(Switch::Off);
    };
    for (task, action) in [("on", "turn read-only on"), ("off", "turn read-only off")] {
        let task = format!("mysql_variables: {{read_only: {task}}}");
        let said = says_on(&mysql, &task, "db2", half).unwrap();
        assert!(said.starts_with(action), "{said}");
    }
}

#[test]
fn mysql_user() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let cluster = cluster(flavor, 2);
        let task = "mysql_user: {account: monitor}";
        let says = |change: fn(&mut Observation)| says_on(&cluster, task, "db1", change).unwrap();
        assert_eq!(says(|_| {}), "");
        assert_eq!(
            says(|seen| {
                for host in ["db1", "db2"] {
                    let accounts = &mut seen.server_mut(host).accounts;
                    accounts.remove(&AccountName::new("monitor", "%"));
                }
            }),
            "monitor account: create [monitor@%: create]"
        );
        assert_eq!(
            says(|seen| {
                let accounts = &mut seen.server_mut("db1").accounts;
                let other = accounts[&AccountName::new("repl", "%")].clone();
                accounts.insert(AccountName::new("monitor", "%"), other);
            }),
            "monitor account: another password and other privileges \
             [monitor@%: another password, other privileges]"
        );
        // The flavor's own way to keep a password, and another one.
        let own = |password: &'static str| {
            says_on(&cluster, task, "db1", move |seen| {
                let facts = seen.server_mut("db1");
                let (plugin, hash) = (
                    facts.dialect.account_plugin(),
                    facts.dialect.predicted_hash(&password.into()),
                );
                let account = facts
                    .accounts
                    .get_mut(&AccountName::new("monitor", "%"))
                    .unwrap();
                (account.plugin, account.hash) = (plugin.to_owned(), hash);
            })
        };
        assert_eq!(own("two").unwrap(), "");
        assert_eq!(
            own("2").unwrap(),
            "monitor account: another password [monitor@%: another password]"
        );
        let barred = says(|seen| {
            let accounts = &mut seen.server_mut("db1").accounts;
            let account = accounts.get_mut(&AccountName::new("monitor", "%")).unwrap();
            account.barriers = [Barrier::Expired, Barrier::Locked].into();
        });
        assert_eq!(
            barred,
            "monitor account: locked and password expired [monitor@%: locked, password expired]"
        );
    }
    let unknown = says("mysql_user: {account: root}", "db1", |_| {}).unwrap_err();
    assert_eq!(
        unknown,
        "no account `root`; write admin, replication or monitor"
    );
}

#[test]
fn mysql_seed() {
    let task = "mysql_seed: {}";
    let empty: fn(&mut Observation) = |seen| {
        let facts = seen.server_mut("db2");
        (facts.replica, facts.databases) = (None, Vec::new());
    };
    let half: fn(&mut Observation) = |seen| {
        let facts = seen.server_mut("db2");
        (facts.replica, facts.seeding) = (None, Seeding::Unfinished);
    };
    table(
        task,
        &[
            (|_| {}, ""),
            (
                half,
                "dump and load into db2 (after dropping every database on db2) [its own data is given up]",
            ),
        ],
    );
    assert_eq!(says(task, "db1", |_| {}).unwrap(), "");
    // Whoever followed when the run began and holds nothing now is looked at by the run, not here.
    assert_eq!(says(task, "db2", empty).unwrap(), "");
    let cluster = cluster(Flavor::MariaDb, 2);
    let given_up = fixture::consent(&["db2"]);
    let said = says_allowed(&cluster, task, "db2", &given_up, |_| {}).unwrap();
    assert!(
        said.contains("after dropping every database on db2"),
        "{said}"
    );
}

#[test]
fn mysql_replica() {
    let task = "mysql_replica: {}";
    let rows: &[Row] = &[
        (|_| {}, ""),
        (
            |seen| seen.server_mut("db2").replica = None,
            "not a replica",
        ),
        (
            |seen| seen.replica_mut("db2").source_host = "192.0.2.3".to_owned(),
            "source is 192.0.2.3, not 192.0.2.1",
        ),
        (
            |seen| seen.replica_mut("db2").source_port = 3307,
            "port is 3307, not 3306",
        ),
        (
            |seen| seen.replica_mut("db2").source_user = "r".to_owned(),
            "user is r, not repl",
        ),
        (
            |seen| seen.replica_mut("db2").connect_retry_s = 60,
            "connect retry is 60, not 1",
        ),
        (
            |seen| seen.replica_mut("db2").heartbeat = Some(std::time::Duration::from_secs(30)),
            "heartbeat is 30s, not 1s",
        ),
        (|seen| seen.replica_mut("db2").heartbeat = None, ""),
        (
            |seen| seen.replica_mut("db2").using_gtid = Positioning::File,
            "does not position by GTID",
        ),
        (|seen| seen.replica_mut("db2").delay_s = 5, "delayed by 5 s"),
        (
            |seen| seen.replica_mut("db2").receiver = ThreadState::Stopped,
            "receiver thread stopped",
        ),
        (
            |seen| seen.replica_mut("db2").applier = ThreadState::Stopped,
            "applier thread stopped",
        ),
        // It tries; there is nothing to set.
        (
            |seen| seen.replica_mut("db2").receiver = ThreadState::Connecting,
            "",
        ),
        (
            |seen| seen.reached_mut("db2").os.source_password_sha256 = Some("00".to_owned()),
            "password",
        ),
        (
            |seen| seen.replica_mut("db2").password_sha256 = Some("00".to_owned()),
            "password",
        ),
        (
            |seen| {
                // SHA-256 of "one".
                let sha = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
                seen.reached_mut("db2").os.source_password_sha256 = Some(sha.to_owned());
            },
            "",
        ),
    ];
    for (change, differs) in rows {
        let said = says(task, "db2", change).unwrap();
        if differs.is_empty() {
            assert_eq!(said, "");
        } else {
            assert_eq!(said, format!("replicate from db1 [{differs}]"));
        }
    }
    assert_eq!(says(task, "db1", |_| {}).unwrap(), "");
}

#[test]
fn a_replica_is_protected_as_the_inventory_demands() {
    let task = "mysql_replica: {}";
    let says = |tls: &str, change: fn(&mut Observation)| {
        let more = format!("replication: {tls}\n");
        let cluster = fixture::cluster_with(Flavor::MariaDb, 3, &more);
        let said = says_on(&cluster, task, "db2", change).unwrap();
        said.replace("replicate from db1", "R")
    };
    let plain: fn(&mut Observation) = |seen| seen.replica_mut("db2").ssl = Some(Switch::Off);
    let encrypted: fn(&mut Observation) = |seen| {
        let status = seen.replica_mut("db2");
        (status.ssl, status.ssl_verify) = (Some(Switch::On), Some(Switch::Off));
        status.ssl_ca = Some("/a.pem".to_owned());
    };
    let verified: fn(&mut Observation) = |seen| {
        let status = seen.replica_mut("db2");
        (status.ssl, status.ssl_verify) = (Some(Switch::On), Some(Switch::On));
        status.ssl_ca = Some("/a.pem".to_owned());
    };
    for (tls, change, expected) in [
        ("{tls: native}", plain, ""),
        ("{tls: native}", encrypted, ""),
        ("{tls: off}", plain, ""),
        ("{tls: off}", encrypted, "R [encrypted]"),
        ("{tls: required}", plain, "R [not encrypted]"),
        ("{tls: required}", encrypted, ""),
        ("{tls: verified, ca: /a.pem}", verified, ""),
        (
            "{tls: verified, ca: /a.pem}",
            encrypted,
            "R [does not verify the source's certificate]",
        ),
        (
            "{tls: verified, ca: /b.pem}",
            verified,
            "R [trusts another authority]",
        ),
    ] {
        assert_eq!(says(tls, change), expected, "{tls}");
    }
}

/// In that mode both are as wanted: by file and position after a seed, by GTID ever since it was given another
/// source.
#[test]
fn a_replica_may_follow_by_position_where_that_is_the_mode() {
    let task = "mysql_replica: {}";
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let cluster = fixture::cluster_with(flavor, 3, "replication: {mode: position}\n");
        let says = |positioning: Positioning| {
            says_on(&cluster, task, "db2", move |seen| {
                seen.replica_mut("db2").using_gtid = positioning;
            })
        };
        assert_eq!(says(Positioning::File).unwrap(), "");
        assert_eq!(says(Positioning::Gtid).unwrap(), "");
        assert_eq!(
            says(Positioning::GtidWithOwnWrites).unwrap(),
            "replicate from db1 [does not position by GTID]"
        );
    }
}

#[test]
fn mysql_canary() {
    let task = "mysql_canary: {}";
    let said = says(task, "db1", |_| {}).unwrap();
    assert_eq!(
        said,
        "write a row and read it on db2, db3 [replication changed]"
    );
    assert_eq!(says(task, "db2", |_| {}).unwrap(), "");
    assert_eq!(
        says_on(&cluster(Flavor::MariaDb, 1), task, "db1", |_| {}).unwrap(),
        ""
    );
}
