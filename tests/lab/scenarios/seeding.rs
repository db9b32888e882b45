//! A dump that breaks in the middle leaves a replica that is known to be unseeded, never one that
//! replicates; what the primary held is on every replica in the end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use hactl_lab::{Host, Server, Suite};

use crate::cluster::{Cluster, Running, eventually};
use crate::run::Run;

crate::scenarios! {
    core: ; mariadb: the_primary_is_killed; matrix: every_other_break
}

/// Three hosts, and on the first so much that a dump has a middle.
fn with_data(suite: Suite) -> (Cluster, String) {
    let cluster = Cluster::up(suite, Server::Installed);
    let db1 = cluster.host("db1");
    db1.sql(
        "CREATE DATABASE big; CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, x VARCHAR(1000));
         INSERT INTO big.t (x) SELECT REPEAT('x', 1000) FROM information_schema.columns a LIMIT 1000;
         INSERT INTO big.t (x) SELECT a.x FROM big.t a, (SELECT 1 FROM big.t LIMIT 70) b",
    )
    .unwrap();
    let rows = db1.sql("CHECKSUM TABLE big.t").unwrap();
    (cluster, rows)
}

/// A bootstrap that has begun to load rows on both replicas.
fn in_the_middle(cluster: &Cluster) -> Running {
    let running = cluster.start(&["bootstrap", "--yes", "--output", "jsonl"]);
    let begun = eventually(Duration::from_mins(2), || {
        cluster.said(&running).contains("\"event\":\"copying\"")
    });
    assert!(begun, "nothing is loaded\n{}", cluster.said(&running));
    // Beyond the buffers on the way.
    sleep(Duration::from_millis(300));
    running
}

/// The run must have ended half done and have said why; nobody replicates, and all is known.
fn ended_half_done(cluster: &Cluster, running: Running, why: &str) -> Run {
    let run = cluster.finish(running).exits(5).says(why);
    let status = match cluster.lab.suite() {
        Suite::Bullseye | Suite::Bookworm | Suite::Trixie => "SHOW ALL SLAVES STATUS",
        Suite::Sid => "SHOW REPLICA STATUS",
    };
    for name in ["db2", "db3"] {
        let host = cluster.host(name);
        host.await_server().unwrap();
        assert_eq!(host.sql(status).unwrap().trim(), "", "{name} replicates");
    }
    cluster.host("db1").await_server().unwrap();
    cluster.finds(&["db2:HalfSeeded", "db3:HalfSeeded"]);
    run
}

fn everywhere(cluster: &Cluster, rows: &str) {
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, "CHECKSUM TABLE big.t", rows.trim());
    }
}

fn the_primary_is_killed(suite: Suite) {
    let (cluster, rows) = with_data(suite);
    let running = in_the_middle(&cluster);
    kill(&cluster, "db1");
    let run = ended_half_done(&cluster, running, "the dump broke");
    assert!(run.stdout.contains("\"expected_bytes\":"), "{run}");
    cluster.bootstrap();
    everywhere(&cluster, &rows);
}

fn every_other_break(suite: Suite) {
    let (cluster, rows) = with_data(suite);
    let host = |name| cluster.host(name);

    other_disk(host("db2"));
    let running = in_the_middle(&cluster);
    fill(host("db2"));
    ended_half_done(&cluster, running, "db2: loading the dump failed");
    much_room(host("db2"));

    let running = in_the_middle(&cluster);
    kill(&cluster, "db2");
    ended_half_done(&cluster, running, "db2: loading the dump failed");

    let running = in_the_middle(&cluster);
    host("db3").cut().unwrap();
    let run = cluster.finish(running).exits(5);
    host("db3").heal().unwrap();
    assert!(run.to_string().contains("db3"), "{run}");

    let running = in_the_middle(&cluster);
    host("db1").cut().unwrap();
    let run = cluster.finish(running).exits(5);
    host("db1").heal().unwrap();
    assert!(run.to_string().contains("the dump broke"), "{run}");
    cluster.finds(&["db2:HalfSeeded", "db3:HalfSeeded"]);

    let running = in_the_middle(&cluster);
    host("db3").power_off().unwrap();
    let run = cluster.finish(running).exits(5);
    host("db3").power_on().unwrap();
    host("db3").await_server().unwrap();
    assert!(run.to_string().contains("db3"), "{run}");
    cluster.finds(&["db2:HalfSeeded", "db3:HalfSeeded"]);

    // A cable that is out for five seconds breaks nothing.
    let running = in_the_middle(&cluster);
    host("db2").cut().unwrap();
    sleep(Duration::from_secs(5));
    host("db2").heal().unwrap();
    cluster.finish(running).exits(0);
    cluster.hactl(&["verify"]).exits(0);
    everywhere(&cluster, &rows);
}

fn kill(cluster: &Cluster, host: &str) {
    let process = cluster.lab.suite().flavor().process();
    let killed = cluster.host(host).kill(process).unwrap();
    assert!(killed > 0, "{host}");
}

