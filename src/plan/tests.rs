//! The second pair of eyes sees every broken rule, and none in a stage that is as it should be; and a
//! file's difference reads as people know it.

use std::collections::BTreeSet;

use super::*;
use crate::facts::Observation;
use crate::fixture::{self, Mutate as _, cluster, healthy, name};
use crate::mysql::{AccountRole, Flavor, Seeding, Switch};

fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}

fn seed(into: &[&str], emptied: &[&str]) -> Action {
    let names = |hosts: &[&str]| hosts.iter().map(|host| name(host)).collect();
    Action::Seed {
        into: names(into),
        emptied: names(emptied),
    }
}

fn replicate(source: &str) -> Action {
    Action::Replicate {
        source: name(source),
        differs: Vec::new(),
    }
}

fn vip(host: u8) -> Action {
    Action::AddVip {
        address: format!("192.0.2.{host}/24"),
        interface: "eth0".to_owned(),
        neighbours: Neighbours::Ask,
        lease: None,
    }
}

fn account() -> Action {
    Action::EnsureAccount {
        role: AccountRole::Monitor,
        means: AccountMeans::Correct,
        differs: Vec::new(),
    }
}

/// What is said of one action on one host of a healthy cluster that `db1` leads.
fn broken(host: &str, action: Action, change: impl Fn(&mut Observation)) -> Vec<String> {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    change(&mut seen);
    let stage = StagePlan {
        play: "Play".to_owned(),
        steps: vec![Step {
            task: "Task".to_owned(),
            host: name(host),
            action,
            why: "because".to_owned(),
            on_failure: OnFailure::Stop,
        }],
        look: Look::All,
    };
    let context = CheckContext {
        primary: &name("db1"),
        consent: &BTreeSet::from([name("db3")]),
        seen: &seen,
    };
    let found = check(&stage, &context);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn each_rule_is_seen_to_be_broken_and_to_be_kept() {
    let (read_only, source) = (LiveVariable::ReadOnly, LiveVariable::SemiSyncSource);
    let rows = [
        ("db1", set(read_only, Switch::Off), None),
        ("db2", set(read_only, Switch::On), None),
        (
            "db2",
            set(read_only, Switch::Off),
            Some("db2 is a replica and would become writable"),
        ),
        ("db1", set(source, Switch::On), None),
        ("db2", set(source, Switch::Off), None),
        (
            "db2",
            set(source, Switch::On),
            Some("db2 is a replica and would wait for acknowledgements"),
        ),
        ("db1", account(), None),
        (
            "db2",
            account(),
            Some("an account would be written on db2, which is a replica"),
        ),
        ("db2", replicate("db1"), None),
        (
            "db1",
            replicate("db2"),
            Some("db1 is the primary and would be made a replica"),
        ),
        ("db1", seed(&["db3"], &["db3"]), None),
        ("db1", seed(&["db3"], &[]), None),
        (
            "db2",
            seed(&["db3"], &[]),
            Some("db2 is no primary and would be dumped as one"),
        ),
        (
            "db1",
            seed(&["db3", "db1"], &[]),
            Some("db1 is the primary and would be made a replica"),
        ),
        (
            "db1",
            seed(&["db3", "db2"], &["db2"]),
            Some("db2 holds data that nobody gave up, and would be emptied"),
        ),
        (
            "db1",
            seed(&["db2"], &[]),
            Some("db2 holds data and would be loaded with other data"),
        ),
        ("db1", vip(90), None),
        (
            "db2",
            vip(90),
            Some("db2 is a replica and would get the writer VIP"),
        ),
        // An address that db2 holds, whatever it is.
        (
            "db1",
            vip(2),
            Some("db2 still holds the writer VIP that db1 would get"),
        ),
    ];
    for (host, action, expected) in rows {
        let what = format!("{host}: {action}");
        assert_eq!(
            broken(host, action, |_| {}),
            Vec::from_iter(expected),
            "{what}"
        );
    }
}

#[test]
fn what_a_seed_left_unfinished_is_nobodys_data() {
    let half = |seen: &mut Observation| seen.server_mut("db2").seeding = Seeding::Unfinished;
    assert!(broken("db1", seed(&["db2"], &["db2"]), half).is_empty());
    let empty = |seen: &mut Observation| seen.server_mut("db2").databases.clear();
    assert!(broken("db1", seed(&["db2"], &[]), empty).is_empty());
}

#[test]
fn a_prediction_changes_the_one_host_only() {
    let cluster = cluster(Flavor::MySql, 2);
    let seen = healthy(&cluster);
    let stage = StagePlan {
        play: String::new(),
        steps: vec![Step {
            task: String::new(),
            host: name("db2"),
            action: Action::SetUnit {
                unit: fixture::dialect(Flavor::MySql).service_unit().to_owned(),
                change: UnitChange::Stop,
            },
            why: String::new(),
            on_failure: OnFailure::Stop,
        }],
        look: Look::All,
    };
    let after = predict(&cluster, &seen, &stage);
    assert!(after.server(&name("db2")).is_none());
    assert_eq!(after.server(&name("db1")), seen.server(&name("db1")));
}

#[test]
fn a_difference_is_unified() {
    let mut file = FileChange {
        path: "/etc/a".to_owned(),
        content: "one\ntwo\n".to_owned(),
        owner: "root".to_owned(),
        group: "mysql".to_owned(),
        mode: "640".to_owned(),
        before: Some("one\n2\n".to_owned()),
    };
    insta::assert_snapshot!(unified_diff("db1", &file), @r#"
--- db1:/etc/a
+++ db1:/etc/a (root:mysql, 640)
@@ -1,2 +1,2 @@
 one
-2
+two
"#);
    file.before = None;
    insta::assert_snapshot!(unified_diff("db1", &file), @r#"
--- /dev/null
+++ db1:/etc/a (root:mysql, 640)
@@ -0,0 +1,2 @@
+one
+two
"#);
}
