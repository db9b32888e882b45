//! `mysql_query`: one statement as the admin account, its rows for `register`. It only reads unless
//! `write` says otherwise, and what writes is for the primary alone: a row written on a replica is one
//! that no other server has. Secrets do not belong into it; accounts are made by `mysql_user`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::mysql::Switch;
use crate::plan::{Access, Action, Query};
use crate::playbook::arguments::{Span, SwitchText, Text};
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `mysql_query`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlQuery {
    /// One statement, without a semicolon; names of tables with their database.
    pub query: Text,
    /// Whether it changes something: `on` is for the primary only.
    #[schemars(extend("default" = "off"))]
    pub write: Option<SwitchText>,
    /// How long it may take.
    #[schemars(extend("default" = "30s"))]
    pub timeout: Option<Span>,
}

const TIMEOUT: Duration = Duration::from_secs(30);

impl MysqlQuery {
    pub(super) fn access(&self) -> Access {
        match self.write {
            Some(SwitchText(Switch::On)) => Access::Write,
            _ => Access::Read,
        }
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let text = scope.render(&self.query)?;
        let text = text.trim().trim_end_matches(';').trim_end();
        if text.is_empty() {
            return Err(TaskError::Arguments("the query is empty".to_owned()));
        }
        // What follows a semicolon would no longer be kept from writing, and where a quote or a comment
        // ends depends on the server.
        if text.contains(';') {
            return Err(TaskError::Arguments(
                "a query is one statement, without a semicolon; CHAR(59) stands for one in a text"
                    .to_owned(),
            ));
        }
        let access = self.access();
        let why = match access {
            Access::Read => "asked on every run",
            Access::Write => "done on every run",
        };
        let query = Query {
            text: text.to_owned(),
            access,
            within: self.timeout.map_or(TIMEOUT, |span| span.0),
        };
        Ok(vec![Change::new(Action::Query(query), why)])
    }
}
