//! Sets of transactions, as each flavor names them, with one algebra. Positions are a partial order
//! (S6): two servers may each have something the other lacks, and then neither is "ahead". Must
//! never compare by size, by text or across flavors.

mod mariadb;
mod mysql;

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

pub use mariadb::{BinlogState, MariaDbGtid, MariaDbPosition};
pub use mysql::{MySqlGtidSet, SourceId};

use super::Flavor;

/// What a server has executed, received or logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GtidSet {
    /// One GTID per domain: everything up to it.
    MariaDb(MariaDbPosition),
    /// Intervals per source, and per tag since 8.3.
    MySql(MySqlGtidSet),
}

/// Why two sets cannot be combined, or a text is no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GtidError {
    /// The text is no GTID set.
    #[error("`{text}` is not a GTID set of {flavor}: {reason}")]
    Unreadable {
        /// Whose set it should have been.
        flavor: Flavor,
        /// The part that could not be read.
        text: String,
        /// Why.
        reason: &'static str,
    },
    /// Sets of different flavors have nothing to do with each other.
    #[error("a GTID set of {left} cannot be combined with one of {right}")]
    DifferentFlavors {
        /// The flavor on the left.
        left: Flavor,
        /// The flavor on the right.
        right: Flavor,
    },
    /// Two positions end in different transactions of one number: one of the servers diverged.
    #[error("{left} and {right} are different transactions with one number: the servers diverged")]
    Diverged {
        /// The one.
        left: MariaDbGtid,
        /// The other.
        right: MariaDbGtid,
    },
}

impl GtidSet {
    /// The empty set of a flavor.
    pub fn empty(flavor: Flavor) -> Self {
        match flavor {
            Flavor::MariaDb => Self::MariaDb(MariaDbPosition::default()),
            Flavor::MySql => Self::MySql(MySqlGtidSet::default()),
        }
    }

    /// Reads the text that a server of this flavor prints; an empty text is the empty set.
    pub fn parse(flavor: Flavor, text: &str) -> Result<Self, GtidError> {
        match flavor {
            Flavor::MariaDb => text.parse().map(Self::MariaDb),
            Flavor::MySql => text.parse().map(Self::MySql),
        }
    }

    /// Whose set this is.
    pub fn flavor(&self) -> Flavor {
        match self {
            Self::MariaDb(_) => Flavor::MariaDb,
            Self::MySql(_) => Flavor::MySql,
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::MariaDb(position) => position.is_empty(),
            Self::MySql(set) => set.is_empty(),
        }
    }

    /// Whether everything in `other` is in here. Never true across flavors.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::MariaDb(a), Self::MariaDb(b)) => a.contains(b),
            (Self::MySql(a), Self::MySql(b)) => a.contains(b),
            _ => false,
        }
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Result<Self, GtidError> {
        match (self, other) {
            (Self::MariaDb(a), Self::MariaDb(b)) => a.union(b).map(Self::MariaDb),
            (Self::MySql(a), Self::MySql(b)) => Ok(Self::MySql(a.union(b))),
            _ => Err(self.different(other)),
        }
    }

    /// What is in here and not in `other`. For `MariaDB` that is known by domain only: the GTID
    /// that this set ends with, wherever `other` does not reach it.
    pub fn subtract(&self, other: &Self) -> Result<Self, GtidError> {
        match (self, other) {
            (Self::MariaDb(a), Self::MariaDb(b)) => Ok(Self::MariaDb(a.subtract(b))),
            (Self::MySql(a), Self::MySql(b)) => Ok(Self::MySql(a.subtract(b))),
            _ => Err(self.different(other)),
        }
    }

    /// How many transactions are in here and not in `other`, by their numbers: exact for `MySQL`, whose
    /// sets name each; for `MariaDB` no fewer than there are, since a domain's numbers may have gaps
    /// where somebody set them by hand. `None` across flavors. For messages; never to decide who is
    /// ahead (S6).
    pub fn count_beyond(&self, other: &Self) -> Option<u64> {
        match (self, other) {
            (Self::MariaDb(a), Self::MariaDb(b)) => Some(a.count_beyond(b)),
            (Self::MySql(a), Self::MySql(b)) => Some(a.subtract(b).count()),
            _ => None,
        }
    }

    fn different(&self, other: &Self) -> GtidError {
        GtidError::DifferentFlavors {
            left: self.flavor(),
            right: other.flavor(),
        }
    }
}

impl PartialOrd for GtidSet {
    /// By containment; `None` when each has something that the other lacks.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.contains(other), other.contains(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MariaDb(position) => position.fmt(f),
            Self::MySql(set) => set.fmt(f),
        }
    }
}

impl Serialize for GtidSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavors_never_mix() {
        let a = GtidSet::empty(Flavor::MariaDb);
        let b = GtidSet::empty(Flavor::MySql);
        assert_eq!(a.partial_cmp(&b), None);
        assert_ne!(a, b);
        assert_eq!(
            a.union(&b).unwrap_err().to_string(),
            "a GTID set of mariadb cannot be combined with one of mysql"
        );
        assert!(a.subtract(&b).is_err());
    }

    #[test]
    fn what_is_beyond_is_counted() {
        let uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
        let mysql = |intervals: &str| format!("{uuid}:{intervals}");
        let table = [
            (Flavor::MariaDb, "0-1-5".to_owned(), "0-1-5".to_owned(), 0),
            (Flavor::MariaDb, "0-1-5".to_owned(), "0-1-9".to_owned(), 0),
            (Flavor::MariaDb, "0-1-9".to_owned(), "0-2-5".to_owned(), 4),
            (
                Flavor::MariaDb,
                "0-1-9,1-1-3".to_owned(),
                "0-1-8".to_owned(),
                4,
            ),
            // Another transaction of one number: this one is missing there.
            (Flavor::MariaDb, "0-1-5".to_owned(), "0-2-5".to_owned(), 1),
            (Flavor::MariaDb, "0-1-5".to_owned(), String::new(), 5),
            (Flavor::MySql, mysql("1-9"), mysql("1-9"), 0),
            (Flavor::MySql, mysql("1-9"), mysql("1-5:8"), 3),
            (Flavor::MySql, mysql("1-9"), String::new(), 9),
        ];
        for (flavor, here, there, count) in table {
            let parse = |text: &str| GtidSet::parse(flavor, text).unwrap();
            let beyond = parse(&here).count_beyond(&parse(&there));
            assert_eq!(beyond, Some(count), "{here} beyond {there}");
        }
        let (a, b) = (
            GtidSet::empty(Flavor::MariaDb),
            GtidSet::empty(Flavor::MySql),
        );
        assert_eq!(a.count_beyond(&b), None);
    }

    #[test]
    fn order_is_containment() {
        let parse = |text| GtidSet::parse(Flavor::MariaDb, text).unwrap();
        assert!(parse("0-1-5") < parse("0-1-6"));
        assert!(parse("0-1-5,1-1-1") > parse("0-1-5"));
        assert_eq!(parse("0-1-5").partial_cmp(&parse("1-1-5")), None);
        assert!(parse("") < parse("0-1-1"));
    }
}
