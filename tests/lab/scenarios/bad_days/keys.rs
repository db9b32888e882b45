//! Hosts that do not know us, and hosts that we do not know. Nothing is ever begun then, nobody is asked a
//! question that nobody can answer, and a key that has changed is never accepted.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::{Cluster, eventually};
use crate::data_elsewhere::state;

crate::scenarios! { core: ; mariadb: no_one_is_let_in; matrix: }

fn no_one_is_let_in(suite: Suite) {
    let cluster = Cluster::of(2, suite, Server::Installed);
    let before = state(&cluster);
    a_wrong_key(&cluster);
    forgiven(&cluster);
    a_host_that_nobody_knows(&cluster);
    forgiven(&cluster);
    a_host_that_is_another(&cluster);
    assert_eq!(state(&cluster), before);
}

/// An sshd from `OpenSSH` 9.8 on refuses an address for a while that has failed to log in too often.
fn forgiven(cluster: &Cluster) {
    let mut said = String::new();
    let forgiven = eventually(Duration::from_mins(2), || {
        said = cluster.hactl(&["status"]).to_string();
        !said.contains("closed before the login")
    });
    assert!(forgiven, "{said}");
}

fn a_wrong_key(cluster: &Cluster) {
    let wrong = cluster.lab.dir().join("wrong");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&wrong)
        .status();
    assert!(made.unwrap().success());
    let right = cluster.lab.key().display().to_string();
    let text = cluster.lab.inventory_yaml();
    let other = text.replace(
        &format!("key: {right}"),
        &format!("key: {}", wrong.display()),
    );
    assert_ne!(text, other);
    cluster.write_inventory(&other);
    let address = cluster.host("db1").address();
    for command in [&["bootstrap", "--yes"][..], &["failover", "--yes"]] {
        cluster
            .hactl(command)
            .exits(1)
            .says("2 obstacles must be removed first; nothing was changed")
            .says(&format!("db1: {address}: the host refused the login"))
            .says("[LoginRefused]")
            .says(&format!("`ssh root@{address} true` must work"));
    }
    let report = cluster.hactl(&["verify", "--output", "json"]).exits(3);
    assert_eq!(report.findings(), ["db1:LoginRefused", "db2:LoginRefused"]);
    cluster
        .hactl(&["status"])
        .exits(4)
        .says("refused the login");
    cluster.write_inventory(&text);
}

/// An inventory that trusts these keys.
fn trusting(cluster: &Cluster, name: &str, keys: &str) -> PathBuf {
    let path = cluster.lab.dir().join(name);
    fs::write(&path, keys).unwrap();
    let known = cluster.lab.known_hosts().display().to_string();
    let text = cluster.lab.inventory_yaml();
    let other = text.replace(&known, &path.display().to_string());
    assert_ne!(text, other);
    cluster.write_inventory(&other);
    path
}

fn a_host_that_nobody_knows(cluster: &Cluster) {
    let address = cluster.host("db2").address().to_string();
    let keys = fs::read_to_string(cluster.lab.known_hosts()).unwrap();
    let keys: String = keys
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(&format!("{address} ")))
        .collect();
    let path = trusting(cluster, "known_hosts.one", &keys);
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(1)
        .says("1 obstacle must be removed first; nothing was changed")
        .says(&format!("the host key of {address} is not known"))
        .says("[HostKeyNotTrusted]")
        .says(&format!(
            "`ssh-keyscan -p 22 {address} >> {}`",
            path.display()
        ))
        .says("--accept-new-host-keys");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        keys,
        "it was learned unasked"
    );
    let report = cluster.hactl(&["verify", "--output", "json", "--accept-new-host-keys"]);
    let found = report.findings();
    assert!(
        !found.contains(&"db2:HostKeyNotTrusted".to_owned()),
        "{report}"
    );
    let learned = fs::read_to_string(&path).unwrap();
    // The name of the new one may be hashed.
    let added = learned.strip_prefix(&keys).unwrap();
    assert_eq!(added.lines().count(), 1, "{learned}");
}

fn a_host_that_is_another(cluster: &Cluster) {
    let [db1, db2] = ["db1", "db2"].map(|host| cluster.host(host).address().to_string());
    let keys = fs::read_to_string(cluster.lab.known_hosts()).unwrap();
    let of_db1: Vec<_> = keys
        .lines()
        .filter(|line| line.starts_with(&format!("{db1} ")))
        .collect();
    let of_db1 = of_db1.join("\n");
    let swapped = format!("{of_db1}\n{}\n", of_db1.replace(&db1, &db2));
    let path = trusting(cluster, "known_hosts.swapped", &swapped);
    for word in ["--diff", "--accept-new-host-keys"] {
        cluster
            .hactl(&["bootstrap", "--yes", word])
            .exits(1)
            .says("nothing was changed")
            .says(&format!("the host key of {db2} has changed"))
            .says("[HostKeyNotTrusted]")
            .says(&format!("`ssh-keygen -f {} -R '{db2}'`", path.display()))
            .says("do not go on");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), swapped);
}
