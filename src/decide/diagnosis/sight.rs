//! What is seen of the primary at one moment, and what each replica witnesses of it. A replica is a
//! witness only while it answers, follows the primary, and wants to receive.

use std::time::Duration;

use crate::decide::topology::host_of;
use crate::facts::{Beat, MachinePulse, Millis, Process, Pulse, ServerPulse, Vigil};
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::ThreadState;

/// Beyond two lost heartbeats: what a beat may be late without meaning anything.
pub(super) const SLACK_MS: Millis = 200;

/// The primary, and what others say of it.
pub(super) struct Sight<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) vigil: &'a Vigil,
    pub(super) now: Millis,
    pub(super) leader: &'a HostName,
    pub(super) server: Server<'a>,
    pub(super) machine: Machine<'a>,
    pub(super) last: Option<&'a Beat>,
    pub(super) witnesses: Vec<(&'a HostName, Witness)>,
}

/// The primary's server by TCP.
pub(super) enum Server<'a> {
    Unknown,
    Answers(&'a Beat),
    Refuses { since: Millis },
    Rejects { number: u16, text: &'a str },
    Silent { since: Millis, text: &'a str },
}

/// The primary's machine over ssh, as of after the trouble began; what was seen before proves nothing.
pub(super) enum Machine<'a> {
    NotAsked,
    Works(Process),
    Silent { since: Millis, text: &'a str },
    Rejects { text: &'a str },
}

/// What a replica says of the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Witness {
    /// It receives: this long ago, at this time.
    Receives { at: Millis },
    /// It has received nothing for as long as it takes to be sure.
    Nothing { at: Millis },
    /// Its receiver has no connection any more.
    Lost,
    /// It says nothing about the primary, for this reason.
    None(String),
    /// It follows nobody: it was promoted, or never joined.
    FollowsNobody,
    /// It follows this other server.
    Elsewhere(String),
    /// It applies and does not receive, which is how a failover leaves a replica on its way.
    Drained,
    /// It does not answer.
    Away,
    /// No attempt to ask it has ended yet.
    Unasked,
}

impl Witness {
    /// Whether it agrees that the primary is gone.
    pub(super) fn agrees(&self) -> bool {
        matches!(self, Self::Nothing { .. } | Self::Lost)
    }
}

impl<'a> Sight<'a> {
    pub(super) fn of(cluster: &'a Cluster, vigil: &'a Vigil, leader: &'a HostName) -> Self {
        let pulse = vigil.pulses.get(leader);
        let server = pulse.map_or(Server::Unknown, |pulse| server(cluster, vigil.now, pulse));
        let trouble = match server {
            Server::Refuses { since, .. } | Server::Silent { since, .. } => since,
            Server::Unknown | Server::Answers(_) | Server::Rejects { .. } => 0,
        };
        let witnesses = cluster
            .hosts
            .keys()
            .filter(|host| *host != leader)
            .map(|host| (host, witness(cluster, vigil, leader, host)))
            .collect();
        Self {
            cluster,
            vigil,
            now: vigil.now,
            leader,
            machine: pulse.map_or(Machine::NotAsked, |pulse| machine(pulse, trouble)),
            server,
            last: pulse.and_then(|pulse| pulse.last.as_ref()),
            witnesses,
        }
    }

    /// `db1:3306`.
    pub(super) fn place(&self) -> String {
        let port = self.cluster.host(self.leader).map_or(0, |host| host.port);
        format!("{}:{port}", self.leader)
    }

    /// `1.7 s`, since a moment.
    pub(super) fn since(&self, moment: Millis) -> String {
        seconds(self.now.saturating_sub(moment))
    }

    /// What each replica says, one sentence each.
    pub(super) fn testimony(&self) -> impl Iterator<Item = String> {
        let leader = self.leader;
        self.witnesses
            .iter()
            .map(move |(host, witness)| match witness {
                Witness::Receives { at } => {
                    format!("{host} received from {leader} {} ago", self.since(*at))
                }
                Witness::Nothing { at } => {
                    format!("{host} has received nothing for {}", self.since(*at))
                }
                Witness::Lost => format!("{host} has lost its connection to {leader}"),
                Witness::None(why) => format!("{host} is no witness: {why}"),
                Witness::FollowsNobody => format!("{host} is no witness: it follows nobody"),
                Witness::Elsewhere(source) => format!("{host} is no witness: it follows {source}"),
                Witness::Drained => format!("{host} is no witness: its receiver is stopped"),
                Witness::Away => format!("{host} does not answer either"),
                Witness::Unasked => format!("{host} was not asked yet"),
            })
    }

    /// Whether somebody has begun to give the primary's place to another and was killed (S23): one was
    /// promoted, or every replica there is was drained. A person who stops all receivers of a primary that
    /// is busy leaves the same picture, but for its process, which runs; and where its commits do not
    /// wait for a replica, it may be taking them now, so that nothing is concluded (S13).
    pub(super) fn is_being_replaced(&self) -> bool {
        let mut all = self.witnesses.iter();
        let drained = all.all(|(_, witness)| *witness == Witness::Drained);
        let runs = matches!(
            self.machine,
            Machine::Works(Process::Runs | Process::Unknown)
        );
        let waits = self.cluster.durability == Durability::Lossless;
        self.was_promoted_beside() || (waits && drained && !runs && !self.witnesses.is_empty())
    }

    /// Whether one was promoted, another stays with it or waits for it, and nobody follows the primary.
    fn was_promoted_beside(&self) -> bool {
        let all = || self.witnesses.iter().map(|(_, witness)| witness);
        let left = |witness: &Witness| {
            matches!(
                witness,
                Witness::FollowsNobody | Witness::Elsewhere(_) | Witness::Drained
            )
        };
        let is_left = all().all(|witness| left(witness) || *witness == Witness::Away);
        let promoted = all().any(|witness| *witness == Witness::FollowsNobody);
        let beside =
            all().any(|witness| matches!(witness, Witness::Elsewhere(_) | Witness::Drained));
        is_left && promoted && beside
    }

    /// One sentence about the machine.
    pub(super) fn of_machine(&self) -> String {
        let leader = self.leader;
        match &self.machine {
            Machine::NotAsked => format!("ssh to {leader} has given no answer since then"),
            Machine::Works(Process::Gone) => {
                format!("ssh to {leader} works and it has no server process")
            }
            Machine::Works(Process::Runs) => {
                format!("ssh to {leader} works and its server process runs")
            }
            Machine::Works(Process::Leaving) => {
                format!(
                    "ssh to {leader} works and its server process listens no more: it is shutting down"
                )
            }
            Machine::Works(Process::Frozen) => {
                format!("ssh to {leader} works and its server process is frozen")
            }
            Machine::Works(Process::Unknown) => format!("ssh to {leader} works"),
            Machine::Silent { since, text } => {
                format!(
                    "ssh to {leader} has given no answer for {}: {text}",
                    self.since(*since)
                )
            }
            Machine::Rejects { text } => {
                format!("the machine {leader} is alive; ssh lets us not in: {text}")
            }
        }
    }
}

/// A silence that has lasted too long is one even where the last answer was good.
fn server<'a>(cluster: &Cluster, now: Millis, pulse: &'a Pulse) -> Server<'a> {
    match &pulse.server {
        ServerPulse::Unknown => Server::Unknown,
        ServerPulse::Answers { at } => match &pulse.last {
            Some(beat) if now.saturating_sub(*at) < millis(cluster.failover.silence) => {
                Server::Answers(beat)
            }
            _ => Server::Silent {
                since: *at,
                text: "nothing since its last answer",
            },
        },
        ServerPulse::Refuses { since, .. } => Server::Refuses { since: *since },
        ServerPulse::Rejects { number, text, .. } => Server::Rejects {
            number: *number,
            text,
        },
        ServerPulse::Silent { since, text } => Server::Silent {
            since: *since,
            text,
        },
    }
}

