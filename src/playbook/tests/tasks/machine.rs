//! Modules that look at the machine: packages, files, units, addresses.

use super::{says, table};
use crate::facts::{FileFacts, Observation, PackageFacts, PackageManager, UnitFacts, UnitState};
use crate::fixture::{self, Mutate as _};

#[test]
fn package() {
    let task = "package: {name: [mariadb-server, '', arping]}";
    let install = |seen: &mut Observation| {
        let facts = PackageFacts {
            installed: Some("1".to_owned()),
            candidate: Some("2".to_owned()),
        };
        seen.reached_mut("db2")
            .os
            .packages
            .insert("arping".to_owned(), facts);
    };
    table(
        task,
        &[
            (|_| {}, "install arping [arping not installed]"),
            (install, ""),
        ],
    );
    let gone: fn(&mut Observation) = |seen| seen.reached_mut("db2").os.packages.clear();
    table(
        task,
        &[(
            gone,
            "install mariadb-server, arping [mariadb-server, arping not installed]",
        )],
    );
}

/// Found out before anything is done, wherever else the task would have something to do.
#[test]
fn package_without_a_package_manager() {
    let task = "package: {name: [mariadb-server, arping]}";
    let said = |manager| {
        says(task, "db2", |seen| {
            seen.reached_mut("db2").os.package_manager = Some(manager);
        })
    };
    for manager in [
        PackageManager::Apt,
        PackageManager::Dnf,
        PackageManager::Yum,
    ] {
        assert_eq!(
            said(manager).as_deref(),
            Ok("install arping [arping not installed]")
        );
    }
    assert_eq!(
        said(PackageManager::Unknown).unwrap_err(),
        "the host has no package manager that hactl knows (apt, dnf and yum): install arping there by hand, \
         and leave the task out there by `when`"
    );
}

fn file(seen: &mut Observation, content: &str, owner: &str, mode: &str) {
    let facts = FileFacts::Present {
        content: content.to_owned(),
        owner: owner.to_owned(),
        group: owner.to_owned(),
        mode: mode.to_owned(),
    };
    seen.reached_mut("db2")
        .os
        .files
        .insert("/etc/a".to_owned(), facts);
}

#[test]
fn template() {
    const WANTED: &str = "id 3221225986\n";
    let task = "template: {src: a.j2, dest: /etc/a, mode: '0640'}";
    table(
        task,
        &[
            (|_| {}, "create /etc/a [the file is missing]"),
            (|seen| file(seen, WANTED, "root", "640"), ""),
            (
                |seen| file(seen, "id 1\n", "root", "640"),
                "change /etc/a [content differs]",
            ),
            (
                |seen| file(seen, WANTED, "mysql", "640"),
                "change /etc/a [owner mysql:mysql differs]",
            ),
            (
                |seen| file(seen, WANTED, "root", "644"),
                "change /etc/a [mode 644 differs]",
            ),
        ],
    );
    let refused = |task: &str| says(task, "db2", |_| {}).unwrap_err();
    assert_eq!(
        refused("template: {src: a.j2, dest: etc/a}"),
        "dest `etc/a` is not an absolute path"
    );
    assert!(refused("template: {src: a.j2, dest: /a, mode: '0684'}").contains("is not octal"));
    assert!(refused("template: {src: a.j2, dest: /a, mode: rw-r--r--}").contains("is not octal"));
    assert!(refused("template: {src: b.j2, dest: /a}").contains("no template `b.j2`; there are: "));
    let folder = says(task, "db2", |seen| {
        let other = FileFacts::Other("directory".to_owned());
        seen.reached_mut("db2")
            .os
            .files
            .insert("/etc/a".to_owned(), other);
    });
    assert_eq!(
        folder.unwrap_err(),
        "/etc/a is a directory, not a file; move it away"
    );
}

fn unit(seen: &mut Observation, state: UnitState, enablement: &str) {
    let facts = UnitFacts {
        state,
        enablement: enablement.to_owned(),
        ..UnitFacts::unknown()
    };
    seen.reached_mut("db2")
        .os
        .units
        .insert("a.service".to_owned(), facts);
}

#[test]
fn service() {
    table(
        "service: {name: a.service, state: started, enabled: true}",
        &[
            (|seen| unit(seen, UnitState::Active, "enabled"), ""),
            (
                |seen| unit(seen, UnitState::Failed, "disabled"),
                "enable a.service [does not start at boot]; start a.service [has failed]",
            ),
            (
                |seen| unit(seen, UnitState::Changing, "enabled-runtime"),
                "start a.service [is starting or stopping]",
            ),
        ],
    );
    table(
        "service: {name: a.service, state: stopped, enabled: false}",
        &[
            (|_| {}, ""),
            (|seen| unit(seen, UnitState::Inactive, "masked"), ""),
            (
                |seen| unit(seen, UnitState::Active, "enabled"),
                "disable a.service [starts at boot]; stop a.service [runs]",
            ),
        ],
    );
    table(
        "service: {name: a.service, state: restarted}",
        &[(|_| {}, "restart a.service [its configuration changed]")],
    );
    table(
        "service: {state: units_reloaded}",
        &[(|_| {}, "reload systemd's units [unit files changed]")],
    );
    assert!(
        says("service: {state: started}", "db2", |_| {})
            .unwrap_err()
            .contains("needs the `name`")
    );
}

#[test]
fn vip() {
    let held = |interface: &'static str| {
        move |seen: &mut Observation| {
            let vip = fixture::held([192, 0, 2, 90].into(), interface);
            seen.reached_mut("db2").os.addresses.push(vip);
        }
    };
    let (present, absent) = ("vip: {state: present}", "vip: {state: absent}");
    let said = |task, change: &dyn Fn(&mut Observation)| says(task, "db2", change).unwrap();
    assert_eq!(said(absent, &|_| {}), "");
    assert_eq!(said(present, &held("eth0")), "");
    assert_eq!(
        said(present, &|_| {}),
        "add 192.0.2.90/24 to eth0 [the writer VIP is not here]"
    );
    assert_eq!(
        said(absent, &held("eth1")),
        "remove 192.0.2.90/24 from eth1 [the writer VIP is on eth1]"
    );
    // Off the wrong interface before it is on the right one.
    assert_eq!(
        said(present, &held("lo")),
        "remove 192.0.2.90/24 from lo [the writer VIP is on lo]; \
         add 192.0.2.90/24 to eth0 [the writer VIP is not here]"
    );
}
