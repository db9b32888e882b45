//! `wait_for`: until a port of the host listens or a path exists, or does not any more. It changes
//! nothing, and it never waits for ever.

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::content::absolute;
use crate::facts::{Needs, PathFacts};
use crate::plan::{Action, Awaited};
use crate::playbook::arguments::{Plain, Span, Text};
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `wait_for`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitFor {
    /// A TCP port of the host itself.
    pub port: Option<Plain>,
    /// A path on the host.
    pub path: Option<Text>,
    /// What is awaited.
    #[serde(default)]
    pub state: State,
    /// How long at most.
    #[schemars(extend("default" = "5m"))]
    pub timeout: Option<Span>,
}

/// Whether it is awaited or its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Awaited")]
pub enum State {
    /// The port listens.
    #[default]
    Started,
    /// The path exists.
    Present,
    /// The port does not listen.
    Stopped,
    /// The path does not exist.
    Absent,
}

const TIMEOUT: Duration = Duration::from_mins(5);

impl WaitFor {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let mut paths = BTreeSet::new();
        paths.extend(scope.render_some(self.path.as_ref())?);
        paths.remove("");
        Ok(Needs {
            paths,
            ports: self.port(scope)?.into_iter().collect(),
            ..Needs::default()
        })
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let is_end = matches!(self.state, State::Stopped | State::Absent);
        let os = scope.os();
        let (what, is_so) = match (self.port(scope)?, &self.path) {
            (Some(port), None) => {
                let listens = os.and_then(|os| os.ports.get(&port)).copied();
                let what = if is_end {
                    Awaited::PortClosed(port)
                } else {
                    Awaited::PortOpen(port)
                };
                (what, listens == Some(!is_end))
            }
            (None, Some(path)) => {
                let path = absolute(scope.render(path)?)?;
                let exists = os
                    .and_then(|os| os.paths.get(&path))
                    .map(|seen| *seen != PathFacts::Absent);
                let what = if is_end {
                    Awaited::PathGone(path)
                } else {
                    Awaited::PathThere(path)
                };
                (what, exists == Some(!is_end))
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(TaskError::Arguments(
                    "`wait_for` needs one of `port` and `path`".to_owned(),
                ));
            }
        };
        if is_so {
            return Ok(Vec::new());
        }
        let within = self.timeout.map_or(TIMEOUT, |span| span.0);
        let why = "not yet so".to_owned();
        Ok(vec![Change::new(Action::Await { what, within }, why)])
    }

    fn port(&self, scope: &Scope<'_>) -> Result<Option<u16>, TaskError> {
        let Some(text) = scope.render_some(self.port.as_ref().map(|port| &port.0))? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(TaskError::Arguments(format!("`{text}` is not a port"))),
        }
    }
}
