//! A night in a few minutes: faults by chance, one after the other, on a cluster that clients write
//! to and `hactl failover --watch` looks after. After each, all is made whole again by hactl's own
//! commands, and the judge looks. The first harm ends it, with everything that is needed to
//! understand it. Run by `make torture SEED=n MINUTES=m SUITE=bookworm|sid`.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use hactl_lab::{Health, Suite, Violation, primary};

use super::arena::{Arena, LIMIT, Listed, Watch};
use super::chance::Chance;
use super::fault::{Fault, Kind};
use crate::cluster::eventually;

/// How the torture of this run is set.
struct Settings {
    seed: u64,
    time: Duration,
    suite: Suite,
    /// Only faults whose name contains this.
    faults: String,
}

/// What has happened so far.
#[derive(Default)]
struct Story {
    faults: usize,
    events: Vec<String>,
    outages: BTreeMap<Kind, Vec<Duration>>,
    watchers: usize,
    reseeds: usize,
}

#[test]
#[ignore = "make torture"]
fn torture() {
    let settings = Settings::from_environment();
    let arena = Arena::with(settings.suite, "failover: {min_interval: 1s}\n");
    let mut chance = Chance::new(settings.seed);
    let mut story = Story::default();
    let begun = Instant::now();
    let mut watch = arena.watch();
    eprintln!("torture of {} with seed {}", settings.suite, settings.seed);
    while begun.elapsed() < settings.time {
        let Ok(health) = arena.look() else {
            story.end_badly(&arena, &settings, "not whole before a fault", &watch.said());
        };
        let fault = loop {
            let drawn = Fault::draw(&mut chance, &health.primary, &health.replicas);
            if drawn.kind.to_string().contains(&settings.faults) {
                break drawn;
            }
        };
        story.faults += 1;
        story.note(begun, &format!("fault {}: {fault}", story.faults));
        let writer = arena.write();
        let struck = Instant::now();
        let befallen = fault.befall(&arena, &health.primary, || story.renew(&arena, &mut watch));
        befallen.unwrap_or_else(|error| panic!("the lab failed: {error}"));
        if watch.ended().is_some() {
            story.watchers += 1;
            story.note(begun, &format!("the watcher ended: {}", watch.said()));
            story.renew(&arena, &mut watch);
        }
        let answered = writer.acknowledged();
        let back = eventually(LIMIT, || writer.acknowledged() > answered + 20);
        let outage = writer.so_far().outage_since(struck);
        arena.stop(writer);
        fault.forget(&arena);
        story.note(begun, &Answered(back, outage));
        if !back {
            story.end_badly(&arena, &settings, "clients are not answered", &watch.said());
        }
        story.outages.entry(fault.kind).or_default().push(outage);
        match mend(&arena, &mut story, begun) {
            Ok(health) => story.note(begun, &Whole(&health)),
            Err(why) => story.end_badly(&arena, &settings, &why, &watch.said()),
        }
    }
    let acknowledged = arena.well().acknowledged;
    eprintln!("{}", Summary(&settings, &story));
    eprintln!("{acknowledged} rows acknowledged, 0 lost");
}

/// Makes the cluster whole with hactl's own commands, and says what is wrong when that fails.
fn mend(arena: &Arena, story: &mut Story, begun: Instant) -> Result<Health, String> {
    let mut last = String::new();
    let whole = eventually(LIMIT, || match arena.look() {
        Ok(health) if health.replicas.len() == 2 => true,
        Ok(health) => {
            last = format!("{health:?}");
            rejoin_what_is_out(arena, story, begun);
            false
        }
        Err(wrong) => {
            last = Listed(&wrong).to_string();
            wrong.iter().any(Violation::is_final)
        }
    });
    match arena.look() {
        Ok(health) if whole => Ok(health),
        Ok(_) => Err(format!("not whole again: {last}")),
        Err(wrong) => Err(Listed(&wrong).to_string()),
    }
}

