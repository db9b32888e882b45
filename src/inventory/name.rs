//! Names of hosts and clusters.
//!
//! They end up in commands, file names and lock names: a name must never hold anything that a shell, a path
//! or an option parser would take as more than a word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name: a DNS label's 63, so that a host's name can be one.
const MAX_LEN: usize = 63;

/// Why a word is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 63 letters, digits, `-`, `.` and `_`, and begins with a letter or a digit"
)]
pub struct InvalidName;

/// What a host is called in the inventory and in every message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// What a cluster is called; it names the folder of its journal and the locks on its servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

fn check(text: &str) -> Result<String, InvalidName> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let made_of = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if begins && made_of && text.len() <= MAX_LEN {
        Ok(text.to_owned())
    } else {
        Err(InvalidName)
    }
}

macro_rules! name {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

name!(HostName);
name!(ClusterName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_harmless_word() {
        for good in ["db1", "1", "db-1.example.com", "DB_1"] {
            assert_eq!(good.parse::<HostName>().unwrap().to_string(), good);
        }
        let long = "x".repeat(64);
        for bad in [
            "",
            "-oProxyCommand",
            ".",
            "..",
            "a b",
            "a/b",
            "a;b",
            "dbä",
            "a\n",
            &long,
        ] {
            assert_eq!(bad.parse::<HostName>(), Err(InvalidName), "{bad:?}");
        }
    }
}
