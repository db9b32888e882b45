//! Watches for as long as a verdict takes, for a command that is run once. It must never call a verdict
//! what is only a lack of time: what could not be made sure is said to be unsure.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::first_sign;
use super::senses::Senses;
use crate::decide::{self, Diagnosis, Verdict};
use crate::facts::{MachinePulse, Pulse, ServerPulse, Vigil};
use crate::fleet::LiveFleet;
use crate::inventory::{Cluster, HostName};

/// Silence is sure only when replicas have missed their heartbeats as well, which come every second,
/// and have lost patience, which takes three.
const WITNESSES: Duration = Duration::from_millis(4500);

/// What was found out, and when trouble was first seen.
#[derive(Debug)]
pub struct Finding {
    /// The diagnosis.
    pub diagnosis: Diagnosis,
    /// What it was made of.
    pub vigil: Vigil,
    /// The first sign of trouble.
    pub first_sign: std::time::Instant,
}

/// Watches `leader` until it is certain what it is, or can no longer become so.
pub async fn verdict(fleet: &Arc<LiveFleet>, leader: &HostName) -> Finding {
    let mut senses = Senses::begin(fleet, leader);
    senses.hurry();
    let cluster = fleet.cluster();
    let until = Instant::now() + longest(cluster);
    loop {
        let vigil = senses.next().await;
        let diagnosis = decide::diagnose(cluster, &vigil, leader);
        let is_clear = is_certain(&diagnosis.verdict) && all_asked(&vigil, leader);
        if is_clear || Instant::now() >= until {
            let first = senses.clock().instant(first_sign(&vigil, leader));
            return Finding {
                diagnosis,
                vigil,
                first_sign: first,
            };
        }
    }
}

/// How long a verdict may take.
fn longest(cluster: &Cluster) -> Duration {
    cluster.failover.silence + WITNESSES
}

/// Whether every server, and the primary's machine, was heard or missed once: what nobody has asked yet
/// would be told as if it gave no answer.
fn all_asked(vigil: &Vigil, leader: &HostName) -> bool {
    let is_asked = |pulse: &Pulse| pulse.server != ServerPulse::Unknown;
    let machine = vigil.pulses.get(leader).map(|pulse| &pulse.machine);
    vigil.pulses.values().all(is_asked) && machine != Some(&MachinePulse::Unknown)
}

fn is_certain(verdict: &Verdict) -> bool {
    !matches!(verdict, Verdict::Suspected | Verdict::Unreachable)
}
