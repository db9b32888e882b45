//! A failover: the primary is dead, and a replica takes its place. What may be done at all is found out
//! before anything is touched, by going through the whole on predictions; then each stage is worked out
//! from what is seen before it. Nothing is remembered that cannot be seen again, so a run that was killed
//! is gone on with by the next (S23). It must never have two writable servers, nor promote beside a
//! server that may still acknowledge.
//!
//! | file | noun |
//! |---|---|
//! | `case` | what it is told: who failed, what is permitted, what a watcher remembers |
//! | `member` | what each server is to it |
//! | `fencing` | how the failed primary is made harmless, or proven so |
//! | `election` | who leads next, and why nobody else |
//! | `loss` | what is lost, or that nothing is |
//! | `stages` | the steps, as data |
//! | `reading` | what the followers are, all together |
//! | `admission` | whether it may begin at all |
//! | `guard` | the last looks before there is no way back |
//! | `state` | how far a run has come |
//! | `procedure` | which stage comes now |
//! | `outcomes` | what the end of a step means |
//! | `revive` | the failed primary is back by itself, whole |

mod admission;
mod case;
mod election;
mod fencing;
mod guard;
mod loss;
mod member;
mod outcomes;
mod procedure;
mod reading;
mod revive;
mod stages;
mod state;

pub use case::{Case, Memory};
pub use election::{Election, Standing};
pub use revive::{Revive, is_half_open, is_left};
pub use state::Failover;

#[cfg(test)]
mod tests;
