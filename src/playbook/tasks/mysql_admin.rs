//! `mysql_admin`: hactl's administration account can log in. Where ssh logs in as root, root's socket
//! login serves until the account arrives with the primary's data; elsewhere the account has to be
//! made first, as root on the host, or nothing more can be asked of the server.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::ServerView;
use crate::plan::Action;
use crate::playbook::{Change, Scope};

/// Arguments of `mysql_admin`: none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlAdmin {}

impl MysqlAdmin {
    #[expect(clippy::unused_self, reason = "a module like the others")]
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Vec<Change> {
        match scope.server() {
            ServerView::Refused(fault) if fault.is_access_denied() => {
                vec![Change::new(
                    Action::InstallAdmin,
                    "the admin account cannot log in",
                )]
            }
            _ => Vec::new(),
        }
    }
}
