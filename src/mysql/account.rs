//! hactl's accounts: names, roles, and the statements that create and correct them. Must be issued
//! on the primary only: replicas get accounts by replication, and an account made there would be an
//! errant transaction.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::SecretString;
use serde::Serialize;

use super::password::{PasswordHash, Salt};
use super::quote::quote_literal;
use super::statement::StatementBuilder;
use super::{Dialect, Privilege, Statement};

/// An account: a user, and the addresses it may come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    /// The user name.
    pub user: String,
    /// The host pattern: `localhost`, `%`, `10.0.0.%`.
    pub host: String,
}

impl AccountName {
    /// An account's name from its parts.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            host: host.into(),
        }
    }

    /// As statements name it: `'repl'@'%'`.
    pub fn sql(&self) -> String {
        format!(
            "{}@{}",
            quote_literal(&self.user),
            quote_literal(&self.host)
        )
    }

    /// As `information_schema` names it, where nothing is escaped.
    pub(super) fn grantee(&self) -> String {
        format!("'{}'@'{}'", self.user, self.host)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.host)
    }
}

impl Serialize for AccountName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What an account is for; its privileges follow from that ([`Dialect::role_privileges`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountRole {
    /// Replicas log in with it to fetch.
    Replication,
    /// Probes log in with it over TCP: it sees states and positions, and no data.
    Monitor,
    /// hactl itself, at `localhost`, over the server's unix socket.
    Admin,
}

impl std::fmt::Display for AccountRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Replication => "replication",
            Self::Monitor => "monitor",
            Self::Admin => "admin",
        })
    }
}

/// A word that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no account `{0}`")]
pub struct UnknownRole(pub String);

impl std::str::FromStr for AccountRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "replication" => Ok(Self::Replication),
            "monitor" => Ok(Self::Monitor),
            "admin" => Ok(Self::Admin),
            other => Err(UnknownRole(other.to_owned())),
        }
    }
}

/// An account as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccountSpec {
    /// Its name.
    pub name: AccountName,
    /// What it is for.
    pub role: AccountRole,
}

/// An account as a server has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountFacts {
    /// How it authenticates.
    pub plugin: String,
    /// The stored hash. Never shown or serialised.
    #[serde(skip)]
    pub hash: PasswordHash,
    /// What it may do, under the names of [`Dialect::privilege_name`].
    pub privileges: BTreeSet<Privilege>,
    /// What keeps it out, whatever its password.
    pub barriers: BTreeSet<Barrier>,
}

/// What keeps an account out although its password is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Barrier {
    /// `ACCOUNT LOCK`.
    Locked,
    /// `PASSWORD EXPIRE`, or older than the account or `default_password_lifetime` allows.
    Expired,
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "locked",
            Self::Expired => "password expired",
        })
    }
}

impl Dialect {
    /// Creates an account with its password, by hash, and its privileges. Fails when it is there
    /// already ([`super::error_code::CANNOT_USER`]). `salt` is random; flavors that need none
    /// ignore it.
    pub fn create_account(
        self,
        account: &AccountSpec,
        password: &SecretString,
        salt: Salt,
    ) -> Vec<Statement> {
        let mut statements = vec![self.identify_account("CREATE", &account.name, password, salt)];
        let want = self.role_privileges(account.role);
        statements.extend(self.grant_difference(&account.name, &BTreeSet::new(), &want));
        statements
    }

    /// Gives an account its password, by hash. Also takes it away from another plugin.
    pub fn set_password(
        self,
        account: &AccountName,
        password: &SecretString,
        salt: Salt,
    ) -> Statement {
        self.identify_account("ALTER", account, password, salt)
    }

    /// Lets an account in again. A password that has expired is ended by [`Self::set_password`], which begins
    /// a new life of it.
    pub fn unlock_account(self, account: &AccountName) -> Statement {
        Statement::new(format!("ALTER USER {} ACCOUNT UNLOCK", account.sql()))
    }

    /// Removes an account where it is there; succeeds on servers that do not have it, too.
    pub fn drop_account(self, account: &AccountName) -> Statement {
        Statement::new(format!("DROP USER IF EXISTS {}", account.sql()))
    }

    /// Makes a server read its privilege tables again, without a trace in its own binary log: after
    /// an import that wrote them as rows. Plain `FLUSH PRIVILEGES` is logged and becomes an errant
    /// transaction.
    pub fn reload_privileges(self) -> Statement {
        Statement::new("FLUSH LOCAL PRIVILEGES")
    }

    fn identify_account(
        self,
        verb: &str,
        account: &AccountName,
        password: &SecretString,
        salt: Salt,
    ) -> Statement {
        let (clause, hash) = self.identified_clause(password, salt);
        StatementBuilder::default()
            .plain(&format!("{verb} USER {} {clause}", account.sql()))
            .secret_text(&hash)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MYSQL_9_7};

    fn created(dialect: Dialect, password: &str) -> Vec<Statement> {
        let spec = AccountSpec {
            name: AccountName::new("o'repl", "%"),
            role: AccountRole::Replication,
        };
        dialect.create_account(
            &spec,
            &SecretString::from(password),
            Salt::from_random([7; 20]),
        )
    }

    #[test]
    fn an_account_is_created_by_hash() {
        let statements = created(MARIADB_10_11, "secret1");
        assert_eq!(
            statements[0].text(),
            "CREATE USER 'o''repl'@'%' IDENTIFIED BY PASSWORD \
             '*7C67218EF7410F248763DC99AEDC705367393C4A'"
        );
        assert_eq!(
            statements[1].text(),
            "GRANT CONNECTION ADMIN, REPLICATION SLAVE ON *.* TO 'o''repl'@'%'"
        );
        let text = created(MYSQL_9_7, "secret1")[0].text().to_owned();
        assert!(
            text.contains("IDENTIFIED WITH caching_sha2_password AS 0x2441243030352435"),
            "{text}"
        );
    }

    #[test]
    fn neither_password_nor_hash_is_shown() {
        for dialect in ALL {
            for statement in created(dialect, "hunter2-hunter2") {
                let shown = format!("{statement} {statement:?}");
                assert!(!statement.text().contains("hunter2"), "{dialect}");
                assert!(
                    !shown.contains("hunter2") && !shown.contains("0x24"),
                    "{shown}"
                );
                assert!(!shown.contains("'*") || shown.contains("'***'"), "{shown}");
            }
        }
    }
}
