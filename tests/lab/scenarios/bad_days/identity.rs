//! Servers that are taken for one another: two with one `server_id`, and one whose data folder is a copy of
//! another's.

use std::process::Command;

use hactl_lab::{Host, Suite};

use super::{a_row_arrives, everywhere, in_use, rows};
use crate::cluster::Cluster;

crate::scenarios! { core: ; mariadb: ; matrix: two_of_one_name, a_copied_replica, a_copied_primary }

/// As a file that was copied from another host has it.
fn two_of_one_name(suite: Suite) {
    let cluster = in_use(suite);
    for (of, id) in [("db2", 10), ("db1", 11)] {
        let number = cluster.host(of).sql("SELECT @@server_id").unwrap();
        let file = cluster.configuration();
        let unit = suite.flavor().unit();
        let edit = format!(
            "sed -i 's/^server.id *=.*/server_id = {}/' {file} && systemctl restart {unit}",
            number.trim()
        );
        cluster.host("db3").exec_ok(&edit).unwrap();
        let run = cluster.hactl(&["verify", "--output", "json"]).exits(3);
        let found = run.findings();
        for one in [
            "db3:ServerIdDiffers",
            "cluster:DuplicateServerId",
            "db3:ConfigDiffers",
        ] {
            assert!(found.contains(&one.to_owned()), "{one}\n{run}");
        }
        let names = if of == "db2" {
            "db2 and db3"
        } else {
            "db1 and db3"
        };
        cluster
            .hactl(&["verify"])
            .exits(3)
            .says(&format!("{names} share server_id {}", number.trim()));
        cluster.bootstrap();
        a_row_arrives(&cluster, "db1", id);
        everywhere(&cluster, &rows(&cluster));
    }
}

/// db3 gets all that lies in another server's data folder, while both stand still.
fn copy_from(cluster: &Cluster, other: &str) {
    let unit = cluster.lab.suite().flavor().unit();
    for host in [other, "db3"] {
        cluster
            .host(host)
            .exec_ok(&format!("systemctl stop {unit}"))
            .unwrap();
    }
    let ssh = |host: &Host| {
        format!(
            "ssh -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} root@{}",
            cluster.lab.key().display(),
            cluster.lab.known_hosts().display(),
            host.address()
        )
    };
    let pipe = format!(
        "{} 'tar -C /var/lib/mysql -c .' | {} 'rm -rf /var/lib/mysql/* && tar -C /var/lib/mysql -x'",
        ssh(cluster.host(other)),
        ssh(cluster.host("db3"))
    );
    let status = Command::new("sh").args(["-c", &pipe]).status();
    assert!(status.unwrap().success(), "{pipe}");
    for host in [other, "db3"] {
        cluster
            .host(host)
            .exec_ok(&format!("systemctl start {unit}"))
            .unwrap();
        cluster.host(host).await_server().unwrap();
    }
}

/// What the message says to do about two servers of one UUID, on the one that is the copy.
fn name_anew(cluster: &Cluster, other: &str) {
    let finding = format!("{other} and db3 share server UUID");
    let before = cluster.positions();
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(1)
        .says("nothing was changed")
        .says(&finding)
        .says("delete auto.cnf in its data folder");
    assert_eq!(cluster.positions(), before);
    cluster.hactl(&["verify"]).exits(3).says(&finding);
    let anew = "systemctl stop mysql && rm /var/lib/mysql/auto.cnf && systemctl start mysql";
    cluster.host("db3").exec_ok(anew).unwrap();
    cluster.host("db3").await_server().unwrap();
}

/// A replica that was made by copying another one is a good replica, once it has a name of its own.
fn a_copied_replica(suite: Suite) {
    let cluster = in_use(suite);
    let held = rows(&cluster);
    copy_from(&cluster, "db2");
    if suite == Suite::Sid {
        name_anew(&cluster, "db2");
    }
    cluster.bootstrap();
    everywhere(&cluster, &held);
    a_row_arrives(&cluster, "db1", 10);
}

/// A copy of the primary follows nobody and has all of its rows: it is not emptied, and not taken for a second
/// primary.
fn a_copied_primary(suite: Suite) {
    let cluster = in_use(suite);
    let held = rows(&cluster);
    copy_from(&cluster, "db1");
    if suite == Suite::Sid {
        name_anew(&cluster, "db1");
    }
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(6)
        .says("db3 was a member of this cluster, and does not replicate while db1 leads")
        .says("`hactl rejoin db3`");
    everywhere(&cluster, &held);
    // It was started by hand, and so is read-only.
    cluster.hactl(&["failover", "--yes"]).exits(0);
    cluster.hactl(&["rejoin", "db3", "--yes"]).exits(0);
    cluster.bootstrap();
    everywhere(&cluster, &held);
    a_row_arrives(&cluster, "db1", 10);
}
