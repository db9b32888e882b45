//! How a server that was promoted proves that it commits. It must never say where it leads to: that is the
//! plan's.

use std::time::Duration;

use serde::Serialize;

/// The proof of a promoted server: a row that it writes and reads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Nobody acknowledges yet: semi-sync as source is switched off first, and stays off.
    Alone,
    /// Semi-sync as source is on, and a replica is on its way. It is waited for first: a commit that waits
    /// in vain could not be taken back.
    Acknowledged {
        /// How long at most until it is attached.
        within: Duration,
    },
}
