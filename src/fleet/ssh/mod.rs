//! Links to hosts by the system's own `ssh`: one warm master per host, many channels through it.
//!
//! The master process is started by us (so `~/.ssh/config`, agents, hardware keys and jump hosts work
//! as they do by hand) and is spoken to over its control socket. It must never ask a question, never
//! accept a changed host key, and never put a secret or a script into an argument vector.

mod channel;
mod control;
mod diagnosis;
mod error;
mod link;
mod master;
mod opening;
mod sudo;
mod target;
mod transfer;

pub(in crate::fleet) use channel::{Channel, Talk};
pub use control::ControlFolderError;
pub use error::{Effect, LinkError, LinkFault, Unreachable};
pub use link::{Link, Output, Whoami};
pub use sudo::SudoPassword;
pub use target::{Become, HostKeys, InvalidTarget, SshTarget};
pub use transfer::{RemoteReader, RemoteWriter, StreamEnd};
