//! What stands in the way of a run, found before it begins.

use crate::decide::{Severity, preflight};
use crate::facts::{
    Observation, PackageManager, RootAccess, ServerProgram, ServerView, UnitState, UnreachableKind,
};
use crate::fixture::{self, Mutate as _, cluster, healthy, held, name, unreachable};
use crate::mysql::{Dialect, Flavor, Version};

/// A change of what is seen, and the codes that are then found.
type Row = (fn(&mut Observation), &'static [&'static str]);

#[test]
fn the_preflight_finds_what_would_stop_a_run_halfway() {
    let cluster = cluster(Flavor::MariaDb, 2);
    let rows: &[Row] = &[
        (|_| {}, &[]),
        (
            |seen| {
                drop(
                    seen.hosts
                        .insert(name("db2"), unreachable(UnreachableKind::Network)),
                );
            },
            &["HostUnreachable"],
        ),
        (
            |seen| {
                drop(
                    seen.hosts
                        .insert(name("db2"), unreachable(UnreachableKind::HostKey)),
                );
            },
            &["HostKeyNotTrusted"],
        ),
        (
            |seen| drop(seen.hosts.remove(&name("db2"))),
            &["HostUnreachable"],
        ),
        (
            |seen| seen.reached_mut("db2").os.login.root = RootAccess::None,
            &["NoRootAccess"],
        ),
        (
            |seen| "fedora".clone_into(&mut seen.reached_mut("db2").os.distribution),
            &["DistributionUnknown"],
        ),
        (
            |seen| seen.reached_mut("db2").os.disk_free = Some(1 << 20),
            &["DiskFull"],
        ),
        (|seen| seen.reached_mut("db2").os.disk_free = None, &[]),
        (
            |seen| seen.reached_mut("db2").os.interfaces.clear(),
            &["InterfaceMissing"],
        ),
        (
            |seen| {
                let mysql = Dialect::new(Flavor::MySql, Version::new(9, 7, 4));
                seen.reached_mut("db2").os.server_program = Some(ServerProgram::Known(mysql));
            },
            &["WrongFlavor"],
        ),
        (|seen| seen.reached_mut("db2").os.server_program = None, &[]),
        (
            |seen| seen.reached_mut("db2").server = fixture::refused(1040),
            &["ServerSilent"],
        ),
        (
            |seen| seen.reached_mut("db2").server = fixture::access_denied(),
            &[],
        ),
        (
            |seen| {
                for host in ["db1", "db2"] {
                    seen.server_mut(host).server_uuid = Some("a-copy".to_owned());
                }
            },
            &["DuplicateServerUuid"],
        ),
    ];
    for (change, expected) in rows {
        let mut seen = healthy(&cluster);
        change(&mut seen);
        let codes: Vec<_> = preflight(&cluster, &seen)
            .iter()
            .map(|found| found.code)
            .collect();
        assert_eq!(codes, *expected);
    }
}

/// A package manager that hactl knows is not enough: what is rendered would lie where no server reads it.
#[test]
fn another_distribution_is_refused_before_anything_is_touched() {
    let cluster = cluster(Flavor::MariaDb, 2);
    let mut seen = healthy(&cluster);
    let os = &mut seen.reached_mut("db2").os;
    "rocky".clone_into(&mut os.distribution);
    "9.4".clone_into(&mut os.release);
    os.package_manager = Some(PackageManager::Dnf);
    let message = |seen: &Observation| preflight(&cluster, seen)[0].message.clone();
    assert_eq!(
        message(&seen),
        "runs rocky 9.4, and hactl bootstrap installs on Debian and Ubuntu: elsewhere a server's option files \
         and units have other names and places"
    );
    let name = &mut seen.reached_mut("db2").os.distribution_name;
    "Rocky Linux 9.4 (Blue Onyx)".clone_into(name);
    assert!(message(&seen).starts_with("runs Rocky Linux 9.4 (Blue Onyx), and"));
}

/// Said before anything is installed, and no obstacle.
#[test]
fn a_server_that_would_be_older_than_its_source_is_named_beforehand() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    // Bare: what the package manager would install.
    let db2 = seen.reached_mut("db2");
    db2.server = ServerView::Absent;
    db2.os.server_program = None;
    for package in db2.os.packages.values_mut() {
        package.candidate = Some("1:10.5.23-0+deb11u1".to_owned());
    }
    // Stopped: what is installed.
    let db3 = seen.reached_mut("db3");
    db3.server = ServerView::Stopped;
    let found = preflight(&cluster, &seen);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(
        found[0].message,
        "its server would be mariadb 10.5.23, older than db1 with 10.11.18: it may not understand all that the \
         primary writes"
    );
    // One that runs already is for verify to judge.
    let mut seen = healthy(&cluster);
    seen.server_mut("db2").dialect.version = "10.5.23".parse().unwrap();
    assert_eq!(preflight(&cluster, &seen), []);
}

#[test]
fn the_vip_is_no_hosts_own_address() {
    let mut cluster = cluster(Flavor::MariaDb, 2);
    let mut seen = healthy(&cluster);
    // On a replica it is for the playbook to repair, and no obstacle.
    let vip = held([192, 0, 2, 90].into(), "eth0");
    seen.reached_mut("db2").os.addresses.push(vip);
    assert_eq!(preflight(&cluster, &seen), []);
    if let Some(vip) = &mut cluster.vip {
        vip.address = [192, 0, 2, 2].into();
    }
    let found = preflight(&cluster, &seen);
    assert_eq!(
        found.iter().map(|found| found.code).collect::<Vec<_>>(),
        ["VipIsOwnAddress"]
    );
}

#[test]
fn a_silent_server_that_systemd_does_not_let_go_of_has_a_way_out() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    seen.reached_mut("db2").server = fixture::refused(1040);
    let hint = |seen: &Observation| {
        let found = preflight(&cluster, seen);
        let silent = found.iter().find(|finding| finding.code == "ServerSilent");
        silent
            .map(|finding| finding.next.clone())
            .unwrap_or_default()
    };
    assert!(hint(&seen).ends_with("run journalctl -u mariadb.service"));
    let units = &mut seen.reached_mut("db2").os.units;
    units.get_mut("mariadb.service").unwrap().state = UnitState::Changing;
    assert!(hint(&seen).ends_with("systemctl kill --signal=KILL mariadb.service"));
}
