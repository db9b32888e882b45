//! A server's version, and how to tell flavor and version from what a server says about itself.
//! Must never guess: a text that cannot be read is an error, not an old version.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::Flavor;

/// Asks any server who it is, in words that every flavor and version understands.
pub const IDENTITY_QUERY: &str = "SELECT @@GLOBAL.version AS version, \
     @@GLOBAL.version_comment AS version_comment";

/// A released version: `10.11.18`, `9.7.4`. Orders as releases do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
    /// The third number.
    pub patch: u16,
}

impl Version {
    /// A version from its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A server whose own words do not tell its version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot read a version from `{text}`: expected three numbers as in `10.11.18-MariaDB` or `9.7.4`"
)]
pub struct IdentifyError {
    /// What the server said.
    pub text: String,
}

impl FromStr for Version {
    type Err = IdentifyError;

    /// Reads the leading `major.minor[.patch]`; whatever follows the numbers is ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || IdentifyError {
            text: text.to_owned(),
        };
        let numbers: &str = text
            .split(|c: char| c != '.' && !c.is_ascii_digit())
            .next()
            .unwrap_or("");
        let mut parts = numbers.split('.').map(str::parse::<u16>);
        let mut next = || parts.next().transpose().map_err(|_| unreadable());
        let major = next()?.ok_or_else(unreadable)?;
        let minor = next()?.ok_or_else(unreadable)?;
        let patch = next()?.unwrap_or(0);
        Ok(Self {
            major,
            minor,
            patch,
        })
    }
}

/// Tells flavor and version from `@@version` and `@@version_comment`.
///
/// `MariaDB` before 11.0 prefixes `5.5.5-` in its handshake, for clients that refuse a major
/// version of two digits; the prefix is no version.
pub fn identify(version_text: &str, comment: &str) -> Result<(Flavor, Version), IdentifyError> {
    let lower = format!("{version_text} {comment}").to_ascii_lowercase();
    if lower.contains("mariadb") {
        let own = version_text.strip_prefix("5.5.5-").unwrap_or(version_text);
        return Ok((Flavor::MariaDb, own.parse()?));
    }
    Ok((Flavor::MySql, version_text.parse()?))
}

/// Flavor and version from what the server program prints for `--version`: `mysqld  Ver 9.7.4-2 for
/// Linux on x86_64 ((Debian))`. The program's path comes first and may hold digits of its own.
pub fn identify_program(line: &str) -> Result<(Flavor, Version), IdentifyError> {
    let unreadable = || IdentifyError {
        text: line.to_owned(),
    };
    let (_, version) = line.split_once(" Ver ").ok_or_else(unreadable)?;
    identify(version.trim_start(), "").map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_real_servers_say() {
        let cases = [
            (
                "10.11.18-MariaDB-0+deb12u1-log",
                "Debian 12",
                Flavor::MariaDb,
                (10, 11, 18),
            ),
            ("5.5.5-10.11.6-MariaDB", "", Flavor::MariaDb, (10, 11, 6)),
            (
                "11.8.6-MariaDB-0+deb13u1 from Debian",
                "-- Please help",
                Flavor::MariaDb,
                (11, 8, 6),
            ),
            (
                "10.5.23-log",
                "mariadb.org binary distribution",
                Flavor::MariaDb,
                (10, 5, 23),
            ),
            ("9.7.4-2", "(Debian)", Flavor::MySql, (9, 7, 4)),
            (
                "8.0.36-28",
                "Percona Server (GPL), Release 28",
                Flavor::MySql,
                (8, 0, 36),
            ),
            (
                "8.4.0",
                "MySQL Community Server - GPL",
                Flavor::MySql,
                (8, 4, 0),
            ),
        ];
        for (text, comment, flavor, (major, minor, patch)) in cases {
            let expected = Ok((flavor, Version::new(major, minor, patch)));
            assert_eq!(identify(text, comment), expected, "{text}");
        }
    }

    #[test]
    fn reads_what_server_programs_print() {
        let cases = [
            (
                "/usr/sbin/mariadbd  Ver 10.11.18-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)",
                Flavor::MariaDb,
                (10, 11, 18),
            ),
            (
                "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))",
                Flavor::MySql,
                (9, 7, 4),
            ),
            (
                "/opt/mysql-5.7/bin/mysqld  Ver 8.4.0 for Linux on x86_64 (MySQL Community Server - GPL)",
                Flavor::MySql,
                (8, 4, 0),
            ),
        ];
        for (line, flavor, (major, minor, patch)) in cases {
            let expected = Ok((flavor, Version::new(major, minor, patch)));
            assert_eq!(identify_program(line), expected, "{line}");
        }
        for line in ["", "mysqld", "mysqld Ver", "mysqld  Ver x"] {
            assert!(identify_program(line).is_err(), "{line}");
        }
    }

    #[test]
    fn refuses_to_guess() {
        for text in ["", "MariaDB", "x9.7.4", "9", "9.", "99999999.1.1"] {
            assert!(identify(text, "").is_err(), "{text}");
        }
    }

    #[test]
    fn orders_by_number() {
        assert!(Version::new(10, 5, 9) < Version::new(10, 11, 1));
        assert!(Version::new(8, 0, 36) < Version::new(8, 4, 0));
    }
}
