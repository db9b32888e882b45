//! What can go wrong between us and a host, and what a person does about it.
//!
//! An error here never carries a script or its output, only what ssh and sudo said themselves; and it
//! always tells whether something may have run on the host, because "unknown" is not "no".

use std::path::PathBuf;
use std::time::Duration;

use super::control::ControlFolderError;
use super::target::{InvalidTarget, SshTarget};

/// A host could not be reached, or a script could not be carried to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}{}", quoted(said.as_deref()))]
pub struct LinkError {
    place: String,
    #[source]
    fault: Box<LinkFault>,
    said: Option<String>,
    effect: Effect,
    known_hosts_name: String,
    known_hosts: Option<PathBuf>,
    login: String,
}

/// Whether an operation that failed may have done something on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It certainly did nothing: the same can be tried again.
    None,
    /// It may have happened, wholly or in part: observe again before anything else.
    Unknown,
}

/// The kinds of [`LinkError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// No connection to sshd.
    #[error("{0}")]
    Unreachable(Unreachable),
    /// The host showed a key that is in no known hosts file.
    #[error("the host key of {name} is not known")]
    HostKeyUnknown {
        /// The host whose key it is, as `known_hosts` spells it; with a jump, it may be the jump host.
        name: String,
    },
    /// The host showed another key than the known one.
    #[error("the host key of {name} has changed")]
    HostKeyChanged {
        /// As for [`LinkFault::HostKeyUnknown`].
        name: String,
        /// The file with the old key and its line, as ssh names it.
        offending: Option<String>,
    },
    /// The host let nobody in with the keys offered.
    #[error("the host refused the login")]
    AuthenticationFailed,
    /// There is no `ssh` on this machine.
    #[error("there is no `ssh` command on this machine")]
    NoSshClient,
    /// The login user may use sudo with a password only.
    #[error("sudo wants a password")]
    SudoNeedsPassword,
    /// sudo was given a password, and wanted another.
    #[error("sudo refused the password")]
    SudoPasswordWrong,
    /// The password was not tried: where it was, it was refused.
    #[error("sudo's password was not tried here, because {by} refused it")]
    SudoPasswordUntried {
        /// Which host refused it.
        by: String,
    },
    /// The login user may not use sudo, or only from a terminal.
    #[error("sudo refused to run a shell as root")]
    SudoRefused,
    /// The login user is not root, and there is no sudo.
    #[error("the login is not root and there is no sudo on the host")]
    SudoMissing,
    /// The login shell ended without running the script.
    #[error("the login shell ran nothing and ended with status {status}")]
    ShellRefused {
        /// The exit status of the login shell.
        status: i32,
    },
    /// The connection went away.
    #[error("the ssh connection was lost")]
    Disconnected,
    /// The remote shell was killed by a signal.
    #[error("the remote shell was killed by a signal")]
    Killed,
    /// It took too long.
    #[error("{what} did not end within {after:?}")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// The bound that was passed.
        after: Duration,
    },
    /// The inventory names something that ssh would misread.
    #[error(transparent)]
    InvalidTarget(#[from] InvalidTarget),
    /// There is no safe place for control sockets.
    #[error("no safe folder for control sockets: {0}")]
    ControlFolder(ControlFolderError),
    /// Anything else; the decisive line says what.
    #[error("ssh failed")]
    Other,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The host is up, and nothing listens on that port.
    #[error("the connection was refused")]
    Refused,
    /// No answer at all.
    #[error("no answer")]
    TimedOut,
    /// The network knows no way.
    #[error("no route to the host")]
    NoRoute,
    /// The name has no address.
    #[error("the name has no address")]
    UnknownName,
    /// Something answered and hung up before the login (too many connections, sshd starting up).
    #[error("the connection was closed before the login")]
    Closed,
}

impl LinkError {
    pub(in crate::fleet) fn new(target: &SshTarget, fault: LinkFault, effect: Effect) -> Self {
        Self {
            place: target.place(),
            fault: Box::new(fault),
            said: None,
            effect,
            known_hosts_name: target.known_hosts_name(),
            known_hosts: target.known_hosts.clone(),
            login: login(target),
        }
    }

    /// With the line by which ssh or sudo decided it; an empty one is left out.
    pub(in crate::fleet) fn saying(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        self.said = Some(line.trim().to_owned()).filter(|line| !line.is_empty());
        self
    }

    /// What kind of failure it is.
    pub fn fault(&self) -> &LinkFault {
        &self.fault
    }

