//! Statements about one session and about who may write: set-up, bounds, the binary log's switch,
//! read-only, kill. Must never change what outlives the session without saying so in its name.

use std::time::Duration;

use super::{Dialect, Statement};

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl From<bool> for Switch {
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

impl std::fmt::Display for Switch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl Switch {
    /// As a digit.
    pub(super) const fn digit(self) -> u8 {
        match self {
            Self::On => 1,
            Self::Off => 0,
        }
    }
}

impl Dialect {
    /// The first statement of every session: the character set and the `sql_mode` that quoting
    /// counts on, whatever the server's own are (see [`super::quote_literal`]).
    pub fn session_setup(self) -> Statement {
        Statement::new("SET NAMES utf8mb4, SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'")
    }

    /// Bounds how long this session waits for metadata and global locks. Without it `SET GLOBAL
    /// read_only` hangs for as long as a commit waits for its acknowledgement (S8); with it, it
    /// fails with [`super::error_code::LOCK_WAIT_TIMEOUT`] and has changed nothing (tried on
    /// `MariaDB` 10.5, 10.11 and 11.8, and on `MySQL` 9.7). Whole seconds, at least 1.
    pub fn session_bounds(self, lock_wait: Duration) -> Statement {
        let seconds = lock_wait.as_secs().max(1);
        Statement::new(format!("SET SESSION lock_wait_timeout = {seconds}"))
    }

    /// Keeps what this session does out of the server's own binary log.
    pub fn without_binlog(self) -> Statement {
        Statement::new("SET SESSION sql_log_bin = 0")
    }

    /// Lets it into the binary log again.
    pub fn with_binlog(self) -> Statement {
        Statement::new("SET SESSION sql_log_bin = 1")
    }

    /// Makes the server refuse writes, or accept them. One statement: there is no moment in between
    /// at which only privileged users are kept out. Off clears both flags of `MySQL`.
    ///
    /// Only `SET GLOBAL`, never `SET PERSIST`: a persisted value beats my.cnf at the next boot
    /// (S11).
    pub fn set_read_only(self, switch: Switch) -> Statement {
        let digit = switch.digit();
        Statement::new(if self.is_mariadb() {
            format!("SET GLOBAL read_only = {digit}")
        } else {
            format!("SET GLOBAL super_read_only = {digit}, read_only = {digit}")
        })
    }

    /// Removes persisted read-only settings, which would beat my.cnf at the next boot. Nothing on
    /// servers that cannot persist.
    pub fn forget_persisted_read_only(self) -> Vec<Statement> {
        if self.is_mariadb() {
            return Vec::new();
        }
        // `IF EXISTS`: without it an absent one is error 3615.
        ["super_read_only", "read_only"]
            .map(|name| Statement::new(format!("RESET PERSIST IF EXISTS {name}")))
            .into()
    }

    /// Ends a connection by its id.
    pub fn kill(self, connection: u64) -> Statement {
        Statement::new(format!("KILL CONNECTION {connection}"))
    }

    /// Sets a global variable of a server that runs, for settings that need no restart. The name is
    /// checked to be an identifier's; the value is a number or is quoted.
    pub fn set_global(self, variable: &str, value: &str) -> Option<Statement> {
        let named = !variable.is_empty()
            && variable
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let literal =
            if value.parse::<i64>().is_ok() || value.parse::<f64>().is_ok_and(f64::is_finite) {
                value.to_owned()
            } else {
                super::quote_literal(value)
            };
        named.then(|| Statement::new(format!("SET GLOBAL {variable} = {literal}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MYSQL_9_7};

    #[test]
    fn read_only_is_one_statement() {
        assert_eq!(
            MARIADB_10_11.set_read_only(Switch::On).text(),
            "SET GLOBAL read_only = 1"
        );
        assert_eq!(
            MYSQL_9_7.set_read_only(Switch::Off).text(),
            "SET GLOBAL super_read_only = 0, read_only = 0"
        );
    }

    #[test]
    fn a_bound_is_never_zero() {
        for dialect in ALL {
            let bound = dialect.session_bounds(Duration::from_millis(20));
            assert_eq!(bound.text(), "SET SESSION lock_wait_timeout = 1");
        }
    }

    #[test]
    fn globals_cannot_break_out() {
        let set = |name, value| {
            MYSQL_9_7
                .set_global(name, value)
                .map(|s| s.text().to_owned())
        };
        assert_eq!(
            set("max_connections", "5"),
            Some("SET GLOBAL max_connections = 5".to_owned())
        );
        assert_eq!(
            set("sync_binlog", "o'n"),
            Some("SET GLOBAL sync_binlog = 'o''n'".to_owned())
        );
        assert_eq!(set("a = 1, b", "5"), None);
        assert_eq!(set("", "5"), None);
    }
}
