//! What one attempt to ask told. A sign must never say more than was seen: how it is judged over time
//! is the record's and the diagnosis' affair.

use std::time::Duration;

use crate::facts::{Millis, Process, VipPresence};
use crate::inventory::HostName;
use crate::mysql::BeatFacts;

/// One attempt at one host, ended.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    /// Which host.
    pub(super) host: HostName,
    /// When the attempt began.
    pub(super) asked: Millis,
    /// When it ended.
    pub(super) at: Millis,
    /// How.
    pub(super) told: Told,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// The server answered.
    Beat {
        /// What.
        facts: Box<BeatFacts>,
        /// How long it took.
        took: Duration,
    },
    /// Nothing listens on the port.
    Refused(String),
    /// The server said no.
    Rejected {
        /// Its error number; 0 for an answer that makes no sense.
        number: u16,
        /// One line for a person.
        text: String,
    },
    /// The server gave no answer (yet).
    Silent(String),
    /// The machine ran our script.
    Machine {
        /// The server's process.
        process: Process,
        /// The writer VIP.
        vip: VipPresence,
    },
    /// The machine gave no answer.
    MachineSilent(String),
    /// The machine lives and let us not in.
    MachineRejected(String),
    /// The connection that only waits for its own end has ended. Proof of nothing: everything is
    /// asked at once.
    SentinelEnded,
}
