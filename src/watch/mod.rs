//! Watches a cluster over time, and acts when its primary is dead: senses that ask every server and
//! every machine again and again, a record of what they told, and a loop that has it diagnosed.
//!
//! It decides nothing (`decide` does, from the record alone) and touches no host but through `fleet`.
//! It must never take its own trouble for the cluster's: what could not be asked is not known.
//!
//! | file | noun |
//! |---|---|
//! | `clock` | milliseconds since the watch began |
//! | `pace`, `dial` | how often is asked, and how long a machine is waited for |
//! | `sign` | what one attempt told |
//! | `prober`, `sentinel`, `machine` | the senses: a server by TCP, the end of the primary, a machine by ssh |
//! | `record` | signs over time: the vigil |
//! | `senses` | all of them together |
//! | `lease` | the writer VIP's time on the primary |
//! | `post` | the lock that says who watches |
//! | `orders`, `run`, `tidings` | what it is told, the loop, and what it tells |
//! | `attempt`, `upkeep` | what it does: a failover or a revival; looks and repairs |

mod attempt;
mod clock;
mod dial;
mod lease;
mod machine;
mod orders;
mod pace;
mod post;
mod prober;
mod record;
mod run;
mod senses;
mod sentinel;
mod sign;
mod tidings;
mod upkeep;
mod verdict;

pub use clock::Clock;
pub use orders::{Orders, Until, WatchError};
pub use run::run;
pub use senses::Senses;
pub use verdict::{Finding, verdict};
