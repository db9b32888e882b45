//! How a host is reached by ssh.
//!
//! It must never turn host-key checking off: there is no key for that.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::Address;

/// What is given to ssh on top of the user's own `~/.ssh/config`: `None` leaves it to that file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// The host's address.
    pub address: Address,
    /// The login user.
    pub user: Option<String>,
    /// sshd's port.
    pub port: Option<u16>,
    /// The private key's file.
    pub key: Option<PathBuf>,
    /// The file of known host keys.
    pub known_hosts: Option<PathBuf>,
    /// A host to jump over, as `ssh -J` takes it: `[user@]host[:port]`, several separated by commas.
    pub jump: Option<String>,
    /// How the login user becomes root.
    pub become_root: Become,
    /// The password that sudo wants from the login user, where it wants one.
    pub become_password: Option<BecomePassword>,
    /// Whether ssh compresses what it carries.
    pub compression: Option<bool>,
    /// How long a connection may take, whole seconds as ssh counts them.
    pub connect_timeout: Duration,
}

/// The login user's password, for sudo. It is never shown.
#[derive(Debug, Clone)]
pub struct BecomePassword(pub SecretString);

impl PartialEq for BecomePassword {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for BecomePassword {}

/// How the login user becomes root on a host.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Become {
    /// By `sudo`.
    Sudo,
    /// Not at all: it is root already.
    #[default]
    #[serde(rename = "none")]
    Never,
}
