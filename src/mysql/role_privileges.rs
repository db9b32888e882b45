//! What each of hactl's accounts may do, by version: no more than its role needs. Must be kept with
//! the statements of this room: the admin account was tried with all of them on `MariaDB` 10.5,
//! 10.11, 11.8 and `MySQL` 9.7.

use std::collections::BTreeSet;

use super::privilege::{GrantOption, Privilege};
use super::{AccountRole, Dialect};

/// The schema that hactl keeps its own tables in.
pub const OWN_SCHEMA: &str = "hactl";

/// What the monitor needs of both flavors: its own probes' tables.
const MONITOR_SCHEMAS: [(&str, &str); 2] =
    [(OWN_SCHEMA, "SELECT"), ("performance_schema", "SELECT")];

/// Static privileges that the admin account needs on both: to dump and load whole servers, to
/// create accounts, and to steer replication.
const ADMIN_BOTH: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "RELOAD",
    "SHUTDOWN",
    "PROCESS",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "SHOW DATABASES",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "REPLICATION SLAVE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "CREATE USER",
    "EVENT",
    "TRIGGER",
];

/// The split privileges of `MariaDB` 10.5: from 11.0.1 on `SUPER` contains none of them.
const ADMIN_MARIADB: &[&str] = &[
    "SUPER",
    "BINLOG ADMIN",
    "BINLOG MONITOR",
    "BINLOG REPLAY",
    "CONNECTION ADMIN",
    "READ_ONLY ADMIN",
    "REPLICATION MASTER ADMIN",
    "REPLICATION SLAVE ADMIN",
    "SET USER",
];

/// Dynamic privileges of `MySQL` 8.0.26 and later. `SYSTEM_USER`: to kill sessions of accounts that
/// have it.
const ADMIN_MYSQL: &[&str] = &[
    "REPLICATION CLIENT",
    "CREATE ROLE",
    "DROP ROLE",
    "BACKUP_ADMIN",
    "BINLOG_ADMIN",
    "CLONE_ADMIN",
    "CONNECTION_ADMIN",
    "FLUSH_TABLES",
    "PERSIST_RO_VARIABLES_ADMIN",
    "REPLICATION_APPLIER",
    "REPLICATION_SLAVE_ADMIN",
    "ROLE_ADMIN",
    "SESSION_VARIABLES_ADMIN",
    "SHOW_ROUTINE",
    "SYSTEM_USER",
    "SYSTEM_VARIABLES_ADMIN",
    "XA_RECOVER_ADMIN",
];

impl Dialect {
    /// What `SHOW REPLICA STATUS` needs. `MariaDB` 10.5.2 to 10.5.8 let only replication
    /// administrators see it.
    fn replica_status_privilege(self) -> &'static str {
        match (self.is_mariadb(), self.at_least(10, 5, 9)) {
            (true, true) => "SLAVE MONITOR",
            (true, false) => "REPLICATION SLAVE ADMIN",
            (false, _) => "REPLICATION CLIENT",
        }
    }

    /// Both servers keep one connection beyond `max_connections` for accounts that have this. A replica needs
    /// it under semi-sync: commits that wait for an acknowledgement keep their clients' connections, until
    /// there is none left for the replica that would give it. One that gets in lets all of them go on. An
    /// account that reads the whole binary log learns nothing by it; that it may end others' sessions is
    /// the price. It does not let it write: `super_read_only` binds it, and `MariaDB` has a privilege of
    /// its own for that.
    fn spare_connection_privilege(self) -> &'static str {
        if self.is_mariadb() {
            "CONNECTION ADMIN"
        } else {
            "CONNECTION_ADMIN"
        }
    }

    /// What an account of this role needs on this server: no more.
    pub fn role_privileges(self, role: AccountRole) -> BTreeSet<Privilege> {
        match role {
            AccountRole::Replication => ["REPLICATION SLAVE", self.spare_connection_privilege()]
                .map(Privilege::global)
                .into(),
            AccountRole::Monitor => self.monitor_privileges(),
            AccountRole::Admin => self.admin_privileges(),
        }
    }

    fn monitor_privileges(self) -> BTreeSet<Privilege> {
        let status = if self.is_mariadb() {
            "BINLOG MONITOR"
        } else {
            "REPLICATION CLIENT"
        };
        let mut wanted: BTreeSet<Privilege> = [status, self.replica_status_privilege()]
            .map(Privilege::global)
            .into();
        wanted.extend(MONITOR_SCHEMAS.map(|(schema, name)| Privilege::schema(schema, name)));
        wanted
    }

    fn admin_privileges(self) -> BTreeSet<Privilege> {
        let mut names = ADMIN_BOTH.to_vec();
        if self.is_mariadb() {
            names.extend(ADMIN_MARIADB);
            names.push(self.replica_status_privilege());
            if self.at_least(11, 3, 0) {
                names.push("SHOW CREATE ROUTINE");
            }
        } else {
            names.extend(ADMIN_MYSQL);
            // SET_USER_ID was split in 8.2 and removed in 8.4.
            if self.at_least(8, 2, 0) {
                names.extend(["SET_ANY_DEFINER", "ALLOW_NONEXISTENT_DEFINER"]);
            } else {
                names.push("SET_USER_ID");
            }
        }
        let passed_on = |name| Privilege {
            grant: GrantOption::With,
            ..Privilege::global(name)
        };
        names.into_iter().map(passed_on).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{MARIADB_10_5, MYSQL_8_0, MYSQL_9_7};

    #[test]
    fn versions_have_their_own_lists() {
        let has = |dialect: Dialect, role, name: &str| {
            dialect.role_privileges(role).iter().any(|p| p.name == name)
        };
        assert!(has(MYSQL_8_0, AccountRole::Admin, "SET_USER_ID"));
        assert!(!has(MYSQL_9_7, AccountRole::Admin, "SET_USER_ID"));
        assert!(has(MARIADB_10_5, AccountRole::Monitor, "SLAVE MONITOR"));
        assert!(has(MYSQL_9_7, AccountRole::Monitor, "REPLICATION CLIENT"));
        assert!(!has(MYSQL_9_7, AccountRole::Monitor, "SUPER"));
        let repl = AccountRole::Replication;
        assert!(has(MARIADB_10_5, repl, "CONNECTION ADMIN"));
        assert!(has(MYSQL_8_0, repl, "CONNECTION_ADMIN"));
    }
}
