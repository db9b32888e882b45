//! The order of things: barriers, batches with the primary last, handlers where they were notified.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;

use super::{plan, steps};
use crate::decide::{Consent, Topology};
use crate::facts::Observation;
use crate::fixture::{self, Mutate as _, bare, cluster, healthy, name};
use crate::inventory::Cluster;
use crate::mysql::Flavor;
use crate::plan::{CheckContext, Look, Outcome, check};
use crate::playbook::{Library, Pattern, Playbook, Selection, Templates, Vars, Walk, load};

fn drawn(cluster: &Cluster, seen: &Observation) -> String {
    let planned = plan(cluster, seen, &Consent::default()).unwrap();
    let mut text = String::new();
    for stage in &planned.stages {
        let _ = writeln!(text, "{}", stage.play);
        for line in steps(std::slice::from_ref(stage)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

/// A long seed, a package, a unit: the machine may be another one afterwards.
#[test]
fn only_after_quick_statements_are_servers_asked_alone() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let planned = plan(&cluster, &bare(&cluster), &Consent::default()).unwrap();
    let asked: Vec<_> = planned
        .stages
        .iter()
        .filter(|stage| stage.look != Look::All)
        .map(|stage| steps(std::slice::from_ref(stage)).join(", "))
        .collect();
    assert_snapshot!(asked.join("\n"), @r"
    db1: turn read-only off, db1: admin account: create, db1: replication account: create, db1: monitor account: create
    db2: replicate from db1, db3: replicate from db1
    db1: turn semi-sync as source on
    ");
}

#[test]
fn bare_hosts() {
    let cluster = cluster(Flavor::MySql, 2);
    assert_snapshot!(drawn(&cluster, &bare(&cluster)), @r"
    Servers that serve nobody yet
      db1: install mysql-server, iputils-arping
      db2: install mysql-server, iputils-arping
    Servers that serve nobody yet
      db1: create /etc/systemd/system/mysql.service.d/hactl.conf
      db2: create /etc/systemd/system/mysql.service.d/hactl.conf
      db1: create /usr/local/sbin/hactl-purge-relay-logs
      db2: create /usr/local/sbin/hactl-purge-relay-logs
      db1: create /etc/systemd/system/hactl-purge-relay-logs.service
      db2: create /etc/systemd/system/hactl-purge-relay-logs.service
      db1: create /etc/systemd/system/hactl-purge-relay-logs.timer
      db2: create /etc/systemd/system/hactl-purge-relay-logs.timer
      db1: enable hactl-purge-relay-logs.timer
      db1: start hactl-purge-relay-logs.timer
      db2: enable hactl-purge-relay-logs.timer
      db2: start hactl-purge-relay-logs.timer
      db1: create /etc/mysql/mysql.conf.d/zz-hactl.cnf and restart mysql.service
      db2: create /etc/mysql/mysql.conf.d/zz-hactl.cnf and restart mysql.service
    Servers that serve nobody yet
      db1: reload systemd's units
      db2: reload systemd's units
    Replication
      db1: turn read-only off
      db1: admin account: create
      db1: replication account: create
      db1: monitor account: create
    Replication
      db1: dump and load into db2
    Replication
      db2: replicate from db1
    Replication
      db1: turn semi-sync as source on
    Replication
      db1: write a row and read it on db2
    Writer VIP
      db1: add 192.0.2.90/24 to eth0
    ");
}

#[test]
fn one_host_more() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = plan(&cluster, &healthy(&cluster), &Consent::default())
        .unwrap()
        .after;
    let new = bare(&cluster).hosts.remove(&name("db3")).unwrap();
    seen.hosts.insert(name("db3"), new);
    assert_snapshot!(drawn(&cluster, &seen), @r"
    Servers that serve nobody yet
      db3: install mysql-server, iputils-arping
    Servers that serve nobody yet
      db3: create /etc/systemd/system/mysql.service.d/hactl.conf
      db3: create /usr/local/sbin/hactl-purge-relay-logs
      db3: create /etc/systemd/system/hactl-purge-relay-logs.service
      db3: create /etc/systemd/system/hactl-purge-relay-logs.timer
      db3: enable hactl-purge-relay-logs.timer
      db3: start hactl-purge-relay-logs.timer
      db3: create /etc/mysql/mysql.conf.d/zz-hactl.cnf and restart mysql.service
    Servers that serve nobody yet
      db3: reload systemd's units
    Replication
      db1: dump and load into db3
    Replication
      db3: replicate from db1
    Replication
      db1: write a row and read it on db2, db3
    ");
}

/// Running servers are restarted one at a time, and the primary is the last.
#[test]
fn a_changed_setting_rolls_through_with_the_primary_last() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let planned = plan(&cluster, &healthy(&cluster), &Consent::default()).unwrap();
    let restarts = planned.stages.iter().map(|stage| {
        let lines = steps(std::slice::from_ref(stage));
        lines
            .into_iter()
            .filter_map(|line| {
                Some(line.split_once(':')?.0.to_owned()).filter(|_| line.contains("restart "))
            })
            .collect::<Vec<_>>()
    });
    let restarts: Vec<_> = restarts.filter(|lines| !lines.is_empty()).collect();
    assert_eq!(restarts, [["db2"], ["db3"], ["db1"],]);
}

/// All replicas are filled from one dump.
#[test]
fn seeds_are_gathered() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let planned = plan(&cluster, &bare(&cluster), &Consent::default()).unwrap();
    let lines = steps(&planned.stages);
    let seeds: Vec<_> = lines.iter().filter(|line| line.contains("dump")).collect();
    assert_eq!(seeds, ["db1: dump and load into db2, db3"]);
}

fn bootstrap_playbook() -> (Playbook, Templates) {
    let library = Library::default();
    let templates = Templates::new(&library).unwrap();
    (
        load(&library, "bootstrap.yml", &templates).unwrap(),
        templates,
    )
}

/// After a failure on db2, both still read the units that were changed, and nothing else is begun.
#[test]
fn after_a_failure_only_due_handlers_run() {
    let cluster = cluster(Flavor::MySql, 2);
    let (playbook, templates) = bootstrap_playbook();
    let topology = fixture::named_topology(&cluster);
    let consent = Consent::default();
    let mut walk = Walk::new(&playbook, &templates, &cluster, &topology, &consent);
    let mut seen = bare(&cluster);
    let stage = loop {
        let stage = walk.next_stage(&seen).unwrap().unwrap();
        seen = crate::plan::predict(&cluster, &seen, &stage);
        if steps(std::slice::from_ref(&stage))
            .iter()
            .any(|line| line.contains("zz-hactl.cnf"))
        {
            break stage;
        }
    };
    // On db2 the timer could not be enabled, so that the server's configuration was not written.
    let mut ended = Vec::new();
    let mut is_broken = false;
    for step in stage.steps {
        if step.host.as_ref() == "db1" {
            ended.push((step, Outcome::Changed));
        } else if !is_broken {
            is_broken = step.action.to_string().starts_with("enable");
            let failed = Outcome::Failed {
                error: "no".to_owned(),
                hint: None,
            };
            let outcome = if is_broken { failed } else { Outcome::Changed };
            ended.push((step, outcome));
        }
    }
    assert!(is_broken);
    walk.ended(&ended);
    assert_eq!(walk.failed_hosts(), &BTreeSet::from([name("db2")]));
    let mut rest = Vec::new();
    while let Some(stage) = walk.next_stage(&seen).unwrap() {
        rest.extend(steps(&[stage]));
    }
    assert_eq!(
        rest,
        ["db1: reload systemd's units", "db2: reload systemd's units"]
    );
}

#[test]
fn patterns() {
    let cluster = cluster(Flavor::MariaDb, 4);
    let mut seen = healthy(&cluster);
    seen.server_mut("db4").replica = None;
    let topology = Topology::of(&cluster, &seen, &BTreeSet::new()).unwrap();
    let hosts = |text: &str| {
        let pattern = Pattern::parse(text);
        let hosts = cluster
            .hosts
            .values()
            .filter(|host| pattern.matches(host, &topology));
        hosts
            .map(|host| host.name.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (text, expected) in [
        ("all", "db1 db2 db3 db4"),
        ("primary", "db1"),
        ("replicas", "db2 db3 db4"),
        ("serving", "db1 db2 db3"),
        ("joining", "db4"),
        ("db2, db4", "db2 db4"),
        ("db2:db4", "db2 db4"),
        ("!db2", "db1 db3 db4"),
        ("replicas, !serving", "db4"),
        ("all, &serving, !db1", "db2 db3"),
        ("db*", "db1 db2 db3 db4"),
        ("*b3, !d*", ""),
        ("nosuch", ""),
    ] {
        assert_eq!(hosts(text), expected, "{text}");
    }
    let unknown = Pattern::parse("all,nosuch,!db9,&x*,db*").unknown_words(&cluster);
    assert_eq!(unknown, ["nosuch", "x*", "db9"]);
}

/// What another playbook that comes with hactl does to hosts in this state.
fn carried(cluster: &Cluster, seen: &Observation, name: &str, extra: &str) -> String {
    let library = Library::default();
    let templates = Templates::new(&library).unwrap();
    let playbook = load(&library, name, &templates).unwrap();
    let topology = Topology::of(cluster, seen, &BTreeSet::new()).unwrap();
    let consent = Consent::default();
    let vars = Vars(Vec::from_iter(
        (!extra.is_empty()).then(|| (extra.to_owned(), "yes".into())),
    ));
    let mut walk = Walk::new(&playbook, &templates, cluster, &topology, &consent)
        .with(&Selection::default(), &vars);
    let (mut seen, mut text) = (seen.clone(), String::new());
    while let Some(stage) = walk.next_stage(&seen).unwrap() {
        let context = CheckContext {
            primary: &topology.primary,
            consent: &consent.reseed,
            seen: &seen,
        };
        assert_eq!(check(&stage, &context), []);
        for line in steps(std::slice::from_ref(&stage)) {
            let _ = writeln!(text, "{line}");
        }
        seen = crate::plan::predict(cluster, &seen, &stage);
    }
    text
}

#[test]
fn a_rolling_restart_leaves_the_primary_alone_unless_told() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let mut seen = healthy(&cluster);
    for host in ["db1", "db2", "db3"] {
        seen.reached_mut(host).os.ports.insert(3306, true);
    }
    assert_snapshot!(carried(&cluster, &seen, "rolling-restart.yml", ""), @r#"
db2: restart mariadb.service
db3: restart mariadb.service
"#);
    assert_snapshot!(carried(&cluster, &seen, "rolling-restart.yml", "restart_primary"), @r#"
db2: restart mariadb.service
db3: restart mariadb.service
db1: restart mariadb.service
db1: turn semi-sync as source on
db1: turn read-only off
"#);
}

#[test]
fn a_host_is_added_and_no_other_touched() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = healthy(&cluster);
    let new = bare(&cluster).hosts.remove(&name("db3")).unwrap();
    seen.hosts.insert(name("db3"), new);
    let text = carried(&cluster, &seen, "add-host.yml", "");
    let others = |line: &&str| !line.starts_with("db3: ");
    let others: Vec<&str> = text.lines().filter(others).collect();
    assert_eq!(others, ["db1: dump and load into db3"]);
    assert!(text.ends_with("db3: replicate from db1\n"), "{text}");
}
