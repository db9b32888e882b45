//! The questions that make up a server's facts. Each works on every version of its dialect, so that
//! all can travel in one round trip, and none of them writes or takes a lock that waits: not the status
//! of the binary log either, which hangs for as long as commits wait for their acknowledgement (seen on
//! 10.11, whose next group of commits waits with the log's lock held). Must never include a
//! question that needs what may be absent (a table of hactl's own, a plugin's view).

use serde::Serialize;

use super::open_write::OLDEST_WRITE;
use super::quote::quote_literal;
use super::{AccountName, Dialect, Statement};

/// What a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FactName {
    /// Global variables.
    Variables,
    /// Global counters.
    Status,
    /// GTID positions, in full length: `SHOW VARIABLES` cuts them at 1024 characters.
    Positions,
    /// Replication, if any.
    ReplicaStatus,
    /// Heartbeats and options of replication that the status lacks, and a digest of its password.
    ReplicaOptions,
    /// Replicas that announced themselves.
    Replicas,
    /// Connections that fetch the binary log.
    DumpThreads,
    /// The oldest transaction of a client that has changed something.
    OldestWrite,
    /// Databases.
    Databases,
    /// Scheduled events.
    Events,
    /// Settings that were persisted by SQL and beat my.cnf.
    Persisted,
    /// Variables that somebody set since the server started; only a whole check asks.
    SetSinceStart,
    /// Which of some settings the running server takes.
    Settable,
    /// Accounts, their plugins and hashes.
    Accounts,
    /// Their privileges.
    Privileges,
}

impl FactName {
    /// The name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Variables => "global variables",
            Self::Status => "global status",
            Self::Positions => "positions",
            Self::ReplicaStatus => "replica status",
            Self::ReplicaOptions => "replica options",
            Self::Replicas => "replicas",
            Self::DumpThreads => "dump threads",
            Self::OldestWrite => "open writes",
            Self::Databases => "databases",
            Self::Events => "events",
            Self::Persisted => "persisted variables",
            Self::SetSinceStart => "variables set since the start",
            Self::Settable => "settable variables",
            Self::Accounts => "accounts",
            Self::Privileges => "privileges",
        }
    }
}

/// A question for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactQuery {
    /// Under which name [`Dialect::read_facts`] expects the answer.
    pub name: FactName,
    /// The question.
    pub statement: Statement,
}

/// Variables of both flavors, and of each; a name that a server lacks is no error, just no row.
const VARIABLES: &[&str] = &[
    "binlog_expire_logs_seconds",
    "binlog_format",
    "binlog_row_image",
    "datadir",
    "enforce_gtid_consistency",
    "event_scheduler",
    "expire_logs_days",
    "gtid_domain_id",
    "gtid_mode",
    "gtid_strict_mode",
    "hostname",
    "innodb_buffer_pool_size",
    "innodb_file_per_table",
    "innodb_flush_log_at_trx_commit",
    "log_bin",
    "log_bin_basename",
    "log_replica_updates",
    "log_slave_updates",
    "lower_case_table_names",
    "max_allowed_packet",
    "max_connections",
    "offline_mode",
    "pid_file",
    "port",
    "read_only",
    "relay_log_purge",
    "relay_log_recovery",
    "replica_net_timeout",
    "replica_parallel_workers",
    "replica_preserve_commit_order",
    "report_host",
    "report_port",
    "require_secure_transport",
    "server_id",
    "server_uuid",
    "skip_replica_start",
    "skip_slave_start",
    "slave_net_timeout",
    "slave_parallel_mode",
    "slave_parallel_threads",
    "socket",
    "sql_mode",
    "super_read_only",
    "sync_binlog",
    "sync_relay_log",
    "version",
    "version_comment",
];

/// Counters of both flavors.
const STATUS: &[&str] = &[
    "Uptime",
    "Threads_connected",
    "Threads_running",
    "Max_used_connections",
];

