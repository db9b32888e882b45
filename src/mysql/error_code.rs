//! Numbers of server errors that mean something to us. Errors are told apart by number only:
//! `MySQL` 8.0.33 reworded them, and the words are translated. Must never match on an error's text.
//!
//! Numbers: `include/mysqld_ername.h` of `MariaDB`, the *Server Error Message Reference* of
//! `MySQL`; those from 2000 on are the client library's.

/// An error as a server or a replication thread reports it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ServerError {
    /// The number; never 0.
    pub number: u16,
    /// The server's own words, for people.
    pub text: String,
}

impl std::fmt::Display for ServerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error {}: {}", self.number, self.text)
    }
}

/// All connections are in use: the server is alive (S14).
pub const TOO_MANY_CONNECTIONS: u16 = 1040;
/// Wrong user or password: the server is alive (S14).
pub const ACCESS_DENIED: u16 = 1045;
/// As [`ACCESS_DENIED`], for accounts that have no password (`unix_socket`, `auth_socket`).
pub const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
/// The account is locked (`MySQL`: `ER_ACCOUNT_HAS_BEEN_LOCKED`).
pub const ACCOUNT_LOCKED_MYSQL: u16 = 3118;
/// The account is locked (`MariaDB`: `ER_ACCOUNT_HAS_BEEN_LOCKED`).
pub const ACCOUNT_LOCKED_MARIADB: u16 = 4151;
/// The password has expired, said to a login (`ER_MUST_CHANGE_PASSWORD_LOGIN`).
pub const PASSWORD_EXPIRED_AT_LOGIN: u16 = 1862;
/// The password has expired, said to every statement of a session that was let in all the same
/// (`ER_MUST_CHANGE_PASSWORD`).
pub const PASSWORD_EXPIRED: u16 = 1820;
/// The user may not use this database.
pub const DATABASE_ACCESS_DENIED: u16 = 1044;
/// There is no such database.
pub const NO_SUCH_DATABASE: u16 = 1049;
/// There is no such table.
pub const NO_SUCH_TABLE: u16 = 1146;
/// There is no such session: it has ended.
pub const NO_SUCH_SESSION: u16 = 1094;
/// The server is shutting down: alive for now, and this session has ended.
pub const SHUTDOWN_IN_PROGRESS: u16 = 1053;
/// A row with this key is there already: the replica differs from its source.
pub const DUPLICATE_KEY: u16 = 1062;
/// The row to change is not there: the replica differs from its source.
pub const ROW_NOT_FOUND: u16 = 1032;
/// This client's address is not allowed, whatever the password.
pub const HOST_NOT_ALLOWED: u16 = 1130;
/// `FLUSH HOSTS` territory: too many failed connections from this address.
pub const HOST_BLOCKED: u16 = 1129;
/// Unknown system variable: a plugin is missing, or the version is another.
pub const UNKNOWN_VARIABLE: u16 = 1193;
/// The replication threads must be stopped first (`MariaDB`).
pub const REPLICA_MUST_STOP: u16 = 1198;
/// No replication is configured.
pub const NOT_A_REPLICA: u16 = 1200;
/// `lock_wait_timeout` or `innodb_lock_wait_timeout` ran out.
pub const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// The account lacks a privilege.
pub const PRIVILEGE_MISSING: u16 = 1227;
/// The source's log does not have what the replica asks for.
pub const SOURCE_LOG_UNUSABLE: u16 = 1236;
/// `--read-only`, `--super-read-only` or another option forbids it.
pub const OPTION_PREVENTS_STATEMENT: u16 = 1290;
/// The statement was stopped by `KILL QUERY`.
pub const QUERY_INTERRUPTED: u16 = 1317;
/// `CREATE USER` or `DROP USER` failed: the account is there already, or is not.
pub const CANNOT_USER: u16 = 1396;
/// A worker failed; the real error is in the worker's own row.
pub const APPLIER_WORKER_FAILED: u16 = 1756;
/// The plugin is not loaded (`mysql_native_password` on `MySQL` 9).
pub const PLUGIN_NOT_LOADED: u16 = 1524;
/// Replication cannot go on whatever is retried; the usual cause is two equal `server_id`s or
/// UUIDs.
pub const FATAL_REPLICATION_ERROR: u16 = 1593;
/// Replication cannot start after a `RESET` (`MySQL`).
pub const REPLICATION_NOT_INITIALISED: u16 = 1871;
/// The applier looks for a relay log that it does not find, or cannot read (`MySQL`).
pub const APPLIER_NOT_INITIALISED: u16 = 1872;
/// The same in the status of the applier.
pub const APPLIER_FAILED_TO_INITIALISE: u16 = 13124;
/// The position given lies behind this server's own binary log (`MariaDB`).
pub const POSITION_BEHIND_OWN_LOG: u16 = 1947;
/// The position given lacks a domain that this server's own binary log has (`MariaDB`).
pub const POSITION_LACKS_DOMAIN: u16 = 1948;
/// A GTID out of order under `gtid_strict_mode`: often an errant transaction (`MariaDB`).
pub const GTID_OUT_OF_ORDER: u16 = 1950;
/// The replica asks for a position that the source does not have: it diverged (`MariaDB`).
pub const POSITION_NOT_ON_SOURCE: u16 = 1945;
/// This session was killed (`MariaDB`).
pub const CONNECTION_KILLED: u16 = 1927;
/// `max_statement_time` ran out (`MariaDB`).
pub const STATEMENT_TIMEOUT: u16 = 1969;
/// `max_execution_time` ran out (`MySQL`).
pub const QUERY_TIMEOUT: u16 = 3024;
/// The applier must be stopped first (`MySQL`).
pub const APPLIER_MUST_STOP: u16 = 3081;
/// The server is in `offline_mode` (`MySQL`).
pub const SERVER_OFFLINE: u16 = 3032;
/// This session was killed (`MySQL`).
pub const SESSION_WAS_KILLED: u16 = 3169;
/// The server accepts only encrypted connections.
pub const SECURE_TRANSPORT_REQUIRED: u16 = 3159;
/// The receiver cannot reach the source's unix socket.
pub const CANNOT_CONNECT_SOCKET: u16 = 2002;
/// The receiver cannot reach the source: refused, no route, no answer.
pub const CANNOT_CONNECT: u16 = 2003;
/// The source's name does not resolve.
pub const UNKNOWN_HOST: u16 = 2005;
/// The connection went away.
pub const SERVER_GONE: u16 = 2006;
/// The connection was lost in a query.
pub const SERVER_LOST: u16 = 2013;
/// Authentication needs TLS or the source's public key (`caching_sha2_password`).
pub const SECURE_AUTHENTICATION_REQUIRED: u16 = 2061;

/// Whether an answer with this error proves a living server: it spoke (S14).
pub fn proves_alive(number: u16) -> bool {
    number < 2000 || (3000..6000).contains(&number)
}

/// Whether an answer with this error is the last of its session.
pub fn ends_session(number: u16) -> bool {
    matches!(
        number,
        SHUTDOWN_IN_PROGRESS | CONNECTION_KILLED | SESSION_WAS_KILLED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_no_is_alive() {
        for number in [
            TOO_MANY_CONNECTIONS,
            ACCESS_DENIED,
            SERVER_OFFLINE,
            SHUTDOWN_IN_PROGRESS,
        ] {
            assert!(proves_alive(number), "{number}");
        }
        for number in [
            CANNOT_CONNECT,
            SERVER_GONE,
            SERVER_LOST,
            CANNOT_CONNECT_SOCKET,
        ] {
            assert!(!proves_alive(number), "{number}");
        }
    }
}
