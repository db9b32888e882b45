//! Commits that wait for an acknowledgement which was lost: a replica has all of them, is attached, and is
//! not asked again. Nothing but an acknowledgement by who really has them may end the wait.

use std::time::Duration;

use super::{Bench, repoint};
use crate::decide::topology::host_of;
use crate::decide::{Finding, Severity};
use crate::inventory::HostName;
use crate::mysql::{Positioning, ServerFacts, Switch, ThreadState};
use crate::plan::{Action, OnFailure, Step};

/// An acknowledgement that is under way comes in less.
const LOST: Duration = Duration::from_secs(3);

/// Found, too, where whoever let it attach by its position was killed before he led it back.
pub(super) const FOLLOWS_BY_POSITION: &str = "FollowsByPosition";

impl Bench<'_> {
    /// One replica is enough: what it acknowledges is acknowledged.
    pub(super) fn lost_acknowledgement(&mut self, led: &ServerFacts) {
        let waits = led.unacknowledged.filter(|waits| *waits >= LOST);
        let Some(waits) = waits.filter(|_| led.semi_sync.clients > 0) else {
            return;
        };
        let Some(host) = self.complete(led) else {
            return;
        };
        let finding = Finding::on(
            &host,
            Severity::Error,
            "AcknowledgementLost",
            format!(
                "has all that {} has, and a commit there has waited {} s for its acknowledgement, which was lost with an earlier connection",
                self.leader,
                waits.as_secs()
            ),
            "nothing; it is a fault of the server's semi-sync",
        );
        if led.dialect.next_commit_gets_through() {
            let replicas = vec![host];
            self.repair(self.leader, Action::ProveReplication { replicas }, finding);
            return;
        }
        self.repair(&host, Action::AttachByPosition, finding);
        self.steps.push(Step {
            task: FOLLOWS_BY_POSITION.to_owned(),
            host,
            action: repoint::follow(self.leader, "does not position by GTID"),
            why: "it has acknowledged by its position".to_owned(),
            on_failure: OnFailure::GoOn,
        });
    }

    /// Has applied everything that the primary has, and would acknowledge. `MySQL` does not count what waits
    /// as executed: there it has more.
    fn complete(&self, led: &ServerFacts) -> Option<HostName> {
        let has_what_waits = |facts: &ServerFacts| {
            !led.dialect.next_commit_gets_through() || facts.executed != led.executed
        };
        let mut servers = self.seen.servers();
        let (host, _) = servers.find(|(host, facts)| {
            self.maintenance.of_host(host).is_none()
                && facts.semi_sync.replica_enabled == Some(Switch::On)
                && facts.executed.contains(&led.executed)
                && has_what_waits(facts)
                && facts.replica.as_ref().is_some_and(|status| {
                    host_of(self.cluster, status).as_ref() == Some(self.leader)
                        && status.receiver == ThreadState::Running
                        && status.applier == ThreadState::Running
                        && status.using_gtid == Positioning::Gtid
                })
        })?;
        Some(host.clone())
    }
}
