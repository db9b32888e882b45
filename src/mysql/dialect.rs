//! A flavor at a version: what a server understands. The answers about hosts, statements, accounts
//! and dumps are methods on [`Dialect`], each in the file of its noun. Must never reach a server
//! itself.

use std::fmt;

use serde::Serialize;

use super::{Flavor, Version};

/// A flavor at a version. Everything that differs between servers is asked of this value, so that
/// no other room needs to know which one it talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Dialect {
    /// The family.
    pub flavor: Flavor,
    /// The release.
    pub version: Version,
}

/// A server that is too old to be administered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flavor} {version} is not supported: {flavor} {oldest} is the oldest that is")]
pub struct TooOld {
    /// The family.
    pub flavor: Flavor,
    /// What was found.
    pub version: Version,
    /// The oldest that will do.
    pub oldest: Version,
}

impl Dialect {
    /// The dialect of a flavor at a version.
    pub const fn new(flavor: Flavor, version: Version) -> Self {
        Self { flavor, version }
    }

    /// The dialect to assume of a server that is not installed yet: the oldest one supported, so
    /// that nothing is used that it may lack. Ask again once it runs.
    pub const fn default_dialect(flavor: Flavor) -> Self {
        Self::new(flavor, Self::oldest_supported(flavor))
    }

    /// The oldest release whose words are known: `MariaDB` 10.5.2 has the split privileges and
    /// `mariadb-dump`; `MySQL` 8.0.26 has the source/replica words everywhere.
    pub const fn oldest_supported(flavor: Flavor) -> Version {
        match flavor {
            Flavor::MariaDb => Version::new(10, 5, 2),
            Flavor::MySql => Version::new(8, 0, 26),
        }
    }

    /// Refuses a server whose words are not known.
    pub fn check_supported(self) -> Result<(), TooOld> {
        let oldest = Self::oldest_supported(self.flavor);
        if self.version >= oldest {
            return Ok(());
        }
        Err(TooOld {
            flavor: self.flavor,
            version: self.version,
            oldest,
        })
    }

    /// Whether this is a `MariaDB` server: for the files of this room only.
    pub(super) const fn is_mariadb(self) -> bool {
        matches!(self.flavor, Flavor::MariaDb)
    }

    /// Whether the release is at least `major.minor.patch`.
    pub(super) fn at_least(self, major: u16, minor: u16, patch: u16) -> bool {
        self.version >= Version::new(major, minor, patch)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.flavor, self.version)
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Dialects that tests speak.
    use super::{Dialect, Flavor, Version};

    pub(crate) const MARIADB_10_5: Dialect = Dialect::new(Flavor::MariaDb, Version::new(10, 5, 23));
    pub(crate) const MARIADB_10_11: Dialect =
        Dialect::new(Flavor::MariaDb, Version::new(10, 11, 18));
    pub(crate) const MARIADB_11_8: Dialect = Dialect::new(Flavor::MariaDb, Version::new(11, 8, 6));
    pub(crate) const MYSQL_8_0: Dialect = Dialect::new(Flavor::MySql, Version::new(8, 0, 36));
    pub(crate) const MYSQL_8_4: Dialect = Dialect::new(Flavor::MySql, Version::new(8, 4, 0));
    pub(crate) const MYSQL_9_7: Dialect = Dialect::new(Flavor::MySql, Version::new(9, 7, 4));

    pub(crate) const ALL: [Dialect; 6] = [
        MARIADB_10_5,
        MARIADB_10_11,
        MARIADB_11_8,
        MYSQL_8_0,
        MYSQL_8_4,
        MYSQL_9_7,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_oldest_that_will_do() {
        let old = Dialect::new(Flavor::MySql, Version::new(5, 7, 44));
        let said = old.check_supported().unwrap_err().to_string();
        assert_eq!(
            said,
            "mysql 5.7.44 is not supported: mysql 8.0.26 is the oldest that is"
        );
        for dialect in samples::ALL {
            assert_eq!(dialect.check_supported(), Ok(()));
        }
    }
}
