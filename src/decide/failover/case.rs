//! What a failover is told beside what is seen: who failed, why it is held for dead, what is permitted,
//! and what a watcher remembers of better times. It must never replace a look: memory only ever proves
//! that something is harmless, or makes a promise smaller.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::decide::Harm;
use crate::facts::{Beat, Millis, ServerPulse, Vigil};
use crate::inventory::HostName;
use crate::mysql::{GtidSet, SemiSync, Switch, ThreadState};

/// What a failover is told.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// The failed primary.
    pub dead: HostName,
    /// Why it is held for dead, in sentences with numbers.
    pub because: Vec<String>,
    /// What a person has permitted for this run.
    pub allowed: BTreeSet<Harm>,
    /// What was seen when the primary last answered; `None` when nobody watched.
    pub memory: Option<Memory>,
    /// The moment of the decision, by the clock of what is remembered; 0 when nothing is.
    pub now: Millis,
    /// Who acts, for the marks: user, machine and process of the controller.
    pub by: String,
}

impl Case {
    /// A case in which nothing is permitted and nothing remembered.
    pub fn new(dead: HostName, because: Vec<String>) -> Self {
        Self {
            dead,
            because,
            allowed: BTreeSet::new(),
            memory: None,
            now: 0,
            by: "hactl".to_owned(),
        }
    }

    /// Whether a harm is permitted.
    pub fn permits(&self, harm: Harm) -> bool {
        self.allowed.contains(&harm)
    }
}

/// The primary and its replicas when it last answered. To be taken anew from each [`Vigil`] in which
/// the primary answers, and kept when it no longer does.
#[derive(Clone, Debug, Serialize)]
pub struct Memory {
    /// When it answered.
    pub at: Millis,
    /// What it had executed.
    pub executed: GtidSet,
    /// What it said about semi-sync.
    pub semi_sync: SemiSync,
    /// Replicas that were receiving from it and acknowledging.
    pub acking: BTreeSet<HostName>,
}

impl Memory {
    /// What is worth remembering of this moment; `None` when the leader does not answer.
    pub fn of(vigil: &Vigil, leader: &HostName) -> Option<Self> {
        let pulse = vigil.pulses.get(leader)?;
        let beat = pulse.last.as_ref()?;
        if !matches!(pulse.server, ServerPulse::Answers { .. }) {
            return None;
        }
        let acks = |beat: &Beat| {
            let status = beat.replica.as_ref();
            status.is_some_and(|status| status.receiver == ThreadState::Running)
                && beat.semi_sync.replica_active == Some(Switch::On)
        };
        let acking = vigil
            .pulses
            .iter()
            .filter(|(host, pulse)| *host != leader && pulse.last.as_ref().is_some_and(acks))
            .map(|(host, _)| host.clone())
            .collect();
        Some(Self {
            at: beat.at,
            executed: beat.executed.clone(),
            semi_sync: beat.semi_sync.clone(),
            acking,
        })
    }

    /// Whether every commit waited for an acknowledgement, without ever giving up.
    pub fn was_lossless(&self) -> bool {
        self.semi_sync.source_active == Some(Switch::On)
            && self.semi_sync.wait_point == Some(crate::mysql::WaitPoint::AfterSync)
            && self
                .semi_sync
                .timeout_ms
                .is_some_and(|timeout| timeout >= FOREVER_MS)
    }

    /// Whether every replica that acknowledged is one of `hosts`.
    pub fn acked_only_to(&self, hosts: &BTreeSet<HostName>) -> bool {
        let known = u32::try_from(self.acking.len()).unwrap_or(u32::MAX);
        self.semi_sync.clients <= known && self.acking.is_subset(hosts)
    }
}

/// From this timeout on semi-sync does not fall back while people can still act: a day.
const FOREVER_MS: u64 = 86_400_000;
