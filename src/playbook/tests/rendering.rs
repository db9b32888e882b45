//! The files that hosts get, whole, for the servers that are out there.

use insta::assert_snapshot;

use super::plan;
use crate::decide::Consent;
use crate::facts::MarkKind;
use crate::fixture::{Mutate as _, cluster_with, healthy};
use crate::inventory::Cluster;
use crate::mysql::{Dialect, Flavor, Version};
use crate::plan::Action;

/// What the file at `path` of `db2` would be, without the comments and the blank lines.
fn file(cluster: &Cluster, version: Version, path: &str) -> Option<String> {
    let mut seen = healthy(cluster);
    for host in cluster.hosts.keys() {
        let dialect = Dialect::new(cluster.server.flavor, version);
        let facts = seen.server_mut(host.as_ref());
        facts.dialect = dialect;
    }
    let planned = plan(cluster, &seen, &Consent::default()).unwrap();
    let steps = planned.stages.into_iter().flat_map(|stage| stage.steps);
    let content = steps
        .filter(|step| step.host.as_ref() == "db2")
        .find_map(|step| match step.action {
            Action::WriteFile(file) if file.path == path => Some(file.content),
            Action::Configure(config) if config.file.path == path => Some(config.file.content),
            _ => None,
        })?;
    let lines = content
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn my_cnf(flavor: Flavor, version: (u16, u16), more: &str) -> String {
    let cluster = cluster_with(flavor, 3, more);
    let version = Version::new(version.0, version.1, 5);
    let path = Dialect::new(flavor, version).config_path();
    file(&cluster, version, path).unwrap()
}

#[test]
fn mariadb_10_5() {
    assert_snapshot!(my_cnf(Flavor::MariaDb, (10, 5), ""), @r#"
[mysqld]
server_id                       = 3221225986
report_host                     = 192.0.2.2
report_port                     = 3306
port                            = 3306
bind_address                    = *
skip_name_resolve               = 1
log_bin                         = binlog
binlog_format                   = ROW
sync_binlog                     = 1
innodb_flush_log_at_trx_commit  = 1
innodb_file_per_table           = 1
relay_log                       = relay-bin
relay_log_purge                 = 0
relay_log_recovery              = 0
sync_relay_log                  = 1
read_only                       = 1
gtid_strict_mode                = 1
log_slave_updates               = 1
expire_logs_days                = 7
skip_slave_start                = 1
slave_net_timeout               = 3
rpl_semi_sync_slave_enabled     = 1
rpl_semi_sync_master_wait_point = AFTER_SYNC
rpl_semi_sync_master_timeout    = 4294967295
rpl_semi_sync_master_wait_no_slave = 1
"#);
}

#[test]
fn mariadb_10_11() {
    let settings = "vars: {a: b}\n";
    assert_snapshot!(my_cnf(Flavor::MariaDb, (10, 11), settings), @r#"
[mysqld]
server_id                       = 3221225986
report_host                     = 192.0.2.2
report_port                     = 3306
port                            = 3306
bind_address                    = *
skip_name_resolve               = 1
log_bin                         = binlog
binlog_format                   = ROW
sync_binlog                     = 1
innodb_flush_log_at_trx_commit  = 1
innodb_file_per_table           = 1
relay_log                       = relay-bin
relay_log_purge                 = 0
relay_log_recovery              = 0
sync_relay_log                  = 1
read_only                       = 1
gtid_strict_mode                = 1
log_slave_updates               = 1
binlog_expire_logs_seconds      = 604800
skip_slave_start                = 1
slave_net_timeout               = 3
rpl_semi_sync_slave_enabled     = 1
rpl_semi_sync_master_wait_point = AFTER_SYNC
rpl_semi_sync_master_timeout    = 4294967295
rpl_semi_sync_master_wait_no_slave = 1
"#);
}

#[test]
fn mariadb_11_8_is_as_10_11() {
    let of = |version| my_cnf(Flavor::MariaDb, version, "");
    assert_eq!(of((11, 8)), of((10, 11)));
}

#[test]
fn mysql_8_4() {
    assert_snapshot!(my_cnf(Flavor::MySql, (8, 4), ""), @r#"
[mysqld]
server_id                       = 3221225986
report_host                     = 192.0.2.2
report_port                     = 3306
port                            = 3306
bind_address                    = *
skip_name_resolve               = 1
log_bin                         = binlog
binlog_format                   = ROW
sync_binlog                     = 1
innodb_flush_log_at_trx_commit  = 1
innodb_file_per_table           = 1
relay_log                       = relay-bin
relay_log_purge                 = 0
relay_log_recovery              = 0
sync_relay_log                  = 1
read_only                       = 1
super_read_only                 = 1
gtid_mode                       = ON
enforce_gtid_consistency        = ON
log_replica_updates             = 1
binlog_expire_logs_seconds      = 604800
replica_net_timeout             = 3
plugin_load_add                 = semisync_source.so
plugin_load_add                 = semisync_replica.so
rpl_semi_sync_replica_enabled   = 1
rpl_semi_sync_source_wait_point = AFTER_SYNC
rpl_semi_sync_source_timeout    = 4294967295
rpl_semi_sync_source_wait_no_replica = 1
"#);
}

#[test]
fn mysql_9_7_is_as_8_4() {
    let of = |version| my_cnf(Flavor::MySql, version, "");
    assert_eq!(of((9, 7)), of((8, 4)));
}

/// Only `MySQL` starts replication by position after a crash.
#[test]
fn following_by_position_is_written_down_with_each_event() {
    for (flavor, version, lines) in [(Flavor::MySql, (9, 7), 1), (Flavor::MariaDb, (10, 11), 0)] {
        let by_gtid = my_cnf(flavor, version, "");
        let by_position = my_cnf(flavor, version, "replication: {mode: position}\n");
        assert!(!by_gtid.contains("sync_source_info"), "{by_gtid}");
        let found = by_position
            .matches("sync_source_info                = 1\n")
            .count();
        assert_eq!(found, lines, "{by_position}");
        let same = by_gtid
            .lines()
            .filter(|line| by_position.contains(line))
            .count();
        assert_eq!(same, by_gtid.lines().count(), "{by_position}");
    }
}

/// Where writes go on without a replica, waits end and relay logs are lazy.
#[test]
fn a_shorter_durability_changes_two_lines() {
    let lossless = my_cnf(Flavor::MariaDb, (10, 11), "");
    let available = my_cnf(Flavor::MariaDb, (10, 11), "durability: available\n");
    let differs: Vec<_> = lossless
        .lines()
        .zip(available.lines())
        .filter(|(a, b)| a != b)
        .collect();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let differs: Vec<_> = differs
        .into_iter()
        .map(|(a, b)| (words(a), words(b)))
        .collect();
    assert_eq!(
        differs,
        [
            ("sync_relay_log = 1", "sync_relay_log = 10000"),
            (
                "rpl_semi_sync_master_timeout = 4294967295",
                "rpl_semi_sync_master_timeout = 10000"
            ),
        ]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn only_where_a_start_needs_it_is_there_a_program_for_it() {
    let unit = "/etc/systemd/system/hactl-start-replication.service";
    let program = "/usr/local/sbin/hactl-start-replication";
    let mariadb = cluster_with(Flavor::MariaDb, 2, "");
    let mysql = cluster_with(Flavor::MySql, 2, "");
    for path in [unit, program] {
        assert!(
            file(&mariadb, Version::new(10, 11, 5), path).is_some(),
            "{path}"
        );
        assert_eq!(file(&mysql, Version::new(9, 7, 4), path), None, "{path}");
    }
    let text = file(&mariadb, Version::new(10, 11, 5), unit).unwrap();
    assert!(
        text.contains(&format!("ExecStart={program}\nTimeout")),
        "{text}"
    );
}

#[test]
fn a_drained_replica_receives_nothing_when_it_boots() {
    let program = "/usr/local/sbin/hactl-start-replication";
    let cluster = cluster_with(Flavor::MariaDb, 2, "");
    let text = file(&cluster, Version::new(10, 11, 5), program).unwrap();
    let folder = MarkKind::folder(&cluster.name);
    let looks = text.find(&format!("[ -e '{folder}/drained' ]")).unwrap();
    let receives = text.rfind("START SLAVE\"").unwrap();
    assert!(looks < receives, "{text}");
}
