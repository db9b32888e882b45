//! What a person wants: an inventory file, read, checked and turned into a [`Cluster`].
//!
//! [`Inventory::load`] is the way in. It reports everything that is wrong with a file together, each at its
//! line, and resolves the passwords (`env:`, `file:`, `cmd:`), so that whoever holds a `Cluster` holds one
//! that makes sense.
//!
//! This room must never connect to a host, and must never show a password: they are
//! [`secrecy::SecretString`] from the moment that they are known, and masked in every excerpt of the file.

mod account;
mod address;
mod ansible;
mod check;
mod cluster;
mod command;
mod duration;
mod failover;
mod host;
mod load;
mod name;
mod raw;
mod scalar;
mod secret;
mod settings;
mod ssh;
mod vip;

pub use account::{Account, Accounts};
pub use address::Address;
pub use cluster::{Cluster, Durability, ReplicationMode, ServerSpec};
pub use failover::{FailoverPolicy, FenceCommand, FenceContract, HookPoint, Hooks, Prefer};
pub use host::{Host, InitialRole, Promotion};
pub use load::{Inventory, InventoryError};
pub use name::{ClusterName, HostName, InvalidName};
pub use scalar::Scalar;
pub use secret::{LiveSecrets, SecretError, Secrets};
pub use ssh::{Become, BecomePassword, SshTarget};
pub use vip::WriterVip;

#[cfg(test)]
mod tests;
