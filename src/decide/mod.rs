//! What is wrong, and what should be done: pure functions of the inventory and an observation.
//!
//! No I/O, no clock, no randomness, no `async`. A refusal is a value that names the way out, not an
//! error. An error of a host or a server must never be read as "nothing to do".

mod bootstrap;
mod demoted;
mod diagnosis;
mod failover;
mod finding;
mod first_followers;
mod harm;
mod leader;
mod left_behind;
mod let_in;
mod maintenance;
mod preflight;
mod procedure;
mod rejoin;
mod repair;
mod reservations;
mod seeding;
mod set_maintenance;
mod silent_server;
mod switchover;
mod topology;
pub mod verify;
mod versions;
mod wait_for_nobody;

pub use bootstrap::{Bootstrap, Consent, bootstrap};
pub use diagnosis::{Acquaintance, DeathBasis, Diagnosis, Verdict, diagnose};
pub use failover::{Case, Election, Failover, Memory, Revive, Standing, is_half_open, is_left};
pub use finding::{Finding, Refusal, Severity};
pub use harm::Harm;
pub use leader::{leader, leads_instead};
pub use let_in::LetIn;
pub use maintenance::Maintenance;
pub use preflight::preflight;
pub use procedure::{Next, Procedure, foresee};
pub use rejoin::Rejoin;
pub use repair::{Repair, Repairs, repairs};
pub use reservations::{reservations, with_reserve};
pub use seeding::SeedNeed;
pub use set_maintenance::{MaintenanceWish, SetMaintenance};
pub use switchover::{Switchover, SwitchoverLimits};
pub use topology::{PrimaryBasis, Role, Topology, TopologyError};

#[cfg(test)]
mod tests;
