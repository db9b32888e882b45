//! Which Debian a host runs, and so which database server it has. Only words and package names;
//! no effects.

use std::fmt;
use std::str::FromStr;

use crate::LabError;

/// A Debian suite that hosts can be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Debian 11: `MariaDB` 10.5.
    Bullseye,
    /// Debian 12: `MariaDB` 10.11.
    Bookworm,
    /// Debian 13: `MariaDB` 11.8.
    Trixie,
    /// Debian unstable: the only suite that carries `MySQL` (9.7).
    Sid,
}

/// The family of the database server, in the inventory's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flavor {
    /// `MariaDB`.
    MariaDb,
    /// `MySQL`.
    MySql,
}

/// Whether the hosts of a lab come with the database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// Not installed; the packages lie in the host's apt archive, so that an
    /// `apt-get install` needs no download.
    Bare,
    /// Installed as Debian's package leaves it, enabled and running.
    Installed,
}

impl Suite {
    /// Every suite, oldest first.
    pub const ALL: [Self; 4] = [Self::Bullseye, Self::Bookworm, Self::Trixie, Self::Sid];

    /// Debian's name of the suite.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }

    /// The family of the server that this suite carries.
    pub fn flavor(self) -> Flavor {
        match self {
            Self::Bullseye | Self::Bookworm | Self::Trixie => Flavor::MariaDb,
            Self::Sid => Flavor::MySql,
        }
    }
}

impl Flavor {
    /// The inventory's word for it (`server: {flavor: …}`).
    pub fn word(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    /// The Debian package of the server.
    pub fn server_package(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb-server",
            Self::MySql => "mysql-server",
        }
    }

    /// The command-line client.
    pub fn client(self) -> &'static str {
        self.word()
    }

    /// The server's process, as `/proc/PID/comm` has it.
    pub fn process(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadbd",
            Self::MySql => "mysqld",
        }
    }

    /// The systemd unit of the server.
    pub fn unit(self) -> &'static str {
        self.word()
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Suite {
    type Err = LabError;

    fn from_str(word: &str) -> Result<Self, LabError> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.name() == word)
            .ok_or_else(|| LabError::Invalid {
                what: "suite",
                value: word.to_owned(),
                want: "one of bullseye, bookworm, trixie, sid",
            })
    }
}

impl Server {
    /// The word in a lab's own notes.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Installed => "installed",
        }
    }
}

impl FromStr for Server {
    type Err = LabError;

    fn from_str(word: &str) -> Result<Self, LabError> {
        match word {
            "bare" => Ok(Self::Bare),
            "installed" => Ok(Self::Installed),
            _ => Err(LabError::Invalid {
                what: "server",
                value: word.to_owned(),
                want: "bare or installed",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_read_back_from_its_name() {
        for suite in Suite::ALL {
            assert_eq!(suite.name().parse::<Suite>().unwrap(), suite);
        }
    }

    #[test]
    fn an_unknown_suite_is_refused_with_the_known_ones() {
        let error = "buster".parse::<Suite>().unwrap_err().to_string();
        assert!(
            error.contains("buster") && error.contains("bookworm"),
            "{error}"
        );
    }
}
