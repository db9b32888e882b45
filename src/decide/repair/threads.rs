//! A replica of the leader whose threads do not run, or not as the inventory wants it: started again after its
//! own reboot, and only then. It must never start what a person stopped, nor what a seed has not filled.

use std::time::Duration;

use super::{Bench, lost_ack};
use crate::decide::{Finding, Severity};
use crate::inventory::{HostName, ReplicationMode};
use crate::mysql::{Positioning, ReplicaStatus, Seeding, ServerFacts, ThreadState};
use crate::plan::Action;

/// A server that runs for longer was not stopped by its own reboot: a person stopped what stands still.
const JUST_BOOTED: Duration = Duration::from_mins(5);
/// So long the host's own start of replication is left to itself.
const BOOTING: Duration = Duration::from_secs(20);

impl Bench<'_> {
    pub(super) fn threads(&mut self, host: &HostName, facts: &ServerFacts, status: &ReplicaStatus) {
        if facts.seeding == Seeding::Unfinished {
            self.tell(
                host,
                "HalfSeeded",
                "a seed was begun and not finished".to_owned(),
                "run `hactl bootstrap`, which loads it anew".to_owned(),
            );
            return;
        }
        let stopped = |state| state == ThreadState::Stopped;
        if !stopped(status.receiver) && !stopped(status.applier) {
            if let (ThreadState::Connecting, Some(error)) = (status.receiver, &status.last_io_error)
            {
                self.tell(
                    host,
                    "ReplicaConnecting",
                    format!("cannot connect to {}: {error}", self.leader),
                    "look at the network between them and at the replication account".to_owned(),
                );
            }
            let mode = self.cluster.replication_mode;
            if status.using_gtid == Positioning::File && !mode.accepts(Positioning::File) {
                self.tell(
                    host,
                    lost_ack::FOLLOWS_BY_POSITION,
                    "follows by file and position, not by GTID".to_owned(),
                    "run `hactl bootstrap`".to_owned(),
                );
            }
            return;
        }
        let error = status
            .last_sql_error
            .as_ref()
            .or(status.last_io_error.as_ref());
        if let Some(error) = error {
            self.tell(
                host,
                "ReplicationStopped",
                format!("does not replicate: {error}"),
                format!("repair what the error names, or `hactl rejoin {host}`"),
            );
            return;
        }
        if facts.uptime < BOOTING || self.replays(status) {
            // The host starts replication by itself and has not come to its end.
            return;
        }
        if facts.uptime > JUST_BOOTED {
            self.tell(
                host,
                "ReplicationStopped",
                "does not replicate, and no error says why: somebody stopped it".to_owned(),
                format!("`hactl bootstrap` starts it again; `hactl maintenance on {host}` if it is on purpose"),
            );
            return;
        }
        let source = self.leader.clone();
        let differs = vec!["stopped since its own reboot".to_owned()];
        let finding = Finding::on(
            host,
            Severity::Warning,
            "ReplicationStopped",
            "did not begin to replicate after its reboot",
            "look at its log if it happens again",
        );
        self.repair(host, Action::Replicate { source, differs }, finding);
    }

    /// Whether the host is applying what was received before it starts replication: by file and position, and
    /// without a receiver. One that follows like that on purpose and has nothing to apply was stopped.
    fn replays(&self, status: &ReplicaStatus) -> bool {
        let may_follow_so = self.cluster.replication_mode == ReplicationMode::Position;
        let is_done = status.relay_log_applied() || status.waits_for_more();
        status.using_gtid == Positioning::File
            && status.applier != ThreadState::Stopped
            && !(may_follow_so && is_done)
    }
}
