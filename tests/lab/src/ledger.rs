//! What a judge's writer was told: which rows are acknowledged, when and by which server. Pure: it
//! compares and counts, and asks nobody. A row whose answer was lost is neither acknowledged nor
//! refused; it may be there or not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// One acknowledged row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// The row's id, never used twice.
    pub id: u64,
    /// When the client had the answer.
    pub at: Instant,
    /// The `server_id` of the server that gave it.
    pub server: u32,
}

/// All that one writer did, from its start to its stop.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// When it began.
    pub begun: Instant,
    /// When it stopped, or when this was copied.
    pub ended: Instant,
    /// In the order of the answers.
    pub acks: Vec<Ack>,
    /// Sent, and not acknowledged: the answer never came, or it was an error.
    pub unknown: BTreeSet<u64>,
    /// How often the client was told each error; lost connections and timeouts too.
    pub errors: BTreeMap<String, u64>,
}

/// What a server holds of what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Acknowledged, and not there: lost.
    pub missing: BTreeSet<u64>,
    /// There, although no writer has ever sent them.
    pub alien: BTreeSet<u64>,
}

impl Ledger {
    /// An empty one that begins now.
    pub(crate) fn begin(now: Instant) -> Self {
        Self {
            begun: now,
            ended: now,
            acks: Vec::new(),
            unknown: BTreeSet::new(),
            errors: BTreeMap::new(),
        }
    }

    /// The longest time without an acknowledgement: how long the service was away as a client sees
    /// it. A writer that was never answered was without for its whole life.
    pub fn outage(&self) -> Duration {
        self.outage_since(self.begun)
    }

    /// The same, of what ended after this moment; the time before it counts for the gap it is in
    /// only from this moment on.
    pub fn outage_since(&self, since: Instant) -> Duration {
        let mut last = since;
        let mut longest = Duration::ZERO;
        let answers = self.acks.iter().map(|ack| ack.at).filter(|at| *at > since);
        for at in answers.chain([self.ended]) {
            longest = longest.max(at.saturating_duration_since(last));
            last = at;
        }
        longest
    }

    /// The servers that answered, one after the other, with how many rows each took in its turn.
    pub fn turns(&self) -> Vec<(u32, usize)> {
        self.acks
            .chunk_by(|one, next| one.server == next.server)
            .filter_map(|turn| turn.first().map(|ack| (ack.server, turn.len())))
            .collect()
    }

    /// Compares the ledgers of all writers with the rows of one server.
    pub fn compare(ledgers: &[Self], rows: &BTreeSet<u64>) -> Holdings {
        let acked = || {
            ledgers
                .iter()
                .flat_map(|ledger| &ledger.acks)
                .map(|ack| ack.id)
        };
        let unknown = || ledgers.iter().flat_map(|ledger| &ledger.unknown).copied();
        let sent: BTreeSet<u64> = acked().chain(unknown()).collect();
        Holdings {
            missing: acked().filter(|id| !rows.contains(id)).collect(),
            alien: rows.difference(&sent).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(begun: Instant, acks: &[(u64, u64, u32)], ended: u64) -> Ledger {
        let after = |millis| begun + Duration::from_millis(millis);
        Ledger {
            ended: after(ended),
            acks: acks
                .iter()
                .map(|&(id, millis, server)| Ack {
                    id,
                    at: after(millis),
                    server,
                })
                .collect(),
            ..Ledger::begin(begun)
        }
    }

    #[test]
    fn the_longest_gap_is_the_outage() {
        let begun = Instant::now();
        let ledger = ledger(
            begun,
            &[(1, 5, 1), (2, 10, 1), (3, 700, 2), (4, 705, 2)],
            710,
        );
        assert_eq!(ledger.outage(), Duration::from_millis(690));
        let fault = begun + Duration::from_millis(100);
        assert_eq!(ledger.outage_since(fault), Duration::from_millis(600));
    }

    #[test]
    fn an_outage_that_has_not_ended_counts() {
        let ledger = ledger(Instant::now(), &[(1, 5, 1)], 3005);
        assert_eq!(ledger.outage(), Duration::from_secs(3));
        assert_eq!(
            Ledger::begin(Instant::now()).outage(),
            Duration::ZERO,
            "one that never lived was never without"
        );
    }

    #[test]
    fn turns_follow_the_servers() {
        let ledger = ledger(
            Instant::now(),
            &[(1, 1, 7), (2, 2, 7), (3, 3, 9), (4, 4, 7)],
            5,
        );
        assert_eq!(ledger.turns(), [(7, 2), (9, 1), (7, 1)]);
    }

    #[test]
    fn a_lost_answer_makes_a_row_neither_missing_nor_alien() {
        let mut one = ledger(Instant::now(), &[(1, 1, 7), (2, 2, 7)], 3);
        one.unknown.insert(3);
        let two = ledger(Instant::now(), &[(10, 1, 8)], 3);
        let got = Ledger::compare(&[one.clone(), two.clone()], &BTreeSet::from([1, 3, 10, 99]));
        assert_eq!(got.missing, BTreeSet::from([2]));
        assert_eq!(got.alien, BTreeSet::from([99]));
        let got = Ledger::compare(&[one, two], &BTreeSet::from([1, 2, 10]));
        assert_eq!(got, Holdings::default());
    }
}
