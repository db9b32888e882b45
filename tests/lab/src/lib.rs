//! Real hosts on one machine: systemd, sshd, apt, database servers, and the faults that befall
//! them.
//!
//! A [`Lab`] is a bridge with a subnet of its own and a handful of [`Host`]s on it. A host is an
//! overlay on a cached Debian [`Image`], a network namespace with one cable to the bridge, and a
//! `systemd-nspawn` that boots it. Nothing in the host knows that it is not metal: `systemctl`,
//! `apt-get`, `ip addr add`, `arping` and `reboot` work.
//!
//! What this crate must never do: install anything on the outer machine, change its network beyond
//! the lab's own bridge and tables (and a few kernel settings, which are put back), or leave anything
//! behind when a guard is dropped.
//!
//! Rooms: [`suite`](Suite) which Debian, [`image`](Image) the cached base, `recipe` what is in it,
//! `network` bridge and addresses, `boot` the power supply of one host, `host` what can be done to
//! a running one, `fault` what can befall it, `lab` the guard, `claim` who may have which name and
//! subnet, `kernel` the outer machine's settings, `state` what is written down,
//! `inventory` what hactl is given, `requirements` what the outer machine must have. The judge is
//! `writer`, a client; `passing_replica`, a replica that does not stay; `ledger`, what it was told; `invariants`, what must be true of every cluster.

mod boot;
mod claim;
mod command;
mod error;
mod fault;
mod host;
mod identity;
mod image;
mod invariants;
mod inventory;
mod kernel;
mod lab;
mod ledger;
mod network;
mod passing_replica;
mod paths;
mod process;
mod recipe;
mod requirements;
mod state;
mod suite;
mod writer;

pub use error::LabError;
pub use fault::{Direction, Signal};
pub use host::{Host, Output};
pub use image::Image;
pub use invariants::{Health, Violation, inspect, primary};
pub use lab::{Lab, LabSpec, RemovedLabs};
pub use ledger::{Ack, Holdings, Ledger};
pub use passing_replica::PassingReplica;
pub use requirements::{PACKAGES, check as check_requirements};
pub use state::LabSummary;
pub use suite::{Flavor, Server, Suite};
pub use writer::Writer;
