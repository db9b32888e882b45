//! What a failover says it loses, over what is known of the dead primary: proven to be nothing, a number,
//! or that nobody can tell. Each row that promises less than the one above lacks what that rests on.

use super::*;
use crate::mysql::Switch;
use crate::plan::{Action, DataLoss};

/// What ends a salvage, in a run.
type Salvaged = fn() -> Outcome;

fn counted() -> Outcome {
    Outcome::Partial {
        error: "duplicate entry".to_owned(),
        hint: None,
        missing: 7,
    }
}

struct Row {
    what: &'static str,
    durability: &'static str,
    death: Death,
    known: Option<fn(Flavor) -> Memory>,
    /// Up to where the replicas have everything.
    have: u32,
    salvaged: Salvaged,
    /// The extent that is foreseen, and the one at the end.
    said: [&'static str; 2],
    /// A word of the reason at the end.
    because: &'static str,
}

const BOTH_ACKED: fn(Flavor) -> Memory = |flavor| memory(flavor, &["db2", "db3"]);
const NOTHING: &str = "nothing that was acknowledged";

fn no_semi_sync(flavor: Flavor) -> Memory {
    let mut memory = memory(flavor, &[]);
    memory.semi_sync.source_active = Some(Switch::Off);
    memory
}

const LOSSLESS: &str = "durability: lossless\n";
const AVAILABLE: &str = "durability: available\n";

const TABLE: &[Row] = &[
    Row {
        what: "its log is applied",
        durability: AVAILABLE,
        death: Death::Crash,
        known: None,
        have: 100,
        salvaged: || Outcome::Changed,
        said: [NOTHING, NOTHING],
        because: "all that db1's binary log has beyond db2 was applied there",
    },
    Row {
        what: "its log is read, and could not be applied",
        durability: AVAILABLE,
        death: Death::Crash,
        known: None,
        have: 100,
        salvaged: counted,
        said: [NOTHING, "at most 7 transactions"],
        because: "counted in db1's binary log",
    },
    Row {
        what: "its log could neither be applied nor counted",
        durability: AVAILABLE,
        death: Death::Crash,
        known: None,
        have: 100,
        salvaged: fails,
        said: [NOTHING, "unknown"],
        because: "nobody watched db1",
    },
    Row {
        what: "the same, and it was watched",
        durability: AVAILABLE,
        death: Death::Crash,
        known: Some(no_semi_sync),
        have: 97,
        salvaged: fails,
        said: [NOTHING, "at least 3 transactions, unknown how many more"],
        because: "semi-sync was not active when db1 last answered, 740 ms before the decision",
    },
    Row {
        what: "every commit waited for one that is seen, whatever became of its log",
        durability: LOSSLESS,
        death: Death::Crash,
        known: Some(BOTH_ACKED),
        have: 97,
        salvaged: counted,
        said: [NOTHING, NOTHING],
        because: "semi-sync was active when db1 last answered, 740 ms before",
    },
    Row {
        what: "the same, and nothing answers",
        durability: LOSSLESS,
        death: Death::Power,
        known: Some(BOTH_ACKED),
        have: 100,
        salvaged: fails,
        said: [NOTHING, NOTHING],
        because: "with 2 replicas: what was acknowledged is on one that is seen",
    },
    Row {
        what: "semi-sync had fallen back",
        durability: LOSSLESS,
        death: Death::Power,
        known: Some(no_semi_sync),
        have: 100,
        salvaged: fails,
        said: ["unknown", "unknown"],
        because: "semi-sync was not active",
    },
    Row {
        what: "nobody watched",
        durability: LOSSLESS,
        death: Death::Power,
        known: None,
        have: 100,
        salvaged: fails,
        said: ["unknown", "unknown"],
        because: "nobody watched db1 before it failed",
    },
    Row {
        what: "all that was seen is there, what came after may not be",
        durability: AVAILABLE,
        death: Death::Power,
        known: Some(BOTH_ACKED),
        have: 100,
        salvaged: fails,
        said: ["unknown", "unknown"],
        because: "all that it was seen to have",
    },
    Row {
        what: "some of what was seen is missing",
        durability: AVAILABLE,
        death: Death::Power,
        known: Some(BOTH_ACKED),
        have: 60,
        salvaged: fails,
        said: [
            "at least 40 transactions, unknown how many more",
            "at least 40 transactions, unknown how many more",
        ],
        because: "what it still commits is lost",
    },
];

/// The replicas have so much and no more.
fn behind(seen: &mut Observation, last: u32) {
    for host in ["db2", "db3"] {
        received(seen, host, last);
        applied(seen, host, last);
    }
}

#[test]
fn the_loss_is_a_number_where_it_is_known_and_nothing_only_where_that_is_proven() {
    for flavor in BOTH {
        for row in TABLE {
            let cluster = fixture::cluster_with(flavor, 3, row.durability);
            let mut seen = dead(&cluster, row.death);
            behind(&mut seen, row.have);
            let known = row.known.map(|known| known(flavor));
            let case = case(&[Harm::Unfenced], known);
            let mut failover = Failover::of(&cluster, &seen, case).expect(row.what);
            let foreseen = failover.loss().clone();
            let salvage = |step: &Step| match &step.action {
                Action::Salvage { .. } => (row.salvaged)(),
                _ => Outcome::Changed,
            };
            run(&cluster, &mut failover, &mut seen, &salvage).expect(row.what);
            let loss = failover.heading().loss.expect(row.what);
            let said = [foreseen.extent(), loss.extent()];
            assert_eq!(said, row.said, "{flavor}, {}: {loss}", row.what);
            assert!(loss.because().contains(row.because), "{}: {loss}", row.what);
        }
    }
}

/// A server that was permitted to go on may be acknowledged to by whoever was cut off with it.
#[test]
fn beside_a_primary_that_is_not_fenced_nothing_is_proven() {
    for flavor in BOTH {
        let cluster = fixture::cluster_with(flavor, 3, LOSSLESS);
        let mut seen = dead(&cluster, Death::Power);
        lose(&mut seen, "db3");
        let known = Some(memory(flavor, &["db2"]));
        let harms = [Harm::Unfenced, Harm::Uncovered];
        let failover = Failover::of(&cluster, &seen, case(&harms, known)).expect("a failover");
        let loss = failover.loss();
        assert!(
            matches!(loss, DataLoss::Unknown { at_least: 0, .. }),
            "{loss}"
        );
        assert!(loss.because().contains("db1 is not fenced"), "{loss}");
    }
}

/// What an earlier run could save is not known to this one.
#[test]
fn a_promotion_that_an_earlier_run_began_promises_nothing() {
    for flavor in BOTH {
        let cluster = fixture::cluster_with(flavor, 3, AVAILABLE);
        let mut seen = dead(&cluster, Death::Crash);
        proven(&mut seen, "db2");
        let failover = begin(&cluster, &seen, &[]).expect("a failover");
        let loss = failover.loss();
        assert!(matches!(loss, DataLoss::Unknown { .. }), "{loss}");
        assert!(
            loss.because().contains("an earlier run promoted db2"),
            "{loss}"
        );
    }
}
