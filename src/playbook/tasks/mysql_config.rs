//! `mysql_config`: the server's option file has the content of a rendered template, and the server runs
//! with it. What can be set while it runs is set; else it is restarted, and nothing else decides that.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::content::{self, Outside, readable, root};
use crate::decide::Role;
use crate::facts::{Needs, ServerView};
use crate::mysql::{Agreement, changed_settings, compare_setting};
use crate::plan::{Action, FileChange, ServerConfig, TakesEffect};
use crate::playbook::arguments::Text;
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `mysql_config`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MysqlConfig {
    /// The template's file name, below the templates folder.
    pub src: Text,
}

impl MysqlConfig {
    #[expect(clippy::unused_self, reason = "every module has this function")]
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Needs {
        let dialect = scope.dialect();
        let (path, unit) = (dialect.config_path(), dialect.service_unit());
        // The server makes its socket anew at each start.
        let made = dialect.socket_path();
        Needs {
            files: [path.to_owned()].into(),
            units: [unit.to_owned()].into(),
            configurations: [(unit.to_owned(), (path.to_owned(), made.to_owned()))].into(),
            ..Needs::default()
        }
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let content = scope.render_file(&scope.render(&self.src)?)?;
        let dialect = scope.dialect();
        let unit = dialect.service_unit().to_owned();
        let units = scope.os().map(|os| &os.units);
        let is_stale = units
            .and_then(|units| units.get(&unit))
            .is_some_and(|unit| unit.stale);
        let outside = Outside {
            dest: &Text(dialect.config_path().to_owned()),
            owner: &root(),
            group: &root(),
            mode: &readable(),
        };
        let (file, why) = match content::file(scope, &outside, content.clone())? {
            Some(changed) => changed,
            None if !is_stale => {
                let astray = astray(scope, &content);
                if astray.is_empty() {
                    return Ok(Vec::new());
                }
                let file = content::wanted(scope, &outside, content.clone(), Some(content))?;
                let takes = TakesEffect::Live(astray);
                let action = Action::Configure(ServerConfig { file, unit, takes });
                return Ok(vec![Change::new(action, BY_HAND)]);
            }
            None => (
                content::wanted(scope, &outside, content.clone(), Some(content))?,
                "its configuration was written after it started".to_owned(),
            ),
        };
        // A file that is newer than the server says nothing of what the server runs with.
        let (takes, how) = match scope.server() {
            ServerView::Up(facts) if !is_stale => {
                effect(&file, |name, value| facts.takes_live(name, value))
            }
            _ => (TakesEffect::Restart, None),
        };
        let mut why = [Some(why), how].into_iter().flatten().collect::<Vec<_>>();
        if takes == TakesEffect::Restart && cuts_clients_off(scope) {
            why.push(
                "clients are cut off meanwhile; to avoid that, `hactl bootstrap --limit replicas`, \
                 `hactl switchover`, then this again"
                    .to_owned(),
            );
        }
        let action = Action::Configure(ServerConfig { file, unit, takes });
        Ok(vec![Change::new(action, why.join("; "))])
    }
}

/// Whether a restart is felt by everybody who writes: of a primary, and one of the others could lead
/// meanwhile.
fn cuts_clients_off(scope: &Scope<'_>) -> bool {
    let serves = scope.world.topology.serves(&scope.host.name);
    serves && scope.role() == Role::Primary && !scope.replicas().is_empty()
}

const BY_HAND: &str = "SQL has set it otherwise since the server started";

/// Settings of the file that somebody has set otherwise by SQL, and that the server takes while it runs.
/// Where a persisted value stands against the file, verify says so and a person decides.
fn astray(scope: &Scope<'_>, content: &str) -> BTreeMap<String, String> {
    let ServerView::Up(facts) = scope.server() else {
        return BTreeMap::new();
    };
    let Some(set) = &facts.set_since_start else {
        return BTreeMap::new();
    };
    let differs = |name: &str, value: &str| {
        let now = set.get(name);
        now.is_some_and(|now| compare_setting(name, value, now) == Agreement::Differ)
    };
    changed_settings("", content)
        .into_iter()
        .filter_map(|setting| Some((setting.name, setting.value?)))
        .filter(|(name, value)| {
            differs(name, value)
                && !facts.persisted.contains_key(name)
                && facts.takes_live(name, value)
        })
        .collect()
}

/// How a file that replaces another takes effect on a server that runs with the other, and why it has to be
/// restarted where it has.
fn effect(
    file: &FileChange,
    takes_live: impl Fn(&str, &str) -> bool,
) -> (TakesEffect, Option<String>) {
    let Some(before) = &file.before else {
        return (TakesEffect::Restart, None);
    };
    let mut live = BTreeMap::new();
    let mut waiting = Vec::new();
    for changed in changed_settings(before, &file.content) {
        match changed.value {
            Some(value) if takes_live(&changed.name, &value) => {
                live.insert(changed.name, value);
            }
            _ => waiting.push(changed.name),
        }
    }
    if waiting.is_empty() {
        return (TakesEffect::Live(live), None);
    }
    let why = format!("for {}", waiting.join(", "));
    (TakesEffect::Restart, Some(why))
}
