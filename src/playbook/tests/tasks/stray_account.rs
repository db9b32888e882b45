//! `mysql_user` where a replica has another account than the primary, by somebody's hand: no statement may be
//! replicated that fails there, and none is written because one lags.

use std::time::Duration;

use super::says_on;
use crate::facts::Observation;
use crate::fixture::{self, Mutate as _, cluster};
use crate::mysql::{AccountName, Barrier, Flavor, ThreadState};

fn monitor() -> AccountName {
    AccountName::new("monitor", "%")
}

fn drop_on(seen: &mut Observation, host: &str) {
    seen.server_mut(host).accounts.remove(&monitor()).unwrap();
}

fn other_password_on(seen: &mut Observation, host: &str) {
    let other = fixture::dialect(Flavor::MariaDb).predicted_hash(&"other".into());
    let accounts = &mut seen.server_mut(host).accounts;
    accounts.get_mut(&monitor()).unwrap().hash = other;
}

#[test]
fn is_written_anew_where_replication_would_not_mend_it() {
    type Row = (fn(&mut Observation), &'static str);
    let rows: [Row; 11] = [
        (|_| {}, ""),
        (|seen| drop_on(seen, "db2"), "write it anew: missing on db2"),
        (
            |seen| {
                let accounts = &mut seen.server_mut("db3").accounts;
                accounts.get_mut(&monitor()).unwrap().barriers = [Barrier::Locked].into();
            },
            "write it anew: locked on db3",
        ),
        (
            |seen| {
                let accounts = &mut seen.server_mut("db3").accounts;
                accounts.get_mut(&monitor()).unwrap().privileges.clear();
            },
            "write it anew: other privileges on db3",
        ),
        // Another release has others, whatever is written on this one.
        (
            |seen| {
                let facts = seen.server_mut("db3");
                facts.dialect.version.patch += 1;
                facts
                    .accounts
                    .get_mut(&monitor())
                    .unwrap()
                    .privileges
                    .clear();
            },
            "",
        ),
        // A password that the inventory has changed is the same old one everywhere.
        (
            |seen| {
                for host in ["db1", "db2", "db3"] {
                    other_password_on(seen, host);
                }
            },
            "another password",
        ),
        // ALTER USER would end replication on db2, CREATE USER on db3.
        (
            |seen| {
                other_password_on(seen, "db1");
                drop_on(seen, "db2");
            },
            "write it anew: another password and missing on db2",
        ),
        (
            |seen| {
                drop_on(seen, "db1");
                drop_on(seen, "db2");
            },
            "write it anew: create and there already on db3",
        ),
        // It comes.
        (
            |seen| {
                drop_on(seen, "db2");
                let status = seen.server_mut("db2").replica.as_mut().unwrap();
                status.lag = Some(Duration::from_secs(1));
            },
            "",
        ),
        (
            |seen| {
                drop_on(seen, "db2");
                let status = seen.server_mut("db2").replica.as_mut().unwrap();
                status.applier = ThreadState::Stopped;
            },
            "",
        ),
        // Not a replica yet: what it has is what it is seeded with.
        (
            |seen| {
                drop_on(seen, "db2");
                seen.server_mut("db2").replica = None;
            },
            "",
        ),
    ];
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let cluster = cluster(flavor, 3);
        for (change, expected) in rows {
            let said = says_on(&cluster, "mysql_user: {account: monitor}", "db1", change).unwrap();
            let action = said.split(" [").next().unwrap_or_default();
            let action = action.strip_prefix("monitor account: ").unwrap_or(action);
            assert_eq!(action, expected, "{flavor}");
        }
    }
}
