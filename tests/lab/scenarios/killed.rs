//! hactl is killed in the middle, or a host loses its power, again and again: what is left is normal input
//! for the next run, and what the primary held is on every replica in the end.

use std::fs::File;
use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

crate::scenarios! {
    core: in_the_middle; mariadb: ; matrix: without_power
}

/// Times in milliseconds within which it is killed. Each run goes on where the last one was stopped,
/// so that the moments are spread over the whole of the work.
const WITHIN: [u16; 10] = [1000, 1500, 1500, 2000, 1500, 2000, 2000, 1500, 2500, 3000];

/// Three hosts, and on the first enough that a dump has a middle; its checksum.
fn with_data(suite: Suite) -> (Cluster, String) {
    let cluster = Cluster::up(suite, Server::Installed);
    let db1 = cluster.host("db1");
    db1.sql("CREATE DATABASE big; CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, x VARCHAR(1000));
              INSERT INTO big.t (x) SELECT REPEAT('x', 1000) FROM information_schema.columns a LIMIT 1000;
              INSERT INTO big.t (x) SELECT a.x FROM big.t a, (SELECT 1 FROM big.t LIMIT 40) b")
        .unwrap();
    let rows = db1.sql("CHECKSUM TABLE big.t").unwrap();
    (cluster, rows)
}

fn in_the_middle(suite: Suite) {
    let (cluster, rows) = with_data(suite);
    let moments = WITHIN.map(|within| random() % within);
    eprintln!("killed after {moments:?} ms");
    for moment in moments {
        let running = cluster.start(&["bootstrap", "--yes"]);
        sleep(Duration::from_millis(moment.into()));
        running.kill();
    }
    cluster.bootstrap();
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, "CHECKSUM TABLE big.t", rows.trim());
    }
}

/// The run that loses a host may end in any way but one: it must not say that all is well.
fn without_power(suite: Suite) {
    let (cluster, rows) = with_data(suite);
    for (name, within) in [("db2", 4000), ("db1", 6000), ("db3", 4000), ("db1", 3000)] {
        let moment = random() % within;
        eprintln!("{name} loses its power after {moment} ms");
        let running = cluster.start(&["bootstrap", "--yes"]);
        sleep(Duration::from_millis(moment.into()));
        let host = cluster.host(name);
        host.power_off().unwrap();
        let run = cluster.finish(running);
        assert_ne!(run.code, 0, "{run}");
        host.power_on().unwrap();
        host.await_server().unwrap();
    }
    cluster.bootstrap();
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, "CHECKSUM TABLE big.t", rows.trim());
    }
}

fn random() -> u16 {
    let mut bytes = [0; 2];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    u16::from_be_bytes(bytes)
}
