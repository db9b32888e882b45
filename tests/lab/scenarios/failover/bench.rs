//! How long the service is away, as a client sees it that writes all the time: from the fault to the
//! first row that is acknowledged again. Run by `make bench`; it asserts that nothing is lost, and
//! prints times.

use std::collections::BTreeMap;
use std::env;
use std::thread::sleep;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use hactl_lab::{Suite, Writer, primary};

use super::arena::Arena;
use super::chance::Chance;

/// How often each fault befalls the primary.
const RUNS: usize = 10;

/// What interrupts the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Only the client's connection is killed: what no tool can be faster than.
    Floor,
    Switchover,
    Killed,
    Frozen,
    Cut,
    PoweredOff,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Floor,
        Self::Switchover,
        Self::Killed,
        Self::Frozen,
        Self::Cut,
        Self::PoweredOff,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Floor => "client reconnects, nothing else (floor)",
            Self::Switchover => "planned switchover",
            Self::Killed => "server killed (kill -9, not restarted)",
            Self::Frozen => "server frozen (SIGSTOP)",
            Self::Cut => "cable cut",
            Self::PoweredOff => "host powered off",
        }
    }

    fn aim(self) -> &'static str {
        match self {
            Self::Floor => "",
            Self::Switchover => "<= 150 ms",
            Self::Killed => "<= 1000 ms",
            Self::Frozen | Self::Cut | Self::PoweredOff => "<= 4000 ms",
        }
    }
}

#[test]
#[ignore = "make bench"]
fn bench() {
    let suite = env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap());
    let runs = env::var("RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let hosts = env::var("HOSTS").map_or(3, |hosts| hosts.parse().unwrap());
    let arena = Arena::of(hosts, suite, "failover: {min_interval: 1s}\n");
    let mut watch = arena.watch();
    let mut chance = Chance::new(1);
    let mut times: BTreeMap<Kind, Vec<Duration>> = BTreeMap::new();
    let only = env::var("FAULTS").unwrap_or_default();
    let wanted = |kind: &Kind| *kind == Kind::Floor || kind.name().contains(&only);
    for run in 1..=runs {
        for kind in Kind::ALL.into_iter().filter(wanted) {
            let time = once(&arena, kind, &mut chance);
            eprintln!("run {run}: {}: {} ms", kind.name(), time.as_millis());
            times.entry(kind).or_default().push(time);
            assert_eq!(watch.ended(), None, "the watcher ended\n{}", watch.said());
        }
    }
    let health = arena.well();
    eprintln!(
        "\n{suite}, {hosts} hosts, {runs} runs each, outage as a client sees it\n{}",
        table(&times)
    );
    eprintln!("acknowledged {} rows, lost 0", health.acknowledged);
}

/// One fault, from a whole cluster to a whole cluster.
fn once(arena: &Arena, kind: Kind, chance: &mut Chance) -> Duration {
    let leader = primary(&arena.cluster.lab).unwrap().name().to_owned();
    let host = arena.host(&leader);
    let writer = arena.write();
    // The fault meets the watcher's probes at any moment between two.
    sleep(chance.millis(500, 1500));
    if kind == Kind::Killed {
        arena.no_restart(&leader);
    }
    let fault = Instant::now();
    match kind {
        Kind::Floor => disconnect(arena, &leader),
        Kind::Switchover => {
            arena.cluster.hactl(&["switchover", "--yes"]).exits(0);
        }
        Kind::Killed => host.kill(arena.process()).map(drop).unwrap(),
        Kind::Frozen => host.freeze(arena.process()).map(drop).unwrap(),
        Kind::Cut => host.cut().unwrap(),
        Kind::PoweredOff => host.power_off().unwrap(),
    }
    match kind {
        Kind::Floor => arena.await_rows(&writer),
        _ => arena.await_another(&writer),
    }
    let outage = outage(&writer, fault);
    arena.stop(writer);
    match kind {
        Kind::Floor | Kind::Switchover | Kind::Killed | Kind::Frozen => {}
        Kind::Cut => host.heal().unwrap(),
        Kind::PoweredOff => host.power_on().unwrap(),
    }
    if !matches!(kind, Kind::Floor | Kind::Switchover) {
        arena.assert_fenced(&leader);
        arena.rejoin(&leader);
    }
    arena.well();
    outage
}

fn outage(writer: &Writer, fault: Instant) -> Duration {
    writer.so_far().outage_since(fault)
}

fn disconnect(arena: &Arena, leader: &str) {
    let sessions = "SELECT id FROM information_schema.processlist WHERE user = 'judge'";
    let host = arena.host(leader);
    for session in host.sql(sessions).unwrap().lines() {
        // It may be gone.
        let _ = host.sql(&format!("KILL {session}"));
    }
}

fn table(times: &BTreeMap<Kind, Vec<Duration>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        "what happens",
        "median",
        "worst",
        "aim (median)",
        "times the floor",
    ]);
    let sorted = |kind: Kind| {
        let mut list = times.get(&kind).cloned().unwrap_or_default();
        list.sort();
        list
    };
    let floor = median(&sorted(Kind::Floor));
    for kind in Kind::ALL {
        let list = sorted(kind);
        if list.is_empty() {
            continue;
        }
        let worst = list.last().copied().unwrap_or_default();
        let ratio = median(&list).as_secs_f64() / floor.as_secs_f64().max(0.001);
        table.add_row([
            kind.name().to_owned(),
            format!("{} ms", median(&list).as_millis()),
            format!("{} ms", worst.as_millis()),
            kind.aim().to_owned(),
            format!("{ratio:.0}"),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Of a sorted list; of two in the middle the longer.
fn median(sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
