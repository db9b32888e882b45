//! Hosts with nothing but Debian on them become a cluster; the second run changes nothing; a second
//! hactl waits its turn; a host that is away stops everything before it begins.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::{Cluster, eventually};

crate::on_each_server!(become_a_cluster);

fn become_a_cluster(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Bare);
    check_changes_nothing(&cluster);
    two_at_once(&cluster);

    cluster.hactl(&["verify"]).exits(0);
    let report = cluster.hactl(&["verify", "--output", "json"]).exits(0);
    assert!(report.stdout.contains(r#""healthy":true"#), "{report}");
    assert_eq!(report.findings(), Vec::<String>::new());

    roles(&cluster);
    a_row_through_the_vip(&cluster);
    again(&cluster);
    a_host_is_away(&cluster);
}

fn check_changes_nothing(cluster: &Cluster) {
    cluster
        .hactl(&["bootstrap", "--check"])
        .exits(0)
        .says("install");
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(3);
    let plan = cluster
        .hactl(&["bootstrap", "--check", "--output", "json"])
        .exits(0);
    serde_json::from_str::<serde_json::Value>(&plan.stdout).unwrap();
    // Nobody is there to ask.
    cluster.hactl(&["bootstrap"]).exits(6).says("--yes");
    for host in cluster.lab.hosts() {
        let server = host
            .exec("dpkg -l | grep -E 'ii +(mariadb|mysql)-server'; ls -d /etc/mysql")
            .unwrap();
        assert_eq!(server.stdout, "", "{}", host.name());
    }
}

/// The first installs; the second says who is at work, and leaves the first alone.
fn two_at_once(cluster: &Cluster) {
    let first = cluster.start(&["bootstrap", "--yes"]);
    // The file is there before it is locked; the name is in it after.
    let named = format!("grep -qs 'pid {}' /run/hactl/*", first.pid());
    let locked = || {
        let hosts = cluster.lab.hosts();
        hosts
            .iter()
            .all(|host| host.exec(&named).unwrap().status == 0)
    };
    assert!(
        eventually(Duration::from_secs(10), locked),
        "the first took no lock"
    );
    let holder = format!("pid {}", first.pid());
    let second = cluster.hactl(&["bootstrap", "--yes"]);
    let first = cluster.finish(first);
    assert_eq!(
        (first.code, second.code),
        (0, 6),
        "first:\n{first}\nsecond:\n{second}"
    );
    second.says(&holder);
}

fn roles(cluster: &Cluster) {
    let flags = "SELECT @@global.read_only";
    assert_eq!(cluster.host("db1").sql(flags).unwrap().trim(), "0");
    for replica in ["db2", "db3"] {
        assert_eq!(
            cluster.host(replica).sql(flags).unwrap().trim(),
            "1",
            "{replica}"
        );
    }
    let clients = cluster
        .host("db1")
        .sql("SHOW STATUS LIKE 'Rpl_semi_sync_%_clients'")
        .unwrap();
    assert_eq!(clients.trim().rsplit('\t').next(), Some("2"), "{clients}");
    assert_eq!(cluster.vip_holders(), ["db1"]);
    answers_arp_as(cluster, "db1");
}

/// The outer machine is on the lab's network: who says that the VIP is his?
fn answers_arp_as(cluster: &Cluster, host: &str) {
    let vip = cluster.lab.vip().to_string();
    let sshd = SocketAddr::from((cluster.lab.vip(), 22));
    TcpStream::connect_timeout(&sshd, Duration::from_secs(3)).unwrap();
    let seen = Command::new("ip")
        .args(["neigh", "show", &vip])
        .output()
        .unwrap();
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    let own = cluster
        .host(host)
        .exec_ok("ip -o link show eth0 | sed 's|.*ether ||; s| .*||'")
        .unwrap();
    assert!(
        seen.contains(own.trim()),
        "{vip} is {seen}, {host} is {own}"
    );
}

fn a_row_through_the_vip(cluster: &Cluster) {
    cluster
        .host("db1")
        .sql(
            "CREATE DATABASE app; CREATE TABLE app.t (id INT PRIMARY KEY);
              CREATE USER app@'%' IDENTIFIED BY 'through'; GRANT ALL ON app.* TO app@'%'",
        )
        .unwrap();
    let client = cluster.lab.suite().flavor().client();
    let insert = format!(
        "{client} -h {} -u app -pthrough -e 'INSERT INTO app.t VALUES (7)'",
        cluster.lab.vip()
    );
    cluster.host("db3").exec_ok(&insert).unwrap();
    for host in ["db1", "db2", "db3"] {
        cluster.await_answer(host, "SELECT id FROM app.t", "7");
    }
}

fn again(cluster: &Cluster) {
    let before = cluster.positions();
    let run = cluster.bootstrap();
    assert!(run.to_string().contains("Nothing to do"), "{run}");
    cluster
        .hactl(&["bootstrap", "--check", "--detailed-exitcode"])
        .exits(0);
    cluster.hactl(&["status"]).exits(0).says("db3");
    assert_eq!(
        cluster.positions(),
        before,
        "a run with nothing to do wrote a transaction"
    );
}

fn a_host_is_away(cluster: &Cluster) {
    let touched = || -> Vec<String> {
        let look = "find /etc /usr/local -newer /run/away; rm -f /run/away";
        ["db1", "db2"]
            .iter()
            .map(|host| cluster.host(host).exec_ok(look).unwrap())
            .collect()
    };
    for host in ["db1", "db2"] {
        // Something to do, so that only the absence of db3 can be why nothing is done.
        let edit = format!(
            "echo '# by hand' >>{}; touch /run/away",
            cluster.configuration()
        );
        cluster.host(host).exec_ok(&edit).unwrap();
    }
    cluster.host("db3").cut().unwrap();
    cluster.hactl(&["bootstrap", "--yes"]).exits(4).says("db3");
    assert_eq!(touched(), ["", ""]);
    let run = cluster.hactl(&["verify", "--output", "json"]);
    assert!(
        run.findings().contains(&"db3:HostUnreachable".to_owned()),
        "{run}"
    );
    assert!([3, 4].contains(&run.code), "{run}");
    cluster.hactl(&["status"]).says("db1").says("db2");

    cluster.host("db3").heal().unwrap();
    cluster.bootstrap();
}
