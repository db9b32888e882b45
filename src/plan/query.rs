//! A user's statement for a server, as data.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Its text.
    pub text: String,
    /// Whether it may write.
    pub access: Access,
    /// How long it may take.
    pub within: Duration,
}

/// Whether a statement may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The server is told to refuse what writes.
    Read,
    /// On the primary only: what is written on a replica is an errant transaction (S22).
    Write,
}

/// How much of a statement a person is shown.
const SHOWN: usize = 60;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.access {
            Access::Read => "ask",
            Access::Write => "execute",
        };
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(f, "{verb} `{}…`", &text[..end]),
            None => write!(f, "{verb} `{text}`"),
        }
    }
}
