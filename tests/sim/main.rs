//! The real procedures and the real runner against simulated hosts, with a fault at every step.
//!
//! | part | says |
//! |---|---|
//! | [`bootstrap`] | the walk of the bootstrap playbook, on hosts that do what is predicted |
//! | [`world`] | hosts that do what real servers do, their network, a client that writes |
//! | [`conformance`] | what each action does, as a list that real servers are held to as well |
//! | [`oracle`] | what must be true at every moment and in the end, from the world's truth |
//! | [`search`] | whether anybody could lead safely, found by trying |
//! | [`starts`] | where a failover may have to begin, and what it must do there |
//! | [`failover`], [`switchover`], [`rejoin`] | the procedures in the world, with faults and kills |
//! | [`watch`] | a watcher over time: diagnosis, failovers and repairs while things go wrong |
//! | [`seeded`] | larger clusters, any state, several faults; `HACTL_SIM_SEED` replays one |
//! | [`mistakes`], [`mutants`] | wrong procedures, each of which must be caught |

#![allow(clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says how much it tried")]

mod bench;
mod bootstrap;
mod conformance;
mod failover;
mod mistakes;
mod mutants;
mod oracle;
mod prng;
mod rejoin;
mod search;
mod seeded;
mod starts;
mod switchover;
mod watch;
mod world;
