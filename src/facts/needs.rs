//! What a host should be asked about: the packages, files and units that a playbook names. One script
//! per host answers all of it in one round trip.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The questions that a probe of one host must answer beside the standing ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Packages: installed version and candidate.
    pub packages: BTreeSet<String>,
    /// Files: owner, mode and content.
    pub files: BTreeSet<String>,
    /// Paths: what is there, whose, with which mode; the content is not read.
    pub paths: BTreeSet<String>,
    /// Parameters of the kernel, by name.
    pub sysctls: BTreeSet<String>,
    /// TCP ports of the host: whether anything listens.
    pub ports: BTreeSet<u16>,
    /// systemd units: running, enabled.
    pub units: BTreeSet<String>,
    /// By unit: its configuration file, and a file that it makes anew at each start. The first being
    /// the newer one, the unit runs with an older configuration.
    pub configurations: BTreeMap<String, (String, String)>,
    /// What only a whole check asks, of the machine and of its server.
    pub inspection: Option<Inspection>,
}

/// The questions of [`crate::facts::Inspected`], and how the server's settings came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Folders whose disks count.
    pub folders: BTreeSet<String>,
    /// The writer VIP and the interface on which others are asked about it.
    pub vip: Option<(Ipv4Addr, String)>,
}

impl Needs {
    /// Adds the questions of another.
    pub fn extend(&mut self, other: Self) {
        self.packages.extend(other.packages);
        self.files.extend(other.files);
        self.paths.extend(other.paths);
        self.sysctls.extend(other.sysctls);
        self.ports.extend(other.ports);
        self.units.extend(other.units);
        self.configurations.extend(other.configurations);
        if let Some(other) = other.inspection {
            let inspection = self.inspection.get_or_insert_default();
            inspection.folders.extend(other.folders);
            inspection.vip = inspection.vip.take().or(other.vip);
        }
    }
}
