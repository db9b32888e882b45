//! `MariaDB`'s GTIDs: `domain-server-sequence`. A *position* names one GTID per domain and means
//! everything up to it; a *binlog state* names the last one of each server in each domain, and so
//! can tell more. Must never take an equal sequence number of another server for the same
//! transaction.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::GtidError;
use crate::mysql::Flavor;

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MariaDbGtid {
    /// The replication domain; 0 unless set otherwise.
    pub domain: u32,
    /// The `server_id` of the server that the transaction was first written on.
    pub server_id: u32,
    /// The running number within the domain.
    pub sequence: u64,
}

impl fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server_id, self.sequence)
    }
}

fn unreadable(text: &str, reason: &'static str) -> GtidError {
    GtidError::Unreadable {
        flavor: Flavor::MariaDb,
        text: text.to_owned(),
        reason,
    }
}

impl FromStr for MariaDbGtid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || unreadable(text, "expected domain-server-sequence, as in 0-1-42");
        let parts: Vec<&str> = text.split('-').collect();
        let [domain, server_id, sequence] = parts.as_slice() else {
            return Err(bad());
        };
        Ok(Self {
            domain: domain.parse().map_err(|_| bad())?,
            server_id: server_id.parse().map_err(|_| bad())?,
            sequence: sequence.parse().map_err(|_| bad())?,
        })
    }
}

/// Reads a comma-separated list; the server prints no spaces, people do.
fn gtids(text: &str) -> impl Iterator<Item = Result<MariaDbGtid, GtidError>> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::parse)
}

/// A position: `gtid_slave_pos`, `gtid_binlog_pos`, `gtid_current_pos`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MariaDbPosition {
    /// The last GTID of each domain.
    last: BTreeMap<u32, MariaDbGtid>,
}

impl MariaDbPosition {
    /// Whether no domain is in it.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// The last GTID of each domain, by domain.
    pub fn gtids(&self) -> impl Iterator<Item = MariaDbGtid> {
        self.last.values().copied()
    }

    /// Whether `gtid` is before this position, or is it. That a *different* transaction holds the
    /// same number is a no; that the history below the position is the same is assumed, as the
    /// server assumes it (a [`BinlogState`] can tell).
    fn reaches(&self, gtid: MariaDbGtid) -> bool {
        self.last
            .get(&gtid.domain)
            .is_some_and(|last| match last.sequence.cmp(&gtid.sequence) {
                Ordering::Greater => true,
                Ordering::Equal => last.server_id == gtid.server_id,
                Ordering::Less => false,
            })
    }

    /// Whether this position is at or behind `other` in no domain.
    pub fn contains(&self, other: &Self) -> bool {
        other.gtids().all(|gtid| self.reaches(gtid))
    }

    /// The further of both in each domain.
    pub fn union(&self, other: &Self) -> Result<Self, GtidError> {
        let mut last = self.last.clone();
        for right in other.gtids() {
            let Some(left) = last.get(&right.domain).copied() else {
                last.insert(right.domain, right);
                continue;
            };
            match left.sequence.cmp(&right.sequence) {
                Ordering::Less => {
                    last.insert(right.domain, right);
                }
                Ordering::Equal if left != right => {
                    return Err(GtidError::Diverged { left, right });
                }
                Ordering::Equal | Ordering::Greater => {}
            }
        }
        Ok(Self { last })
    }

    /// The domains in which `other` does not reach this position.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let beyond = self.last.iter().filter(|(_, gtid)| !other.reaches(**gtid));
        Self {
            last: beyond.map(|(domain, gtid)| (*domain, *gtid)).collect(),
        }
    }

    /// How many numbers are between `other` and this position, over all domains.
    pub fn count_beyond(&self, other: &Self) -> u64 {
        let beyond = self.subtract(other);
        let behind = |gtid: MariaDbGtid| {
            let last = other.last.get(&gtid.domain).map_or(0, |last| last.sequence);
            // Of one number and not the same: one at least.
            gtid.sequence.saturating_sub(last).max(1)
        };
        beyond.gtids().map(behind).fold(0, u64::saturating_add)
    }
}

impl FromStr for MariaDbPosition {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut last = BTreeMap::new();
        for gtid in gtids(text) {
            let gtid = gtid?;
            if last.insert(gtid.domain, gtid).is_some() {
                return Err(unreadable(text, "a position names each domain once"));
            }
        }
        Ok(Self { last })
    }
}

impl fmt::Display for MariaDbPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, self.gtids())
    }
}

/// `gtid_binlog_state`: the last GTID of each server in each domain of a binary log. The log may
/// have been purged since; the state still knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BinlogState {
    last: BTreeMap<(u32, u32), u64>,
}

