//! What is wrong, and what should be done: pure functions of the inventory and an observation.
//!
//! No I/O, no clock, no randomness, no `async`. A refusal is a value that names the way out, not an
//! error. An error of a host or a server must never be read as "nothing to do".

mod bootstrap;
mod finding;
mod preflight;
mod seeding;
mod topology;
pub mod verify;

pub use bootstrap::{Bootstrap, Consent, bootstrap};
pub use finding::{Finding, Refusal, Severity};
pub use preflight::preflight;
pub use seeding::SeedNeed;
pub use topology::{PrimaryBasis, Role, Topology, TopologyError};

#[cfg(test)]
mod tests;
