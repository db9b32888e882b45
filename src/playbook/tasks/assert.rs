//! `assert`: these expressions hold, or the host goes no further. It changes nothing and asks nothing of
//! the host that was not asked already.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::playbook::arguments::{Conditions, Text};
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `assert`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assert {
    /// What must hold: an expression or a list of them.
    pub(in crate::playbook) that: Conditions,
    /// What is said where it does not.
    pub fail_msg: Option<Text>,
}

impl Assert {
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        for expression in &self.that.0 {
            // Of a host that nobody has looked at nothing is claimed; that it can be worked out is.
            if scope.holds(expression)? || scope.os().is_none() {
                continue;
            }
            return Err(TaskError::Asserted(
                match scope.render_some(self.fail_msg.as_ref())? {
                    Some(message) => message,
                    None => format!("it does not hold that {expression}"),
                },
            ));
        }
        Ok(Vec::new())
    }
}
