//! Rows for machines, files and settings, on both flavors.

use super::{Case, case};
use crate::facts::{
    ClockOffset, FileFacts, Inspected, Observation, RootAccess, ServerView, UnreachableKind,
};
use crate::fixture::{self, Mutate as _, name, unreachable};

/// A file of db2 that is not what bootstrap would write: as it is, or not there.
fn file(seen: &mut Observation, path: &str, content: Option<&str>) {
    let facts = match content {
        None => FileFacts::Absent,
        Some(content) => FileFacts::Present {
            content: content.to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode: "644".to_owned(),
        },
    };
    let files = &mut seen.reached_mut("db2").os.files;
    files.insert(path.to_owned(), facts);
}

fn config(seen: &mut Observation, content: Option<&str>) {
    let path = seen.server_mut("db2").dialect.config_path();
    file(seen, path, content);
}

/// The drop-in of db2's server, and what systemd says that is in force.
fn policy(seen: &mut Observation, content: Option<&str>, in_force: &str) {
    let unit = seen.server_mut("db2").dialect.service_unit();
    file(
        seen,
        &format!("/etc/systemd/system/{unit}.d/hactl.conf"),
        content,
    );
    let units = &mut seen.reached_mut("db2").os.units;
    in_force.clone_into(&mut units.get_mut(unit).unwrap().restart);
}

fn inspected<'a>(seen: &'a mut Observation, host: &str) -> &'a mut Inspected {
    seen.reached_mut(host).os.inspected.as_mut().unwrap()
}

fn option(seen: &mut Observation, option: &str, value: &str) {
    let options = inspected(seen, "db2").options.as_mut().unwrap();
    options.push((option.to_owned(), value.to_owned()));
}

fn set_by_sql(seen: &mut Observation, variable: &str, value: &str) {
    let set = &mut seen.server_mut("db2").set_since_start;
    let set = set.as_mut().unwrap();
    set.insert(variable.to_owned(), value.to_owned());
}

fn clock(seen: &mut Observation, host: &str, least_ms: i64, most_ms: i64) {
    seen.reached_mut(host).os.clock_offset = Some(ClockOffset { least_ms, most_ms });
}

fn free(seen: &mut Observation, percent: u64, size: u64) {
    let disk = &mut inspected(seen, "db2").disks[0];
    disk.size = size;
    disk.free = size / 100 * percent;
}

fn answers(seen: &mut Observation, host: &str, macs: &[&str]) {
    let macs = macs.iter().map(|mac| (*mac).to_owned()).collect();
    inspected(seen, host).vip_answers = Some(macs);
}

const STRANGER: &str = "02:00:00:00:00:63";