    /// The host and port, as in the inventory.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The decisive line of what ssh, sudo or the login shell said.
    pub fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    /// Whether something may have run on the host.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// What a person should do next: one or two sentences, with commands to copy.
    pub fn hint(&self) -> String {
        let Self {
            known_hosts_name: own,
            login,
            ..
        } = self;
        match &*self.fault {
            LinkFault::Unreachable(Unreachable::Refused) => {
                "the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory".into()
            }
            LinkFault::Unreachable(Unreachable::TimedOut | Unreachable::NoRoute) => {
                "check that the host is up and that no firewall drops the port; with a jump host, check `ssh: {jump: …}`".into()
            }
            LinkFault::Unreachable(Unreachable::UnknownName) => {
                format!("check the address in the inventory: `getent hosts {own}` must print one, or `~/.ssh/config` must define it")
            }
            LinkFault::Unreachable(Unreachable::Closed) => {
                format!("look at sshd on the host (`journalctl -u ssh`): it may be starting, full (`MaxStartups`), told to refuse this address, or refuse it for a while after failed logins (`PerSourcePenalties`, up to ten minutes); with a jump host in ~/.ssh/config, `ssh {login} true` must work without a question")
            }
            LinkFault::HostKeyUnknown { name } => self.hint_unknown_key(name),
            LinkFault::HostKeyChanged { name, .. } => format!(
                "if the host was reinstalled, forget the old key with `ssh-keygen {}-R '{name}'` and run again; if it was not, somebody else may be answering: do not go on",
                self.known_hosts.as_ref().map(|file| format!("-f {} ", file.display())).unwrap_or_default(),
            ),
            LinkFault::AuthenticationFailed => format!(
                "`ssh {login} true` must work without a question: add your public key to that user's authorized_keys, load the key into your agent, or set `ssh: {{key: …}}`"
            ),
            LinkFault::NoSshClient => "install it: `apt-get install openssh-client`".into(),
            LinkFault::SudoNeedsPassword => {
                "run again with -K to be asked for it, name it in the inventory (`ssh: {become_password: \"env:NAME\"}`), or give the login user passwordless sudo on that host".into()
            }
            LinkFault::SudoPasswordWrong => format!(
                "it was tried once and no more, so that no account is locked; `ssh -t {login} sudo -k true` must take the password that you give with -K or `become_password`"
            ),
            LinkFault::SudoPasswordUntried { .. } => {
                "one wrong password on many hosts could lock the account; where hosts have different ones, give each its own `ssh: {become_password: …}`".into()
            }
            LinkFault::SudoRefused => {
                "give the login user passwordless sudo on that host (`NAME ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d/hactl), or log in as root".into()
            }
            LinkFault::SudoMissing => {
                "install sudo on the host, or log in as root (`ssh: {user: root}`)".into()
            }
            LinkFault::ShellRefused { .. } => {
                format!("`ssh {login} 'echo ok'` must print ok: look at the user's login shell and its start-up files")
            }
            LinkFault::Disconnected | LinkFault::Killed => {
                "look at the host (did it reboot, did it run out of memory?), then run the command again: it takes up where this one stopped".into()
            }
            LinkFault::TimedOut { .. } => {
                "look at what keeps the host busy, then run the command again: it takes up where this one stopped".into()
            }
            LinkFault::InvalidTarget(_) => "correct the inventory".into(),
            LinkFault::ControlFolder(_) => {
                "remove what is there, or set XDG_RUNTIME_DIR to a folder of your own (mode 0700, short path)".into()
            }
            LinkFault::Other => format!("`ssh -v {login} true` shows more"),
        }
    }

    fn hint_unknown_key(&self, name: &str) -> String {
        let file = match &self.known_hosts {
            Some(file) => file.display().to_string(),
            None => "~/.ssh/known_hosts".into(),
        };
        let (host, port) = split_name(name);
        format!(
            "compare the key with the host's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its console), then add it: `ssh-keyscan -p {port} {host} >> {file}`; or run again with --accept-new-host-keys"
        )
    }
}

/// `[host]:port` or `host`, as `known_hosts` spells it, apart.
fn split_name(name: &str) -> (&str, &str) {
    name.strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .unwrap_or((name, "22"))
}

fn login(target: &SshTarget) -> String {
    let user = target
        .user
        .as_ref()
        .map(|user| format!("{user}@"))
        .unwrap_or_default();
    let port = target
        .port
        .map(|port| format!("-p {port} "))
        .unwrap_or_default();
    let jump = target
        .jump
        .as_ref()
        .map(|jump| format!("-J {jump} "))
        .unwrap_or_default();
    format!("{port}{jump}{user}{}", target.address)
}

fn quoted(said: Option<&str>) -> String {
    said.map(|line| format!(": `{line}`")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::target::SshTarget;
    use super::{Effect, LinkError, LinkFault};

    fn target() -> SshTarget {
        SshTarget {
            port: Some(2222),
            user: Some("ops".into()),
            known_hosts: Some("/etc/hactl/known_hosts".into()),
            ..SshTarget::new("db1")
        }
    }

    #[test]
    fn an_unknown_key_says_which_line_to_type() {
        let fault = LinkFault::HostKeyUnknown {
            name: "[db1]:2222".into(),
        };
        let hint = LinkError::new(&target(), fault, Effect::None).hint();
        assert!(
            hint.contains("`ssh-keyscan -p 2222 db1 >> /etc/hactl/known_hosts`"),
            "{hint}"
        );
        assert!(hint.contains("--accept-new-host-keys"), "{hint}");
    }

    #[test]
    fn a_changed_key_says_which_line_to_type() {
        let fault = LinkFault::HostKeyChanged {
            name: "[db1]:2222".into(),
            offending: None,
        };
        let hint = LinkError::new(&target(), fault, Effect::None).hint();
        assert!(
            hint.contains("`ssh-keygen -f /etc/hactl/known_hosts -R '[db1]:2222'`"),
            "{hint}"
        );
        assert!(
            !hint.contains("accept-new"),
            "a changed key is never accepted: {hint}"
        );
    }

    #[test]
    fn the_message_names_the_place_and_quotes_the_decisive_line() {
        let error = LinkError::new(&target(), LinkFault::AuthenticationFailed, Effect::None)
            .saying("ops@db1: Permission denied (publickey).\r");
        assert_eq!(
            error.to_string(),
            "db1:2222: the host refused the login: `ops@db1: Permission denied (publickey).`"
        );
        assert!(
            error.hint().contains("`ssh -p 2222 ops@db1 true`"),
            "{}",
            error.hint()
        );
    }
}
