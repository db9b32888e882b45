//! The name of a binary-log or relay-log file. Must never be compared as text: after
//! `binlog.999999` comes `binlog.1000000`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A log file's name: `binlog.000042`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BinlogName {
    base: String,
    number: u64,
    text: String,
}

impl BinlogName {
    /// The part before the last dot: a server's logs all share it.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The running number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The name as the server wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text that is no log file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the name of a binary log: expected a number after the last dot, as in `binlog.000042`"
)]
pub struct BadBinlogName(pub String);

impl FromStr for BinlogName {
    type Err = BadBinlogName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadBinlogName(text.to_owned());
        let (base, digits) = text.rsplit_once('.').ok_or_else(bad)?;
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        let number = digits.parse().map_err(|_| bad())?;
        Ok(Self {
            base: base.to_owned(),
            number,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for BinlogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for BinlogName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl PartialOrd for BinlogName {
    /// Logs of different base names have no order: they belong to different servers or settings.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self.base != other.base {
            return None;
        }
        match self.number.cmp(&other.number) {
            // `binlog.42` and `binlog.000042` are different files of one number.
            Ordering::Equal if self.text != other.text => None,
            order => Some(order),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> BinlogName {
        text.parse().unwrap()
    }

    #[test]
    fn compares_by_number() {
        assert!(name("binlog.999999") < name("binlog.1000000"));
        assert!(
            "binlog.999999" > "binlog.1000000",
            "as text it is the other way round"
        );
        assert!(name("db-1.example.000009") < name("db-1.example.000010"));
        assert_eq!(name("a.000001").partial_cmp(&name("b.000002")), None);
        assert_eq!(name("a.1").partial_cmp(&name("a.01")), None);
    }

    #[test]
    fn refuses_what_is_no_log() {
        for text in [
            "",
            "binlog",
            "binlog.",
            "binlog.index",
            "binlog.-1",
            "binlog.+1",
        ] {
            assert!(text.parse::<BinlogName>().is_err(), "{text}");
        }
    }
}
