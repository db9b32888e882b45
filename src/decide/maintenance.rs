//! Who is in maintenance, by what hactl left on the hosts. It concerns automatons only: a person who runs
//! a command by hand has decided. It must never be read off one host alone, since any of them can be
//! away when the mark is set.

use std::collections::BTreeMap;

use crate::facts::{Mark, Observation};
use crate::inventory::HostName;

/// The maintenance marks of a cluster, gathered from all hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// The whole cluster is left alone.
    pub whole: Option<Mark>,
    /// These hosts are left alone.
    pub hosts: BTreeMap<HostName, Mark>,
}

impl Maintenance {
    /// Gathers the marks.
    pub fn of(seen: &Observation) -> Self {
        let mut found = Self::default();
        for (_, reached) in seen.all_reached() {
            let Some(mark) = &reached.os.marks.maintenance else {
                continue;
            };
            match &mark.host {
                None => found.whole = Some(mark.clone()),
                Some(host) => {
                    found.hosts.insert(host.clone(), mark.clone());
                }
            }
        }
        found
    }

    /// The mark that covers a host.
    pub fn of_host(&self, host: &HostName) -> Option<&Mark> {
        self.whole.as_ref().or_else(|| self.hosts.get(host))
    }
}
