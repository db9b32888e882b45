//! `mysql_canary`: a row written on the primary arrives on every replica. Two running threads prove
//! nothing: replicas that break at the first write look green until then. For handlers: as a task it
//! would write on every run.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::decide::Role;
use crate::plan::Action;
use crate::playbook::{Change, Scope};

/// Arguments of `mysql_canary`: none.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlCanary {}

impl MysqlCanary {
    #[expect(clippy::unused_self, reason = "a module like the others")]
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Vec<Change> {
        let replicas = scope.replicas();
        if scope.role() == Role::Replica || replicas.is_empty() {
            return Vec::new();
        }
        vec![Change::new(
            Action::ProveReplication { replicas },
            "replication changed",
        )]
    }
}
