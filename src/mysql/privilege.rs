//! Privileges as sets, under one name each, whatever a version calls them. Must never be compared
//! as `GRANT` text: a renamed privilege would be revoked and granted again at every run.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::quote::quote_ident;
use super::{AccountName, Dialect, Statement};

/// Where a privilege holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everywhere.
    Global,
    /// In one database.
    Schema(String),
    /// On one table.
    Table(String, String),
}

/// Whether the holder may pass it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantOption {
    /// It may not.
    Without,
    /// It may.
    With,
}

/// One privilege.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Privilege {
    /// Where it holds.
    pub scope: Scope,
    /// Its name in capital letters, as this dialect's server prints it in `information_schema`.
    pub name: String,
    /// Whether the holder may pass it on.
    pub grant: GrantOption,
}

impl Privilege {
    /// A global privilege that is not passed on.
    pub fn global(name: &str) -> Self {
        Self {
            scope: Scope::Global,
            name: name.to_owned(),
            grant: GrantOption::Without,
        }
    }

    /// A privilege in one database that is not passed on.
    pub fn schema(schema: &str, name: &str) -> Self {
        let scope = Scope::Schema(schema.to_owned());
        Self {
            scope,
            name: name.to_owned(),
            grant: GrantOption::Without,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("*.*"),
            Self::Schema(schema) => write!(f, "{}.*", quote_ident(schema)),
            Self::Table(schema, table) => {
                write!(f, "{}.{}", quote_ident(schema), quote_ident(table))
            }
        }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ON {}", self.name, self.scope)?;
        match self.grant {
            GrantOption::With => f.write_str(" WITH GRANT OPTION"),
            GrantOption::Without => Ok(()),
        }
    }
}

impl Dialect {
    /// The one name of a privilege on this server, whichever of its names is given: `REPLICATION
    /// CLIENT` is `BINLOG MONITOR` since `MariaDB` 10.5.2, `REPLICA …` is `SLAVE …`, and
    /// `information_schema` writes `READ_ONLY ADMIN` where the manual has `READ ONLY ADMIN`.
    pub fn privilege_name(self, name: &str) -> String {
        let name = name.trim().to_ascii_uppercase();
        if !self.is_mariadb() {
            return name;
        }
        match name.as_str() {
            "REPLICATION CLIENT" => "BINLOG MONITOR".to_owned(),
            "REPLICA MONITOR" => "SLAVE MONITOR".to_owned(),
            "REPLICATION REPLICA" => "REPLICATION SLAVE".to_owned(),
            "REPLICATION REPLICA ADMIN" => "REPLICATION SLAVE ADMIN".to_owned(),
            "READ ONLY ADMIN" => "READ_ONLY ADMIN".to_owned(),
            "DELETE VERSIONING ROWS" => "DELETE HISTORY".to_owned(),
            _ => name,
        }
    }

    /// The statements that bring an account from the privileges it has to those it should have;
    /// none when there is no difference. Grants come first, so that the account never lacks
    /// anything it should have.
    pub fn grant_difference(
        self,
        account: &AccountName,
        have: &BTreeSet<Privilege>,
        want: &BTreeSet<Privilege>,
    ) -> Vec<Statement> {
        let key = |p: &Privilege| (p.scope.clone(), p.name.clone());
        let satisfied = |p: &Privilege| have.iter().any(|h| key(h) == key(p) && h.grant >= p.grant);
        let missing = want.iter().filter(|p| !satisfied(p));
        let mut statements = Vec::new();
        for (scope, grant, names) in grouped(missing) {
            let option = match grant {
                GrantOption::With => " WITH GRANT OPTION",
                GrantOption::Without => "",
            };
            let text = format!("GRANT {names} ON {scope} TO {}{option}", account.sql());
            statements.push(Statement::new(text));
        }
        let wanted_keys: BTreeSet<_> = want.iter().map(key).collect();
        let extra = have.iter().filter(|p| !wanted_keys.contains(&key(p)));
        let unpassed = extra.map(|p| Privilege {
            grant: GrantOption::Without,
            ..p.clone()
        });
        let unpassed: BTreeSet<Privilege> = unpassed.collect();
        for (scope, _, names) in grouped(unpassed.iter()) {
            statements.push(Statement::new(format!(
                "REVOKE {names} ON {scope} FROM {}",
                account.sql()
            )));
        }
        for scope in option_too_many(have, want) {
            let text = format!("REVOKE GRANT OPTION ON {scope} FROM {}", account.sql());
            statements.push(Statement::new(text));
        }
        statements
    }
}

