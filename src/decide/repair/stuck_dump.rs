//! A primary whose dump thread for a replica does not come to its end, so that the replica cannot attach
//! and nothing acknowledges its commits.

use std::time::Duration;

use super::Bench;
use crate::decide::topology::host_of;
use crate::decide::{Finding, Severity};
use crate::inventory::HostName;
use crate::mysql::{ServerFacts, Switch, ThreadState};
use crate::plan::Action;

/// A dump thread comes to its end in less, also while its replica's connection is being given up.
const STUCK: Duration = Duration::from_secs(10);

impl Bench<'_> {
    /// One replica is enough: whoever attaches ends the thread, and the others can.
    pub(super) fn stuck_dump(&mut self, led: &ServerFacts) {
        let stuck = led.ending_dump.filter(|ending| *ending >= STUCK);
        let Some(stuck) = stuck.filter(|_| led.semi_sync.clients == 0) else {
            return;
        };
        let Some(host) = self.fetching() else {
            return;
        };
        let finding = Finding::on(
            &host,
            Severity::Error,
            "DumpThreadStuck",
            format!(
                "cannot attach: {} has been ending an earlier dump thread for {} s",
                self.leader,
                stuck.as_secs()
            ),
            "nothing; it is a fault of the server's semi-sync, which a restart of it would end, too",
        );
        self.repair(&host, Action::FetchAnew, finding);
    }

    /// A replica that would acknowledge if it were let in.
    fn fetching(&self) -> Option<HostName> {
        let mut servers = self.seen.servers();
        let (host, _) = servers.find(|(_, facts)| {
            facts.semi_sync.replica_enabled == Some(Switch::On)
                && facts.replica.as_ref().is_some_and(|status| {
                    host_of(self.cluster, status).as_ref() == Some(self.leader)
                        && status.receiver != ThreadState::Stopped
                        && status.applier == ThreadState::Running
                })
        })?;
        Some(host.clone())
    }
}