fn machine(pulse: &Pulse, trouble: Millis) -> Machine<'_> {
    match &pulse.machine {
        MachinePulse::Works { at, process, .. } if *at >= trouble => Machine::Works(*process),
        MachinePulse::Unknown | MachinePulse::Works { .. } => Machine::NotAsked,
        MachinePulse::Silent { since, text } => Machine::Silent {
            since: *since,
            text,
        },
        MachinePulse::Rejects { text, .. } => Machine::Rejects { text },
    }
}

fn witness(cluster: &Cluster, vigil: &Vigil, leader: &HostName, host: &HostName) -> Witness {
    let Some(pulse) = vigil.pulses.get(host) else {
        return Witness::Away;
    };
    let beat = match (&pulse.server, &pulse.last) {
        (ServerPulse::Unknown, _) => return Witness::Unasked,
        (ServerPulse::Answers { at }, Some(beat))
            if vigil.now.saturating_sub(*at) < millis(cluster.failover.silence) =>
        {
            beat
        }
        _ => return Witness::Away,
    };
    let Some(status) = &beat.replica else {
        return Witness::FollowsNobody;
    };
    if host_of(cluster, status).as_ref() != Some(leader) {
        return Witness::Elsewhere(status.source_host.clone());
    }
    match status.receiver {
        ThreadState::Stopped if status.applier == ThreadState::Running => Witness::Drained,
        // Nobody connects: whoever stopped it says nothing about the primary.
        ThreadState::Stopped => Witness::None("its receiver is stopped".to_owned()),
        ThreadState::Connecting => Witness::Lost,
        ThreadState::Running => {
            let heartbeat = status.heartbeat.map_or(0, millis);
            let sure = (2 * heartbeat + SLACK_MS).max(millis(cluster.failover.silence));
            let at = beat.received.unwrap_or(0);
            if vigil.now.saturating_sub(at) < sure {
                Witness::Receives { at }
            } else {
                Witness::Nothing { at }
            }
        }
    }
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// `0.4 s`.
pub(super) fn seconds(millis: Millis) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}
