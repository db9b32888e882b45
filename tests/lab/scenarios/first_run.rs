//! How long three bare hosts take to become a cluster, beside a shell script that does the same work on
//! them and nothing else: no look, no undo, no second run. Run by `make bench`; it asserts that both end with
//! a cluster, and prints times.

use std::env;
use std::path::Path;
use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

/// How often each is run.
const RUNS: usize = 3;

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Hactl,
    Script,
}

#[test]
#[ignore = "make bench"]
fn first_run() {
    let suite = env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap());
    let runs = env::var("FIRST_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let (mut own, mut script) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        // Whoever comes first finds colder caches.
        let order = if run % 2 == 1 {
            [Who::Script, Who::Hactl]
        } else {
            [Who::Hactl, Who::Script]
        };
        for who in order {
            let took = once(suite, who).as_secs_f64();
            match who {
                Who::Hactl => own.push(took),
                Who::Script => script.push(took),
            }
        }
        let last = |times: &[f64]| times.last().copied().unwrap_or_default();
        eprintln!(
            "run {run}: script {:.1} s, hactl {:.1} s",
            last(&script),
            last(&own)
        );
    }
    let (own, script) = (median(own), median(script));
    eprintln!(
        "\n{suite}, 3 bare hosts become a cluster, median of {runs}: parallel ssh script {script:.1} s, \
         hactl bootstrap --yes {own:.1} s, {:.2} times as long (aim: not above 1.15)",
        own / script
    );
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// On hosts of its own, which go afterwards.
fn once(suite: Suite, who: Who) -> Duration {
    let cluster = Cluster::up(suite, Server::Bare);
    for host in cluster.lab.hosts() {
        // What a boot still does would slow down whoever comes next.
        let booted = host.exec("systemctl is-system-running --wait").unwrap();
        assert_eq!(booted.stdout.trim(), "running", "{}", host.name());
    }
    let took = match who {
        Who::Hactl => cluster.time_cold(&["bootstrap", "--yes"]),
        Who::Script => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            cluster.time_script(&root.join("tests/lab/peers/first-run.sh"))
        }
    };
    is_a_cluster(&cluster);
    took
}

/// The same questions to both: a commit that both replicas acknowledge, and the writer VIP.
fn is_a_cluster(cluster: &Cluster) {
    let db1 = cluster.host("db1");
    db1.sql("CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY); INSERT INTO app.t VALUES (7)")
        .unwrap();
    for replica in ["db2", "db3"] {
        cluster.await_answer(replica, "SELECT id FROM app.t", "7");
        cluster.await_answer(replica, "SELECT @@global.read_only", "1");
    }
    let clients = db1
        .sql("SHOW STATUS LIKE 'Rpl_semi_sync_%_clients'")
        .unwrap();
    assert_eq!(clients.trim().rsplit('\t').next(), Some("2"), "{clients}");
    assert_eq!(cluster.vip_holders(), ["db1"]);
}
