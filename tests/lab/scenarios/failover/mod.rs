//! Failover, switchover and rejoin under load: a judge writes through the writer VIP all the while,
//! and in the end every row that was acknowledged is there, one server is writable, one host has the
//! VIP, no server has a transaction of its own, and all hold the same.
//!
//! The scenarios are those of the catalogue of faults that high-availability tools are tested with;
//! each names its number there. Not here, since hosts of the lab share the outer machine's clock and
//! resolver: a clock that jumps (F17, in the simulation, where time is a field) and a name that is
//! not resolved (F14).

mod arena;
mod bench;
mod chance;
mod detection;
mod election;
mod fault;
mod fencing;
mod interrupted;
mod rejoin;
mod switchover;
mod torture;
