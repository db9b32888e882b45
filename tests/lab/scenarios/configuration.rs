//! A setting that the inventory gives: what a running server takes restarts nobody; what it does not,
//! restarts one after the other under a client's writes, and none of its rows is lost; what no server
//! would start with is found before or undone.

use std::time::Duration;

use hactl_lab::{Suite, Writer, inspect};

use crate::cluster::{Cluster, eventually};

crate::scenarios! { core: ; mariadb: a_changed_file_costs_what_it_must; matrix: }

/// What the cluster has after the second step.
const GOOD: &str = "max_connections: 333, back_log: 99";
const HOSTS: [&str; 3] = ["db1", "db2", "db3"];

fn a_changed_file_costs_what_it_must(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    a_setting_is_set_live(&cluster);
    a_setting_rolls_through(&cluster);
    a_mistake_is_found_before_anything(&cluster);
    a_server_that_does_not_come_back_has_its_old_file(&cluster);
    so_has_the_primary_and_takes_writes_again(&cluster);
}

fn a_setting_is_set_live(cluster: &Cluster) {
    let before = starts(cluster);
    settings(cluster, "max_connections: 333");
    cluster.bootstrap();
    assert_eq!(starts(cluster), before, "a server was restarted");
    for host in HOSTS {
        cluster.await_answer(host, "SELECT @@GLOBAL.max_connections", "333");
    }
    // Nothing is left to do, for the file is no newer than the server.
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
}

fn a_setting_rolls_through(cluster: &Cluster) {
    let before = starts(cluster);
    settings(cluster, GOOD);
    let check = cluster.hactl(&["bootstrap", "--check"]).exits(0);
    check.says("hactl switchover").says("for back_log");
    Writer::prepare(cluster.host("db1")).unwrap();
    let writer = Writer::outside(&cluster.lab).unwrap();
    cluster.bootstrap();
    let so_far = writer.acknowledged();
    let goes_on = || writer.acknowledged() > so_far + 20;
    assert!(
        eventually(Duration::from_secs(10), goes_on),
        "no writes after it"
    );
    let ledger = writer.stop();
    for host in HOSTS {
        cluster.await_answer(host, "SELECT @@GLOBAL.back_log", "99");
    }
    let after = starts(cluster);
    assert!(
        before.iter().max() < after.iter().min(),
        "{before:?} {after:?}"
    );
    // One after the other, the primary last.
    assert!(after[1] < after[2] && after[2] < after[0], "{after:?}");
    let health = inspect(&cluster.lab, &[ledger]).unwrap();
    assert!(health.is_ok(), "{health:?}");
}

fn a_mistake_is_found_before_anything(cluster: &Cluster) {
    let (before, files) = (starts(cluster), files(cluster));
    settings(cluster, "max_connections: 444, no_such_setting: 1");
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says("unknown variable 'no_such_setting=1'");
    assert_eq!((starts(cluster), self::files(cluster)), (before, files));
    cluster.await_answer("db2", "SELECT @@GLOBAL.max_connections", "333");
}

/// The server's program has nothing against a folder that is not there; the server has.
fn a_server_that_does_not_come_back_has_its_old_file(cluster: &Cluster) {
    let (before, files) = (starts(cluster), files(cluster));
    settings(
        cluster,
        "max_connections: 333, back_log: 99, innodb_log_group_home_dir: /nowhere",
    );
    // MariaDB 10.5 does not name the folder that it misses.
    let why = match cluster.lab.suite() {
        Suite::Bullseye => "the system cannot find the path specified",
        Suite::Bookworm | Suite::Trixie | Suite::Sid => "nowhere",
    };
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says("the old file is back")
        .says(why);
    let after = starts(cluster);
    assert_eq!(
        (after[0], after[2]),
        (before[0], before[2]),
        "others were restarted"
    );
    assert!(after[1] > before[1], "db2 was not restarted");
    assert_eq!(self::files(cluster), files);
    settings(cluster, GOOD);
    cluster.hactl(&["verify"]).exits(0);
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
}

fn so_has_the_primary_and_takes_writes_again(cluster: &Cluster) {
    let (before, files) = (starts(cluster), files(cluster));
    settings(cluster, GOOD);
    let text = cluster.inventory_text();
    let primary = "primary: true";
    let wrong = format!("{primary}, settings: {{innodb_log_group_home_dir: /nowhere}}");
    cluster.write_inventory(&text.replace(primary, &wrong));
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says("the old file is back");
    assert!(starts(cluster)[0] > before[0], "db1 was not restarted");
    assert_eq!(self::files(cluster), files);
    cluster.write_inventory(&text);
    cluster.hactl(&["verify"]).exits(0);
}

fn settings(cluster: &Cluster, settings: &str) {
    let flavor = cluster.lab.suite().flavor().word();
    let plain = format!("server: {{flavor: {flavor}}}");
    let text = cluster.lab.inventory_yaml();
    assert!(text.contains(&plain), "{text}");
    let given = format!("server: {{flavor: {flavor}, settings: {{{settings}}}}}");
    cluster.write_inventory(&text.replace(&plain, &given));
}

/// When each server was started, on the clock that all hosts share.
fn starts(cluster: &Cluster) -> Vec<u64> {
    let show =
        "systemctl show -p ActiveEnterTimestampMonotonic --value mariadb.service mysql.service";
    HOSTS
        .map(|host| {
            let said = cluster.host(host).exec_ok(show).unwrap();
            let times = said.split_whitespace().map(|word| word.parse().unwrap());
            times.max().unwrap()
        })
        .to_vec()
}

/// Each host's option file, its time, and what else of hactl's lies beside it.
fn files(cluster: &Cluster) -> Vec<String> {
    let file = cluster.configuration();
    let (folder, _) = file.rsplit_once('/').unwrap();
    let look = format!("ls -A --full-time {folder}; cat {file}");
    HOSTS
        .map(|host| cluster.host(host).exec_ok(&look).unwrap())
        .to_vec()
}
