//! What actions do to servers, as a list that two test programs hold their hosts to: the simulator its
//! model, and the lab real servers. Where the two would see different things, one of them is wrong.
//!
//! | part | says |
//! |---|---|
//! | [`cases`] | a state, what is done to it, what must be seen then |
//! | [`steps`] | what is done, as steps of a plan |
//! | [`sight`] | what is seen, from an observation and from what can be read |
//! | `observed.txt` | each host after each case, in a line: the model says it, and real servers must agree |
//!
//! It must know neither the model nor the lab: each program brings the hosts into the states itself.

pub(crate) mod cases;
pub(crate) mod sight;
pub(crate) mod steps;

use hactl::inventory::HostName;

/// The name of a host.
pub(crate) fn name(host: u32) -> HostName {
    format!("db{host}").parse().expect("a host's name")
}

/// Every host.
pub(crate) const HOSTS: [u32; 3] = [1, 2, 3];

/// What must be observed of every host after every case.
pub(crate) const OBSERVED: &str = include_str!("observed.txt");
