//! In what an account on a server is not what it should be. One judgement, so that what is found, what is
//! planned and what is done never disagree. It must never hold a password or a hash.

use std::fmt;

use secrecy::SecretString;

use super::account::{AccountSpec, Barrier};
use super::{PasswordCheck, ServerFacts, check_password};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountDifference {
    /// There is no such account.
    Missing,
    /// It is kept out.
    Barred(Barrier),
    /// Its password is another one.
    Password,
    /// Its password is kept in a way that cannot be compared (`unix_socket`, say).
    PasswordKeptBy {
        /// The authentication plugin.
        plugin: String,
    },
    /// It may do more or less than its role needs on this server.
    Privileges,
}

impl fmt::Display for AccountDifference {
    /// As a plan names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("create"),
            Self::Barred(barrier) => barrier.fmt(f),
            Self::Password => f.write_str("another password"),
            Self::PasswordKeptBy { plugin } => write!(f, "password kept by {plugin}"),
            Self::Privileges => f.write_str("other privileges"),
        }
    }
}

impl ServerFacts {
    /// How an account on this server differs from what it should be; empty where it does not.
    pub fn account_differences(
        &self,
        account: &AccountSpec,
        password: &SecretString,
    ) -> Vec<AccountDifference> {
        let Some(seen) = self.accounts.get(&account.name) else {
            return vec![AccountDifference::Missing];
        };
        let barriers = seen.barriers.iter().copied();
        let mut differences: Vec<_> = barriers.map(AccountDifference::Barred).collect();
        match check_password(&seen.plugin, &seen.hash, password) {
            PasswordCheck::Matches => {}
            PasswordCheck::Differs => differences.push(AccountDifference::Password),
            PasswordCheck::CannotTell { plugin } => {
                differences.push(AccountDifference::PasswordKeptBy { plugin });
            }
        }
        let wanted = self.dialect.role_privileges(account.role);
        let changes = self
            .dialect
            .grant_difference(&account.name, &seen.privileges, &wanted);
        if !changes.is_empty() {
            differences.push(AccountDifference::Privileges);
        }
        differences
    }
}
