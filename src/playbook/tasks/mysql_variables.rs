//! `mysql_variables`: the switches of a running server that make it a primary or a replica. They are
//! set live and never written to a file: a server must boot read-only and without the source side of
//! semi-sync, whatever it was before.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::ServerView;
use crate::mysql::Switch;
use crate::plan::{Action, LiveVariable};
use crate::playbook::arguments::SwitchText;
use crate::playbook::{Change, Scope};

/// Arguments of `mysql_variables`, in words that both flavors share.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlVariables {
    /// Clients may not write; on MySQL `super_read_only` as well.
    pub read_only: Option<SwitchText>,
    /// Commits wait for a replica's acknowledgement.
    pub semi_sync_source: Option<SwitchText>,
}

impl MysqlVariables {
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Vec<Change> {
        // A server that is not up yet boots as its file says: read-only, no source side.
        let (read_only, source) = match scope.server() {
            ServerView::Up(facts) => (
                facts.read_only.is_full(),
                facts.semi_sync.source_enabled.unwrap_or(Switch::Off),
            ),
            ServerView::Absent | ServerView::Stopped | ServerView::Refused(_) => {
                (true, Switch::Off)
            }
        };
        let writable = scope
            .server()
            .up()
            .is_some_and(|facts| facts.read_only.is_writable());
        let mut changes = Vec::new();
        if let Some(SwitchText(wanted)) = self.semi_sync_source {
            changes.extend(set(LiveVariable::SemiSyncSource, wanted, source));
        }
        if let Some(SwitchText(wanted)) = self.read_only {
            // Between fully on and fully off lies a server that only some may write to.
            let seen = match wanted {
                Switch::On => Switch::from(read_only),
                Switch::Off => Switch::from(!writable),
            };
            changes.extend(set(LiveVariable::ReadOnly, wanted, seen));
        }
        changes
    }
}

fn set(variable: LiveVariable, wanted: Switch, seen: Switch) -> Option<Change> {
    (wanted != seen).then(|| {
        Change::new(
            Action::SetVariable {
                variable,
                value: wanted,
            },
            format!("{variable} is {seen}"),
        )
    })
}
