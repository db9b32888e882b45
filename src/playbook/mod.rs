//! The playbook engine: Ansible's words, compiled to steps.
//!
//! Load, validate everything, then walk: each stage is compiled against the newest observation by
//! modules whose `diff` is pure, so that `--check` and `--diff` need no code in any module and a second
//! run finds nothing to do. Nothing in here touches a host: what a command said comes back as the end of
//! a stage, and the next stage rests on it. The order of a failover is code, never a playbook.

mod arguments;
mod drift;
mod error;
mod library;
mod load;
mod names;
mod needs;
mod pattern;
mod play;
mod results;
mod scope;
mod selection;
mod serial;
mod tasks;
mod templates;
mod variables;
mod walk;
mod world;

pub use arguments::Vars;
pub use drift::drift;
pub use error::{PlaybookError, TaskError};
pub use library::Library;
pub use load::{Word, explained, load, schema, tasks_schema};
pub use needs::needs;
pub use pattern::Pattern;
pub use play::{
    Block, Failing, Handler, Loop, Place, Play, Playbook, Retry, RunOn, Section, Task, Within,
};
pub use results::{Registered, Results, TaskResult};
pub use scope::Scope;
pub use selection::Selection;
pub use serial::{Batch, Serial};
pub use tasks::{Change, Module};
pub use templates::Templates;
pub use variables::refused_name;
pub use walk::{Failure, Turn, Undecided, Walk};
pub use world::World;

#[cfg(test)]
mod tests;
