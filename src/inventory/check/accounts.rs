//! Checks of `accounts`, and where their passwords come from.
//!
//! It must never put a password into a message.

use secrecy::{ExposeSecret, SecretString};

use super::super::raw::{RawAccount, RawAccounts};
use super::super::{Account, Accounts, SecretError};
use super::{Checker, wrong};

/// The longest password that replicas can log in with: `CHANGE REPLICATION SOURCE TO`'s limit
/// (MySQL manual, 15.4.2.2, `SOURCE_PASSWORD`).
const REPLICATION_PASSWORD_MAX: usize = 32;

/// The longest user name that both families take (MySQL manual, 8.2.4).
const USER_MAX: usize = 32;

/// Accounts that the servers have from the start: giving them a password would lock people out.
const BUILT_IN: [&str; 6] = [
    "root",
    "mysql",
    "mariadb.sys",
    "mysql.sys",
    "mysql.session",
    "mysql.infoschema",
];

impl Checker<'_> {
    pub(super) fn accounts(&mut self, raw: RawAccounts) -> Option<Accounts> {
        let replication = self.account("replication", raw.replication);
        let monitor = self.account("monitor", raw.monitor);
        let admin = self.account("admin", raw.admin);
        let (replication, monitor, admin) = (replication?, monitor?, admin?);
        if replication.password.expose_secret().chars().count() > REPLICATION_PASSWORD_MAX {
            self.value(
                &["accounts", "replication", "password"],
                wrong(
                    "the replication password is too long",
                    "more than 32 characters",
                    "choose a shorter one: replicas can log in with at most 32 characters",
                ),
            );
        }
        self.apart(("replication", &replication), ("monitor", &monitor));
        self.apart(("replication", &replication), ("admin", &admin));
        self.apart(("monitor", &monitor), ("admin", &admin));
        Some(Accounts {
            replication,
            monitor,
            admin,
        })
    }

    /// Two purposes need two accounts: each has its own password and privileges.
    fn apart(&mut self, first: (&str, &Account), second: (&str, &Account)) {
        if (&first.1.user, &first.1.host) != (&second.1.user, &second.1.host) {
            return;
        }
        let place = |name| self.document.at(&["accounts", name, "user"]);
        let message = format!(
            "`{}` and `{}` are one account, {}",
            first.0, second.0, first.1
        );
        let diagnostic = self
            .document
            .error(place(second.0), message)
            .label("the same as")
            .related(place(first.0), "this one")
            .help("give each its own user: they have different passwords and privileges");
        self.problems.push(diagnostic);
    }

    fn account(&mut self, name: &str, raw: RawAccount) -> Option<Account> {
        let at = |key| ["accounts", name, key];
        let found = self.problems.len();
        if BUILT_IN.contains(&raw.user.as_str()) {
            let message = format!("`{}` is the server's own account", raw.user);
            let label = "hactl would change its password";
            self.value(
                &at("user"),
                wrong(message, label, "choose a user that hactl may make: hactl"),
            );
        } else if !is_user(&raw.user) {
            let label = "1 to 32 letters, digits, `_`, `-`, `.`";
            self.value(
                &at("user"),
                wrong("not a user's name", label, "write one like `repl`"),
            );
        }
        let host = raw.host.unwrap_or_else(|| default_host(name).to_owned());
        if !is_host_pattern(&host) {
            let help =
                "write `%`, an address, a pattern like 192.0.2.%, or 192.0.2.0/255.255.255.0";
            self.value(
                &at("host"),
                wrong("not a host that may log in", "not a pattern", help),
            );
        }
        let password = self.password(&at("password"), &raw.password.0)?;
        (self.problems.len() == found).then_some(Account {
            user: raw.user,
            host,
            password,
        })
    }

    /// The password that a reference leads to.
    pub(super) fn password(&mut self, path: &[&str], reference: &str) -> Option<SecretString> {
        match self.resolve(path, reference)? {
            Ok(password) => Some(password),
            Err(error) => {
                self.value(
                    path,
                    wrong(error.to_string(), "no password from here", error.hint()),
                );
                None
            }
        }
    }

    /// `None` when the reference itself is wrong; that is reported.
    fn resolve(
        &mut self,
        path: &[&str],
        reference: &str,
    ) -> Option<Result<SecretString, SecretError>> {
        let Some((kind, rest)) = reference.split_once(':').filter(|(kind, _)| is_kind(kind)) else {
            self.value(
                path,
                wrong(
                    "a password is written in the inventory",
                    "anyone who reads this file has it",
                    "write where it is: `env:NAME`, `file:PATH` or `cmd:COMMAND`",
                ),
            );
            return None;
        };
        if rest.trim().is_empty() {
            let message = format!("nothing follows `{kind}:`");
            let help = "write `env:NAME`, `file:PATH` or `cmd:COMMAND`";
            self.value(path, wrong(message, "where is the password?", help));
            return None;
        }
        Some(match kind {
            "env" => self.variable(rest),
            "file" => self.secrets.file(&self.path(path, rest)?),
            _ => self.secrets.command(rest),
        })
    }

    fn variable(&self, name: &str) -> Result<SecretString, SecretError> {
        let value = self.secrets.env(name);
        let place = || format!("the environment variable {name}");
        match value {
            None => Err(SecretError::NoVariable {
                name: name.to_owned(),
            }),
            Some(value) if value.is_empty() => Err(SecretError::Empty { place: place() }),
            Some(value) if value.contains(char::is_control) => {
                Err(SecretError::NotOneLine { place: place() })
            }
            Some(value) => Ok(SecretString::from(value)),
        }
    }
}

fn is_kind(kind: &str) -> bool {
    matches!(kind, "env" | "file" | "cmd")
}

fn is_user(text: &str) -> bool {
    (1..=USER_MAX).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// hactl itself comes over the server's own socket; the others come over the network.
fn default_host(account: &str) -> &'static str {
    if account == "admin" { "localhost" } else { "%" }
}

/// What may stand after the `@` of an account: names, addresses, `%` and `_` as wildcards, netmasks.
fn is_host_pattern(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '%' | '_' | '.' | '-' | ':' | '/'))
}
