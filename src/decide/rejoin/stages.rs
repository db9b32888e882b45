//! The rungs by which a server comes back, each as a stage. None of them makes it take writes.

use crate::decide::left_behind;
use crate::decide::topology::host_of;
use crate::facts::{MarkKind, Observation, Reached, ServerView};
use crate::inventory::{Cluster, HostName};
use crate::mysql::{GtidSet, ReplicaStatus, SemiSyncSupport, ServerFacts, Switch, ThreadState};
use crate::plan::{Action, FenceMethod, LiveVariable, Look, OnFailure, Receiving, StagePlan, Step};

/// The two servers, and what they are part of.
#[derive(Clone, Copy)]
pub(super) struct Stages<'a> {
    pub(super) cluster: &'a Cluster,
    /// Comes back.
    pub(super) host: &'a HostName,
    /// Leads.
    pub(super) leader: &'a HostName,
}

fn step(host: &HostName, task: &str, action: Action, why: impl Into<String>) -> Step {
    Step {
        task: task.to_owned(),
        host: host.clone(),
        action,
        why: why.into(),
        on_failure: OnFailure::Stop,
    }
}

impl Stages<'_> {
    fn stage(&self, play: &str, steps: Vec<Step>) -> StagePlan {
        StagePlan {
            play: play.to_owned(),
            steps,
            look: Look::At([self.host.clone(), self.leader.clone()].into()),
        }
    }

    /// A server that takes writes beside the leader, or on which commits wait for nobody, is stopped at
    /// once: switching it by SQL would answer OK for rows that no replica has (S8).
    pub(super) fn fence(&self) -> StagePlan {
        let action = Action::Fence {
            method: FenceMethod::Ssh,
        };
        let why = format!("it takes writes beside {}, which leads", self.leader);
        self.stage(
            "No second primary",
            vec![step(self.host, "Fence", action, why)],
        )
    }

    /// Whether the start of the server is without the tail that nobody acknowledged: it crashed as a
    /// primary, and can do so.
    pub(super) fn rewinds(&self, seen: &Observation, reached: &Reached) -> bool {
        let dialect = reached.dialect(self.cluster.server.flavor);
        matches!(reached.server, ServerView::Stopped)
            && left_behind::is_marked(seen, self.host)
            && dialect.can_rewind()
    }

    /// Starts the server; its tail is kept on this machine, at `path`, before it is cut off.
    pub(super) fn start(&self, seen: &Observation, reached: &Reached, path: &str) -> StagePlan {
        let mut steps = Vec::new();
        if self.rewinds(seen, reached) {
            let save = Action::SaveTail {
                beside: self.leader.clone(),
                path: path.to_owned(),
            };
            let why = "nothing is cut off that was not kept";
            steps.push(step(self.host, "Keep the tail", save, why));
            let why = "it crashed as the primary: what no replica acknowledged was never promised";
            steps.push(step(self.host, "Rewind", Action::Rewind, why));
        }
        let why = "it is stopped, or nothing may start it";
        steps.push(step(self.host, "Start", Action::Unfence, why));
        self.stage("Start the server, read-only", steps)
    }

    /// Takes away what only a primary has.
    pub(super) fn quiet(&self, reached: &Reached, facts: &ServerFacts) -> Option<StagePlan> {
        let mut steps = Vec::new();
        let why = format!("{} leads", self.leader);
        if let Some(vip) = &self.cluster.vip {
            let held = reached.os.addresses.iter();
            steps.extend(held.filter(|held| held.address == vip.address).map(|held| {
                let action = Action::RemoveVip {
                    address: format!("{}/{}", held.address, held.prefix_len),
                    interface: held.interface.clone(),
                };
                step(self.host, "Writer VIP off", action, why.clone())
            }));
        }
        let mut set = |task: &str, variable, value| {
            let action = Action::SetVariable { variable, value };
            steps.push(step(self.host, task, action, why.clone()));
        };
        if !facts.read_only.is_full() {
            set("Read-only", LiveVariable::ReadOnly, Switch::On);
        }
        if facts.semi_sync.source_enabled == Some(Switch::On) {
            set(
                "Waits for nobody",
                LiveVariable::SemiSyncSource,
                Switch::Off,
            );
        }
        (!steps.is_empty()).then(|| self.stage("A replica and nothing more", steps))
    }

    /// Keeps what only this server has.
    pub(super) fn save(&self, errant: &GtidSet, path: &str) -> StagePlan {
        let action = Action::SaveErrant {
            beside: self.leader.clone(),
            transactions: errant.clone(),
            path: path.to_owned(),
        };
        let why = format!(
            "{} has executed {errant}, and {} has not",
            self.host, self.leader
        );
        let steps = vec![step(self.host, "Keep what only it has", action, why)];
        self.stage("Keep what only it has", steps)
    }

    /// Loads the leader's data.
    pub(super) fn reseed(&self, facts: &ServerFacts, why: &str) -> StagePlan {
        let emptied = if facts.databases.is_empty() {
            Vec::new()
        } else {
            vec![self.host.clone()]
        };
        let action = Action::Seed {
            into: vec![self.host.clone()],
            emptied,
        };
        let play = format!("The data of {}", self.leader);
        self.stage(&play, vec![step(self.leader, "Seed", action, why)])
    }

    /// Whether it may still receive from somebody else than the leader.
    pub(super) fn receives_elsewhere(&self, facts: &ServerFacts) -> bool {
        let receives = |status: &ReplicaStatus| {
            status.receiver != ThreadState::Stopped
                && host_of(self.cluster, status).as_ref() != Some(self.leader)
        };
        facts.replica.as_ref().is_some_and(receives)
    }

    /// Applies what it has received, before it is compared.
    pub(super) fn drain(&self) -> StagePlan {
        let why = "what it has received is applied before it is compared with the leader";
        let drain = Action::Drain {
            at_boot: Receiving::Held,
        };
        let steps = vec![step(self.host, "Relay log applied", drain, why)];
        self.stage("What it has received", steps)
    }

    /// Makes it a replica.
    pub(super) fn follow(&self, facts: &ServerFacts) -> StagePlan {
        let differs = match &facts.replica {
            None => "is not a replica".to_owned(),
            Some(status) if host_of(self.cluster, status).as_ref() == Some(self.leader) => {
                "its replication does not run".to_owned()
            }
            Some(status) => format!("source is {}:{}", status.source_host, status.source_port),
        };
        let action = Action::Replicate {
            source: self.leader.clone(),
            differs: vec![differs],
        };
        let why = format!("{} leads, and has all that {} has", self.leader, self.host);
        let steps = vec![step(self.host, "Follow", action, why)];
        self.stage("Follow", steps)
    }

    /// A row of the leader arrives, under semi-sync where that had to wait for a replica.
    pub(super) fn prove(&self, led: &ServerFacts) -> StagePlan {
        let mut steps = Vec::new();
        let semi_sync = &led.semi_sync;
        if semi_sync.support == SemiSyncSupport::Present
            && semi_sync.source_enabled == Some(Switch::Off)
        {
            let action = Action::SetVariable {
                variable: LiveVariable::SemiSyncSource,
                value: Switch::On,
            };
            let why = "there is a replica again that acknowledges";
            steps.push(step(self.leader, "Semi-sync", action, why));
        }
        let action = Action::ProveReplication {
            replicas: vec![self.host.clone()],
        };
        let why = "that it says it runs is no proof";
        steps.push(step(
            self.leader,
            "Prove that replication carries a row",
            action,
            why,
        ));
        self.stage("Proof", steps)
    }

    /// It waits for no rejoin any more.
    pub(super) fn unmark(&self) -> StagePlan {
        let action = Action::RemoveFile {
            path: MarkKind::Fenced.path(&self.cluster.name),
        };
        let steps = vec![step(
            self.host,
            "No longer fenced",
            action,
            "it is a replica again",
        )];
        self.stage("A member again", steps)
    }
}
