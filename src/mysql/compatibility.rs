//! Whether a server can replicate from another, as far as their versions tell: what their makers support,
//! not what may go well for a while. Must never call wrong what the manuals do not.

use std::fmt;

use super::{Dialect, Flavor, Version};

/// The `MySQL` series that none may be left out between a source and its replica: the last of each line of
/// innovation releases, and those before there were such lines. A replica is of the source's series, of a
/// later one up to the next of these, or of that one (`MySQL` 9.7 manual, "Replication Compatibility
/// Between `MySQL` Versions" and "Upgrade Paths"). After 9.7 releases are numbered by date, and which of
/// them is the next of these is not known: nothing is said of two of them.
const STEPS: [Series; 6] = [
    Series::new(5, 5),
    Series::new(5, 6),
    Series::new(5, 7),
    Series::new(8, 0),
    Series::new(8, 4),
    Series::new(9, 7),
];

/// The first release of `MySQL` 8.0 that only repairs; those before it brought features, too.
const SETTLED_8_0: Version = Version::new(8, 0, 34);

/// Releases that differ by repairs only, as a rule: `10.11`, `8.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    major: u16,
    minor: u16,
}

impl Series {
    /// A series from its two numbers.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a replica of one version makes of a source of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// It is of the same series, or of a later one that is supported behind it.
    Supported,
    /// It is older, and may not understand what a newer source writes. Within a series of repairs the order
    /// does not matter.
    ReplicaOlder,
    /// It is newer by more than one step, and this series lies between.
    StepLeftOut(Series),
    /// Versions of two flavors cannot be compared.
    OtherFlavor,
}

impl Dialect {
    /// How a server of this dialect does as a replica of one of another.
    ///
    /// `MariaDB` supports any newer replica; an older one may know neither the events nor the collations of
    /// its source (from 11.8 on, its default collation is one that 10.6 does not have).
    pub fn behind(self, source: Self) -> Compatibility {
        if self.flavor != source.flavor {
            return Compatibility::OtherFlavor;
        }
        let (own, its) = (self.series(), source.series());
        if own < its || (own == its && self.misses_features_of(source)) {
            return Compatibility::ReplicaOlder;
        }
        let left_out = STEPS
            .into_iter()
            .find(|step| self.flavor == Flavor::MySql && its < *step && *step < own);
        left_out.map_or(Compatibility::Supported, Compatibility::StepLeftOut)
    }

    fn series(self) -> Series {
        Series::new(self.version.major, self.version.minor)
    }

    /// Whether the other, of the same series, may have features that this one has not.
    fn misses_features_of(self, other: Self) -> bool {
        self.flavor == Flavor::MySql
            && self.series() == Series::new(8, 0)
            && self.version < SETTLED_8_0
            && self.version < other.version
    }
}

#[cfg(test)]
mod tests {
    use Compatibility::{OtherFlavor, ReplicaOlder, StepLeftOut, Supported};

    use super::*;

    fn dialect(flavor: Flavor, version: &str) -> Dialect {
        Dialect::new(flavor, version.parse().unwrap())
    }

    const fn step(major: u16, minor: u16) -> Compatibility {
        StepLeftOut(Series::new(major, minor))
    }

    #[test]
    fn mysql_replicates_to_the_next_step_and_what_lies_before_it() {
        let rows = [
            // Source, replica.
            ("8.4.0", "8.4.0", Supported),
            ("8.4.9", "8.4.0", Supported),
            ("8.4.0", "8.4.9", Supported),
            ("9.7.4", "9.7.0", Supported),
            ("8.0.36", "8.4.0", Supported),
            ("8.0.34", "8.3.0", Supported),
            ("8.1.0", "8.3.0", Supported),
            ("8.3.0", "8.4.0", Supported),
            ("8.4.0", "9.0.0", Supported),
            ("8.4.3", "9.7.4", Supported),
            ("9.0.1", "9.7.0", Supported),
            ("9.7.0", "26.7.0", Supported),
            ("9.7.0", "26.10.1", Supported),
            ("5.7.44", "8.0.36", Supported),
            // A series of repairs is left out.
            ("5.7.44", "8.4.0", step(8, 0)),
            ("5.7.44", "8.1.0", step(8, 0)),
            ("8.0.36", "9.0.0", step(8, 4)),
            ("8.0.36", "9.7.4", step(8, 4)),
            ("8.3.0", "9.0.0", step(8, 4)),
            ("8.4.0", "26.7.0", step(9, 7)),
            ("9.6.0", "26.7.0", step(9, 7)),
            // Nobody knows yet which of these are steps.
            ("26.7.0", "29.1.0", Supported),
            // Never to an older one.
            ("8.4.0", "8.0.36", ReplicaOlder),
            ("9.7.4", "8.4.9", ReplicaOlder),
            ("9.7.0", "9.6.0", ReplicaOlder),
            ("26.7.0", "9.7.4", ReplicaOlder),
            ("26.10.0", "26.7.0", ReplicaOlder),
            // 8.0 grew until 8.0.34.
            ("8.0.36", "8.0.28", ReplicaOlder),
            ("8.0.34", "8.0.33", ReplicaOlder),
            ("8.0.33", "8.0.32", ReplicaOlder),
            ("8.0.28", "8.0.36", Supported),
            ("8.0.42", "8.0.34", Supported),
            ("8.0.28", "8.0.28", Supported),
        ];
        for (source, replica, expected) in rows {
            let [source, replica] = [source, replica].map(|text| dialect(Flavor::MySql, text));
            assert_eq!(replica.behind(source), expected, "{source} -> {replica}");
        }
    }

    #[test]
    fn mariadb_replicates_to_the_same_series_and_any_later_one() {
        let rows = [
            ("10.11.18", "10.11.6", Supported),
            ("10.11.6", "10.11.18", Supported),
            ("10.5.23", "11.8.6", Supported),
            ("10.11.18", "11.8.6", Supported),
            ("11.8.6", "12.3.1", Supported),
            ("11.8.6", "10.11.18", ReplicaOlder),
            ("10.11.6", "10.5.23", ReplicaOlder),
            ("12.0.2", "11.8.6", ReplicaOlder),
        ];
        for (source, replica, expected) in rows {
            let [source, replica] = [source, replica].map(|text| dialect(Flavor::MariaDb, text));
            assert_eq!(replica.behind(source), expected, "{source} -> {replica}");
        }
    }

    #[test]
    fn two_flavors_are_not_compared() {
        let (mariadb, mysql) = (
            dialect(Flavor::MariaDb, "10.11.18"),
            dialect(Flavor::MySql, "8.4.0"),
        );
        assert_eq!(mariadb.behind(mysql), OtherFlavor);
        assert_eq!(mysql.behind(mariadb), OtherFlavor);
    }
}
