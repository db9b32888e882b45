//! How long a run takes that finds nothing to do, as a multiple of what no tool that works over ssh can be
//! faster than: one new connection to each host, side by side, that runs `true`. Run by `make bench`; it
//! asserts that nothing is changed, and prints times.

use std::collections::BTreeMap;
use std::env;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use hactl_lab::{Host, Server, Suite};
use tempfile::TempDir;

use crate::cluster::Cluster;

/// How often each is run.
const RUNS: usize = 9;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Floor,
    Bootstrap(Sockets),
    Verify(Sockets),
    Status(Sockets),
}

/// Whether the connections are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sockets {
    Cold,
    Warm,
}

impl What {
    const ALL: [Self; 7] = [
        Self::Floor,
        Self::Bootstrap(Sockets::Cold),
        Self::Verify(Sockets::Cold),
        Self::Status(Sockets::Cold),
        Self::Bootstrap(Sockets::Warm),
        Self::Verify(Sockets::Warm),
        Self::Status(Sockets::Warm),
    ];

    fn name(self) -> String {
        let (name, sockets) = match self {
            Self::Floor => return "ssh HOST true, to each at once (floor)".to_owned(),
            Self::Bootstrap(sockets) => ("bootstrap --yes", sockets),
            Self::Verify(sockets) => ("verify", sockets),
            Self::Status(sockets) => ("status", sockets),
        };
        match sockets {
            Sockets::Cold => format!("hactl {name}, new connections"),
            Sockets::Warm => format!("hactl {name}, warm control sockets"),
        }
    }

    fn aim(self) -> &'static str {
        match self {
            Self::Bootstrap(Sockets::Cold) => "< 3",
            Self::Verify(Sockets::Cold) => "< 2.5",
            _ => "",
        }
    }
}

#[test]
#[ignore = "make bench"]
fn converged() {
    let suite = env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap());
    let runs = env::var("RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let hosts = env::var("HOSTS").map_or(3, |hosts| hosts.parse().unwrap());
    let cluster = Cluster::of(hosts, suite, Server::Installed);
    cluster.bootstrap();
    let before = cluster.positions();
    let warm = sockets();
    // The first one makes them.
    once(&cluster, What::Status(Sockets::Warm), &warm);
    let mut times: BTreeMap<What, Vec<Duration>> = BTreeMap::new();
    for _ in 0..runs {
        for what in What::ALL {
            let time = once(&cluster, what, &warm);
            times.entry(what).or_default().push(time);
        }
    }
    assert_eq!(cluster.positions(), before, "something was written");
    eprintln!(
        "\n{suite}, {hosts} hosts, {runs} runs each, nothing to do\n{}",
        table(&times)
    );
}

fn once(cluster: &Cluster, what: What, warm: &TempDir) -> Duration {
    let (arguments, state): (&[&str], _) = match what {
        What::Floor => return floor(cluster),
        What::Bootstrap(state) => (&["bootstrap", "--yes"], state),
        What::Verify(state) => (&["verify"], state),
        What::Status(state) => (&["status"], state),
    };
    match state {
        Sockets::Warm => cluster.time(arguments, warm.path()),
        Sockets::Cold => cluster.time_cold(arguments),
    }
}

fn sockets() -> TempDir {
    tempfile::Builder::new()
        .prefix("s")
        .tempdir_in("/run")
        .unwrap()
}

fn floor(cluster: &Cluster) -> Duration {
    let connect = |host: &Host| -> Child {
        Command::new("ssh")
            .args(["-F", "none", "-S", "none", "-o", "IdentitiesOnly=yes", "-o"])
            .arg(format!(
                "UserKnownHostsFile={}",
                cluster.lab.known_hosts().display()
            ))
            .arg("-i")
            .arg(cluster.lab.key())
            .arg(format!("root@{}", host.address()))
            .arg("true")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    let begun = Instant::now();
    let connecting: Vec<Child> = cluster.lab.hosts().iter().map(connect).collect();
    for mut one in connecting {
        assert!(one.wait().unwrap().success());
    }
    begun.elapsed()
}

fn table(times: &BTreeMap<What, Vec<Duration>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        "what is run",
        "median",
        "times the floor",
        "aim",
    ]);
    let median = |what: What| {
        let mut list = times.get(&what).cloned().unwrap_or_default();
        list.sort();
        list.get(list.len() / 2).copied().unwrap_or_default()
    };
    let floor = median(What::Floor).as_secs_f64().max(0.001);
    for what in What::ALL {
        let time = median(what);
        table.add_row([
            what.name(),
            format!("{} ms", time.as_millis()),
            format!("{:.2}", time.as_secs_f64() / floor),
            what.aim().to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
