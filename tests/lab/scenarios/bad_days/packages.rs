//! apt on a bad day: a package that does not exist, and another apt that is at work already.

use std::time::Duration;

use hactl_lab::{Server, Suite};

use crate::cluster::{Cluster, eventually};

crate::scenarios! { core: ; mariadb: ; matrix: apt_cannot }

/// Somebody's apt: it holds the lock that dpkg's front ends share, until its unit is stopped.
const OTHER: &str = r#"
cat >/root/other-apt <<'END'
open F, ">>", "/var/lib/dpkg/lock-frontend" or die;
my $lock = pack "ssx4qqix4", 1, 0, 0, 0, 0;
fcntl F, 6, $lock or die;
open F2, ">", "/run/locked";
sleep 600;
END
systemd-run --quiet --unit=other-apt perl /root/other-apt
timeout 10 sh -c 'until [ -e /run/locked ]; do sleep 0.1; done'
"#;

fn apt_cannot(suite: Suite) {
    let cluster = Cluster::of(1, suite, Server::Bare);
    there_is_no_such_package(&cluster);
    another_one_runs(&cluster);
    cluster.bootstrap();
}

fn there_is_no_such_package(cluster: &Cluster) {
    let flavor = cluster.lab.suite().flavor().word();
    let plain = format!("server: {{flavor: {flavor}}}");
    let text = cluster.lab.inventory_yaml();
    assert!(text.contains(&plain), "{text}");
    let given = format!("server: {{flavor: {flavor}, packages: [no-such-server]}}");
    cluster.write_inventory(&text.replace(&plain, &given));
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says("db1: package installation ended with status 100")
        .says("Unable to locate package no-such-server")
        .says("the host's apt sources have no no-such-server")
        .says("name other packages under `server: packages:`");
    let left = cluster
        .host("db1")
        .exec("dpkg --audit; ls /etc/mysql")
        .unwrap();
    assert_eq!(left.stdout, "");
    cluster.write_inventory(&text);
}

fn another_one_runs(cluster: &Cluster) {
    let host = cluster.host("db1");
    host.exec_ok(OTHER).unwrap();
    let running = cluster.start(&["bootstrap", "--yes"]);
    let waits = || {
        cluster
            .said(&running)
            .contains("waiting for another apt (process ")
    };
    assert!(
        eventually(Duration::from_mins(1), waits),
        "{}",
        cluster.said(&running)
    );
    // Ctrl-C while it waits leaves nothing behind: the next one waits in its place.
    running.interrupt();
    let run = cluster.finish(running);
    assert!(matches!(run.code, 5 | 130), "{run}");
    let running = cluster.start(&["bootstrap", "--yes"]);
    let waits = || cluster.said(&running).contains("perl)");
    assert!(
        eventually(Duration::from_mins(1), waits),
        "{}",
        cluster.said(&running)
    );
    // And a dpkg that had begun when the host lost its power is no reason to stop.
    host.exec_ok("touch /var/lib/dpkg/updates/0001; systemctl stop other-apt")
        .unwrap();
    cluster.finish(running).exits(0);
}
