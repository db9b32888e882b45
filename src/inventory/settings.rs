//! Names of server settings, and the settings that hactl decides.
//!
//! It must never let a setting through that a failover relies on: the file would win over what hactl
//! believes, and the difference would show when the primary dies.

/// Why a setting cannot be given, and what to do instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) reason: &'static str,
    pub(super) instead: &'static str,
}

const fn owned(reason: &'static str, instead: &'static str) -> Owned {
    Owned { reason, instead }
}

const REMOVE: &str = "remove it; hactl sets it on every host";
const ROLE: Owned = owned(
    "which server may be written to is decided while the cluster runs, never in a file",
    "remove it; `primary: true` names the first primary, `hactl switchover` moves it",
);
const DURABLE: Owned = owned(
    "what an acknowledged commit is worth depends on it",
    "use `durability: lossless` or `available`",
);
const SEMI_SYNC: Owned = owned(
    "semi-sync follows the topology and `durability`",
    "use `durability: lossless` or `available`",
);
const GTID: Owned = owned("replication and failover count transactions by it", REMOVE);
const BINLOG: Owned = owned("every host must be able to become the primary", REMOVE);
const RELAY: Owned = owned(
    "acknowledged transactions wait in the relay log until they are applied",
    REMOVE,
);
const START: Owned = owned(
    "a server that starts replication by itself can lose its relay log",
    REMOVE,
);
const FILTER: Owned = owned(
    "a replica that leaves data out is no copy, and promoting it loses that data",
    "remove it; hactl has no filtered replicas",
);
const NETWORK: Owned = owned("replicas notice a silent primary by it", REMOVE);

/// What a setting is called, for comparing: `-` is `_` to the servers, and so are a few prefixes.
pub(super) fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether it can be the name of a setting: lower-case letters, digits, `_`, `-`, and a letter first.
/// The dots are those of MySQL's components (`validate_password.length`).
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'))
}

/// Whether hactl decides about a setting itself. Takes the [`canonical`] name; sees through the prefixes
/// that the servers' option parser understands (`loose_`, `skip_`, `enable_`, `disable_`, `maximum_`).
pub(super) fn owned_by_hactl(name: &str) -> Option<Owned> {
    let mut name = name;
    loop {
        if let Some(found) = find(name) {
            return Some(found);
        }
        name = ["loose_", "skip_", "enable_", "disable_", "maximum_"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))?;
    }
}

fn find(name: &str) -> Option<Owned> {
    Some(match name {
        "server_id" => owned(
            "it must be unique in the cluster",
            "write `server_id:` at the host",
        ),
        "port" => owned(
            "the other hosts must know it too",
            "write `port:` at `server` or at the host",
        ),
        "report_host" | "report_port" => owned(
            "hactl finds replicas by it",
            "it follows the host's `address` and `port`",
        ),
        "read_only" | "super_read_only" | "init_rpl_role" => ROLE,
        "sync_binlog" | "innodb_flush_log_at_trx_commit" | "sync_relay_log" => DURABLE,
        "log_bin" | "binlog_format" | "log_slave_updates" | "log_replica_updates" => BINLOG,
        "gtid_mode" | "enforce_gtid_consistency" | "gtid_strict_mode" | "gtid_domain_id" => GTID,
        "relay_log_purge" | "relay_log_recovery" => RELAY,
        "slave_start" | "replica_start" | "skip_slave_start" | "skip_replica_start" => START,
        "slave_net_timeout" | "replica_net_timeout" => NETWORK,
        "skip_networking" | "networking" => {
            owned("replicas and clients come over the network", "remove it")
        }
        // `plugin_load` empties the list that hactl's `plugin_load_add` lines add to.
        "plugin_load" => owned("it unloads the semi-sync plugin", "use `plugin_load_add`"),
        _ if name.starts_with("rpl_semi_sync_") => SEMI_SYNC,
        _ if name.starts_with("replicate_")
            || name == "binlog_do_db"
            || name == "binlog_ignore_db" =>
        {
            FILTER
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failover_relies_on_is_owned_however_it_is_spelled() {
        for name in [
            "server_id",
            "log-bin",
            "read_only",
            "super_read_only",
            "gtid_mode",
            "gtid_strict_mode",
            "relay_log_purge",
            "rpl_semi_sync_master_enabled",
            "rpl-semi-sync-source-timeout",
            "sync_binlog",
            "skip_slave_start",
            "skip-replica-start",
            "skip_log_bin",
            "loose_rpl_semi_sync_replica_enabled",
            "loose-skip-log-bin",
            "disable_log_bin",
            "replicate_ignore_db",
        ] {
            assert!(owned_by_hactl(&canonical(name)).is_some(), "{name}");
        }
        for name in [
            "innodb_buffer_pool_size",
            "max_connections",
            "skip_name_resolve",
            "log_bin_index",
            "plugin_load_add",
            "binlog_expire_logs_seconds",
        ] {
            assert_eq!(owned_by_hactl(name), None, "{name}");
        }
    }

    #[test]
    fn names_cannot_break_out_of_my_cnf() {
        for bad in [
            "", "a b", "a=b", "a\nb", "[mysqld]", "!include", "#x", "1a", "-a", "A",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name("validate_password.length"));
    }
}
