//! What a watcher has seen of every server over time: who answered when, who fell silent when, and
//! what replicas still receive. Plain data with its own clock; deciding from it needs no other. It must
//! never say that a server is dead: that is decided.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::inventory::HostName;
use crate::mysql::{GtidSet, ReadOnly, ReplicaStatus, SemiSync};

/// Milliseconds since the watch began, by a clock that never jumps.
pub type Millis = u64;

/// Everything that a watcher knows at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Vigil {
    /// The moment.
    pub now: Millis,
    /// Each host of the inventory.
    pub pulses: BTreeMap<HostName, Pulse>,
}

impl Vigil {
    /// When a machine was last seen with the writer VIP though another leads, or the leader's without it.
    pub fn vip_astray(&self, leader: &HostName) -> Option<Millis> {
        let astray = |(host, pulse): (&HostName, &Pulse)| match (&pulse.machine, host == leader) {
            (MachinePulse::Works { at, vip, .. }, true) if *vip == VipPresence::Absent => Some(*at),
            (MachinePulse::Works { at, vip, .. }, false) if *vip == VipPresence::Held => Some(*at),
            _ => None,
        };
        self.pulses.iter().filter_map(astray).max()
    }
}

/// One host and its server over time.
#[derive(Clone, Debug, Serialize)]
pub struct Pulse {
    /// How the latest attempt to ask the server by TCP, as the monitor account, ended.
    pub server: ServerPulse,
    /// How the latest attempt to run something over ssh ended.
    pub machine: MachinePulse,
    /// What the server said when it last answered.
    pub last: Option<Beat>,
}

/// The server, by TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerPulse {
    /// No attempt has ended yet.
    Unknown,
    /// It answers.
    Answers {
        /// When the latest answer came.
        at: Millis,
    },
    /// The machine answers, and nothing listens on the port; certain at once.
    Refuses {
        /// Since when.
        since: Millis,
        /// One line for a person.
        text: String,
    },
    /// The server itself says no (too many connections, access denied): it is alive (S14).
    Rejects {
        /// Since when.
        since: Millis,
        /// The server's error number.
        number: u16,
        /// One line for a person.
        text: String,
    },
    /// No answer: not connected, or connected and nothing said.
    Silent {
        /// Since when: the end of the latest answer, or the first attempt.
        since: Millis,
        /// One line for a person.
        text: String,
    },
}

/// The machine, over ssh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MachinePulse {
    /// No attempt has ended yet.
    Unknown,
    /// ssh works.
    Works {
        /// When it was seen to work.
        at: Millis,
        /// The database server's process there.
        process: Process,
        /// Whether the writer VIP is there.
        vip: VipPresence,
    },
    /// ssh gives no answer.
    Silent {
        /// Since when.
        since: Millis,
        /// One line for a person.
        text: String,
    },
    /// ssh answers and lets us not in: the machine is alive.
    Rejects {
        /// Since when.
        since: Millis,
        /// One line for a person.
        text: String,
    },
}

/// The writer VIP on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VipPresence {
    /// The machine has it.
    Held,
    /// The machine has it not.
    Absent,
    /// There is none, or it could not be told.
    Unknown,
}

/// The database server's process on its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// There is one.
    Runs,
    /// There is one, and it is stopped by a signal or a debugger.
    Frozen,
    /// There is one that has listened before and listens no more: it is shutting down, which may take
    /// it long.
    Leaving,
    /// There is none.
    Gone,
    /// It could not be told.
    Unknown,
}

/// What a server said when it last answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beat {
    /// When.
    pub at: Millis,
    /// How long the answer took.
    pub took: Duration,
    /// Its `server_id`.
    pub server_id: u32,
    /// How long it runs.
    pub uptime: Duration,
    /// Whether it refuses writes.
    pub read_only: ReadOnly,
    /// Everything it has executed.
    pub executed: GtidSet,
    /// Semi-sync.
    pub semi_sync: SemiSync,
    /// Replication, if it is a replica.
    pub replica: Option<ReplicaStatus>,
    /// When it was last seen to have received something from its source, an event or a heartbeat;
    /// `None` when it never was, or is no replica.
    pub received: Option<Millis>,
    /// Since when commits have waited for an acknowledgement, and it has executed nothing; `None` while
    /// none waits, or they come and go.
    pub stuck: Option<Millis>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, name};
    use crate::mysql::Flavor;

    #[test]
    fn the_vip_is_astray_where_it_must_not_be_and_where_the_leader_has_it_not() {
        use VipPresence::{Absent, Held, Unknown};
        let cluster = fixture::cluster(Flavor::MariaDb, 3);
        for (db1, db2, astray) in [
            (Held, Absent, None),
            (Unknown, Unknown, None),
            (Absent, Absent, Some(7)),
            (Held, Held, Some(8)),
            (Absent, Held, Some(8)),
        ] {
            let mut vigil = fixture::vigil(&cluster, 100);
            for (host, at, vip) in [("db1", 7, db1), ("db2", 8, db2)] {
                let pulse = vigil.pulses.get_mut(&name(host)).unwrap();
                let process = Process::Runs;
                pulse.machine = MachinePulse::Works { at, process, vip };
            }
            assert_eq!(vigil.vip_astray(&name("db1")), astray, "{db1:?} {db2:?}");
        }
    }
}
