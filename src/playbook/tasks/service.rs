//! `service`: a systemd unit runs or not, starts at boot or not. `restarted` and `reloaded` are for
//! handlers: as tasks they would change something on every run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Needs, UnitFacts, UnitState};
use crate::plan::{Action, UnitChange};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `service`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The unit. Left out only with `state: units_reloaded`.
    pub name: Option<Text>,
    /// Running or not.
    pub state: Option<State>,
    /// Whether it starts at boot.
    pub enabled: Option<bool>,
    /// With `state: started`: its configuration. A unit that was started before this file was written
    /// is restarted, whoever wrote it and whether a handler was lost. Needs `made_at_start`.
    pub configuration: Option<Text>,
    /// A file or socket that the unit makes anew at each start.
    pub made_at_start: Option<Text>,
}

/// The state of a unit that a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "UnitState")]
pub enum State {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
    /// It has been stopped and started; for handlers.
    Restarted,
    /// systemd has read all unit files again; for handlers.
    UnitsReloaded,
}

impl Service {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let render = |text: &Option<Text>| -> Result<Option<String>, TaskError> {
            let text = text.as_ref().map(|text| scope.render(text)).transpose()?;
            Ok(text.filter(|text| !text.is_empty()))
        };
        let mut needs = Needs::default();
        if let Some(name) = render(&self.name)? {
            let files = (render(&self.configuration)?, render(&self.made_at_start)?);
            if let (Some(file), Some(made)) = files {
                needs.configurations.insert(name.clone(), (file, made));
            }
            needs.units.insert(name);
        }
        Ok(needs)
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        if self.state == Some(State::UnitsReloaded) {
            return Ok(vec![Change::new(Action::ReloadUnits, "unit files changed")]);
        }
        let Some(name) = &self.name else {
            return Err(TaskError::Arguments(
                "`service` needs the `name` of a unit".to_owned(),
            ));
        };
        let unit = scope.render(name)?;
        if unit.is_empty() {
            return Ok(Vec::new());
        }
        let unknown = UnitFacts::unknown();
        let seen = scope
            .os()
            .and_then(|os| os.units.get(&unit))
            .unwrap_or(&unknown);
        let mut changes = Vec::new();
        if let Some((change, why)) = self.enablement(seen) {
            changes.push(Change::new(
                Action::SetUnit {
                    unit: unit.clone(),
                    change,
                },
                why,
            ));
        }
        if let Some((change, why)) = self.activity(seen) {
            changes.push(Change::new(Action::SetUnit { unit, change }, why));
        }
        Ok(changes)
    }

    fn enablement(&self, seen: &UnitFacts) -> Option<(UnitChange, String)> {
        let missing = seen.state == UnitState::NotFound && seen.enablement.is_empty();
        match self.enabled? {
            true if !seen.is_enabled() => {
                Some((UnitChange::Enable, "does not start at boot".to_owned()))
            }
            false if seen.is_enabled() => Some((UnitChange::Disable, "starts at boot".to_owned())),
            // Not there yet: what is being installed may bring it, enabled.
            false if missing && self.state == Some(State::Stopped) => None,
            _ => None,
        }
    }

    fn activity(&self, seen: &UnitFacts) -> Option<(UnitChange, String)> {
        let word = match seen.state {
            UnitState::Active => "runs",
            UnitState::Changing => "is starting or stopping",
            UnitState::Inactive => "does not run",
            UnitState::Failed => "has failed",
            UnitState::NotFound => "is not there yet",
        };
        match self.state? {
            State::Started if seen.state != UnitState::Active => {
                Some((UnitChange::Start, word.to_owned()))
            }
            State::Started if seen.stale && self.configuration.is_some() => Some((
                UnitChange::Restart,
                "its configuration was written after it started".to_owned(),
            )),
            State::Stopped if matches!(seen.state, UnitState::Active | UnitState::Changing) => {
                Some((UnitChange::Stop, word.to_owned()))
            }
            State::Restarted => Some((UnitChange::Restart, "its configuration changed".to_owned())),
            State::Started | State::Stopped | State::UnitsReloaded => None,
        }
    }
}
