//! The variables of one task on one host, by layer, and what is worked out with them. It knows of no
//! host by itself, so that it outlives the look that it was made from.
//!
//! Later layers hide earlier ones: the inventory's variables, its groups', its hosts', the play's, the
//! blocks' and the task's, registered results, the command line's.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;
use minijinja::value::Serde;

use crate::inventory::Host;
use crate::playbook::arguments::{Text, Vars};
use crate::playbook::results::{Registered, Results};
use crate::playbook::variables::{self, RESERVED};
use crate::playbook::{Loop, Task, TaskError, TaskResult, Templates, World};

/// Names and their values.
#[derive(Clone, Debug)]
pub(super) struct Names<'a> {
    templates: &'a Templates,
    values: BTreeMap<String, Value>,
    /// Names whose values are known only when a task has run, and what that registers.
    not_yet: BTreeMap<String, String>,
    context: Value,
}

/// The variables that are laid over those of the inventory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers<'a> {
    pub(super) play: &'a Vars,
    pub(super) results: &'a Results,
    pub(super) extra: &'a Vars,
}

impl<'a> Names<'a> {
    /// Those of a host, outside any task.
    pub(super) fn of_host(world: &World<'_>, host: &Host, templates: &'a Templates) -> Self {
        let mut names = Self {
            templates,
            values: variables::of(world, host),
            not_yet: BTreeMap::new(),
            context: Value::UNDEFINED,
        };
        names.close();
        names
    }

    /// Those of a task on a host, outside its loop.
    pub(super) fn of_task(
        world: &World<'_>,
        host: &Host,
        templates: &'a Templates,
        layers: Layers<'_>,
        task: &Task,
    ) -> Result<Self, TaskError> {
        let mut names = Self::of_host(world, host, templates);
        for (name, result) in layers.results {
            match result {
                Registered::NotYet => {
                    names.not_yet.insert(name.clone(), name.clone());
                }
                Registered::Known(result) => {
                    names
                        .values
                        .insert(name.clone(), Value::from(Serde(result)));
                }
            }
        }
        names.lay(&layers.extra.0, &[])?;
        let extra = layers.extra.0.iter().map(|(name, _)| name.as_str());
        let results = layers.results.keys().map(String::as_str);
        let fixed: Vec<&str> = extra.chain(results).collect();
        names.lay(&layers.play.0, &fixed)?;
        // What rests on the item is worked out when there is one.
        if task.items == Loop::Once {
            for vars in &task.vars {
                names.lay(&vars.0, &fixed)?;
            }
        }
        Ok(names)
    }

    /// The same with `item` set, and the task's own variables, which may rest on it.
    pub(super) fn with_item(
        &self,
        item: &serde_json::Value,
        layers: Layers<'_>,
        task: &Task,
    ) -> Result<Self, TaskError> {
        let mut names = self.clone();
        let value = names.resolve(item)?;
        names.values.insert("item".to_owned(), value);
        let extra = layers.extra.0.iter().map(|(name, _)| name.as_str());
        let results = layers.results.keys().map(String::as_str);
        let fixed: Vec<&str> = extra.chain(results).collect();
        names.close();
        for vars in &task.vars {
            names.lay(&vars.0, &fixed)?;
        }
        Ok(names)
    }

    /// The items of a task's loop; one of nothing where it is none.
    pub(super) fn items(&self, task: &Task) -> Result<Vec<Option<serde_json::Value>>, TaskError> {
        match &task.items {
            Loop::Once => Ok(vec![None]),
            Loop::Items(items) => Ok(items.iter().cloned().map(Some).collect()),
            Loop::Expression(expression) => {
                let value = self.value(expression)?;
                match serde_json::to_value(&value) {
                    Ok(serde_json::Value::Array(items)) => {
                        Ok(items.into_iter().map(Some).collect())
                    }
                    _ => Err(TaskError::Arguments(format!(
                        "the loop's `{expression}` is no list"
                    ))),
                }
            }
        }
    }

