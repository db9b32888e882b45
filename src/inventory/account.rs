//! The database accounts that hactl makes and uses.
//!
//! It must never show a password.

use std::fmt;

use secrecy::SecretString;

use crate::mysql::{AccountName, AccountRole, AccountSpec};

/// The accounts of a cluster. No two of them are the same account.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Replicas log in to their source with it.
    pub replication: Account,
    /// Probes read the servers' state with it; it can change nothing.
    pub monitor: Account,
    /// hactl administers the servers with it where the login user is not root.
    pub admin: Account,
}

/// An account and its password.
#[derive(Clone)]
pub struct Account {
    /// The user name, at most 32 characters.
    pub user: String,
    /// From where it may log in, as in `'user'@'host'`.
    pub host: String,
    /// The password.
    pub password: SecretString,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'@'{}'", self.user, self.host)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({self})")
    }
}

impl Accounts {
    /// The account with a role.
    pub fn of(&self, role: AccountRole) -> &Account {
        match role {
            AccountRole::Replication => &self.replication,
            AccountRole::Monitor => &self.monitor,
            AccountRole::Admin => &self.admin,
        }
    }
}

impl Account {
    /// Its name, as servers know it.
    pub fn name(&self) -> AccountName {
        AccountName::new(self.user.clone(), self.host.clone())
    }

    /// What it should be, apart from its password.
    pub fn spec(&self, role: AccountRole) -> AccountSpec {
        AccountSpec {
            name: self.name(),
            role,
        }
    }
}
