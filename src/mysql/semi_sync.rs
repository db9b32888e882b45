//! Semi-synchronous replication: its names, its switches, and what a server says about it. Must
//! never take "enabled" for "working": the status and the client count are the truth (S10).

use std::collections::BTreeMap;

use serde::Serialize;

use super::row::{FactError, Reader};
use super::session::Switch;
use super::{Dialect, Rows, Statement};

/// Whether a server has semi-sync at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SemiSyncSupport {
    /// Built in, or its plugins are loaded.
    Present,
    /// The plugins are not loaded: set `plugin_load_add` in my.cnf and restart.
    Missing,
}

/// When the primary waits for the acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WaitPoint {
    /// Before the storage engine commits: nobody sees a row that a replica lacks. Lossless.
    AfterSync,
    /// After it: others may read a row that is then lost.
    AfterCommit,
}

/// What a server says about semi-sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SemiSync {
    /// Whether the server has it at all.
    pub support: SemiSyncSupport,
    /// Whether this server waits for acknowledgements when it has written. `None`: not known.
    pub source_enabled: Option<Switch>,
    /// Whether it is waiting for them at present: it falls back to off by itself.
    pub source_active: Option<Switch>,
    /// How many replicas acknowledge.
    pub clients: u32,
    /// Whether this server acknowledges when it is a replica. Takes effect when the receiver
    /// starts.
    pub replica_enabled: Option<Switch>,
    /// Whether it acknowledges at present.
    pub replica_active: Option<Switch>,
    /// When the primary waits.
    pub wait_point: Option<WaitPoint>,
    /// After how long the primary gives up and goes on without, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How many replicas must acknowledge; `MariaDB` always waits for one.
    pub acks_needed: u32,
    /// Whether the primary waits although no replica is attached.
    pub wait_without_replica: Option<Switch>,
    /// Commits that wait at present.
    pub waiting_sessions: u32,
    /// Commits that were acknowledged since the server started.
    pub acknowledged: u64,
    /// Commits that went on without.
    pub unacknowledged: u64,
}

/// The longest timeout that both flavors accept, in milliseconds: 49.7 days, for "never falls
/// back".
pub const LONGEST_TIMEOUT_MS: u64 = u32::MAX as u64;

impl Dialect {
    /// The middle of the names: `rpl_semi_sync_<source>_…` and `rpl_semi_sync_<replica>_…`.
    fn semi_sync_words(self) -> (&'static str, &'static str) {
        if self.is_mariadb() {
            ("master", "slave")
        } else {
            ("source", "replica")
        }
    }

    /// The name of the variable that makes a primary wait.
    pub fn semi_sync_source_variable(self) -> String {
        format!("rpl_semi_sync_{}_enabled", self.semi_sync_words().0)
    }

    /// The name of the variable that makes a replica acknowledge.
    pub fn semi_sync_replica_variable(self) -> String {
        format!("rpl_semi_sync_{}_enabled", self.semi_sync_words().1)
    }

    /// The name of the variable that holds the timeout, in milliseconds.
    pub fn semi_sync_timeout_variable(self) -> String {
        format!("rpl_semi_sync_{}_timeout", self.semi_sync_words().0)
    }

    /// The name of the variable that holds the wait point.
    pub fn semi_sync_wait_point_variable(self) -> String {
        format!("rpl_semi_sync_{}_wait_point", self.semi_sync_words().0)
    }

    /// Makes this server wait for acknowledgements, or not. Off lets commits that wait go on and
    /// answers OK for rows that no replica has (S8); on without a replica attached holds the next
    /// commit (S10).
    pub fn set_semi_sync_source(self, switch: Switch) -> Statement {
        Statement::new(format!(
            "SET GLOBAL {} = {}",
            self.semi_sync_source_variable(),
            switch.digit()
        ))
    }

    /// Makes this server acknowledge, or not, from the next start of its receiver on.
    pub fn set_semi_sync_replica(self, switch: Switch) -> Statement {
        Statement::new(format!(
            "SET GLOBAL {} = {}",
            self.semi_sync_replica_variable(),
            switch.digit()
        ))
    }

    /// Sets after how many milliseconds the primary goes on without an acknowledgement.
    pub fn set_semi_sync_timeout(self, timeout_ms: u64) -> Statement {
        let bounded = timeout_ms.min(LONGEST_TIMEOUT_MS);
        Statement::new(format!(
            "SET GLOBAL {} = {bounded}",
            self.semi_sync_timeout_variable()
        ))
    }

    /// The questions for [`Self::read_semi_sync_answers`], for one round trip.
    pub fn semi_sync_queries(self) -> [Statement; 2] {
        ["SHOW GLOBAL VARIABLES", "SHOW GLOBAL STATUS"]
            .map(|show| Statement::new(format!("{show} LIKE 'rpl\\_semi\\_sync\\_%'")))
    }

