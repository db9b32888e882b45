//! `MySQL`'s GTID sets: `uuid:intervals`, with tags (`uuid:tag:intervals`) since 8.3. Must never
//! lose an interval or a tag: a set that is read and printed again is the same set.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::GtidError;
use crate::mysql::Flavor;

/// The largest sequence number (`GNO_END - 1` of the server).
const LARGEST: u64 = i64::MAX as u64 - 1;

/// Where a transaction was first written: the server's UUID, and its tag, empty for none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId {
    /// `server_uuid`, in lower case.
    pub uuid: String,
    /// The tag, in lower case; empty for transactions without one.
    pub tag: String,
}

/// A closed interval of sequence numbers.
type Interval = (u64, u64);

/// A set of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MySqlGtidSet {
    /// Sorted, disjoint, not even adjacent, never empty: so that equal sets are equal values.
    intervals: BTreeMap<SourceId, Vec<Interval>>,
}

impl MySqlGtidSet {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// How many transactions are in it. For messages; never to decide who is ahead (S6).
    pub fn count(&self) -> u64 {
        let lengths = self
            .intervals
            .values()
            .flatten()
            .map(|(from, to)| to - from + 1);
        lengths.fold(0, u64::saturating_add)
    }

    /// The sources that have transactions in it.
    pub fn sources(&self) -> impl Iterator<Item = &SourceId> {
        self.intervals.keys()
    }

    /// Whether everything in `other` is in here.
    pub fn contains(&self, other: &Self) -> bool {
        other.subtract(self).is_empty()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.intervals.clone();
        for (source, intervals) in &other.intervals {
            all.entry(source.clone()).or_default().extend(intervals);
        }
        Self::from_loose(all)
    }

    /// What is in here and not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut rest = BTreeMap::new();
        for (source, intervals) in &self.intervals {
            let without = other.intervals.get(source).map_or(&[][..], Vec::as_slice);
            rest.insert(source.clone(), subtract_intervals(intervals, without));
        }
        Self::from_loose(rest)
    }

    /// Brings intervals into their one form.
    fn from_loose(loose: BTreeMap<SourceId, Vec<Interval>>) -> Self {
        let tidy = loose
            .into_iter()
            .map(|(source, intervals)| (source, merge(intervals)));
        Self {
            intervals: tidy
                .filter(|(_, intervals)| !intervals.is_empty())
                .collect(),
        }
    }
}

/// Sorts, and joins what overlaps or touches.
fn merge(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for (from, to) in intervals {
        match merged.last_mut() {
            Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Cuts `without` out of `intervals`; both are merged.
fn subtract_intervals(intervals: &[Interval], without: &[Interval]) -> Vec<Interval> {
    let mut rest = Vec::new();
    for &(start, to) in intervals {
        let mut from = start;
        for &(cut_from, cut_to) in without.iter().filter(|(a, b)| *b >= start && *a <= to) {
            if cut_from > from {
                rest.push((from, cut_from - 1));
            }
            from = from.max(cut_to + 1);
        }
        if from <= to {
            rest.push((from, to));
        }
    }
    rest
}

impl FromStr for MySqlGtidSet {
    type Err = GtidError;

    /// Reads what the server prints. Grammar: *GTID Format and Storage* of the manual: components
    /// after a UUID are intervals, or a tag that holds for the intervals after it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut loose: BTreeMap<SourceId, Vec<Interval>> = BTreeMap::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let mut components = part.split(':').map(str::trim);
            let uuid = read_uuid(components.next().unwrap_or_default())?;
            let mut source = SourceId {
                uuid,
                tag: String::new(),
            };
            let mut pending = true;
            for component in components {
                if component.starts_with(|c: char| c.is_ascii_digit()) {
                    loose
                        .entry(source.clone())
                        .or_default()
                        .push(read_interval(component)?);
                    pending = false;
                } else {
                    source.tag = read_tag(component)?;
                    pending = true;
                }
            }
            if pending {
                return Err(unreadable(part, "an interval is missing"));
            }
        }
        Ok(Self::from_loose(loose))
    }
}

fn unreadable(text: &str, reason: &'static str) -> GtidError {
    GtidError::Unreadable {
        flavor: Flavor::MySql,
        text: text.to_owned(),
        reason,
    }
}

fn read_uuid(text: &str) -> Result<String, GtidError> {
    let groups: Vec<&str> = text.split('-').collect();
    let well_formed = groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|g| g.bytes().all(|b| b.is_ascii_hexdigit()));
    if well_formed {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(unreadable(text, "expected a UUID"))
    }
}