/// A fenced host stays fenced until somebody types this.
fn rejoin_what_is_out(arena: &Arena, story: &mut Story, begun: Instant) {
    let Some(leader) = primary(&arena.cluster.lab).map(|host| host.name().to_owned()) else {
        return;
    };
    let unit = format!("systemctl is-enabled {}", arena.unit());
    for host in arena.cluster.lab.hosts() {
        let masked = |output: hactl_lab::Output| output.stdout.starts_with("masked");
        if host.name() == leader || !host.exec(&unit).is_ok_and(masked) {
            continue;
        }
        let run = arena.cluster.hactl(&["rejoin", host.name(), "--yes"]);
        story.note(begun, &format!("rejoin {}: {}", host.name(), run.code));
        if run.code == 6 && run.to_string().contains("--reseed") {
            story.reseeds += 1;
            let run = arena
                .cluster
                .hactl(&["rejoin", host.name(), "--reseed", "--yes"]);
            story.note(
                begun,
                &format!("rejoin {} --reseed: {}", host.name(), run.code),
            );
        }
    }
}

impl Settings {
    fn from_environment() -> Self {
        let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
        Self {
            seed: number("SEED", 1),
            time: Duration::from_secs(60 * number("MINUTES", 10)),
            suite: env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap()),
            faults: env::var("FAULTS").unwrap_or_default(),
        }
    }
}

impl Story {
    fn note(&mut self, begun: Instant, what: &impl fmt::Display) {
        let line = format!("{:>7.1} s  {what}", begun.elapsed().as_secs_f64());
        eprintln!("{line}");
        self.events.push(line);
    }

    /// Ends a watcher without a word, and has another one in its place.
    fn renew<'a>(&mut self, arena: &'a Arena, watch: &mut Watch<'a>) {
        watch.kill();
        let (next, ended) = arena.watch_as_a_unit().expect("a watcher that stays");
        *watch = next;
        self.watchers += ended;
    }

    fn end_badly(&self, arena: &Arena, settings: &Settings, why: &str, watcher: &str) -> ! {
        panic!(
            "{why}\n\nthe last events:\n{}\n\nthe watcher:\n{watcher}\n\n{}\nlogs: {}\n\
             again: make torture SEED={} SUITE={}\n{}",
            self.events[self.events.len().saturating_sub(12)..].join("\n"),
            arena.cluster.hactl(&["status"]),
            arena.cluster.keep_evidence().display(),
            settings.seed,
            settings.suite,
            Summary(settings, self),
        );
    }
}

/// Whether clients are answered again, and how long they were not.
struct Answered(bool, Duration);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(back, outage) = self;
        let state = if *back {
            "answered again"
        } else {
            "NOT answered"
        };
        write!(
            f,
            "  clients are {state}; without for {} ms",
            outage.as_millis()
        )
    }
}

/// Where the cluster stands after it was made whole.
struct Whole<'a>(&'a Health);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Health {
            primary,
            replicas,
            acknowledged,
            ..
        } = self.0;
        write!(
            f,
            "  whole: {primary} leads {}; {acknowledged} rows acknowledged, none missing",
            replicas.join(" and ")
        )
    }
}

/// Faults survived by kind, and how long clients waited.
struct Summary<'a>(&'a Settings, &'a Story);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(settings, story) = self;
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_header(["fault", "survived", "p50", "p90", "longest"]);
        let mut all = Vec::new();
        for (kind, outages) in &story.outages {
            table.add_row(row(&kind.to_string(), outages));
            all.extend(outages.iter().copied());
        }
        table.add_row(row("all", &all));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(
            f,
            "{}, seed {}: {} faults survived; outage as a client sees it\n{table}\n\
             {} reseeds; {} watchers ended by themselves",
            settings.suite,
            settings.seed,
            all.len(),
            story.reseeds,
            story.watchers,
        )
    }
}

fn row(name: &str, outages: &[Duration]) -> [String; 5] {
    let mut sorted = outages.to_vec();
    sorted.sort();
    let at = |percent: usize| {
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        let outage = sorted.get(index).copied().unwrap_or_default();
        format!("{} ms", outage.as_millis())
    };
    [
        name.to_owned(),
        sorted.len().to_string(),
        at(50),
        at(90),
        at(100),
    ]
}
