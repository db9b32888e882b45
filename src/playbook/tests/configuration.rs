//! A changed option file: what a running server takes is set live, all else restarts it, the primary last,
//! and who it cuts off is said.

use std::collections::BTreeSet;

use super::{Planned, plan, steps};
use crate::decide::Consent;
use crate::facts::Observation;
use crate::fixture::{Mutate as _, cluster, healthy, name};
use crate::inventory::{Cluster, Durability, Scalar};
use crate::mysql::{Flavor, Switch};
use crate::plan::{Action, TakesEffect};

/// A cluster that is as the inventory says, and an inventory that then says more.
fn changed(flavor: Flavor, settings: &[(&str, i64)]) -> (Cluster, Observation) {
    let mut cluster = cluster(flavor, 3);
    let mut seen = planned(&cluster, &healthy(&cluster)).after;
    for host in cluster.hosts.values_mut() {
        for (name, value) in settings {
            host.settings
                .insert((*name).to_owned(), Scalar::Int(*value));
        }
    }
    for host in ["db1", "db2", "db3"] {
        seen.server_mut(host).settable =
            ["max_connections".to_owned(), "read_only".to_owned()].into();
    }
    seen.server_mut("db1").dump_threads = 2;
    (cluster, seen)
}

fn planned(cluster: &Cluster, seen: &Observation) -> Planned {
    plan(cluster, seen, &Consent::default()).unwrap()
}

/// The steps of a plan, without the file's path; and that a second run finds nothing to do.
fn lines(cluster: &Cluster, seen: &Observation) -> Vec<String> {
    let planned = planned(cluster, seen);
    let again = self::planned(cluster, &planned.after);
    assert_eq!(steps(&again.stages), Vec::<String>::new());
    let path = crate::fixture::dialect(cluster.server.flavor).config_path();
    let lines = steps(&planned.stages).into_iter();
    lines.map(|line| line.replace(path, "F")).collect()
}

#[test]
fn what_a_running_server_takes_is_set_live() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let (cluster, seen) = changed(flavor, &[("max_connections", 300)]);
        assert_eq!(
            lines(&cluster, &seen),
            [
                "db2: change F, set live: max_connections = 300",
                "db3: change F, set live: max_connections = 300",
                "db1: change F, set live: max_connections = 300",
            ]
        );
        let planned = planned(&cluster, &seen);
        let mut all = planned.stages.iter().flat_map(|stage| &stage.steps);
        assert!(all.all(|step| !step.action.interrupts_clients()));
    }
}

/// One setting that waits for a start is enough, and the others go along.
#[test]
fn what_it_does_not_take_restarts_it_and_the_primary_comes_last() {
    let settings = [("max_connections", 300), ("innodb_read_io_threads", 8)];
    for (flavor, unit) in [
        (Flavor::MariaDb, "mariadb.service"),
        (Flavor::MySql, "mysql.service"),
    ] {
        let (cluster, seen) = changed(flavor, &settings);
        let restart = |host| format!("{host}: change F and restart {unit}");
        let mut expected = ["db2", "db3", "db1"].map(restart).to_vec();
        for told in ["semi-sync as source on", "read-only off"] {
            expected.push(format!("db1: turn {told}"));
        }
        assert_eq!(lines(&cluster, &seen), expected);
    }
}

/// Clients of the primary are told about, those of a replica have another.
#[test]
fn a_restart_of_the_primary_says_how_to_avoid_it() {
    let (cluster, seen) = changed(Flavor::MariaDb, &[("innodb_read_io_threads", 8)]);
    let planned = planned(&cluster, &seen);
    for step in planned.stages.iter().flat_map(|stage| &stage.steps) {
        if let Action::Configure(_) = &step.action {
            assert!(
                step.why.contains("for innodb_read_io_threads"),
                "{}",
                step.why
            );
            let told = step.why.contains("hactl switchover");
            assert_eq!(told, step.host == name("db1"), "{}", step.why);
        }
    }
}