/// The scopes where the account may pass on privileges and should not.
fn option_too_many(have: &BTreeSet<Privilege>, want: &BTreeSet<Privilege>) -> BTreeSet<Scope> {
    let with = |set: &BTreeSet<Privilege>| -> BTreeSet<Scope> {
        set.iter()
            .filter(|p| p.grant == GrantOption::With)
            .map(|p| p.scope.clone())
            .collect()
    };
    with(have).difference(&with(want)).cloned().collect()
}

/// Privileges of one scope and option, as one list.
fn grouped<'a>(
    privileges: impl Iterator<Item = &'a Privilege>,
) -> Vec<(Scope, GrantOption, String)> {
    let mut groups: std::collections::BTreeMap<(Scope, GrantOption), Vec<String>> =
        std::collections::BTreeMap::new();
    for privilege in privileges {
        let group = groups
            .entry((privilege.scope.clone(), privilege.grant))
            .or_default();
        group.push(spelled(&privilege.name));
    }
    groups
        .into_iter()
        .map(|((scope, grant), names)| (scope, grant, names.join(", ")))
        .collect()
}

/// A privilege as `GRANT` takes it: `information_schema` has an underscore where the grammar of
/// `MariaDB` before 10.11 has a blank.
fn spelled(name: &str) -> String {
    if name == "READ_ONLY ADMIN" {
        "READ ONLY ADMIN".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::AccountRole;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MYSQL_9_7};

    fn account() -> AccountName {
        AccountName::new("repl", "%")
    }

    fn texts(statements: &[Statement]) -> Vec<&str> {
        statements.iter().map(Statement::text).collect()
    }

    #[test]
    fn no_difference_needs_no_statement() {
        for dialect in ALL {
            for role in [
                AccountRole::Replication,
                AccountRole::Monitor,
                AccountRole::Admin,
            ] {
                let want = dialect.role_privileges(role);
                assert!(
                    dialect
                        .grant_difference(&account(), &want, &want)
                        .is_empty()
                );
            }
        }
    }

    #[test]
    fn names_are_one_per_privilege() {
        assert_eq!(
            MARIADB_10_11.privilege_name("replication client"),
            "BINLOG MONITOR"
        );
        assert_eq!(
            MARIADB_10_11.privilege_name("REPLICA MONITOR"),
            "SLAVE MONITOR"
        );
        assert_eq!(
            MYSQL_9_7.privilege_name("REPLICATION CLIENT"),
            "REPLICATION CLIENT"
        );
        for dialect in ALL {
            for privilege in dialect.role_privileges(AccountRole::Admin) {
                assert_eq!(dialect.privilege_name(&privilege.name), privilege.name);
            }
        }
    }

    #[test]
    fn grants_before_it_revokes() {
        let have = [
            Privilege::global("FILE"),
            Privilege::schema("shop", "INSERT"),
        ]
        .into();
        let want = MYSQL_9_7.role_privileges(AccountRole::Replication);
        let statements = MYSQL_9_7.grant_difference(&account(), &have, &want);
        assert_eq!(
            texts(&statements),
            [
                "GRANT CONNECTION_ADMIN, REPLICATION SLAVE ON *.* TO 'repl'@'%'",
                "REVOKE FILE ON *.* FROM 'repl'@'%'",
                "REVOKE INSERT ON `shop`.* FROM 'repl'@'%'",
            ]
        );
    }

    #[test]
    fn the_option_to_pass_on_is_a_difference() {
        let plain = Privilege::global("REPLICATION SLAVE");
        let passed = Privilege {
            grant: GrantOption::With,
            ..plain.clone()
        };
        let (plain, passed) = ([plain].into(), [passed].into());
        let more = MYSQL_9_7.grant_difference(&account(), &plain, &passed);
        assert_eq!(
            texts(&more),
            ["GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%' WITH GRANT OPTION"]
        );
        let less = MYSQL_9_7.grant_difference(&account(), &passed, &plain);
        assert_eq!(texts(&less), ["REVOKE GRANT OPTION ON *.* FROM 'repl'@'%'"]);
    }
}
