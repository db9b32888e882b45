//! The modules of a user's own playbooks: their differences, and that nothing differs afterwards.

use proptest::prelude::*;

use super::{says, says_after, table};
use crate::facts::{FileFacts, Observation, PathFacts, PathKind};
use crate::fixture::Mutate as _;

fn path(seen: &mut Observation, kind: PathKind, owner: &str, mode: &str) {
    let facts = PathFacts::Present {
        kind,
        owner: owner.to_owned(),
        group: "root".to_owned(),
        mode: mode.to_owned(),
    };
    let os = &mut seen.reached_mut("db2").os;
    os.paths.insert("/srv/a".to_owned(), facts);
}

fn refused(task: &str) -> String {
    says(task, "db2", |_| {}).unwrap_err()
}

#[test]
fn copy() {
    let task = "copy: {content: \"a {{ host.name }}\\n\", dest: /srv/a, mode: '0600'}";
    table(task, &[(|_| {}, "create /srv/a [the file is missing]")]);
    let there = |seen: &mut Observation| {
        let facts = FileFacts::Present {
            content: "a db2\n".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            mode: "600".to_owned(),
        };
        let os = &mut seen.reached_mut("db2").os;
        os.files.insert("/srv/a".to_owned(), facts);
    };
    table(task, &[(there, "")]);
    assert!(refused("copy: {dest: /srv/a}").contains("one of `src` and `content`"));
    assert!(refused("copy: {dest: /srv/a, src: no.txt}").contains("no file `no.txt`"));
}

#[test]
fn file() {
    table(
        "file: {path: /srv/a, state: directory, owner: mysql, mode: '0750'}",
        &[
            (|_| {}, "folder /srv/a [it does not exist]"),
            (|seen| path(seen, PathKind::Folder, "mysql", "750"), ""),
            (
                |seen| path(seen, PathKind::Folder, "root", "755"),
                "folder /srv/a [owner root, mode 755 differs]",
            ),
        ],
    );
    table(
        "file: {path: /srv/a, state: link, src: /srv/b}",
        &[
            (|_| {}, "link /srv/a to /srv/b [it does not exist]"),
            (
                |seen| path(seen, PathKind::Link("/srv/b".to_owned()), "root", "777"),
                "",
            ),
            (
                |seen| path(seen, PathKind::Link("/srv/c".to_owned()), "root", "777"),
                "link /srv/a to /srv/b [it names /srv/c]",
            ),
        ],
    );
    table(
        "file: {path: /srv/a, state: absent}",
        &[
            (|_| {}, ""),
            (
                |seen| path(seen, PathKind::File, "root", "644"),
                "remove /srv/a [it exists]",
            ),
        ],
    );
    assert!(refused("file: {path: /srv/a}").contains("does not exist"));
    assert!(refused("file: {path: /srv/a, state: link}").contains("needs `src`"));
    assert!(refused("file: {path: srv/a, state: absent}").contains("not an absolute path"));
    let folder = says("file: {path: /srv/a}", "db2", |seen| {
        path(seen, PathKind::Folder, "root", "755");
    });
    assert_eq!(folder.unwrap_err(), "/srv/a is a folder; move it away");
}

#[test]
fn sysctl() {
    let value = |value: Option<&'static str>| {
        move |seen: &mut Observation| {
            let os = &mut seen.reached_mut("db2").os;
            let value = value.map(ToOwned::to_owned);
            os.sysctls.insert("vm.swappiness".to_owned(), value);
        }
    };
    let task = "sysctl: {name: vm.swappiness, value: '1'}";
    let file = "create /etc/sysctl.d/60-hactl-vm.swappiness.conf [the file is missing]";
    assert_eq!(says(task, "db2", value(Some("1"))).unwrap(), file);
    assert_eq!(
        says(task, "db2", value(Some("60"))).unwrap(),
        format!("{file}; set vm.swappiness to 1 [it is 60]")
    );
    let unknown = says(task, "db2", value(None)).unwrap_err();
    assert_eq!(
        unknown,
        "this host's kernel has no parameter `vm.swappiness`"
    );
    assert!(refused("sysctl: {name: ../x, value: '1'}").contains("no parameter of a kernel"));
}

