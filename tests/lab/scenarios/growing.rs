//! A host more in the inventory: it is added, and nothing else is touched.

use std::collections::BTreeMap;

use hactl_lab::{Host, Server, Suite};

use crate::cluster::Cluster;

crate::scenarios! {
    core: ; mariadb: a_fourth_host; matrix:
}

/// All of a host that an action of any kind would change: the server's and its replication's start, what
/// it wrote, its files, its units, its addresses.
fn standing(cluster: &Cluster) -> BTreeMap<String, String> {
    let client = cluster.lab.suite().flavor().client();
    // A file that a checkpoint or a client writes changes by itself; configuration does not.
    let script = format!(
        "systemctl show -p MainPID,ActiveEnterTimestampMonotonic {client}d mysql mariadb 2>/dev/null
         find /etc /usr/local /var/lib/hactl -type f -printf '%p %T@ %C@ %i %m\\n' | sort
         find /etc/systemd /run/systemd/system -printf '%p %T@\\n' | sort
         ip -o -4 address show dev eth0
         {client} -N -e 'SHOW VARIABLES' | grep -v -e timestamp -e rand_seed -e gtid -e pseudo_ -e last_ -e statement_id"
    );
    let threads = "SELECT time >= 0, command, user, host FROM information_schema.processlist \
                   WHERE user NOT IN ('root', 'hactl') ORDER BY id";
    let hosts = cluster.lab.hosts().iter().take(3);
    hosts
        .map(|host| {
            let text = host.exec_ok(&script).unwrap();
            // By host name, so that the difference names who was touched.
            let threads = host.sql(threads).unwrap();
            let replicas: Vec<&str> = threads
                .lines()
                .filter(|line| !line.contains("Binlog Dump"))
                .collect();
            (
                host.name().to_owned(),
                format!("{text}{}", replicas.join("\n")),
            )
        })
        .collect()
}

/// The tables that transactions after a position have changed, one for each transaction.
fn written_since(host: &Host, position: &str) -> Vec<String> {
    let mut words = position.lines().nth(1).unwrap().split('\t');
    let (file, from) = (words.next().unwrap(), words.next().unwrap());
    let events = host.sql(&format!("SHOW BINLOG EVENTS IN '{file}' FROM {from}"));
    let events = events.unwrap();
    let tables = events.lines().filter(|line| line.contains("\tTable_map\t"));
    let table = |line: &str| {
        let (_, named) = line.rsplit_once('(').unwrap();
        named.trim_end_matches(')').to_owned()
    };
    let tables: Vec<String> = tables.map(table).collect();
    let commits = events.lines().filter(|line| line.contains("\tXid\t"));
    assert_eq!(commits.count(), tables.len(), "{events}");
    tables
}

fn a_fourth_host(suite: Suite) {
    let mut cluster = Cluster::up(suite, Server::Installed);
    cluster.bootstrap();
    let write = "CREATE DATABASE shop; CREATE TABLE shop.t (a INT PRIMARY KEY); \
                 INSERT INTO shop.t VALUES (1), (2)";
    cluster.host("db1").sql(write).unwrap();
    for replica in ["db2", "db3"] {
        cluster.await_answer(replica, "SELECT COUNT(*) FROM shop.t", "2");
    }
    let (standing_before, positions) = (standing(&cluster), cluster.positions());

    cluster.lab.add().unwrap();
    cluster.write_inventory(&cluster.lab.inventory_yaml());
    cluster.bootstrap();
    let rows = cluster.host("db4").sql("SELECT COUNT(*) FROM shop.t");
    assert_eq!(rows.unwrap().trim(), "2");
    let standing_after = standing(&cluster);
    for (host, before) in &standing_before {
        let after: Vec<&str> = standing_after[host].lines().collect();
        let gone: Vec<&str> = before
            .lines()
            .filter(|line| !after.contains(line))
            .collect();
        assert_eq!(gone, [""; 0], "{host} was touched");
        assert_eq!(before.lines().count(), after.len(), "{host} was touched");
    }
    for (host, position) in cluster.lab.hosts().iter().zip(&positions) {
        let written = written_since(host, position);
        assert_eq!(written, ["hactl.canary"], "on {}", host.name());
    }

    // It follows, and counts.
    cluster
        .host("db1")
        .sql("INSERT INTO shop.t VALUES (3)")
        .unwrap();
    cluster.await_answer("db4", "SELECT COUNT(*) FROM shop.t", "3");
    let again = cluster.bootstrap();
    assert!(again.to_string().contains("Nothing to do"), "{again}");
}
