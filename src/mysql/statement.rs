//! A statement for a server, and how it is shown. Must never let a secret out by any way but
//! [`Statement::text`], which is for the wire alone.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::quote::quote_literal;

/// What stands where a secret was.
const HIDDEN: &str = "'***'";

/// One SQL statement, without a closing semicolon.
#[derive(Clone)]
pub struct Statement {
    wire: SecretString,
    shown: String,
}

impl Statement {
    /// A statement that holds no secret.
    pub fn new(text: impl Into<String>) -> Self {
        let shown = text.into();
        Self {
            wire: SecretString::from(shown.clone()),
            shown,
        }
    }

    /// The text for the wire. May hold secrets: never log it, print it or put it on a command line.
    pub fn text(&self) -> &str {
        self.wire.expose_secret()
    }

    /// The text for people and logs: secrets are `'***'`.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statement").field(&self.shown).finish()
    }
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() && self.shown == other.shown
    }
}

impl Eq for Statement {}

/// Builds a statement from plain text and secret literals.
#[derive(Default)]
pub(super) struct StatementBuilder {
    wire: String,
    shown: String,
}

impl StatementBuilder {
    /// Adds text that anyone may see.
    pub(super) fn plain(mut self, text: &str) -> Self {
        self.wire.push_str(text);
        self.shown.push_str(text);
        self
    }

    /// Adds a quoted literal that nobody may see.
    pub(super) fn secret_literal(self, value: &str) -> Self {
        let quoted = quote_literal(value);
        self.secret_text(&quoted)
    }

    /// Adds text that is quoted already and that nobody may see.
    pub(super) fn secret_text(mut self, quoted: &str) -> Self {
        self.wire.push_str(quoted);
        self.shown.push_str(HIDDEN);
        self
    }

    /// The statement.
    pub(super) fn build(self) -> Statement {
        Statement {
            wire: SecretString::from(self.wire),
            shown: self.shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_on_the_wire_only() {
        let statement = StatementBuilder::default()
            .plain("ALTER USER u IDENTIFIED BY ")
            .secret_literal("it's")
            .plain(" ACCOUNT UNLOCK")
            .build();
        assert_eq!(
            statement.text(),
            "ALTER USER u IDENTIFIED BY 'it''s' ACCOUNT UNLOCK"
        );
        assert_eq!(
            statement.to_string(),
            "ALTER USER u IDENTIFIED BY '***' ACCOUNT UNLOCK"
        );
        assert!(!format!("{statement:?}").contains("it''s"));
    }
}
