//! Carries a plan out: stage by stage, hosts of a stage side by side, each under the cluster's lock.
//! It makes no choices; when what it finds is not what was planned for, it stops.

mod journal;
mod lock;
mod look;
mod perform;
mod runner;

pub use journal::{Journal, JournalError};
pub use lock::{ClusterLock, acquire, acquire_in_haste, acquire_watch};
pub use perform::{Performance, Unsafe, perform};
pub use runner::{Context, RunError, Summary, run};
