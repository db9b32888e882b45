//! The step after which a server that leads no longer waits for nobody's acknowledgement. What it applies would
//! stand still otherwise. It must never be planned for the server that leads.

use crate::inventory::HostName;
use crate::mysql::{ServerFacts, Switch};
use crate::plan::{Action, LiveVariable, OnFailure, Step};

/// The step, where it is needed. Others go on without it.
pub(in crate::decide) fn wait_for_nobody(host: &HostName, facts: &ServerFacts) -> Option<Step> {
    (facts.semi_sync.source_enabled == Some(Switch::On)).then(|| Step {
        task: "Semi-sync off".to_owned(),
        host: host.clone(),
        action: Action::SetVariable {
            variable: LiveVariable::SemiSyncSource,
            value: Switch::Off,
        },
        why: "a replica that waits for acknowledgements stands still".to_owned(),
        on_failure: OnFailure::GoOn,
    })
}
