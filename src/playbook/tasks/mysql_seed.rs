//! `mysql_seed`: a replica has the primary's data. It loads into empty servers only; one that holds
//! data of its own is refused unless the operator named it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::decide::{Role, SeedNeed};
use crate::plan::Action;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `mysql_seed`: none yet; the source is the primary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlSeed {}

impl MysqlSeed {
    #[expect(clippy::unused_self, reason = "a module with arguments to come")]
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        if scope.role() == Role::Primary {
            return Ok(Vec::new());
        }
        let name = &scope.host.name;
        let world = &scope.world;
        let need = SeedNeed::of(
            world.cluster,
            name,
            world.topology,
            world.seen,
            world.consent,
        )
        .map_err(|refusal| {
            TaskError::Arguments(format!("{}; {}", refusal.reason, refusal.way_out))
        })?;
        let into = vec![name.clone()];
        Ok(match need {
            SeedNeed::None => Vec::new(),
            SeedNeed::Load => {
                let action = Action::Seed {
                    into,
                    emptied: Vec::new(),
                };
                vec![Change::new(action, "no data of the primary yet")]
            }
            SeedNeed::EmptyThenLoad => {
                let action = Action::Seed {
                    emptied: into.clone(),
                    into,
                };
                vec![Change::new(action, "its own data is given up")]
            }
        })
    }
}