#[test]
fn wait_for() {
    let port = |open: bool| {
        move |seen: &mut Observation| {
            seen.reached_mut("db2").os.ports.insert(3306, open);
        }
    };
    let says_of = |task, open| says(task, "db2", port(open)).unwrap();
    assert_eq!(says_of("wait_for: {port: 3306}", true), "");
    assert_eq!(
        says_of("wait_for: {port: 3306}", false),
        "wait until port 3306 listens [not yet so]"
    );
    assert_eq!(says_of("wait_for: {port: 3306, state: stopped}", false), "");
    assert_eq!(
        says_of("wait_for: {port: 3306, state: stopped}", true),
        "wait until port 3306 is closed [not yet so]"
    );
    assert!(refused("wait_for: {timeout: 5}").contains("one of `port` and `path`"));
}

#[test]
fn assert() {
    assert_eq!(
        refused("assert: {that: [replicas, host.port == 1]}"),
        "it does not hold that host.port == 1"
    );
    assert_eq!(
        refused("assert: {that: false, fail_msg: 'no {{ host.name }}'}"),
        "no db2"
    );
    table(
        "assert: {that: [replicas, host.port == 3306]}",
        &[(|_| {}, "")],
    );
}

#[test]
fn query() {
    table(
        "mysql_query: {query: 'SELECT {{ host.port }};'}",
        &[(|_| {}, "ask `SELECT 3306` [asked on every run]")],
    );
    table(
        "mysql_query: {query: FLUSH LOGS, write: on}",
        &[(|_| {}, "execute `FLUSH LOGS` [done on every run]")],
    );
    // A read that ends itself would be followed by a write.
    assert!(
        refused("mysql_query: {query: 'SELECT 1; COMMIT; DELETE FROM a.b'}")
            .contains("one statement")
    );
}

/// Tasks whose difference is pure, and the states that they may find.
fn tasks() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("copy: {content: x, dest: /srv/a, mode: '0600'}"),
        Just("file: {path: /srv/a, state: directory, owner: mysql, group: adm, mode: '0750'}"),
        Just("file: {path: /srv/a, state: directory}"),
        Just("file: {path: /srv/a, state: link, src: /srv/b}"),
        Just("file: {path: /srv/a, state: file, mode: '0600'}"),
        Just("file: {path: /srv/a, state: absent}"),
        Just("sysctl: {name: vm.swappiness, value: '1  2'}"),
        Just("wait_for: {path: /srv/a}"),
        Just("wait_for: {path: /srv/a, state: absent}"),
        Just("wait_for: {port: 3306}"),
        Just("wait_for: {port: 3306, state: stopped}"),
        Just("command: {cmd: a, creates: /srv/a}"),
        Just("shell: {cmd: a, removes: /srv/a}"),
    ]
}

fn state() -> impl Strategy<Value = (Option<PathKind>, &'static str, &'static str, Option<bool>)> {
    let kind = prop_oneof![
        Just(PathKind::File),
        Just(PathKind::Folder),
        Just(PathKind::Link("/srv/b".to_owned())),
        Just(PathKind::Link("/srv/c".to_owned())),
        Just(PathKind::Other("fifo".to_owned())),
    ];
    (
        prop::option::of(kind),
        prop_oneof![Just("root"), Just("mysql")],
        prop_oneof![Just("644"), Just("750"), Just("600")],
        prop::option::of(any::<bool>()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_differs_afterwards(task in tasks(), (kind, owner, mode, port) in state()) {
        let change = |seen: &mut Observation| {
            if let Some(kind) = &kind {
                path(seen, kind.clone(), owner, mode);
            }
            let os = &mut seen.reached_mut("db2").os;
            os.sysctls.insert("vm.swappiness".to_owned(), Some(mode.to_owned()));
            os.ports.extend(port.map(|open| (3306, open)));
        };
        // What makes no sense is refused, and stays so.
        if let Ok(after) = says_after(task, "db2", change) {
            prop_assert_eq!(after, "");
        }
    }
}
