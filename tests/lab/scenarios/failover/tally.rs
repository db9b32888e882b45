//! What torture has counted: faults by kind, how long clients waited, which watchers and rejoins there
//! were. It prints, and judges nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};

use super::fault::Kind;

/// How many events a red run shows.
const LAST: usize = 25;

/// What has happened so far.
pub(super) struct Story {
    begun: Instant,
    /// The heading of the summary: which servers and which seed.
    title: String,
    events: Vec<String>,
    outages: BTreeMap<Kind, Vec<Duration>>,
    /// Watchers that ended by themselves.
    pub(super) watchers: usize,
    pub(super) reseeds: usize,
    pub(super) acknowledged: usize,
    pub(super) lost: usize,
}

impl Story {
    pub(super) fn begin(title: String) -> Self {
        Self {
            begun: Instant::now(),
            title,
            events: Vec::new(),
            outages: BTreeMap::new(),
            watchers: 0,
            reseeds: 0,
            acknowledged: 0,
            lost: 0,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Prints it, and keeps it for the end.
    pub(super) fn note(&mut self, what: impl fmt::Display) {
        let line = format!("{:>7.1} s  {what}", self.elapsed().as_secs_f64());
        eprintln!("{line}");
        self.events.push(line);
    }

    /// A fault that clients have survived.
    pub(super) fn survived(&mut self, kind: Kind, outage: Duration) {
        self.outages.entry(kind).or_default().push(outage);
    }

    /// How many so far.
    pub(super) fn faults(&self) -> usize {
        self.outages.values().map(Vec::len).sum()
    }

    pub(super) fn last_events(&self) -> String {
        self.events[self.events.len().saturating_sub(LAST)..].join("\n")
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_header(["fault", "survived", "p50", "p95", "worst"]);
        let mut all = Vec::new();
        for (kind, outages) in &self.outages {
            table.add_row(row(&kind.to_string(), outages));
            all.extend(outages.iter().copied());
        }
        table.add_row(row("all", &all));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let minutes = self.elapsed().as_secs_f64() / 60.0;
        write!(
            f,
            "{}: {} faults survived in {minutes:.0} minutes; outage as a client sees it\n{table}\n\
             {} rows acknowledged, {} lost; {} reseeds; {} watchers ended by themselves",
            self.title,
            all.len(),
            self.acknowledged,
            self.lost,
            self.reseeds,
            self.watchers,
        )
    }
}

fn row(name: &str, outages: &[Duration]) -> [String; 5] {
    let mut sorted = outages.to_vec();
    sorted.sort();
    let at = |percent| format!("{} ms", percentile(&sorted, percent).as_millis());
    [
        name.to_owned(),
        sorted.len().to_string(),
        at(50),
        at(95),
        at(100),
    ]
}

/// The smallest that so many of a hundred do not exceed (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[test]
fn percentiles_are_of_the_nearest_rank() {
    let sorted: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
    let at = |percent| percentile(&sorted, percent).as_millis();
    assert_eq!([at(0), at(50), at(95), at(100)], [1, 10, 19, 20]);
    assert_eq!(percentile(&[], 95), Duration::ZERO);
}
