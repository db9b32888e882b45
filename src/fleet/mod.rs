//! The only door to the hosts: ssh, SQL and streams between them.
//!
//! Nothing in this room decides anything. It carries scripts and statements, bounds each of them in
//! time, and says truly what came back; above all it says whether something *may* have run.

mod action_error;
mod apply;
mod connection;
mod holder;
mod live;
pub mod local;
pub mod lock;
pub(crate) mod package_manager;
pub mod script;
pub(crate) mod server_process;
pub mod sql;
pub mod ssh;
pub mod stream;
pub(crate) mod vip_lease;

pub use action_error::ActionError;
pub use connection::{Connection, Session};
pub use live::{LiveFleet, Progress};

use crate::facts::{Needs, Observation};
use crate::inventory::HostName;
use crate::mysql::ServerFacts;
use crate::plan::{Outcome, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Hosts that can be looked at and acted on. The live one does it over ssh and SQL; tests bring their
/// own.
pub trait Fleet {
    /// Looks at every host.
    fn observe(
        &self,
        needs: &BTreeMap<HostName, Needs>,
    ) -> impl Future<Output = Observation> + Send;

    /// Looks at some hosts, each for at most so long; those that do not answer in time are seen as
    /// unreachable, with that reason.
    fn look(
        &self,
        hosts: &BTreeSet<HostName>,
        within: Duration,
    ) -> impl Future<Output = Observation> + Send;

    /// Asks the servers of some hosts, and nothing else of these hosts. One that gave no facts in time is
    /// not among the answers.
    fn ask(
        &self,
        hosts: &BTreeSet<HostName>,
        within: Duration,
    ) -> impl Future<Output = BTreeMap<HostName, ServerFacts>> + Send;

    /// Carries out one step, which may have been done before.
    fn apply(&self, step: &Step, progress: &dyn Progress) -> impl Future<Output = Outcome> + Send;
}
