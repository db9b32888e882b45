//! Rows for one flavor each: settings and GTIDs that only it has.

use super::both::unit;
use super::{Case, case, own_transaction, set};
use crate::facts::{Observation, UnitState};
use crate::fixture::{Mutate as _, cluster, healthy, name};
use crate::mysql::{Flavor, Switch, Version};

/// Set by SQL on db2 since it started, and in no file.
fn set_by_sql(seen: &mut Observation) {
    let set = seen.server_mut("db2").set_since_start.as_mut().unwrap();
    set.insert("max_connections".to_owned(), "500".to_owned());
}

pub(super) const MARIADB: &[Case] = &[
    case(
        "a setting by SQL that no file has",
        set_by_sql,
        &["SettingNotInFile"],
    ),
    case(
        "another flavor",
        |seen| {
            let cluster = cluster(Flavor::MySql, 3);
            let replica = healthy(&cluster).hosts.remove(&name("db3"));
            seen.hosts.insert(name("db3"), replica.unwrap());
        },
        &["WrongFlavor"],
    ),
    case(
        "GTIDs that are not strict",
        |seen| set(seen, "db1", "gtid_strict_mode", "OFF"),
        &["GtidNotStrict"],
    ),
    case(
        "a socket that starts a killed server",
        |seen| unit(seen, "mariadb.socket", UnitState::Active, "disabled"),
        &["SocketActivation"],
    ),
    case(
        "a socket that does so after the next boot",
        |seen| unit(seen, "mariadb.socket", UnitState::Inactive, "enabled"),
        &["SocketActivation"],
    ),
    case(
        "replication that does not start at boot",
        |seen| {
            let start = "hactl-start-replication.service";
            unit(seen, start, UnitState::Inactive, "disabled");
        },
        &["NotEnabled"],
    ),
    case(
        "a replica that logs nothing",
        |seen| set(seen, "db2", "log_slave_updates", "OFF"),
        &["ReplicaUpdatesNotLogged"],
    ),
    case(
        "a row of the replica's own",
        |seen| own_transaction(seen, "0-3221225985-100,0-3221225986-101"),
        &["ErrantGtid"],
    ),
    case(
        "a row of the primary that is newer than the look at the primary",
        |seen| own_transaction(seen, "0-3221225985-101"),
        &[],
    ),
];

pub(super) const MYSQL: &[Case] = &[
    case(
        "a primary that is one step behind",
        |seen| seen.server_mut("db1").dialect.version = Version::new(9, 6, 0),
        &["CandidateNewerThanOthers", "CandidateNewerThanOthers"],
    ),
    case(
        "replicas for which a series is left out",
        |seen| {
            seen.server_mut("db1").dialect.version = Version::new(9, 6, 0);
            for host in ["db2", "db3"] {
                seen.server_mut(host).dialect.version = Version::new(26, 7, 0);
            }
        },
        &[
            "SeriesLeftOut",
            "SeriesLeftOut",
            "CandidateNewerThanOthers",
            "CandidateNewerThanOthers",
        ],
    ),
    case(
        "a setting that no file has, and that a session may have set for itself",
        set_by_sql,
        &[],
    ),
    case(
        "GTIDs that are off",
        |seen| set(seen, "db1", "gtid_mode", "OFF_PERMISSIVE"),
        &["GtidNotStrict"],
    ),
    case(
        "a replica that logs nothing",
        |seen| set(seen, "db2", "log_replica_updates", "OFF"),
        &["ReplicaUpdatesNotLogged"],
    ),
    case(
        "a replica on which root may write",
        |seen| seen.server_mut("db2").read_only.super_read_only = Some(Switch::Off),
        &["ReplicaIsWritable"],
    ),
    case(
        "a row of the replica's own",
        |seen| {
            own_transaction(
                seen,
                "00000000-0000-0000-0000-0000c0000201:1-100,00000000-0000-0000-0000-0000c0000202:1",
            );
        },
        &["ErrantGtid"],
    ),
    case(
        "a row of the primary that is newer than the look at the primary",
        |seen| own_transaction(seen, "00000000-0000-0000-0000-0000c0000201:1-101"),
        &[],
    ),
];