/// Files, settings, clocks, disks, and who answers for the VIP.
pub(super) const MACHINES: &[Case] = &[
    case(
        "a setting that was changed in the file",
        |seen| config(seen, Some("sync_binlog = 0")),
        &["ConfigDiffers"],
    ),
    case(
        "a file that is gone",
        |seen| config(seen, None),
        &["ConfigDiffers"],
    ),
    case(
        "a changed file of a server that was never installed",
        |seen| {
            config(seen, Some("sync_binlog = 0"));
            seen.reached_mut("db2").server = ServerView::Absent;
        },
        &["ServerAbsent"],
    ),
    case(
        "files as somebody sees them who is not root",
        |seen| {
            config(seen, Some("sync_binlog = 0"));
            option(seen, "max_connections", "200");
            set_by_sql(seen, "max_connections", "500");
            seen.reached_mut("db2").os.login.root = RootAccess::None;
        },
        &["NoRootAccess"],
    ),
    case(
        "a changed file that the server has not read: one cause, one finding",
        |seen| {
            config(seen, Some("sync_binlog = 0"));
            fixture::server_unit(seen, "db2").stale = true;
        },
        &["ConfigDiffers"],
    ),
    case(
        "a file that the server has not read",
        |seen| fixture::server_unit(seen, "db2").stale = true,
        &["ConfigNotLoaded"],
    ),
    case(
        "a file that a stopped server has not read",
        |seen| {
            fixture::server_unit(seen, "db2").stale = true;
            seen.reached_mut("db2").server = ServerView::Stopped;
        },
        &["DeadReplica"],
    ),
    case(
        "a drop-in that is gone",
        |seen| policy(seen, None, "on-abnormal"),
        &["RestartPolicyDiffers"],
    ),
    case(
        "a drop-in that was changed",
        |seen| policy(seen, Some("[Service]\nRestart=no\n"), "no"),
        &["RestartPolicyDiffers"],
    ),
    case(
        "a drop-in as it should be",
        |seen| {
            policy(
                seen,
                Some("# as wanted\n[Service]\nRestart=on-failure\n"),
                "on-failure",
            );
        },
        &[],
    ),
    case(
        "another drop-in has the last word",
        |seen| {
            policy(
                seen,
                Some("# as wanted\n[Service]\nRestart=on-failure\n"),
                "always",
            );
        },
        &["RestartPolicyDiffers"],
    ),
    case(
        "a drop-in that systemd has not read",
        |seen| {
            policy(
                seen,
                Some("# as wanted\n[Service]\nRestart=on-failure\n"),
                "no",
            );
            fixture::server_unit(seen, "db2").unread = true;
        },
        &["UnitsNotReloaded"],
    ),
    case(
        "scripts that are gone",
        |seen| {
            file(seen, "/usr/local/sbin/hactl-purge-relay-logs", None);
            file(
                seen,
                "/etc/systemd/system/hactl-purge-relay-logs.service",
                None,
            );
        },
        &["FileDiffers"],
    ),
    case(
        "a setting by SQL that the file has otherwise",
        |seen| {
            option(seen, "max_connections", "200");
            set_by_sql(seen, "max_connections", "500");
        },
        &["SettingDiffersFromFile"],
    ),
    case(
        "of several files the last counts",
        |seen| {
            option(seen, "max_connections", "200");
            option(seen, "max_connections", "500");
            set_by_sql(seen, "max_connections", "500");
        },
        &[],
    ),
    case(
        "what hactl itself sets",
        |seen| {
            option(seen, "read_only", "1");
            set_by_sql(seen, "read_only", "OFF");
            set_by_sql(seen, "gtid_slave_pos", "0-1-7");
            set_by_sql(seen, "rpl_semi_sync_master_enabled", "ON");
            set_by_sql(seen, "rpl_semi_sync_source_enabled", "ON");
        },
        &[],
    ),
    case(
        "settings by SQL, and files that nobody read",
        |seen| {
            inspected(seen, "db2").options = None;
            set_by_sql(seen, "max_connections", "500");
        },
        &[],
    ),
    case(
        "a setting that was persisted and beats the file",
        |seen| {
            option(seen, "max_connections", "200");
            let persisted = &mut seen.server_mut("db2").persisted;
            persisted.insert("max_connections".to_owned(), "500".to_owned());
            persisted.insert("wait_timeout".to_owned(), "500".to_owned());
            // No restart takes it back, so nothing says that one does.
            set_by_sql(seen, "max_connections", "500");
        },
        &["PersistedBeatsFile"],
    ),
    case(
        "a clock that is ahead",
        |seen| clock(seen, "db2", 2100, 2500),
        &["ClockSkew"],
    ),
    case(
        "a clock that is behind",
        |seen| clock(seen, "db2", -90_000, -89_000),
        &["ClockSkew"],
    ),
    case(
        "a clock that may be right, seen over a slow way",
        |seen| clock(seen, "db2", -300, 9000),
        &[],
    ),
    case(
        "clocks that nobody read",
        |seen| seen.reached_mut("db2").os.clock_offset = None,
        &[],
    ),
    case(
        "a clock of our own that is behind those of all: one finding",
        |seen| {
            for host in ["db1", "db2", "db3"] {
                clock(seen, host, 60_000, 60_400);
            }
        },
        &["ClockSkew"],
    ),
    case(
        "clocks that are off, each in its own way",
        |seen| {
            clock(seen, "db1", 60_000, 60_400);
            clock(seen, "db2", 5000, 5400);
            clock(seen, "db3", -70_000, -69_000);
        },
        &["ClockSkew", "ClockSkew", "ClockSkew"],
    ),
    case(
        "a disk that is almost full",
        |seen| free(seen, 9, 100 << 30),
        &["DiskAlmostFull"],
    ),
    case(
        "a small part of a very large disk",
        |seen| free(seen, 9, 1000 << 30),
        &[],
    ),
    case(
        "no inodes",
        |seen| inspected(seen, "db2").disks[0].inodes_free = 10,
        &["InodesAlmostUsed"],
    ),
    case(
        "a filesystem that does not count inodes",
        |seen| {
            let disk = &mut inspected(seen, "db2").disks[0];
            (disk.inodes, disk.inodes_free) = (0, 0);
        },
        &[],
    ),
    case(
        "two folders on one full disk",
        |seen| {
            free(seen, 1, 100 << 30);
            let disks = &mut inspected(seen, "db2").disks;
            let mut second = disks[0].clone();
            "/var/log/mysql".clone_into(&mut second.folder);
            disks.push(second);
        },
        &["DiskAlmostFull"],
    ),
    case(
        "nothing of it was asked",
        |seen| seen.reached_mut("db2").os.inspected = None,
        &[],
    ),
    case(
        "a replica that leaves out rows",
        |seen| seen.replica_mut("db2").filters = vec!["Replicate_Do_DB = a".to_owned()],
        &["ReplicationFiltered"],
    ),
    case(
        "a server that does not log all",
        |seen| option(seen, "binlog_ignore_db", "scratch"),
        &["BinaryLogFiltered"],
    ),
    case(
        "another machine has the VIP, too",
        |seen| answers(seen, "db1", &[STRANGER]),
        &["VipAnsweredElsewhere"],
    ),
    case(
        "another machine was quicker to answer",
        |seen| {
            answers(seen, "db2", &[STRANGER]);
            answers(seen, "db3", &[STRANGER]);
        },
        &["VipAnsweredElsewhere"],
    ),
    case(
        "the primary's other interface answers it",
        |seen| answers(seen, "db1", &["02:00:00:00:00:01"]),
        &[],
    ),
    case(
        "a host away that still has the VIP",
        |seen| {
            seen.hosts
                .insert(name("db3"), unreachable(UnreachableKind::Network));
            answers(seen, "db2", &[STRANGER]);
        },
        &["HostUnreachable", "VipAnsweredElsewhere"],
    ),
    case(
        "an answer, and a host whose hardware nobody read",
        |seen| {
            inspected(seen, "db3").hardware.clear();
            answers(seen, "db2", &[STRANGER]);
        },
        &[],
    ),
    case(
        "nobody hears the VIP",
        |seen| {
            answers(seen, "db2", &[]);
            answers(seen, "db3", &[]);
        },
        &["VipUnanswered"],
    ),
    case(
        "one does not hear the VIP",
        |seen| answers(seen, "db2", &[]),
        &[],
    ),
    case(
        "nobody could ask for the VIP",
        |seen| {
            for host in ["db1", "db2", "db3"] {
                inspected(seen, host).vip_answers = None;
            }
        },
        &[],
    ),
    case(
        "those who ask are in another network",
        |seen| {
            for host in ["db2", "db3"] {
                answers(seen, host, &[]);
                let addresses = &mut seen.reached_mut(host).os.addresses;
                addresses[0].address = [198, 51, 100, 7].into();
            }
        },
        &[],
    ),
    case(
        "no replica that could take over",
        |seen| {
            seen.reached_mut("db2").server = ServerView::Stopped;
            seen.reached_mut("db3").server = ServerView::Absent;
        },
        &["DeadReplica", "ServerAbsent", "NoCandidate"],
    ),
    case(
        "one that may be fit, for all that is known",
        |seen| {
            seen.reached_mut("db2").server = ServerView::Stopped;
            seen.hosts
                .insert(name("db3"), unreachable(UnreachableKind::Network));
        },
        &["DeadReplica", "HostUnreachable"],
    ),
];