/// What then holds is for the server's other files and its defaults to say.
#[test]
fn a_setting_that_is_gone_restarts() {
    let (mut cluster, seen) = changed(Flavor::MariaDb, &[("max_connections", 300)]);
    let mut seen = planned(&cluster, &seen).after;
    cluster
        .hosts
        .get_mut(&name("db3"))
        .unwrap()
        .settings
        .clear();
    assert_eq!(
        lines(&cluster, &seen),
        ["db3: change F and restart mariadb.service"]
    );
    // The reason goes when the server is down: it is started with the new file.
    seen.reached_mut("db3").server = crate::facts::ServerView::Stopped;
    let first = lines(&cluster, &seen).into_iter().next();
    assert_eq!(
        first.as_deref(),
        Some("db3: change F and restart mariadb.service")
    );
}

/// A file that is newer than its server says nothing of what the server runs with, whatever is in it: it
/// was edited by hand, or a run was killed.
#[test]
fn a_server_that_is_older_than_its_file_is_restarted() {
    let (cluster, seen) = changed(Flavor::MariaDb, &[("max_connections", 300)]);
    let unit = "mariadb.service";
    let stale = |mut seen: Observation| {
        let units = &mut seen.reached_mut("db2").os.units;
        units.get_mut(unit).unwrap().stale = true;
        seen
    };
    let file = "db2: change F and restart mariadb.service";
    assert!(lines(&cluster, &stale(seen.clone())).contains(&file.to_owned()));
    let after = planned(&cluster, &seen).after;
    assert_eq!(
        lines(&cluster, &stale(after)),
        ["db2: restart mariadb.service"]
    );
}

/// What SQL has set otherwise goes back to what the file says, if the server takes it while it runs and it
/// is not persisted. A role is no such setting.
#[test]
fn what_sql_has_set_is_set_back() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let (cluster, seen) = changed(flavor, &[("max_connections", 300)]);
        let mut seen = planned(&cluster, &seen).after;
        let pairs = [
            ("max_connections", "77"),
            ("read_only", "0"),
            ("other", "1"),
        ];
        let set = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        seen.server_mut("db1").set_since_start = Some(set.into());
        let back = "db1: set back live: max_connections = 300";
        assert_eq!(lines(&cluster, &seen), [back]);
        let persisted = ("max_connections".to_owned(), "77".to_owned());
        seen.server_mut("db1").persisted = [persisted].into();
        assert_eq!(lines(&cluster, &seen), Vec::<String>::new());
    }
}

/// A comment of ours that changes with a release restarts nobody.
#[test]
fn a_comment_changes_the_file_alone() {
    let (cluster, seen) = changed(Flavor::MariaDb, &[]);
    let mut seen = planned(&cluster, &seen).after;
    let path = crate::fixture::dialect(Flavor::MariaDb).config_path();
    let file = seen.reached_mut("db2").os.files.get_mut(path).unwrap();
    if let crate::facts::FileFacts::Present { content, .. } = file {
        content.insert_str(0, "# Written by another release.\n\n");
    }
    assert_eq!(lines(&cluster, &seen), ["db2: change F"]);
}

/// To wait longer from now on is no matter for those who wait already. To wait less is: they would go on as
/// they were told, and everybody behind them.
#[test]
fn a_shorter_wait_for_acknowledgements_restarts_whoever_waits_and_a_longer_one_nobody() {
    let (mut cluster, mut seen) = changed(Flavor::MariaDb, &[]);
    seen = planned(&cluster, &seen).after;
    let replicas = BTreeSet::from([name("db2"), name("db3")]);
    for durability in [Durability::Available, Durability::Lossless] {
        cluster.durability = durability;
        let names = crate::fixture::dialect(Flavor::MariaDb).durability_settings();
        for host in ["db1", "db2", "db3"] {
            seen.server_mut(host).settable = names.map(str::to_owned).into();
        }
        let stages = planned(&cluster, &seen).stages;
        let steps = stages.iter().flat_map(|stage| &stage.steps);
        let live = steps.filter(|step| match &step.action {
            Action::Configure(config) => config.takes != TakesEffect::Restart,
            _ => false,
        });
        let live: BTreeSet<_> = live.map(|step| step.host.clone()).collect();
        assert!(live.is_superset(&replicas), "{live:?}");
        assert_eq!(
            live.contains(&name("db1")),
            durability == Durability::Lossless
        );
        seen = planned(&cluster, &seen).after;
        let wait = match durability {
            Durability::Lossless => 4_294_967_295,
            Durability::Available => 10_000,
        };
        seen.server_mut("db1").semi_sync.timeout_ms = Some(wait);
        seen.server_mut("db1").semi_sync.source_enabled = Some(Switch::On);
    }
}