/// A tag: a letter or underscore, then up to 31 letters, digits or underscores; case is ignored.
fn read_tag(text: &str) -> Result<String, GtidError> {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if starts_well && goes_on && text.len() <= 32 {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(unreadable(text, "expected a number, an interval or a tag"))
    }
}

fn read_interval(text: &str) -> Result<Interval, GtidError> {
    let bad = || {
        unreadable(
            text,
            "expected a number from 1 on, or an interval as in 1-42",
        )
    };
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    let (from, to) = (number(from)?, number(to)?);
    if from == 0 || to < from || to > LARGEST {
        Err(bad())
    } else {
        Ok((from, to))
    }
}

impl fmt::Display for MySqlGtidSet {
    /// As the server prints it, but without the line breaks that it puts between UUIDs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uuid_before = None;
        for (source, intervals) in &self.intervals {
            if uuid_before != Some(&source.uuid) {
                let comma = if uuid_before.is_some() { "," } else { "" };
                write!(f, "{comma}{}", source.uuid)?;
                uuid_before = Some(&source.uuid);
            }
            if !source.tag.is_empty() {
                write!(f, ":{}", source.tag)?;
            }
            for (from, to) in intervals {
                if from == to {
                    write!(f, ":{from}")?;
                } else {
                    write!(f, ":{from}-{to}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const A: &str = "cd41674d-e562-11f1-9587-02fc00000001";
    const B: &str = "ffffffff-e562-11f1-9587-02fc00000001";

    /// The same set as plain elements: the model that the algebra is held against.
    type Model = BTreeSet<(u8, u8, u64)>;

    fn model() -> impl Strategy<Value = Model> {
        prop::collection::btree_set((0..2_u8, 0..3_u8, 1..12_u64), 0..20)
    }

    fn set(model: &Model) -> MySqlGtidSet {
        let mut loose: BTreeMap<SourceId, Vec<Interval>> = BTreeMap::new();
        for &(uuid, tag, number) in model {
            let uuid = if uuid == 0 { A } else { B }.to_owned();
            let tag = ["", "blue", "green"][usize::from(tag)].to_owned();
            loose
                .entry(SourceId { uuid, tag })
                .or_default()
                .push((number, number));
        }
        MySqlGtidSet::from_loose(loose)
    }

    proptest! {
        #[test]
        fn the_algebra_is_that_of_sets(a in model(), b in model()) {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.union(&y), set(&(&a | &b)));
            prop_assert_eq!(x.subtract(&y), set(&(&a - &b)));
            prop_assert_eq!(x.contains(&y), a.is_superset(&b));
            prop_assert_eq!(x.is_empty(), a.is_empty());
            prop_assert_eq!(x.count(), a.len() as u64);
        }

        #[test]
        fn display_parses_back(a in model()) {
            let x = set(&a);
            prop_assert_eq!(x.to_string().parse::<MySqlGtidSet>(), Ok(x));
        }
    }

    #[test]
    fn reads_what_servers_print() {
        let text = format!("{A}:1-5:7:blue:1-3:9,\n{}:1", B.to_uppercase());
        let read: MySqlGtidSet = text.parse().unwrap();
        assert_eq!(read.to_string(), format!("{A}:1-5:7:blue:1-3:9,{B}:1"));
        assert_eq!(read.count(), 11);
        assert_eq!(read.sources().count(), 3);
        let touching: MySqlGtidSet = format!("{A}:4-6:1-3").parse().unwrap();
        assert_eq!(touching.to_string(), format!("{A}:1-6"));
    }

    #[test]
    fn refuses_what_is_no_set() {
        let bad = [
            A.to_owned(),
            format!("{A}:"),
            format!("{A}:0"),
            format!("{A}:5-4"),
            format!("{A}:blue"),
            format!("{A}:1-9223372036854775807"),
            format!("{A}:1-x"),
            "0-1-5".to_owned(),
            "cd41674d:1".to_owned(),
        ];
        for text in bad {
            assert!(text.parse::<MySqlGtidSet>().is_err(), "{text}");
        }
    }
}
