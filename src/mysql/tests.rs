//! Readers against what real servers answered: a primary and its replica, both flavors, four
//! versions, printed by the servers' own clients with `--batch --raw`. Must only be re-recorded
//! whole, from one run.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::dialect::samples::{MARIADB_10_5, MARIADB_10_11, MARIADB_11_8, MYSQL_9_7};
use super::row::fixtures::rows;
use super::*;

/// The password of the recorded accounts.
const PASSWORD: &str = "it's \\a \"secret\" pä$ $A$ %s`;--";

struct Recording {
    dialect: Dialect,
    primary: &'static str,
    replica: &'static str,
    dump_head: &'static str,
    dump_tail: &'static str,
}

macro_rules! recording {
    ($dialect:expr, $name:literal) => {
        Recording {
            dialect: $dialect,
            primary: include_str!(concat!("fixtures/", $name, "-primary.tsv")),
            replica: include_str!(concat!("fixtures/", $name, "-replica.tsv")),
            dump_head: include_str!(concat!("fixtures/", $name, "-dump-head.sql")),
            dump_tail: include_str!(concat!("fixtures/", $name, "-dump-tail.sql")),
        }
    };
}

const RECORDINGS: [Recording; 4] = [
    recording!(MARIADB_10_5, "mariadb-10.5"),
    recording!(MARIADB_10_11, "mariadb-10.11"),
    recording!(MARIADB_11_8, "mariadb-11.8"),
    recording!(MYSQL_9_7, "mysql-9.7"),
];

/// Takes a recording apart: a line `# name` before each result.
fn results(dialect: Dialect, recording: &str) -> BTreeMap<FactName, Rows> {
    let sections: BTreeMap<&str, &str> = recording
        .split("# ")
        .filter_map(|section| section.split_once('\n'))
        .collect();
    let names = dialect
        .fact_queries(&[], &[])
        .into_iter()
        .map(|query| query.name);
    names
        .map(|name| (name, rows(sections[name.as_str()])))
        .collect()
}

fn facts(dialect: Dialect, recording: &str) -> ServerFacts {
    dialect.read_facts(&results(dialect, recording)).unwrap()
}

fn roles() -> [(AccountName, AccountRole); 3] {
    [
        (AccountName::new("hactl", "localhost"), AccountRole::Admin),
        (AccountName::new("rep'l", "%"), AccountRole::Replication),
        (AccountName::new("monitor", "%"), AccountRole::Monitor),
    ]
}

#[test]
fn a_primary_is_read() {
    for Recording {
        dialect, primary, ..
    } in RECORDINGS
    {
        let facts = facts(dialect, primary);
        assert_eq!(
            (facts.server_id, facts.replica.is_none()),
            (1, true),
            "{dialect}"
        );
        assert!(facts.read_only.is_writable() && !facts.read_only.is_full());
        assert_eq!(facts.server_uuid.is_some(), dialect == MYSQL_9_7);
        assert_eq!(facts.log_bin(), Some(Switch::On));
        assert_eq!(facts.logs_replica_updates(), Some(Switch::On));
        assert_eq!(facts.strict_gtid(), Some(Switch::On));
        assert_eq!(facts.net_timeout_s(), Some(4));
        assert_eq!(facts.databases, ["shop"]);
        assert_eq!(
            (facts.own_schema, facts.seeding),
            (OwnSchema::Present, Seeding::None)
        );
        let [replica] = facts.replicas_attached.as_slice() else {
            panic!("{dialect}")
        };
        assert_eq!((replica.server_id, replica.host.as_str()), (2, "db2"));
        assert_eq!(facts.dump_threads, 1);
        let [event] = facts.events.as_slice() else {
            panic!("{dialect}")
        };
        assert_eq!(
            (event.schema.as_str(), event.state),
            ("shop", EventState::Enabled)
        );
    }
}

/// They wait for the lock of the binary log, which a commit that waits for its acknowledgement can hold.
#[test]
fn no_question_hangs_on_a_primary_that_waits_for_acknowledgements() {
    for Recording { dialect, .. } in RECORDINGS {
        for query in dialect.fact_queries(&[], &[]) {
            let text = query.statement.to_string();
            for log in ["MASTER STATUS", "BINARY LOG", "BINLOG EVENTS", "FLUSH"] {
                assert!(!text.contains(log), "{dialect}: {text}");
            }
        }
    }
}

#[test]
fn semi_sync_is_read_on_both_sides() {
    for Recording {
        dialect,
        primary,
        replica,
        ..
    } in RECORDINGS
    {
        let source = facts(dialect, primary).semi_sync;
        assert_eq!(source.support, SemiSyncSupport::Present);
        assert_eq!(source.source_enabled, Some(Switch::On));
        assert_eq!(source.source_active, Some(Switch::On));
        assert_eq!(source.wait_point, Some(WaitPoint::AfterSync));
        assert_eq!((source.clients, source.acks_needed), (1, 1));
        assert_eq!(source.timeout_ms, Some(20_000));
        assert_eq!((source.acknowledged, source.unacknowledged), (1, 0));
        let target = facts(dialect, replica).semi_sync;
        assert_eq!(target.replica_enabled, Some(Switch::On));
        assert_eq!(target.replica_active, Some(Switch::On));
        assert_eq!(target.source_enabled, Some(Switch::Off));
    }
}

