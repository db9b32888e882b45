//! Whom to reach and how: what the inventory names; all else is left to `~/.ssh/config`.
//!
//! Keys are named by their path and are read by `ssh` alone; the one secret here is what sudo wants, and
//! that travels on the standard input of a channel.

use std::path::PathBuf;
use std::time::Duration;

use super::sudo::SudoPassword;

/// One host as `ssh` needs to know it. What is `None` is decided by `~/.ssh/config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// Address, name, or an alias of `~/.ssh/config`.
    pub address: String,
    /// Login user.
    pub user: Option<String>,
    /// Port of sshd.
    pub port: Option<u16>,
    /// Private key; when named, no other key is offered to the host.
    pub key: Option<PathBuf>,
    /// Known hosts file, in place of the user's own; the jump hosts' keys are looked up in it, too.
    pub known_hosts: Option<PathBuf>,
    /// Jump hosts, as in ssh's `ProxyJump`: `[user@]host[:port][,…]`.
    pub jump: Option<String>,
    /// How a login that is not root becomes root.
    pub become_root: Become,
    /// The password that sudo wants, where it wants one.
    pub sudo_password: Option<SudoPassword>,
    /// Whether what goes through it is compressed.
    pub compression: Option<bool>,
    /// How long a connection may take, key exchange included, each hop. At least one second.
    pub connect_timeout: Duration,
}

/// How scripts get to run as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Become {
    /// By `sudo`, unless the login is root already; it is never let ask a question.
    Sudo,
    /// Not at all: scripts run as the login user.
    Never,
}

/// What to do about a host whose key is not known yet. A changed key is refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKeys {
    /// Refuse it.
    Strict,
    /// Write it down and go on (ssh's `accept-new`).
    AcceptNew,
}

impl HostKeys {
    /// The value of ssh's `StrictHostKeyChecking`.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Strict => "yes",
            Self::AcceptNew => "accept-new",
        }
    }
}

/// A target that `ssh` would misread. The inventory is checked before; this is the last fence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Empty, or it begins with a dash (an option of ssh's), or it holds what no name of a host has.
    #[error("`{0}` is no address of a host")]
    Address(String),
    /// As for an address.
    #[error("`{0}` is no login user")]
    User(String),
    /// As for an address; commas separate hops.
    #[error("`{0}` is no jump host: write [user@]host[:port], several separated by commas")]
    Jump(String),
}

impl SshTarget {
    /// A target with ssh's own defaults: sudo when needed, ten seconds to connect.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            user: None,
            port: None,
            key: None,
            known_hosts: None,
            jump: None,
            become_root: Become::Sudo,
            sudo_password: None,
            compression: None,
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// Refuses what ssh would take for an option, a shell word or a URL.
    pub(super) fn check(&self) -> Result<(), InvalidTarget> {
        let word = |text: &str, extra: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text
                    .chars()
                    .all(|c| c.is_alphanumeric() || "._-:%".contains(c) || extra.contains(c))
        };
        if !word(&self.address, "") {
            return Err(InvalidTarget::Address(self.address.clone()));
        }
        if let Some(user) = &self.user
            && !word(user, "@\\+$")
        {
            return Err(InvalidTarget::User(user.clone()));
        }
        if let Some(jump) = &self.jump
            && !jump.split(',').all(|hop| word(hop, "@[]"))
        {
            return Err(InvalidTarget::Jump(jump.clone()));
        }
        Ok(())
    }

    /// The password to give to sudo, where sudo is used.
    pub(super) fn password(&self) -> Option<&SudoPassword> {
        let used = self.become_root == Become::Sudo;
        self.sudo_password.as_ref().filter(|_| used)
    }

    /// The host as messages name it: `address:port`, or the address alone when ssh's own
    /// configuration decides the port.
    pub fn place(&self) -> String {
        match self.port {
            Some(port) if self.address.contains(':') => format!("[{}]:{port}", self.address),
            Some(port) => format!("{}:{port}", self.address),
            None => self.address.clone(),
        }
    }

    /// The host as `known_hosts` spells it: `[address]:port` unless the port is 22.
    pub(super) fn known_hosts_name(&self) -> String {
        match self.port {
            Some(port) if port != 22 => format!("[{}]:{port}", self.address),
            _ => self.address.clone(),
        }
    }
}

impl From<&crate::inventory::SshTarget> for SshTarget {
    fn from(wanted: &crate::inventory::SshTarget) -> Self {
        Self {
            address: wanted.address.to_string(),
            user: wanted.user.clone(),
            port: wanted.port,
            key: wanted.key.clone(),
            known_hosts: wanted.known_hosts.clone(),
            jump: wanted.jump.clone(),
            become_root: match wanted.become_root {
                crate::inventory::Become::Sudo => Become::Sudo,
                crate::inventory::Become::Never => Become::Never,
            },
            sudo_password: wanted
                .become_password
                .as_ref()
                .map(|password| SudoPassword::new(password.0.clone())),
            compression: wanted.compression,
            connect_timeout: wanted.connect_timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidTarget, SshTarget};

    #[test]
    fn what_ssh_would_misread_is_refused() {
        for address in [
            "",
            "-oProxyCommand=id",
            "a b",
            "ssh://db1",
            "root@db1",
            "db1;id",
        ] {
            let refused = SshTarget::new(address).check();
            assert_eq!(
                refused,
                Err(InvalidTarget::Address(address.to_owned())),
                "{address}"
            );
        }
        for address in ["db1", "10.0.0.1", "fe80::1%eth0", "db-1.example.org"] {
            assert_eq!(SshTarget::new(address).check(), Ok(()), "{address}");
        }
        let jumps = |jump: &str| SshTarget {
            jump: Some(jump.to_owned()),
            ..SshTarget::new("db1")
        };
        assert_eq!(jumps("ops@bastion:2222,inner").check(), Ok(()));
        assert!(jumps("bastion;id").check().is_err());
        assert!(jumps("bastion,").check().is_err());
        assert!(jumps("-J").check().is_err());
    }

    #[test]
    fn places_and_names_are_those_of_the_field() {
        let port = |address: &str, port| SshTarget {
            port,
            ..SshTarget::new(address)
        };
        assert_eq!(port("db1", None).place(), "db1");
        assert_eq!(port("db1", Some(2222)).place(), "db1:2222");
        assert_eq!(port("fe80::1", Some(22)).place(), "[fe80::1]:22");
        assert_eq!(port("db1", Some(22)).known_hosts_name(), "db1");
        assert_eq!(port("db1", Some(2222)).known_hosts_name(), "[db1]:2222");
    }
}
