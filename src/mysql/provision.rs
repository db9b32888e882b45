//! Statements and places of provisioning that differ between servers: the marker of an unfinished seed,
//! writes by privileged sessions on a read-only server, and how replication is started without losing
//! what was received.

use super::server_facts::SEEDING_SCHEMA;
use super::{Dialect, Statement, Switch};

impl Dialect {
    /// Lets sessions with administrator's rights write on a read-only server, or no longer. `MariaDB`'s
    /// `read_only` never keeps them out, so there is nothing to set.
    pub fn set_privileged_writes(self, switch: Switch) -> Option<Statement> {
        let digit = match switch {
            Switch::On => 0,
            Switch::Off => 1,
        };
        (!self.is_mariadb())
            .then(|| Statement::new(format!("SET GLOBAL super_read_only = {digit}")))
    }

    /// Marks a server as half seeded.
    pub fn create_seeding_marker(self) -> Statement {
        Statement::new(format!("CREATE DATABASE IF NOT EXISTS {SEEDING_SCHEMA}"))
    }

    /// Asks whether the mark is there: one row when it is.
    pub fn find_seeding_marker(self) -> Statement {
        Statement::new(format!(
            "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME = '{SEEDING_SCHEMA}'"
        ))
    }

    /// Takes the mark away.
    pub fn drop_seeding_marker(self) -> Statement {
        Statement::new(format!("DROP DATABASE IF EXISTS {SEEDING_SCHEMA}"))
    }

    /// The option for one start after a crash that makes the server cut off the tail of its binary log
    /// that no replica acknowledged (S9); `None` where a server commits it in any case. `MariaDB` 10.5
    /// takes the option and commits all the same (tried), so it does no harm there. Writes are refused
    /// whatever the option files say: an old one of a former primary may permit them.
    pub fn rewind_option(self) -> Option<&'static str> {
        self.is_mariadb()
            .then_some("--init-rpl-role=SLAVE --read-only=1")
    }

    /// The option for one start that makes the server refuse writes, whatever its option files say; `None`
    /// where its unit hands none on (Debian's `mysql.service`).
    pub fn read_only_option(self) -> Option<&'static str> {
        self.is_mariadb().then_some("--read-only=1")
    }

    /// The program on the host that starts replication with both threads stopped and keeps what was
    /// received; `None` where `START REPLICA` itself does. Bootstrap installs it.
    ///
    /// `MariaDB` purges the relay log at that moment (MDEV-4698; 50 of 50 acknowledged rows lost in an
    /// experiment); `MySQL` 9.7 keeps it.
    pub fn safe_start_program(self) -> Option<&'static str> {
        self.is_mariadb()
            .then_some("/usr/local/sbin/hactl-start-replication")
    }

    /// The systemd unit that runs [`Self::safe_start_program`] at boot.
    pub fn safe_start_unit(self) -> Option<&'static str> {
        self.is_mariadb()
            .then_some("hactl-start-replication.service")
    }
}