    /// What the server says of semi-sync, from the answers to [`Self::semi_sync_queries`].
    pub fn read_semi_sync_answers(self, answers: &[Rows]) -> Result<SemiSync, FactError> {
        let fact = "semi-sync";
        let [variables, status] = answers else {
            return Err(FactError::NoResult { fact });
        };
        let map = |rows: &Rows| {
            let mut map = BTreeMap::new();
            for row in rows {
                let reader = Reader { fact, row };
                let name = reader.required(&["Variable_name"])?.to_ascii_lowercase();
                map.insert(name, reader.text(&["Value"]).unwrap_or_default().to_owned());
            }
            Ok(map)
        };
        Ok(Self::read_semi_sync(&map(variables)?, &map(status)?))
    }

    /// The plugins that my.cnf must load for semi-sync: without them `MySQL` does not start when a
    /// semi-sync variable is set.
    pub fn semi_sync_plugins(self) -> &'static [&'static str] {
        if self.is_mariadb() {
            &[]
        } else {
            &["semisync_source.so", "semisync_replica.so"]
        }
    }

    /// What the variables and counters say. Both families of names are understood: `MySQL` servers
    /// may have the old plugins loaded.
    pub(super) fn read_semi_sync(
        variables: &BTreeMap<String, String>,
        status: &BTreeMap<String, String>,
    ) -> SemiSync {
        let either = |map: &BTreeMap<String, String>, old: &str, new: &str| {
            map.get(new).or_else(|| map.get(old)).cloned()
        };
        let variable = |old: &str, new: &str| {
            either(
                variables,
                &format!("rpl_semi_sync_{old}"),
                &format!("rpl_semi_sync_{new}"),
            )
        };
        let count = |old: &str, new: &str| {
            either(
                status,
                &format!("rpl_semi_sync_{old}"),
                &format!("rpl_semi_sync_{new}"),
            )
        };
        let number = |text: Option<String>| text.and_then(|t| t.parse::<u64>().ok());
        let small = |n: Option<u64>| u32::try_from(n.unwrap_or(0)).unwrap_or(u32::MAX);
        let source_enabled = read_switch(variable("master_enabled", "source_enabled").as_deref());
        SemiSync {
            support: match source_enabled {
                Some(_) => SemiSyncSupport::Present,
                None => SemiSyncSupport::Missing,
            },
            source_enabled,
            source_active: read_switch(count("master_status", "source_status").as_deref()),
            clients: small(number(count("master_clients", "source_clients"))),
            replica_enabled: read_switch(variable("slave_enabled", "replica_enabled").as_deref()),
            replica_active: read_switch(count("slave_status", "replica_status").as_deref()),
            wait_point: match variable("master_wait_point", "source_wait_point").as_deref() {
                Some("AFTER_SYNC") => Some(WaitPoint::AfterSync),
                Some("AFTER_COMMIT") => Some(WaitPoint::AfterCommit),
                _ => None,
            },
            timeout_ms: number(variable("master_timeout", "source_timeout")),
            acks_needed: number(variable(
                "master_wait_for_slave_count",
                "source_wait_for_replica_count",
            ))
            .map_or(1, |n| small(Some(n))),
            wait_without_replica: read_switch(
                variable("master_wait_no_slave", "source_wait_no_replica").as_deref(),
            ),
            waiting_sessions: small(number(count(
                "master_wait_sessions",
                "source_wait_sessions",
            ))),
            acknowledged: number(count("master_yes_tx", "source_yes_tx")).unwrap_or(0),
            unacknowledged: number(count("master_no_tx", "source_no_tx")).unwrap_or(0),
        }
    }
}

/// `ON`, `1`, `YES`, or their opposites.
pub(super) fn read_switch(text: Option<&str>) -> Option<Switch> {
    match text?.to_ascii_uppercase().as_str() {
        "ON" | "1" | "YES" => Some(Switch::On),
        "OFF" | "0" | "NO" => Some(Switch::Off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{MARIADB_10_11, MYSQL_9_7};

    #[test]
    fn names_are_each_flavors_own() {
        assert_eq!(
            MARIADB_10_11.set_semi_sync_source(Switch::On).text(),
            "SET GLOBAL rpl_semi_sync_master_enabled = 1"
        );
        assert_eq!(
            MYSQL_9_7.set_semi_sync_replica(Switch::Off).text(),
            "SET GLOBAL rpl_semi_sync_replica_enabled = 0"
        );
        assert_eq!(
            MYSQL_9_7.set_semi_sync_timeout(u64::MAX).text(),
            "SET GLOBAL rpl_semi_sync_source_timeout = 4294967295"
        );
    }

    #[test]
    fn a_server_without_the_plugin_says_nothing() {
        let none = BTreeMap::new();
        let said = Dialect::read_semi_sync(&none, &none);
        assert_eq!(said.support, SemiSyncSupport::Missing);
        assert_eq!((said.source_enabled, said.replica_active), (None, None));
    }
}