    /// The same with the result of the task itself, for `until` and the like: as `result`, and under
    /// the name that it is registered by.
    pub(super) fn with_result(&self, register: Option<&str>, result: &TaskResult) -> Self {
        let mut names = self.clone();
        let value = Value::from(Serde(result));
        if let Some(name) = register {
            names.not_yet.remove(name);
            names.values.insert(name.to_owned(), value.clone());
        }
        names.values.insert("result".to_owned(), value);
        names.close();
        names
    }

    /// Adds a layer in its order; names in `fixed` are hidden by a later one.
    fn lay(
        &mut self,
        vars: &[(String, serde_json::Value)],
        fixed: &[&str],
    ) -> Result<(), TaskError> {
        self.close();
        for (name, text) in vars {
            if fixed.contains(&name.as_str()) || RESERVED.contains(&name.as_str()) {
                continue;
            }
            match self.resolve(text) {
                Ok(value) => {
                    self.not_yet.remove(name);
                    self.values.insert(name.clone(), value);
                }
                Err(TaskError::NotYet { name: of }) => {
                    self.not_yet.insert(name.clone(), of);
                }
                Err(error) => return Err(error),
            }
            self.close();
        }
        Ok(())
    }

    fn close(&mut self) {
        let own = self
            .values
            .iter()
            .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()));
        let vars: BTreeMap<String, Value> = own.collect();
        self.values.insert("vars".to_owned(), Value::from(vars));
        self.context = Value::from(self.values.clone());
    }

    /// A value as YAML has it, with every text in it rendered. A text that is one `{{ … }}` keeps its
    /// type.
    fn resolve(&self, value: &serde_json::Value) -> Result<Value, TaskError> {
        Ok(match value {
            serde_json::Value::String(text) => match sole_expression(text) {
                Some(expression) => self.value(expression)?,
                None => Value::from(self.render(&Text(text.clone()))?),
            },
            serde_json::Value::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| self.resolve(item)).collect();
                Value::from(items?)
            }
            serde_json::Value::Object(fields) => {
                let fields: Result<BTreeMap<_, _>, TaskError> = fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.resolve(value)?)))
                    .collect();
                Value::from(fields?)
            }
            plain => Value::from(Serde(plain)),
        })
    }

    /// Whatever rests on what is not known yet is not worked out.
    fn known(
        &self,
        names: impl FnOnce() -> Result<BTreeSet<String>, TaskError>,
    ) -> Result<(), TaskError> {
        if self.not_yet.is_empty() {
            return Ok(());
        }
        match names()?.iter().find_map(|name| self.not_yet.get(name)) {
            Some(name) => Err(TaskError::NotYet { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Renders one text.
    pub(super) fn render(&self, text: &Text) -> Result<String, TaskError> {
        self.known(|| self.templates.names_of_text(&text.0))?;
        self.templates.render_text(&text.0, &self.context)
    }

    /// Renders a template file.
    pub(super) fn render_file(&self, name: &str) -> Result<String, TaskError> {
        self.known(|| self.templates.names_of_file(name))?;
        self.templates.render_file(name, &self.context)
    }

    /// The text of a file that is copied as it is.
    pub(super) fn file(&self, name: &str) -> Result<String, TaskError> {
        self.templates.file(name)
    }

    /// Evaluates an expression.
    pub(super) fn value(&self, expression: &str) -> Result<Value, TaskError> {
        self.known(|| self.templates.names_of_expression(expression))?;
        self.templates.value(expression, &self.context)
    }

    /// Whether an expression holds.
    pub(super) fn holds(&self, expression: &str) -> Result<bool, TaskError> {
        self.value(expression).map(|value| value.is_true())
    }

    /// Whether all of them hold; those after one that does not are not asked.
    pub(super) fn all_hold(&self, expressions: &[String]) -> Result<bool, TaskError> {
        for expression in expressions {
            if !self.holds(expression)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The expression of a text that is nothing else: `{{ a.b }}`.
pub(super) fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let more = ["{{", "}}", "{%"].iter().any(|mark| inner.contains(mark));
    (!more).then(|| inner.trim())
}
