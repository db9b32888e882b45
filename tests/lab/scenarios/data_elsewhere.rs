//! A server that holds data is never emptied without consent, nor by a name in the inventory that
//! stands before the wrong host.

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

crate::on_each_server!(is_never_emptied_unasked);

/// Everything on a host that bootstrap could have changed: packages, files, units, data.
const STATE: &str = "dpkg -l; find /etc /usr/local -type f -exec md5sum {} + | sort; \
                     systemctl list-unit-files --no-legend; ls -d /var/lib/mysql/*/";

fn is_never_emptied_unasked(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Installed);
    let rows = "CREATE DATABASE precious; CREATE TABLE precious.t (id INT PRIMARY KEY);
                INSERT INTO precious.t VALUES (1), (2), (3)";
    cluster.host("db2").sql(rows).unwrap();
    let before = state(&cluster);

    // The named primary is empty: is it the wrong one, or is the data not wanted?
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(6)
        .says("precious")
        .says("--reseed db2")
        .says("primary: true");
    assert_eq!(state(&cluster), before);

    // Both hold data.
    cluster
        .host("db1")
        .sql("CREATE DATABASE chosen; CREATE TABLE chosen.t (id INT PRIMARY KEY)")
        .unwrap();
    let before = state(&cluster);
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(6)
        .says("precious")
        .says("--reseed db2");
    cluster
        .hactl(&["bootstrap", "--yes", "--reseed", "db3"])
        .exits(6)
        .says("--reseed db2");
    cluster
        .hactl(&["bootstrap", "--yes", "--reseed", "db1"])
        .exits(6);
    assert_eq!(state(&cluster), before);
    assert_eq!(
        cluster
            .host("db2")
            .sql("SELECT COUNT(*) FROM precious.t")
            .unwrap()
            .trim(),
        "3"
    );

    // With consent, and said before.
    cluster
        .hactl(&["bootstrap", "--check", "--reseed", "db2"])
        .exits(0)
        .says("precious");
    cluster
        .hactl(&["bootstrap", "--yes", "--reseed", "db2"])
        .exits(0);
    cluster.hactl(&["verify"]).exits(0);
    let databases = cluster.host("db2").sql("SHOW DATABASES").unwrap();
    assert!(
        databases.contains("chosen") && !databases.contains("precious"),
        "{databases}"
    );
}

pub(crate) fn state(cluster: &Cluster) -> Vec<String> {
    cluster
        .lab
        .hosts()
        .iter()
        .map(|host| host.exec(STATE).unwrap().stdout)
        .collect()
}
