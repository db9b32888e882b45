//! Checks of `ssh`, for all hosts and for one.
//!
//! It must never let text through that ssh would take for an option.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::duration;
use super::super::raw::RawSsh;
use super::super::{Address, Become, BecomePassword, Scalar, SshTarget};
use super::{Checker, wrong};

/// How long a connection may take where nothing is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that may be asked for.
const LONGEST_TIMEOUT: Duration = Duration::from_mins(5);

impl Checker<'_> {
    /// What is wrong with the `ssh` keys at a path.
    pub(super) fn check_ssh(&mut self, path: &[&str], raw: &RawSsh) {
        let at = |key| [path, &[key]].concat();
        self.port(&at("port"), raw.port);
        if raw.user.as_deref().is_some_and(|user| !is_login(user)) {
            let help = "write a login name: root, admin";
            self.value(
                &at("user"),
                wrong("not a login name", "ssh would not take it", help),
            );
        }
        if raw
            .jump
            .as_deref()
            .is_some_and(|jump| !jump.split(',').all(is_hop))
        {
            let help = "write `[user@]host[:port]`, several separated by commas";
            self.value(
                &at("jump"),
                wrong("not a host to jump over", "ssh would not take it", help),
            );
        }
        for (key, text) in [("key", &raw.key), ("known_hosts", &raw.known_hosts)] {
            if text.as_deref().is_some_and(str::is_empty) {
                let help = "write the path of a file, or remove the key";
                self.value(
                    &at(key),
                    wrong(format!("`{key}` is empty"), "no path", help),
                );
            } else if let Some(text) = text {
                self.path(&at(key), text);
            }
        }
        if let Some(written) = raw
            .connect_timeout
            .as_ref()
            .filter(|text| timeout(text).is_none())
        {
            let help = match written {
                Scalar::Int(seconds) if (1..=300).contains(seconds) => {
                    format!("add the unit: {seconds}s")
                }
                _ => "write 10s, or 1m".to_owned(),
            };
            let wrong = wrong("not a time to wait", "1s to 5m, in whole seconds", help);
            self.value(&at("connect_timeout"), wrong);
        }
    }

    /// The password for sudo that the `ssh` keys at a path lead to.
    pub(super) fn become_password(
        &mut self,
        path: &[&str],
        raw: &RawSsh,
    ) -> Option<BecomePassword> {
        let reference = raw.become_password.as_ref()?;
        let path = [path, &["become_password"]].concat();
        self.password(&path, &reference.0).map(BecomePassword)
    }

    /// The host's keys over those for all hosts; `password` is the one for all hosts.
    pub(super) fn ssh_target(
        &mut self,
        path: &[&str],
        address: &Address,
        host: RawSsh,
        (all, password): (&RawSsh, Option<&BecomePassword>),
    ) -> SshTarget {
        let own_password = self.become_password(path, &host);
        let all = all.clone();
        let become_root = host.r#become.or(all.r#become).unwrap_or_default();
        if own_password.is_some() && become_root == Become::Never {
            let help = "write `become: sudo` beside it, or remove it";
            let path = [path, &["become_password"]].concat();
            self.value(
                &path,
                wrong("a password for sudo, and no sudo", "never asked for", help),
            );
        }
        let connect_timeout = host.connect_timeout.or(all.connect_timeout);
        SshTarget {
            address: address.clone(),
            user: host.user.or(all.user),
            port: host.port.or(all.port),
            key: host.key.or(all.key).and_then(|text| self.expand(&text)),
            known_hosts: host
                .known_hosts
                .or(all.known_hosts)
                .and_then(|text| self.expand(&text)),
            jump: host.jump.or(all.jump),
            become_root,
            become_password: own_password
                .or_else(|| password.cloned())
                .filter(|_| become_root == Become::Sudo),
            compression: host.compression.or(all.compression),
            connect_timeout: connect_timeout
                .and_then(|t| timeout(&t))
                .unwrap_or(CONNECT_TIMEOUT),
        }
    }

    /// A path as it was written, made complete; reports a `~` that cannot be.
    pub(super) fn path(&mut self, place: &[&str], text: &str) -> Option<PathBuf> {
        let path = self.expand(text);
        if path.is_none() {
            let help = "write the whole path";
            self.value(
                place,
                wrong(
                    "`~` cannot be expanded",
                    "HOME is not set, or not you",
                    help,
                ),
            );
        }
        path
    }

    fn expand(&self, text: &str) -> Option<PathBuf> {
        if !text.starts_with('~') {
            return Some(self.folder.join(text));
        }
        let home = self.secrets.env("HOME").filter(|home| !home.is_empty())?;
        match text.strip_prefix("~/") {
            Some(rest) => Some(Path::new(&home).join(rest)),
            None => (text == "~").then(|| PathBuf::from(home)),
        }
    }
}

fn timeout(written: &Scalar) -> Option<Duration> {
    duration::parse(&written.to_string()).filter(|time| {
        time.subsec_nanos() == 0 && (Duration::from_secs(1)..=LONGEST_TIMEOUT).contains(time)
    })
}

/// A word that is a login name anywhere, a directory's `user@realm` as well.
fn is_login(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@'))
}

fn is_hop(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("root", text));
    let begins = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    let made_of = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '[' | ']'));
    is_login(user) && begins && made_of
}
