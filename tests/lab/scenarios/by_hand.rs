//! Everything that a hand can spoil beside the data: files, units, settings, clocks, filters, routes, and
//! the writer VIP on a machine that nobody knows. All at once: verify finds each thing where it is, and
//! nothing besides; when it is undone, nothing of it stays found.

use hactl_lab::Suite;

use crate::cluster::Cluster;

/// Where the two flavors differ.
struct Words {
    unit: &'static str,
    stop: &'static str,
    start: &'static str,
    filter: &'static str,
    clear: &'static str,
}

fn words(cluster: &Cluster) -> Words {
    match cluster.lab.suite() {
        Suite::Sid => Words {
            unit: "mysql.service",
            stop: "STOP REPLICA SQL_THREAD",
            start: "START REPLICA SQL_THREAD",
            filter: "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (scratch)",
            clear: "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = ()",
        },
        _ => Words {
            unit: "mariadb.service",
            stop: "STOP SLAVE SQL_THREAD",
            start: "START SLAVE SQL_THREAD",
            filter: "SET GLOBAL replicate_ignore_db = 'scratch'",
            clear: "SET GLOBAL replicate_ignore_db = ''",
        },
    }
}

/// A file of the server that is read after hactl's.
fn later_file(cluster: &Cluster) -> String {
    cluster.configuration().replace("hactl", "zzz")
}

pub(crate) fn is_found_and_undone(cluster: &Cluster) {
    let connections = cluster
        .host("db3")
        .sql("SELECT @@global.max_connections")
        .unwrap();
    spoil_machines(cluster);
    spoil_server(cluster);
    add_stranger(cluster);
    let run = cluster.hactl(&["verify", "--output", "json"]).exits(3);
    let mut found = run.findings();
    found.sort();
    // Where db2 sends nothing to db3, it does not answer db3 either.
    found.retain(|one| one != "db3:ReplicationLoginFails");
    let wanted = [
        "cluster:VipAnsweredElsewhere",
        "db1:UnitsNotReloaded",
        "db2:ClockSkew",
        "db2:ConfigDiffers",
        "db2:ReplicationLoginFails",
        "db3:BinaryLogFiltered",
        "db3:ConfigNotLoaded",
        "db3:FileDiffers",
        "db3:ReplicationFiltered",
        "db3:RestartPolicyDiffers",
        "db3:SettingDiffersFromFile",
    ];
    assert_eq!(found, wanted, "{run}");
    let fix = cluster.hactl(&["verify", "--fix"]).exits(3);
    let step = format!("db2: change {}", cluster.configuration());
    assert!(fix.stdout.contains(&step), "{fix}");

    undo(cluster, connections.trim());
    cluster.bootstrap();
    let junit = cluster.hactl(&["verify", "--output", "junit"]).exits(0);
    assert!(junit.stdout.contains("failures=\"0\""), "{junit}");
}

fn run(cluster: &Cluster, host: &str, script: &str) {
    cluster.host(host).exec_ok(script).unwrap();
}

fn spoil_machines(cluster: &Cluster) {
    let (unit, config) = (words(cluster).unit, cluster.configuration());
    let drop_in = format!("/etc/systemd/system/{unit}.d");
    run(cluster, "db1", &format!("touch {drop_in}/hactl.conf"));
    // A clock is the whole machine's, so only what hactl asks tells another time.
    let address = cluster.host("db3").address();
    run(
        cluster,
        "db2",
        &format!(
            "sed -i 's/^sync_relay_log .*/sync_relay_log = 7/' {config}
             cd /usr/local/sbin
             printf '#!/bin/sh\\n/bin/date -d \"+90 seconds\" \"$@\"\\n' >date
             chmod +x date
             ip route add prohibit {address}/32"
        ),
    );
    run(
        cluster,
        "db3",
        &format!(
            "printf '[Service]\\nRestart=always\\n' >{drop_in}/zzz.conf
             systemctl daemon-reload
             rm /usr/local/sbin/hactl-purge-relay-logs
             touch {config}"
        ),
    );
}

fn spoil_server(cluster: &Cluster) {
    let file = later_file(cluster);
    run(
        cluster,
        "db3",
        &format!(
            "printf '[mysqld]\\nbinlog-ignore-db = scratch\\nmax_connections = 300\\n' >{file}"
        ),
    );
    let Words {
        stop,
        start,
        filter,
        ..
    } = words(cluster);
    cluster
        .host("db3")
        .sql(&format!(
            "{stop}; {filter}; {start}; SET GLOBAL max_connections = 77"
        ))
        .unwrap();
}

/// On db3's wire, with hardware that is not db3's.
fn add_stranger(cluster: &Cluster) {
    run(
        cluster,
        "db3",
        &format!(
            "ip netns add other
             ip link add link {} name other0 type macvlan mode bridge
             ip link set other0 netns other
             ip netns exec other ip link set other0 up
             ip netns exec other ip address add {}/{} dev other0",
            cluster.lab.interface(),
            cluster.lab.vip(),
            cluster.lab.prefix_len()
        ),
    );
}

fn undo(cluster: &Cluster, connections: &str) {
    let Words {
        unit,
        stop,
        start,
        clear,
        ..
    } = words(cluster);
    let address = cluster.host("db3").address();
    run(cluster, "db1", "systemctl daemon-reload");
    run(
        cluster,
        "db2",
        &format!("rm /usr/local/sbin/date; ip route del prohibit {address}/32"),
    );
    let file = later_file(cluster);
    run(
        cluster,
        "db3",
        &format!(
            "ip netns del other
             rm {file} /etc/systemd/system/{unit}.d/zzz.conf
             systemctl daemon-reload"
        ),
    );
    cluster
        .host("db3")
        .sql(&format!(
            "{stop}; {clear}; {start}; SET GLOBAL max_connections = {connections}"
        ))
        .unwrap();
}
