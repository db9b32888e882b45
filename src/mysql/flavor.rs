//! Which family a server belongs to: the one word that inventories use and that everything else is
//! derived from. Must never carry a version; see [`super::Dialect`] for that.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The family of a server. Percona Server counts as MySQL: it speaks the same dialect.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// MariaDB.
    MariaDb,
    /// MySQL and its builds.
    MySql,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        })
    }
}

/// A word that names no flavor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown flavor `{0}`: write `mariadb` or `mysql`")]
pub struct UnknownFlavor(pub String);

impl FromStr for Flavor {
    type Err = UnknownFlavor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "mariadb" => Ok(Self::MariaDb),
            "mysql" => Ok(Self::MySql),
            other => Err(UnknownFlavor(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_from_str_agree_with_serde() {
        for flavor in [Flavor::MariaDb, Flavor::MySql] {
            let word = flavor.to_string();
            assert_eq!(word.parse::<Flavor>(), Ok(flavor));
            assert_eq!(
                serde_json::to_string(&flavor).unwrap(),
                format!("\"{word}\"")
            );
        }
        assert!(
            "percona"
                .parse::<Flavor>()
                .unwrap_err()
                .to_string()
                .contains("`percona`")
        );
    }
}