impl BinlogState {
    /// Whether nothing was ever logged.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Each server's last GTID in each domain.
    pub fn gtids(&self) -> impl Iterator<Item = MariaDbGtid> {
        self.last
            .iter()
            .map(|(&(domain, server_id), &sequence)| MariaDbGtid {
                domain,
                server_id,
                sequence,
            })
    }

    /// What this log has that `other` lacks, judged by each server's last GTID: the candidates for
    /// errant transactions when this is a replica's log and `other` its source's, read *after* it.
    /// A transaction that arrived by a dump is in neither log and cannot be judged.
    pub fn beyond(&self, other: &Self) -> Vec<MariaDbGtid> {
        let reached = |gtid: &MariaDbGtid| {
            other
                .last
                .get(&(gtid.domain, gtid.server_id))
                .is_some_and(|s| *s >= gtid.sequence)
        };
        self.gtids().filter(|gtid| !reached(gtid)).collect()
    }
}

impl FromStr for BinlogState {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut last = BTreeMap::new();
        for gtid in gtids(text) {
            let gtid = gtid?;
            if last
                .insert((gtid.domain, gtid.server_id), gtid.sequence)
                .is_some()
            {
                return Err(unreadable(
                    text,
                    "a state names each server of a domain once",
                ));
            }
        }
        Ok(Self { last })
    }
}

impl fmt::Display for BinlogState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, self.gtids())
    }
}

impl serde::Serialize for BinlogState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, gtids: impl Iterator<Item = MariaDbGtid>) -> fmt::Result {
    for (nth, gtid) in gtids.enumerate() {
        if nth > 0 {
            f.write_str(",")?;
        }
        write!(f, "{gtid}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few domains, servers and numbers, so that sets meet.
    fn position() -> impl Strategy<Value = MariaDbPosition> {
        prop::collection::btree_map(0..3_u32, (1..3_u32, 1..5_u64), 0..3).prop_map(|domains| {
            let last = domains.into_iter().map(|(domain, (server_id, sequence))| {
                (
                    domain,
                    MariaDbGtid {
                        domain,
                        server_id,
                        sequence,
                    },
                )
            });
            MariaDbPosition {
                last: last.collect(),
            }
        })
    }

    proptest! {
        #[test]
        fn display_parses_back(a in position()) {
            prop_assert_eq!(a.to_string().parse::<MariaDbPosition>(), Ok(a));
        }

        #[test]
        fn containment_is_a_partial_order(a in position(), b in position(), c in position()) {
            prop_assert!(a.contains(&a));
            prop_assert!(!(a.contains(&b) && b.contains(&a)) || a == b);
            prop_assert!(!(a.contains(&b) && b.contains(&c)) || a.contains(&c));
        }

        #[test]
        fn union_is_the_least_upper_bound(a in position(), b in position(), c in position()) {
            let Ok(union) = a.union(&b) else {
                // Then no position can contain both: they hold different transactions of one
                // number.
                prop_assert!(a.gtids().any(|x| b.gtids().any(|y| x != y
                    && (x.domain, x.sequence) == (y.domain, y.sequence))));
                return Ok(());
            };
            prop_assert!(union.contains(&a) && union.contains(&b));
            prop_assert!(!(c.contains(&a) && c.contains(&b)) || c.contains(&union));
            prop_assert_eq!(b.union(&a), Ok(union));
        }

        #[test]
        fn subtract_is_empty_exactly_when_contained(a in position(), b in position()) {
            let rest = a.subtract(&b);
            prop_assert_eq!(rest.is_empty(), b.contains(&a));
            prop_assert!(a.contains(&rest));
        }
    }

    #[test]
    fn one_number_of_two_servers_is_two_transactions() {
        let a: MariaDbPosition = "0-1-5".parse().unwrap();
        let b: MariaDbPosition = "0-2-5".parse().unwrap();
        assert!(!a.contains(&b) && !b.contains(&a));
        let said = a.union(&b).unwrap_err().to_string();
        assert_eq!(
            said,
            "0-1-5 and 0-2-5 are different transactions with one number: the servers diverged"
        );
    }

    #[test]
    fn a_state_finds_the_errant_transaction() {
        let source: BinlogState = "0-1-9,0-2-4".parse().unwrap();
        let replica: BinlogState = "0-1-9,0-3-10".parse().unwrap();
        let errant = replica.beyond(&source);
        assert_eq!(errant, ["0-3-10".parse().unwrap()]);
        assert!(
            "0-1-8"
                .parse::<BinlogState>()
                .unwrap()
                .beyond(&source)
                .is_empty()
        );
    }

    #[test]
    fn refuses_what_is_no_position() {
        for text in [
            "0-1",
            "0-1-2-3",
            "a-1-2",
            "0-1-5,0-2-6",
            "0--1-5",
            "uuid:1-5",
        ] {
            assert!(text.parse::<MariaDbPosition>().is_err(), "{text}");
        }
        assert!("0-1-5,0-2-6".parse::<BinlogState>().is_ok());
    }
}
