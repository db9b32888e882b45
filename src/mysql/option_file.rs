//! What a new option file asks of a server that runs with the old one. Must never take two files for the
//! same that the server would read differently: what is not a plain setting counts as changed text.

use std::collections::{BTreeMap, BTreeSet};

use super::quote::{quote_ident, quote_literal};
use super::{Dialect, ServerFacts, Statement, Switch};

/// The sections that the server reads, and whose settings can be set while it runs.
const SECTION: &str = "mysqld";

/// A setting that one option file has otherwise than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSetting {
    /// Its name, with `_`; of what is no plain setting the whole line.
    pub name: String,
    /// The new value. `None` where it is not one plain value: it is gone, and what then holds is for the
    /// server's other files and its defaults to say; or it is given twice, quoted, or elsewhere.
    pub value: Option<String>,
}

/// The settings in which two option files differ, by name. Comments and blanks do not count.
pub fn changed_settings(before: &str, after: &str) -> Vec<ChangedSetting> {
    let (before, after) = (read(before), read(after));
    let names = before.keys().chain(after.keys());
    let names: BTreeSet<&String> = names.collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| ChangedSetting {
            name: name.clone(),
            value: after.get(name).and_then(|values| plain(values)),
        })
        .collect()
}

/// Every setting with its values, in their order. The last one counts, but for those that add to a list.
fn read(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut section = String::new();
    let mut settings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) if section == SECTION => (name.trim().replace('-', "_"), value),
            _ => (format!("[{section}] {line}"), ""),
        };
        let values = settings.entry(name).or_default();
        values.push(value.trim().to_owned());
    }
    settings
}

/// A value that reads the same in a file and in a statement.
fn plain(values: &[String]) -> Option<String> {
    let [value] = values else { return None };
    let is_plain = !value.is_empty() && !value.contains(['#', '\\', '\'', '"']);
    is_plain.then(|| value.clone())
}

/// What `MySQL` takes live in every supported release and has in force from then on (tried one by one on
/// 9.7). It has no view that says so.
const MYSQL_LIVE: &[&str] = &[
    "auto_increment_increment",
    "auto_increment_offset",
    "binlog_cache_size",
    "binlog_expire_logs_seconds",
    "binlog_row_image",
    "binlog_row_metadata",
    "binlog_stmt_cache_size",
    "character_set_server",
    "collation_server",
    "connect_timeout",
    "default_storage_engine",
    "event_scheduler",
    "explicit_defaults_for_timestamp",
    "general_log",
    "general_log_file",
    "group_concat_max_len",
    "host_cache_size",
    "innodb_adaptive_flushing",
    "innodb_adaptive_hash_index",
    "innodb_autoextend_increment",
    "innodb_concurrency_tickets",
    "innodb_deadlock_detect",
    "innodb_default_row_format",
    "innodb_flush_log_at_timeout",
    "innodb_flush_log_at_trx_commit",
    "innodb_flush_neighbors",
    "innodb_io_capacity",
    "innodb_io_capacity_max",
    "innodb_lock_wait_timeout",
    "innodb_lru_scan_depth",
    "innodb_max_dirty_pages_pct",
    "innodb_max_dirty_pages_pct_lwm",
    "innodb_max_purge_lag",
    "innodb_max_purge_lag_delay",
    "innodb_old_blocks_pct",
    "innodb_old_blocks_time",
    "innodb_online_alter_log_max_size",
    "innodb_print_all_deadlocks",
    "innodb_purge_batch_size",
    "innodb_random_read_ahead",
    "innodb_read_ahead_threshold",
    "innodb_stats_auto_recalc",
    "innodb_stats_on_metadata",
    "innodb_stats_persistent",
    "innodb_stats_persistent_sample_pages",
    "innodb_stats_transient_sample_pages",
    "innodb_strict_mode",
    "innodb_thread_concurrency",
    "interactive_timeout",
    "join_buffer_size",
    "key_buffer_size",
    "local_infile",
    "lock_wait_timeout",
    "log_bin_trust_function_creators",
    "log_error_verbosity",
    "log_output",
    "log_queries_not_using_indexes",
    "log_slow_admin_statements",
    "log_throttle_queries_not_using_indexes",
    "log_timestamps",
    "long_query_time",
    "max_allowed_packet",
    "max_binlog_cache_size",
    "max_binlog_size",
    "max_connect_errors",
    "max_connections",
    "max_execution_time",
    "max_heap_table_size",
    "max_prepared_stmt_count",
    "max_relay_log_size",
    "max_sort_length",
    "max_user_connections",
    "min_examined_row_limit",
    "net_buffer_length",
    "net_read_timeout",
    "net_retry_count",
    "net_write_timeout",
    "optimizer_search_depth",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "rpl_semi_sync_source_timeout",
    "slow_launch_time",
    "slow_query_log",
    "slow_query_log_file",
    "sort_buffer_size",
    "sql_mode",
    "sync_binlog",
    "sync_relay_log",
    "sync_source_info",
    "table_definition_cache",
    "table_open_cache",
    "thread_cache_size",
    "time_zone",
    "tmp_table_size",
    "transaction_isolation",
    "wait_timeout",
];

