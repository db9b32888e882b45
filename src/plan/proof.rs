//! How a server that was promoted proves that it commits. It must never say where it leads to: that is the
//! plan's.

use serde::Serialize;

/// The proof of a promoted server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A row that it writes and reads back. Nobody acknowledges yet: semi-sync as source is switched off
    /// first, and stays off.
    OwnRow,
    /// The primary's last transaction, which it has just applied. Replicas follow it already: they would
    /// have a row of its own, too, and could not go back to the old primary if it dies before it leads.
    Applied,
}