#[test]
fn a_replica_is_read() {
    for Recording {
        dialect,
        primary,
        replica,
        ..
    } in RECORDINGS
    {
        let (source, facts) = (facts(dialect, primary), facts(dialect, replica));
        assert!(facts.read_only.is_full(), "{dialect}");
        assert_eq!(facts.executed, source.executed);
        let status = facts.replica.unwrap();
        assert_eq!(
            (status.source_host.as_str(), status.source_port),
            ("127.0.0.1", source.port)
        );
        assert_eq!(
            (status.source_user.as_str(), status.source_server_id),
            ("rep'l", 1)
        );
        assert_eq!(status.source_uuid, source.server_uuid);
        assert_eq!(status.receiver, ThreadState::Running);
        assert_eq!(status.applier, ThreadState::Running);
        assert_eq!(status.lag, Some(Duration::ZERO));
        assert_eq!(
            (&status.last_io_error, &status.last_sql_error),
            (&None, &None)
        );
        assert_eq!(status.using_gtid, Positioning::Gtid);
        assert_eq!(status.heartbeat, Some(Duration::from_secs(1)));
        assert_eq!(status.connect_retry_s, 2);
        assert_eq!(status.retry_count, (dialect == MYSQL_9_7).then_some(0));
        let encrypted = [MARIADB_11_8, MYSQL_9_7].contains(&dialect);
        assert_eq!(
            status.ssl,
            Some(if encrypted { Switch::On } else { Switch::Off })
        );
        assert!(status.relay_log_applied() && status.filters.is_empty());
        assert!(status.relay_log_file.contains("relay-bin") && status.relay_log_pos > 4);
        assert!(source.executed.contains(&status.retrieved.unwrap()));
        assert_eq!(status.executed, Some(source.executed));
    }
}

#[test]
fn accounts_are_what_their_roles_need() {
    for Recording {
        dialect,
        primary,
        replica,
        ..
    } in RECORDINGS
    {
        for recording in [primary, replica] {
            let facts = facts(dialect, recording);
            assert!(facts.anonymous_accounts.is_empty());
            for (name, role) in roles() {
                let have = &facts.accounts[&name];
                let wanted = SecretString::from(PASSWORD);
                let check = check_password(&have.plugin, &have.hash, &wanted);
                assert_eq!(check, PasswordCheck::Matches, "{dialect} {name}");
                let want = dialect.role_privileges(role);
                let difference = dialect.grant_difference(&name, &have.privileges, &want);
                assert_eq!(difference, [], "{dialect} {name}");
            }
        }
    }
}

#[test]
fn no_hash_is_shown() {
    for Recording {
        dialect, primary, ..
    } in RECORDINGS
    {
        let facts = facts(dialect, primary);
        let shown = format!(
            "{facts:?}{}",
            serde_json::to_string(&facts).unwrap_or_default()
        );
        let accounts = &results(dialect, primary)[&FactName::Accounts];
        for hash in accounts.iter().filter_map(|row| row["hash"].as_deref()) {
            assert!(hash.len() > 40 && !shown.contains(hash), "{dialect}");
        }
    }
}

#[test]
fn facts_can_be_written_as_json() {
    for Recording {
        dialect, replica, ..
    } in RECORDINGS
    {
        let json = serde_json::to_value(facts(dialect, replica)).unwrap();
        assert_eq!(json["replica"]["receiver"], "running");
        assert_eq!(json["dialect"]["version"], dialect.version.to_string());
        assert_eq!(json["executed"], json["replica"]["executed"]);
    }
}

/// The replica's status with some columns said otherwise.
fn status_with(
    dialect: Dialect,
    changes: &[(&str, Option<&str>)],
) -> Result<ReplicaStatus, FactError> {
    let recording = RECORDINGS
        .into_iter()
        .find(|r| r.dialect == dialect)
        .unwrap();
    let mut row = results(dialect, recording.replica)[&FactName::ReplicaStatus][0].clone();
    for (column, value) in changes {
        let old = row.insert((*column).to_owned(), value.map(str::to_owned));
        assert!(old.is_some(), "{dialect} has no column {column}");
    }
    dialect.read_replica_status(&row)
}