impl Dialect {
    /// Everything to ask for [`super::ServerFacts`], about these accounts among others, and which of
    /// these settings it takes while it runs. Needs the admin account.
    pub fn fact_queries(self, accounts: &[AccountName], settings: &[String]) -> Vec<FactQuery> {
        let ask = |name, text: String| FactQuery {
            name,
            statement: Statement::new(text),
        };
        let mut queries = vec![
            ask(
                FactName::Variables,
                format!(
                    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({}) \
                     OR Variable_name LIKE 'rpl\\_semi\\_sync\\_%'",
                    literals(VARIABLES)
                ),
            ),
            ask(
                FactName::Status,
                format!(
                    "SHOW GLOBAL STATUS WHERE Variable_name IN ({}) \
                     OR Variable_name LIKE 'Rpl\\_semi\\_sync\\_%'",
                    literals(STATUS)
                ),
            ),
            ask(FactName::Positions, self.positions_query().to_owned()),
            ask(
                FactName::ReplicaStatus,
                self.replica_status_query().to_owned(),
            ),
            ask(FactName::Replicas, self.replicas_query().to_owned()),
            ask(
                FactName::DumpThreads,
                "SELECT ID AS id, USER AS user, HOST AS host, \
                 IF(COMMAND = 'Killed', TIME, NULL) AS ending_s, \
                 IF(STATE LIKE 'Waiting for semi-sync ACK from %', TIME, NULL) AS unacknowledged_s \
                 FROM information_schema.PROCESSLIST \
                 WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID') \
                 OR COMMAND = 'Killed' AND STATE = 'Waiting to finalize termination' \
                 OR STATE LIKE 'Waiting for semi-sync ACK from %'"
                    .to_owned(),
            ),
            ask(FactName::OldestWrite, OLDEST_WRITE.to_owned()),
            ask(
                FactName::Databases,
                "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA".to_owned(),
            ),
            ask(
                FactName::Events,
                "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, STATUS AS status \
                 FROM information_schema.EVENTS"
                    .to_owned(),
            ),
            ask(FactName::Accounts, self.accounts_query(accounts)),
            ask(FactName::Privileges, privileges_query(accounts)),
        ];
        queries.extend(self.settable_query(settings).map(|statement| FactQuery {
            name: FactName::Settable,
            statement,
        }));
        if !self.is_mariadb() {
            queries.push(ask(
                FactName::ReplicaOptions,
                "SELECT CHANNEL_NAME AS channel, HEARTBEAT_INTERVAL AS heartbeat_s, \
                 (SELECT SHA2(User_password, 256) FROM mysql.slave_master_info \
                 WHERE Channel_name = '') AS password_sha256 \
                 FROM performance_schema.replication_connection_configuration"
                    .to_owned(),
            ));
            queries.push(ask(
                FactName::Persisted,
                "SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS value \
                 FROM performance_schema.persisted_variables"
                    .to_owned(),
            ));
        }
        queries
    }

    /// What was set by SQL since the server started, which its files may not know. It goes through every
    /// variable of the server, so it is for whoever compares the server with its file alone.
    pub fn set_since_start_query(self) -> FactQuery {
        let text = if self.is_mariadb() {
            "SELECT VARIABLE_NAME AS name, GLOBAL_VALUE AS value \
             FROM information_schema.SYSTEM_VARIABLES WHERE GLOBAL_VALUE_ORIGIN = 'SQL'"
        } else {
            "SELECT info.VARIABLE_NAME AS name, now.VARIABLE_VALUE AS value \
             FROM performance_schema.variables_info AS info \
             JOIN performance_schema.global_variables AS now USING (VARIABLE_NAME) \
             WHERE info.VARIABLE_SOURCE = 'DYNAMIC' AND info.SET_USER IS NOT NULL"
        };
        FactQuery {
            name: FactName::SetSinceStart,
            statement: Statement::new(text),
        }
    }

    /// Whether [`Self::set_since_start_query`] names only what was set for the whole server. `MySQL` also
    /// calls a variable dynamic that any session has set for itself alone (seen on 9.7).
    pub fn tells_global_from_session(self) -> bool {
        self.is_mariadb()
    }

