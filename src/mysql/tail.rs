//! What a stopped server's binary log holds that another server lacks, in numbers and GTIDs. Must never
//! hold what the transactions say: that is people's data.

use std::collections::BTreeMap;
use std::fmt;

/// Transactions by who wrote them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// By domain and server, as the GTIDs begin: `0-1`.
    runs: BTreeMap<String, Run>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: u64,
    last: u64,
    count: u64,
}

impl Tail {
    /// Reads lines as `0-1 15 17 3`: whose, the first number, the last, and how many. `None` where one is
    /// something else: what is not understood must not be taken for nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut runs: BTreeMap<String, Run> = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let [whose, first, last, count] = words.as_slice() else {
                return None;
            };
            let [first, last, count] = [first, last, count].map(|word| word.parse::<u64>());
            let (first, last, count) = (first.ok()?, last.ok()?, count.ok()?);
            runs.entry((*whose).to_owned())
                .and_modify(|run| {
                    run.first = run.first.min(first);
                    run.last = run.last.max(last);
                    run.count = run.count.saturating_add(count);
                })
                .or_insert(Run { first, last, count });
        }
        Some(Self { runs })
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many transactions.
    pub fn count(&self) -> u64 {
        let counts = self.runs.values().map(|run| run.count);
        counts.fold(0, u64::saturating_add)
    }
}

impl fmt::Display for Tail {
    /// `3 transactions (0-1-15 to 0-1-17)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        let plural = if count == 1 { "" } else { "s" };
        let runs = self.runs.iter().map(|(whose, run)| match run {
            Run { first, last, .. } if first == last => format!("{whose}-{first}"),
            Run { first, last, .. } => format!("{whose}-{first} to {whose}-{last}"),
        });
        let named: Vec<_> = runs.collect();
        write!(f, "{count} transaction{plural} ({})", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_counted_and_named_over_all_logs() {
        // The newest log comes first.
        let tail = Tail::parse("0-1 17 17 1\n0-1 15 16 2\n0-2 9 9 1\n").unwrap();
        assert_eq!(tail.to_string(), "4 transactions (0-1-15 to 0-1-17, 0-2-9)");
        let one = Tail::parse("0-1 15 15 1\n").unwrap();
        assert_eq!(one.to_string(), "1 transaction (0-1-15)");
        assert!(Tail::parse("").unwrap().is_empty());
        assert_eq!(Tail::parse("awk: out of memory\n"), None);
        assert_eq!(Tail::parse("0-1 15 fifteen 1\n"), None);
    }
}