#[test]
fn a_broken_replica_is_read() {
    let status = status_with(
        MARIADB_10_11,
        &[
            ("Slave_IO_Running", Some("Connecting")),
            ("Slave_SQL_Running", Some("No")),
            ("Seconds_Behind_Master", None),
            ("Last_IO_Errno", Some("2003")),
            ("Last_IO_Error", Some("error connecting")),
            ("Last_SQL_Errno", Some("1950")),
            ("Read_Master_Log_Pos", Some("99999")),
            ("Replicate_Do_DB", Some("shop")),
            ("Using_Gtid", Some("No")),
            ("Gtid_IO_Pos", Some("")),
        ],
    )
    .unwrap();
    assert_eq!(status.receiver, ThreadState::Connecting);
    assert_eq!((status.applier, status.lag), (ThreadState::Stopped, None));
    assert_eq!(
        status.last_io_error.unwrap().number,
        error_code::CANNOT_CONNECT
    );
    assert_eq!(
        status.last_sql_error.unwrap().number,
        error_code::GTID_OUT_OF_ORDER
    );
    assert_eq!(status.using_gtid, Positioning::File);
    assert_eq!(status.filters, ["Replicate_Do_DB = shop"]);
    assert!(status.retrieved.unwrap().is_empty());
    let status = status_with(MARIADB_10_11, &[("Read_Master_Log_Pos", Some("99999"))]).unwrap();
    assert!(!status.relay_log_applied());
    let status = status_with(MYSQL_9_7, &[("Auto_Position", Some("0"))]).unwrap();
    assert_eq!(status.using_gtid, Positioning::File);
    let status = status_with(MARIADB_11_8, &[("Using_Gtid", Some("Current_Pos"))]).unwrap();
    assert_eq!(status.using_gtid, Positioning::GtidWithOwnWrites);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let error = status_with(MYSQL_9_7, &[("Replica_IO_Running", Some("Perhaps"))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`replica status`: column `Replica_IO_Running` has the value `Perhaps`, \
         expected `Yes`, `No` or `Connecting`"
    );
    assert!(status_with(MYSQL_9_7, &[("Retrieved_Gtid_Set", Some("0-1-5"))]).is_err());
    assert!(status_with(MARIADB_10_5, &[("Master_Host", None)]).is_err());
}

#[test]
fn an_answer_that_broke_off_is_no_fact() {
    for Recording {
        dialect, primary, ..
    } in RECORDINGS
    {
        let whole = results(dialect, primary);
        for name in whole.keys() {
            let mut cut = whole.clone();
            cut.remove(name);
            let said = dialect.read_facts(&cut).unwrap_err();
            assert_eq!(
                said,
                FactError::NoResult {
                    fact: name.as_str()
                },
                "{dialect}"
            );
        }
    }
}

#[test]
fn an_unfinished_seeding_and_a_second_source_are_seen() {
    for Recording {
        dialect, replica, ..
    } in RECORDINGS
    {
        let mut results = results(dialect, replica);
        let named = |name: &str| Row::from([("name".to_owned(), Some(name.to_owned()))]);
        let databases = results.get_mut(&FactName::Databases).unwrap();
        databases.extend([
            named(SEEDING_SCHEMA),
            named("#mysql50#lost+found"),
            named("Zoo"),
        ]);
        let replication = results.get_mut(&FactName::ReplicaStatus).unwrap();
        let mut second = replication[0].clone();
        for column in ["Channel_Name", "Connection_name"] {
            if let Some(value) = second.get_mut(column) {
                *value = Some("other".to_owned());
            }
        }
        replication.push(second);
        let facts = dialect.read_facts(&results).unwrap();
        assert_eq!(facts.seeding, Seeding::Unfinished);
        assert_eq!(facts.databases, ["Zoo", "shop"]);
        assert_eq!(facts.other_channels, ["other"], "{dialect}");
        assert!(facts.replica.is_some() && facts.is_replica());
    }
}

#[test]
fn persisted_settings_are_seen() {
    let recording = &RECORDINGS[3];
    let mut results = results(recording.dialect, recording.replica);
    let row = [("name", "super_read_only"), ("value", "OFF")]
        .map(|(column, value)| (column.to_owned(), Some(value.to_owned())));
    results.insert(FactName::Persisted, vec![Row::from(row)]);
    let facts = recording.dialect.read_facts(&results).unwrap();
    assert_eq!(
        facts.persisted_read_only().collect::<Vec<_>>(),
        [("super_read_only", "OFF")]
    );
}

#[test]
fn dumps_name_their_position_and_their_end() {
    for Recording {
        dialect,
        dump_head,
        dump_tail,
        primary,
        ..
    } in RECORDINGS
    {
        let position = dialect
            .read_dump_position(dump_head, dump_tail)
            .unwrap()
            .unwrap();
        assert!(
            position.to_string().ends_with("-30"),
            "{dialect} {position}"
        );
        assert!(position < facts(dialect, primary).executed);
        let (file, offset) = dialect.read_dump_place(dump_head).unwrap();
        assert_eq!(file.as_str(), "binlog.000001", "{dialect}");
        assert!((6000..9000).contains(&offset), "{dialect} {offset}");
        assert!(dialect.dump_is_complete(dump_tail));
        assert!(!dialect.dump_is_complete(dump_head));
        let broken = dump_tail.split_at(dump_tail.len() / 2).0;
        assert!(!dialect.dump_is_complete(broken));
    }
}
