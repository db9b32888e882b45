//! hactl: declarative high availability for MySQL and MariaDB.
//!
//! Every command is **observe, decide, show, confirm, execute, observe**. The rooms of the crate are
//! that sentence:
//!
//! | room | holds | effects |
//! |---|---|---|
//! | [`inventory`] | what a person wants: raw YAML, then a validated cluster | files, secrets |
//! | [`playbook`] | the Ansible-like engine: plays and tasks, compiled to steps | none |
//! | [`mysql`] | what a server says and understands; the only room that knows flavors | none |
//! | [`facts`] | what was seen, never complete: unknown is never "no" | none |
//! | [`observe`] | gathers facts, in parallel, each host under its own deadline | ssh, SQL |
//! | [`decide`] | what is wrong and what should be done about it | none |
//! | [`plan`] | actions and steps as data, and the checker that any plan must pass | none |
//! | [`fleet`] | the only door to the hosts | ssh, SQL |
//! | [`execute`] | carries a plan out; makes no choices | through the fleet |
//! | [`watch`] | perceives a cluster over time, and acts when its primary is dead | through the fleet, SQL, the clock |
//! | [`report`] | readers of one event stream | terminal, files |
//! | [`yaml`] | YAML with the place of every word in it, for messages with a caret | none |
//! | [`cli`] | what a person types and sees | terminal |
//!
//! Invariants, each held by a test in `tests/walls`: a room without effects names no room that has them
//! and no clock; nothing outside [`mysql`] and the templates asks for the flavor by name; there is no
//! dry-run flag below [`cli`].

pub mod cli;
pub mod decide;
pub mod execute;
pub mod facts;
#[cfg(test)]
mod fixture;
pub mod fleet;
pub mod inventory;
pub mod mysql;
pub mod observe;
pub mod plan;
pub mod playbook;
pub mod report;
pub mod watch;
pub mod yaml;
