//! Failover, switchover and rejoin under load: a judge writes through the writer VIP all the while,
//! and in the end every row that was acknowledged is there, one server is writable, one host has the
//! VIP, no server has a transaction of its own, and all hold the same.
//!
//! The scenarios are those of the catalogue of faults that high-availability tools are tested with;
//! each names its number there. `CATALOGUE.md` beside this file says which scenario has which, where it
//! runs, and which faults hosts that share one machine cannot have.

mod alive;
mod arena;
mod bench;
mod by_position;
mod chance;
mod detection;
mod election;
mod fault;
mod fencing;
mod interrupted;
mod rejoin;
mod switchover;
mod tally;
mod torture;