    pub(super) fn positions_query(self) -> &'static str {
        if self.is_mariadb() {
            "SELECT @@GLOBAL.gtid_binlog_pos AS binlog_pos, @@GLOBAL.gtid_slave_pos AS slave_pos, \
             @@GLOBAL.gtid_binlog_state AS binlog_state"
        } else {
            "SELECT @@GLOBAL.gtid_executed AS executed, @@GLOBAL.gtid_purged AS purged"
        }
    }

    /// All connections, not the default one alone: a second source must be seen. `ALL SLAVES` also
    /// has the heartbeat and the applied position.
    pub(super) fn replica_status_query(self) -> &'static str {
        if self.is_mariadb() {
            "SHOW ALL SLAVES STATUS"
        } else {
            "SHOW REPLICA STATUS"
        }
    }

    /// Anonymous accounts are always asked for: they shadow named ones. `MariaDB` keeps locks and lives of
    /// passwords as JSON, where -1 stands for the server's `default_password_lifetime`.
    fn accounts_query(self, accounts: &[AccountName]) -> String {
        let pair =
            |a: &AccountName| format!("({}, {})", quote_literal(&a.user), quote_literal(&a.host));
        let mut wanted = "User = ''".to_owned();
        if !accounts.is_empty() {
            let pairs: Vec<String> = accounts.iter().map(pair).collect();
            wanted = format!("{wanted} OR (User, Host) IN ({})", pairs.join(", "));
        }
        let (locked, expired, life, tables) = if self.is_mariadb() {
            (
                "JSON_VALUE(Priv, '$.account_locked')",
                "JSON_VALUE(Priv, '$.password_last_changed') = 0",
                "IFNULL(NULLIF(JSON_VALUE(Priv, '$.password_lifetime'), -1), @@default_password_lifetime) AS life, \
                 UNIX_TIMESTAMP() - JSON_VALUE(Priv, '$.password_last_changed') AS age",
                "mysql.user JOIN mysql.global_priv USING (Host, User)",
            )
        } else {
            (
                "account_locked = 'Y'",
                "password_expired = 'Y'",
                "IFNULL(password_lifetime, @@default_password_lifetime) AS life, \
                 TIMESTAMPDIFF(SECOND, password_last_changed, NOW()) AS age",
                "mysql.user",
            )
        };
        format!(
            "SELECT user, host, plugin, hash, locked, expired OR life > 0 AND age > life * 86400 AS expired \
             FROM (SELECT User AS user, Host AS host, plugin, HEX(authentication_string) AS hash, \
             {locked} AS locked, {expired} AS expired, {life} FROM {tables} WHERE {wanted}) AS account"
        )
    }

    fn replicas_query(self) -> &'static str {
        if self.is_mariadb() {
            "SHOW SLAVE HOSTS"
        } else {
            "SHOW REPLICAS"
        }
    }
}

fn privileges_query(accounts: &[AccountName]) -> String {
    let grantees: Vec<String> = accounts
        .iter()
        .map(|a| quote_literal(&a.grantee()))
        .collect();
    let list = if grantees.is_empty() {
        "''".to_owned()
    } else {
        grantees.join(", ")
    };
    format!(
        "SELECT GRANTEE AS grantee, NULL AS db, NULL AS tbl, PRIVILEGE_TYPE AS privilege, \
         IS_GRANTABLE AS grantable FROM information_schema.USER_PRIVILEGES WHERE GRANTEE IN ({list}) \
         UNION ALL SELECT GRANTEE, TABLE_SCHEMA, NULL, PRIVILEGE_TYPE, IS_GRANTABLE \
         FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE IN ({list}) \
         UNION ALL SELECT GRANTEE, TABLE_SCHEMA, TABLE_NAME, PRIVILEGE_TYPE, IS_GRANTABLE \
         FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE IN ({list})"
    )
}

pub(super) fn literals(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote_literal(name)).collect();
    quoted.join(", ")
}
