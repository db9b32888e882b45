//! Hosts that are reached in other ways than root on port 22: sudo that wants a password, other ports,
//! jump hosts named in the inventory and in the user's own configuration of ssh.

use std::fs;

use hactl_lab::Suite;

use crate::cluster::Cluster;
use crate::run::Run;

crate::scenarios! {
    core: ; mariadb: ways_that_are_not_the_usual_ones; matrix:
}

/// What PAM has counted against the login user, on all hosts.
fn strikes(cluster: &Cluster) -> usize {
    let count = "journalctl --no-pager | grep -c 'sudo:auth.*authentication failure' || true";
    let hosts = cluster.lab.hosts().iter();
    hosts
        .map(|host| {
            host.exec_ok(count)
                .unwrap()
                .trim()
                .parse::<usize>()
                .unwrap()
        })
        .sum()
}

/// sshd of db2 listens on another port, and db1 and db2 are seen from db3 only, as behind a bastion.
fn hide(cluster: &Cluster) {
    let port = "echo 'Port 2222' >/etc/ssh/sshd_config.d/port.conf; systemctl restart ssh";
    cluster.host("db2").exec_ok(port).unwrap();
    for name in ["db1", "db2"] {
        cluster.host(name).veil().unwrap();
    }
}

/// sudo wants a password of the login user, each time, but for db3.
fn guard(cluster: &Cluster) {
    for host in cluster.lab.hosts() {
        let rule = match host.name() {
            "db3" => "NOPASSWD: ALL",
            _ => "ALL",
        };
        let password = cluster.sudo_password().replace('\'', r"'\''");
        let script = format!(
            "printf 'ops:%s\\n' '{password}' | chpasswd
             echo 'Defaults timestamp_timeout=0
             ops ALL=(ALL) {rule}' >/etc/sudoers.d/ops"
        );
        host.exec_ok(&script).unwrap();
    }
}

fn ways_that_are_not_the_usual_ones(suite: Suite) {
    let cluster = Cluster::up(suite, hactl_lab::Server::Installed);
    guard(&cluster);
    hide(&cluster);
    let address = |name| cluster.host(name).address();
    let (db1, db2, db3) = (address("db1"), address("db2"), address("db3"));
    let known = cluster.lab.dir().join("known_hosts.2222");
    let keys = fs::read_to_string(cluster.lab.known_hosts()).unwrap();
    let moved = keys.replace(&format!("{db2} "), &format!("[{db2}]:2222 "));
    assert_ne!(keys, moved);
    fs::write(&known, moved).unwrap();
    // What the inventory does not say of db2 the user's configuration does.
    let config = |known: &str| {
        cluster.write_ssh_config(&format!(
            "Host {db2}\n  ProxyJump ops@{db3}\nHost {db3}\n  IdentityFile {}\n  UserKnownHostsFile {known}\n",
            cluster.lab.key().display()
        ));
    };
    let lab_file = cluster.lab.known_hosts().display().to_string();
    let inventory = |password: &str| {
        cluster
            .lab
            .inventory_yaml()
            .replace(
                "user: root",
                &format!("user: ops\n  become: sudo\n  {password}"),
            )
            .replace(&lab_file, &known.display().to_string())
            .replace("server: {", "server: {port: 3307, ")
            .replace(
                &format!("{db1},"),
                &format!("{db1}, ssh: {{jump: \"ops@{db3}\"}},"),
            )
            .replace(
                &format!("{db2}}}"),
                &format!("{db2}, ssh: {{port: 2222, compression: true}}}}"),
            )
    };
    let status = |password: &str| -> Run {
        cluster.write_inventory(&inventory(password));
        cluster.hactl(&["verify"])
    };

    // A jump host of the user's own that nobody knows is refused, and nobody is asked about it.
    config("/dev/null");
    status("# no password").says("must work without a question");
    config(&lab_file);
    status("# no password")
        .says("sudo wants a password")
        .says("-K");
    assert_eq!(strikes(&cluster), 0);
    // Wrong on every host that wants one, and tried on one.
    status("become_password: \"cmd:echo wrong\"")
        .says("sudo refused the password")
        .says("was not tried here");
    assert_eq!(strikes(&cluster), 1);

    cluster.write_inventory(&inventory("become_password: \"env:SUDO_PASSWORD\""));
    cluster.bootstrap();
    let before = cluster.positions();
    let again = cluster.bootstrap();
    assert!(again.to_string().contains("Nothing to do"), "{again}");
    assert_eq!(cluster.positions(), before);
    assert_eq!(strikes(&cluster), 1);
    let port = cluster.host("db2").sql("SELECT @@port").unwrap();
    assert_eq!(port.trim(), "3307");
}
