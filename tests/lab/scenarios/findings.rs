//! What verify says of real servers that are not as they should be: each thing is done by hand, exactly its
//! findings come and no others, and go when it is undone. What is repaired by bootstrap is in `drift`.

use hactl_lab::{Flavor, Suite};

use crate::cluster::Cluster;

crate::scenarios! {
    core: ; mariadb: ; matrix: each_is_found_and_nothing_else
}

/// One thing that somebody does.
struct Case {
    on: &'static str,
    done: Done,
    found: &'static [&'static str],
    undone: Done,
}

/// How. `{source}`, `{replica}` and `{REPLICA}` are the server's own words in names of its variables and in
/// statements, `{unit}` is its systemd unit.
#[derive(Clone, Copy)]
enum Done {
    Sql(&'static str),
    Shell(&'static str),
    /// By `hactl bootstrap --yes` with these.
    Bootstrap(&'static [&'static str]),
}
use Done::{Bootstrap, Shell, Sql};

const fn case(on: &'static str, done: Done, found: &'static [&'static str], undone: Done) -> Case {
    Case {
        on,
        done,
        found,
        undone,
    }
}

const BOTH: &[Case] = &[
    case(
        "db1",
        Sql("SET GLOBAL rpl_semi_sync_{source}_timeout = 10000"),
        &["db1:SemiSyncFallsBack"],
        Sql("SET GLOBAL rpl_semi_sync_{source}_timeout = 4294967295"),
    ),
    case(
        "db1",
        Sql("SET GLOBAL rpl_semi_sync_{source}_wait_point = AFTER_COMMIT"),
        &["db1:SemiSyncAfterCommit"],
        Sql("SET GLOBAL rpl_semi_sync_{source}_wait_point = AFTER_SYNC"),
    ),
    case(
        "db1",
        Sql("SET GLOBAL rpl_semi_sync_{source}_enabled = 0"),
        &["db1:SemiSyncOff"],
        Sql("SET GLOBAL rpl_semi_sync_{source}_enabled = 1"),
    ),
    case(
        "db2",
        Sql("SET GLOBAL rpl_semi_sync_{source}_enabled = 1"),
        &["db2:ReplicaWaitsForAcks"],
        Sql("SET GLOBAL rpl_semi_sync_{source}_enabled = 0"),
    ),
    case(
        "db2",
        Sql(
            "SET GLOBAL rpl_semi_sync_{replica}_enabled = 0; STOP {REPLICA} IO_THREAD; START {REPLICA} IO_THREAD",
        ),
        &["db2:ReplicaDoesNotAck"],
        Sql(
            "SET GLOBAL rpl_semi_sync_{replica}_enabled = 1; STOP {REPLICA} IO_THREAD; START {REPLICA} IO_THREAD",
        ),
    ),
    case(
        "db1",
        Sql("SET GLOBAL binlog_format = MIXED"),
        &["db1:BinaryLogNotRow"],
        Sql("SET GLOBAL binlog_format = ROW"),
    ),
    case(
        "db1",
        Sql("CREATE USER ''@localhost"),
        &[
            "db1:AnonymousAccount",
            "db2:AnonymousAccount",
            "db3:AnonymousAccount",
        ],
        Sql("DROP USER ''@localhost"),
    ),
    case(
        "db2",
        Sql("SET GLOBAL server_id = 7"),
        &["db2:ServerIdDiffers", "db2:SettingDiffersFromFile"],
        Shell("systemctl restart {unit}"),
    ),
    case(
        "db3",
        Sql("STOP {REPLICA} SQL_THREAD"),
        &["db3:ReplicationStopped"],
        Sql("START {REPLICA} SQL_THREAD"),
    ),
    case(
        "db2",
        Shell("systemctl -q disable {unit}"),
        &["db2:NotEnabled"],
        Shell("systemctl -q enable {unit}"),
    ),
    case(
        "db2",
        Shell("systemctl -q disable --now hactl-purge-relay-logs.timer"),
        &["db2:RelayLogsNotPurged"],
        Shell("systemctl -q enable --now hactl-purge-relay-logs.timer"),
    ),
    case(
        "db3",
        Shell("systemctl stop {unit}"),
        &["db3:DeadReplica"],
        Shell("systemctl start {unit}"),
    ),
    case(
        "db3",
        Sql("STOP {REPLICA}; RESET {REPLICA} ALL"),
        &["db3:NotReplicating"],
        Bootstrap(&[]),
    ),
];

/// Where the package brings one: from bookworm on.
const SOCKET: Case = case(
    "db2",
    Shell("systemctl -q enable mariadb.socket"),
    &["db2:SocketActivation"],
    Shell("systemctl -q disable mariadb.socket"),
);

const MARIADB: &[Case] = &[
    case(
        "db1",
        Sql("SET GLOBAL gtid_strict_mode = 0"),
        &["db1:GtidNotStrict"],
        Sql("SET GLOBAL gtid_strict_mode = 1"),
    ),
    case(
        "db2",
        Sql("SET GLOBAL max_connections = 200"),
        &["db2:SettingNotInFile"],
        Shell("systemctl restart mariadb"),
    ),
    case(
        "db2",
        Sql("CREATE DATABASE stray"),
        &["db2:ErrantGtid"],
        Bootstrap(&["--reseed", "db2"]),
    ),
];

const MYSQL: &[Case] = &[
    case(
        "db1",
        Sql("SET GLOBAL gtid_mode = ON_PERMISSIVE"),
        &["db1:GtidNotStrict"],
        Sql("SET GLOBAL gtid_mode = ON"),
    ),
    case(
        "db2",
        Sql("SET PERSIST sync_binlog = 0"),
        &["db2:NotDurable", "db2:PersistedBeatsFile"],
        Sql("RESET PERSIST sync_binlog; SET GLOBAL sync_binlog = 1"),
    ),
    case(
        "db2",
        Sql("SET PERSIST_ONLY read_only = OFF"),
        &["db2:ReadOnlyPersisted"],
        Sql("RESET PERSIST read_only"),
    ),
    case(
        "db2",
        Sql("SET GLOBAL read_only = 0; CREATE DATABASE stray; SET GLOBAL super_read_only = 1"),
        &["db2:ErrantGtid"],
        Bootstrap(&["--reseed", "db2"]),
    ),
];

fn each_is_found_and_nothing_else(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    let own = match suite.flavor() {
        Flavor::MariaDb => MARIADB,
        Flavor::MySql => MYSQL,
    };
    let socket = matches!(suite, Suite::Bookworm | Suite::Trixie).then_some(&SOCKET);
    let mut wrong = Vec::new();
    for case in BOTH.iter().chain(own).chain(socket) {
        let what = act(&cluster, case.on, case.done);
        let run = cluster.hactl(&["verify", "--output", "json"]);
        let mut found = run.findings();
        found.sort();
        if found != case.found {
            wrong.push(format!("{what}: {found:?} instead of {:?}", case.found));
        }
        act(&cluster, case.on, case.undone);
        let after = cluster.hactl(&["verify", "--wait", "30s"]);
        assert_eq!(after.code, 0, "after {what}: {after}");
    }
    nobody_may_lead(&cluster);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Not by hand, but in the inventory.
fn nobody_may_lead(cluster: &Cluster) {
    let text = cluster.inventory_text();
    let never = |line: &str| {
        let replica = ["  db2: {", "  db3: {"]
            .iter()
            .any(|start| line.starts_with(start));
        if replica {
            line.replace('}', ", promotion: never}")
        } else {
            line.to_owned()
        }
    };
    let lines: Vec<_> = text.lines().map(never).collect();
    cluster.write_inventory(&(lines.join("\n") + "\n"));
    let mut found = cluster
        .hactl(&["verify", "--output", "json"])
        .exits(3)
        .findings();
    found.sort();
    assert_eq!(found, ["cluster:NoCandidate", "db1:SemiSyncUncovered"]);
    cluster.write_inventory(&text);
}

/// Does it, and says what was done.
fn act(cluster: &Cluster, on: &str, done: Done) -> String {
    let flavor = cluster.lab.suite().flavor();
    let (source, replica) = match flavor {
        Flavor::MariaDb => ("master", "slave"),
        Flavor::MySql => ("source", "replica"),
    };
    let worded = |text: &str| {
        text.replace("{source}", source)
            .replace("{replica}", replica)
            .replace("{REPLICA}", &replica.to_uppercase())
            .replace("{unit}", flavor.unit())
    };
    match done {
        Sql(statements) => {
            let statements = worded(statements);
            cluster.host(on).sql(&statements).unwrap();
            format!("{on}: {statements}")
        }
        Shell(script) => {
            let script = worded(script);
            cluster.host(on).exec_ok(&script).unwrap();
            format!("{on}: {script}")
        }
        Bootstrap(more) => {
            let arguments = [&["bootstrap", "--yes"][..], more].concat();
            cluster.hactl(&arguments).exits(0);
            arguments.join(" ")
        }
    }
}
