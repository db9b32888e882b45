//! All hosts of a cluster at about one moment. It must never be completed by guessing: a host that
//! was not asked is not in it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::facts::{HostView, LoginCheck, OsFacts, Reached};
use crate::inventory::HostName;
use crate::mysql::ServerFacts;

/// What was seen of every host.
///
/// Time is part of the data, so that deciding needs no clock.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// When the last host answered, in seconds since the Unix epoch, by the controller's clock.
    pub taken_at: i64,
    /// One view per host of the inventory.
    pub hosts: BTreeMap<HostName, HostView>,
}

impl Observation {
    /// The view of one host, if it was asked.
    pub fn view(&self, host: &HostName) -> Option<&HostView> {
        self.hosts.get(host)
    }

    /// The facts of a host that could be reached.
    pub fn reached(&self, host: &HostName) -> Option<&Reached> {
        match self.hosts.get(host)? {
            HostView::Reached(reached) => Some(reached),
            HostView::Unreachable(_) => None,
        }
    }

    /// The operating-system facts of a host that could be reached.
    pub fn os(&self, host: &HostName) -> Option<&OsFacts> {
        self.reached(host).map(|reached| &reached.os)
    }

    /// The server's facts, where the server answered.
    pub fn server(&self, host: &HostName) -> Option<&ServerFacts> {
        self.reached(host)?.server.up()
    }

    /// Every server that answered, by host name.
    pub fn servers(&self) -> impl Iterator<Item = (&HostName, &ServerFacts)> {
        self.hosts
            .keys()
            .filter_map(|host| Some((host, self.server(host)?)))
    }

    /// Every host that could be reached, by name.
    pub fn all_reached(&self) -> impl Iterator<Item = (&HostName, &Reached)> {
        self.hosts
            .keys()
            .filter_map(|host| Some((host, self.reached(host)?)))
    }

    /// Adds what came of trying logins, by the host that tried them.
    pub fn add_logins(&mut self, logins: BTreeMap<HostName, Vec<LoginCheck>>) {
        for (host, checks) in logins {
            if let Some(HostView::Reached(reached)) = self.hosts.get_mut(&host) {
                reached.logins.extend(checks);
            }
        }
    }

    /// A copy in which newer views replace the ones they are newer than.
    #[must_use]
    pub fn updated(&self, newer: Self) -> Self {
        let mut hosts = self.hosts.clone();
        hosts.extend(newer.hosts);
        Self {
            taken_at: newer.taken_at,
            hosts,
        }
    }
}