/// What a server takes live and does not have in force before a start: threads of replication read it when
/// they begin, and a size that the machine has not is found out when memory is taken at the start.
fn waits_for_a_start(name: &str) -> bool {
    let prefixes = ["gtid_", "slave_", "replica_", "replicate_"];
    let names = [
        "innodb_buffer_pool_size",
        "read_only",
        "super_read_only",
        "server_id",
        "binlog_format",
    ];
    let semi_sync = name.starts_with("rpl_semi_sync_") && !name.ends_with("_timeout");
    semi_sync || names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

impl Dialect {
    /// Asks which of these settings a running server takes; `None` where it has no view that says so.
    pub(super) fn settable_query(self, settings: &[String]) -> Option<Statement> {
        if !self.is_mariadb() || settings.is_empty() {
            return None;
        }
        let names: Vec<String> = settings.iter().map(|name| quote_literal(name)).collect();
        Some(Statement::new(format!(
            "SELECT VARIABLE_NAME AS name FROM information_schema.SYSTEM_VARIABLES \
             WHERE READ_ONLY = 'NO' AND VARIABLE_SCOPE <> 'SESSION ONLY' AND VARIABLE_NAME IN ({})",
            names.join(", ")
        )))
    }

    /// The settings of hactl's option file that durability rests on, and which are not roles.
    pub fn durability_settings(self) -> [&'static str; 4] {
        let timeout = if self.is_mariadb() {
            "rpl_semi_sync_master_timeout"
        } else {
            "rpl_semi_sync_source_timeout"
        };
        [
            "innodb_flush_log_at_trx_commit",
            "sync_binlog",
            "sync_relay_log",
            timeout,
        ]
    }

    /// Sets a setting of the running server to what the option file says.
    pub fn set_live(self, name: &str, value: &str) -> Statement {
        let (name, value) = (quote_ident(name), as_literal(value));
        Statement::new(format!("SET GLOBAL {name} = {value}"))
    }

    /// Asks for what the running server has, to put it back: one row with a column `value`.
    pub fn ask_live(self, name: &str) -> Statement {
        Statement::new(format!("SELECT @@GLOBAL.{} AS value", quote_ident(name)))
    }
}

impl ServerFacts {
    /// Whether the running server takes this value of a setting, and has it in force from then on.
    pub fn takes_live(&self, name: &str, value: &str) -> bool {
        if name.starts_with("rpl_semi_sync_") && self.some_may_wait_on(value) {
            return false;
        }
        let known = if self.dialect.is_mariadb() {
            self.settable.contains(name)
        } else {
            MYSQL_LIVE.contains(&name)
        };
        known && !waits_for_a_start(name)
    }

    /// Whether a shorter wait for acknowledgements could leave somebody waiting: commits that wait already go
    /// on for as long as they were told, and hold up those that come after them (seen on 10.11: a commit with
    /// the new limit of ten seconds never ended behind one with the old).
    fn some_may_wait_on(&self, value: &str) -> bool {
        let now = self.semi_sync.timeout_ms;
        let waits_longer = now.is_some_and(|now| value.parse().is_ok_and(|then: u64| then >= now));
        self.semi_sync.source_enabled != Some(Switch::Off) && !waits_longer
    }
}

/// In a file `1G` is a number; in a statement it is not, and a number in quotes is refused.
fn as_literal(value: &str) -> String {
    let (digits, factor) = match value.char_indices().last() {
        Some((at, suffix)) => match "KMGTPE".find(suffix.to_ascii_uppercase()) {
            Some(power) => (&value[..at], 1_i128 << (10 * (power + 1))),
            None => (value, 1),
        },
        None => (value, 1),
    };
    if let Ok(number) = digits.parse::<i64>() {
        return (i128::from(number) * factor).to_string();
    }
    let mut parts = value.splitn(2, '.');
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match (parts.next(), parts.next()) {
        (Some(whole), Some(fraction)) if is_digits(whole) && is_digits(fraction) => {
            value.to_owned()
        }
        _ => quote_literal(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{MARIADB_10_11, MYSQL_9_7};

    fn changed(before: &str, after: &str) -> Vec<String> {
        let changes = changed_settings(before, after);
        let shown = |change: &ChangedSetting| {
            format!("{}={}", change.name, change.value.as_deref().unwrap_or("?"))
        };
        changes.iter().map(shown).collect()
    }

    #[test]
    fn comments_blanks_and_the_two_dashes_do_not_count() {
        let before = "# a\n[mysqld]\nmax-connections=5\n\nskip_name_resolve = 1\n";
        let after = "# b\n[mysqld]\nskip_name_resolve   = 1\nmax_connections = 5\n";
        assert_eq!(changed(before, after), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_plain_value_is_not_taken_for_one() {
        let file = |lines: &str| format!("[mysqld]\n{lines}\n");
        let rows: [(&str, &str, &[&str]); 7] = [
            ("a = 1", "a = 2", &["a=2"]),
            ("", "a = 1G", &["a=1G"]),
            ("a = 1", "", &["a=?"]),
            ("l = x", "l = x\nl = y", &["l=?"]),
            ("a = 1", "a = 1 # more", &["a=?"]),
            ("a = 1", "a = 'b'", &["a=?"]),
            ("", "skip_it", &["[mysqld] skip_it=?"]),
        ];
        for (before, after, expected) in rows {
            assert_eq!(changed(&file(before), &file(after)), expected, "{after}");
        }
        let client = "[mysqld]\n[client]\nport = 1\n";
        assert_eq!(changed("[mysqld]\n", client), ["[client] port = 1=?"]);
    }

    #[test]
    fn a_size_becomes_a_number_and_a_word_stays_one() {
        let set = |value: &str| MARIADB_10_11.set_live("a", value).text().to_owned();
        assert_eq!(set("64M"), "SET GLOBAL `a` = 67108864");
        assert_eq!(set("2g"), "SET GLOBAL `a` = 2147483648");
        assert_eq!(set("-1"), "SET GLOBAL `a` = -1");
        assert_eq!(set("0.5"), "SET GLOBAL `a` = 0.5");
        assert_eq!(set("ON"), "SET GLOBAL `a` = 'ON'");
        assert_eq!(set("M"), "SET GLOBAL `a` = 'M'");
        assert_eq!(set("1.x"), "SET GLOBAL `a` = '1.x'");
        assert_eq!(set("K'; DROP"), "SET GLOBAL `a` = 'K''; DROP'");
    }

    #[test]
    fn roles_and_what_replication_reads_at_its_start_are_never_set_live() {
        for name in [
            "read_only",
            "super_read_only",
            "gtid_strict_mode",
            "slave_parallel_threads",
            "replica_parallel_workers",
            "rpl_semi_sync_master_enabled",
            "rpl_semi_sync_source_wait_point",
            "innodb_buffer_pool_size",
        ] {
            assert!(waits_for_a_start(name), "{name}");
            assert!(!MYSQL_LIVE.contains(&name), "{name}");
        }
        for dialect in [MARIADB_10_11, MYSQL_9_7] {
            for name in dialect.durability_settings() {
                assert!(!waits_for_a_start(name), "{name}");
            }
        }
        for name in MYSQL_LIVE {
            assert!(!waits_for_a_start(name), "{name}");
        }
    }

    #[test]
    fn only_a_server_with_such_a_view_is_asked() {
        let names = ["max_connections".to_owned()];
        assert!(MARIADB_10_11.settable_query(&names).is_some());
        assert_eq!(MARIADB_10_11.settable_query(&[]), None);
        assert_eq!(MYSQL_9_7.settable_query(&names), None);
    }
}