/// The server's files move to a disk whose size can change.
fn other_disk(host: &Host) {
    move_data(host, "mkdir /full; mount -t tmpfs -o size=4g none /full");
}

/// Somebody else fills it.
fn fill(host: &Host) {
    let shrink =
        "mount -o remount,size=$(($(df -k --output=used /full | tail -n 1) + 4096))k /full";
    host.exec_ok(shrink).unwrap();
}

fn much_room(host: &Host) {
    move_data(host, "umount /var/lib/mysql; umount /full");
}

fn move_data(host: &Host, make: &str) {
    let script = format!(
        "set -e; unit=$(systemctl list-units --plain --no-legend 'mariadb.service' 'mysql.service' | cut -d' ' -f1)
         systemctl stop $unit
         {make}
         if mountpoint -q /full; then
             cp -a /var/lib/mysql/. /full/; chown mysql:mysql /full; mount --bind /full /var/lib/mysql
         fi
         systemctl start $unit"
    );
    host.exec_ok(&script).unwrap();
}

/// How long hactl takes to load a replica, beside a dump that a person sends from host to host. Run by
/// `make bench`; it asserts that the rows are there, and prints times.
#[test]
#[ignore = "make bench"]
fn throughput() {
    let number = |name: &str, default: usize| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let suite = std::env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap());
    let (mebibytes, runs) = (number("MIB", 1024), number("SEEDS", 3));
    let cluster = Cluster::of(2, suite, Server::Installed);
    let times_over = mebibytes * 1024 * 1024 / 1_000_000;
    cluster
        .host("db1")
        .sql(&format!(
            "CREATE DATABASE big; CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, x VARCHAR(1000));
             INSERT INTO big.t (x) SELECT REPEAT(MD5(RAND()), 31) FROM information_schema.columns a LIMIT 1000;
             CREATE TABLE big.n (n INT); INSERT INTO big.n SELECT 1 FROM big.t LIMIT {times_over};
             INSERT INTO big.t (x) SELECT a.x FROM big.t a, big.n"
        ))
        .unwrap();
    let rows = cluster.host("db1").sql("CHECKSUM TABLE big.t").unwrap();
    let (mut plain, mut own) = (Vec::new(), Vec::new());
    cluster.hactl(&["bootstrap", "--yes"]).exits(0);
    for run in 1..=runs {
        plain.push(by_hand(&cluster));
        cluster.await_answer("db2", "CHECKSUM TABLE big.t", rows.trim());
        own.push(by_hactl(&cluster));
        cluster.await_answer("db2", "CHECKSUM TABLE big.t", rows.trim());
        let (plain, own) = (plain[run - 1], own[run - 1]);
        eprintln!("run {run}: by hand {plain:.1} s, by hactl {own:.1} s");
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (plain, own) = (median(&mut plain), median(&mut own));
    eprintln!(
        "\n{suite}, seeding {mebibytes} MiB, median of {runs}: by hand {plain:.1} s, by hactl {own:.1} s, \
         {:.2} times as long (aim: not above 1.05)",
        own / plain
    );
}

/// The seconds of the whole step, dropping what is there included.
fn by_hactl(cluster: &Cluster) -> f64 {
    let run = cluster.hactl(&["bootstrap", "--yes", "--reseed", "db2", "--output", "jsonl"]);
    let run = run.exits(0);
    let ended = run.stdout.lines().find_map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        (event["event"] == "step_ended" && event["step"]["do"] == "seed").then_some(event)
    });
    ended.expect("a seed")["milliseconds"].as_f64().unwrap() / 1000.0
}

/// The same with two connections of ssh and a pipe, and the same care for the replica's binary log.
fn by_hand(cluster: &Cluster) -> f64 {
    let client = cluster.lab.suite().flavor().client();
    let (stop, dump) = match cluster.lab.suite() {
        Suite::Sid => ("STOP REPLICA; SET GLOBAL super_read_only = 0", "mysqldump"),
        _ => ("STOP SLAVE", "mariadb-dump"),
    };
    let ssh = |host: &str| {
        format!(
            "ssh -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} root@{}",
            cluster.lab.key().display(),
            cluster.lab.known_hosts().display(),
            cluster.host(host).address()
        )
    };
    let pipe = format!(
        "{} '{dump} --single-transaction --quick --hex-blob --databases big' | {} '{client} --binary-mode \
         --init-command=\"SET SESSION sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0\"'",
        ssh("db1"),
        ssh("db2")
    );
    let db2 = cluster.host("db2");
    db2.sql(stop).unwrap();
    let begun = Instant::now();
    db2.sql("SET SESSION sql_log_bin = 0; DROP DATABASE big")
        .unwrap();
    let status = std::process::Command::new("sh")
        .args(["-c", &pipe])
        .status();
    assert!(status.unwrap().success(), "{pipe}");
    begun.elapsed().as_secs_f64()
}
