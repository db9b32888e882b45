//! What installs packages on a machine. It is what the machine has, never what its name suggests alone.

use serde::Serialize;

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// Debian's and Ubuntu's.
    Apt,
    /// Fedora's, and that of Red Hat Enterprise Linux and its relatives from 8 on.
    Dnf,
    /// The same of 7 and before.
    Yum,
    /// None of these: nothing can be installed there, nor told to be.
    Unknown,
}

impl PackageManager {
    /// Those that hactl knows, for a person.
    pub const KNOWN: &str = "apt, dnf and yum";

    /// By its program.
    pub fn of_program(program: &str) -> Self {
        match program {
            "apt-get" => Self::Apt,
            "dnf" => Self::Dnf,
            "yum" => Self::Yum,
            _ => Self::Unknown,
        }
    }

    /// Whether a server that it installs is started and enabled at once: Debian's packages do both, those
    /// for rpm neither.
    pub fn starts_servers(self) -> bool {
        self == Self::Apt
    }
}
