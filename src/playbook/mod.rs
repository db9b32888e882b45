//! The playbook engine: Ansible's words, compiled to steps.
//!
//! Load, validate everything, then walk: each stage is compiled against the newest observation by
//! modules whose `diff` is pure, so that `--check` and `--diff` need no code in any module and a second
//! run finds nothing to do. Nothing in here touches a host. The order of a failover is code, never a
//! playbook.

mod arguments;
mod error;
mod library;
mod load;
mod pattern;
mod play;
mod scope;
mod tasks;
mod templates;
mod walk;
mod world;

pub use error::{PlaybookError, TaskError};
pub use library::Library;
pub use load::load;
pub use pattern::Pattern;
pub use play::{Handler, Place, Play, Playbook, RunOn, Serial, Task};
pub use scope::Scope;
pub use tasks::{Change, Module};
pub use templates::Templates;
pub use walk::{Walk, needs};
pub use world::World;

#[cfg(test)]
mod tests;
