//! hactl is killed in the middle, again and again: what it leaves is normal input for the next run, and
//! what the primary held is on every replica in the end.

use std::fs::File;
use std::io::Read;
use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

crate::on_each_server!(in_the_middle);

/// Times in milliseconds within which it is killed. Each run goes on where the last one was stopped,
/// so that the moments are spread over the whole of the work.
const WITHIN: [u16; 6] = [1500, 3000, 2000, 2500, 3000, 4000];

fn in_the_middle(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Installed);
    // Enough that a dump has a middle.
    cluster
        .host("db1")
        .sql("CREATE DATABASE big; CREATE TABLE big.t (id INT PRIMARY KEY AUTO_INCREMENT, x VARCHAR(1000));
              INSERT INTO big.t (x) SELECT REPEAT('x', 1000) FROM information_schema.columns a LIMIT 1000;
              INSERT INTO big.t (x) SELECT a.x FROM big.t a, (SELECT 1 FROM big.t LIMIT 40) b")
        .unwrap();
    let rows = cluster.host("db1").sql("CHECKSUM TABLE big.t").unwrap();

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

fn random() -> u16 {
    let mut bytes = [0; 2];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    u16::from_be_bytes(bytes)
}
