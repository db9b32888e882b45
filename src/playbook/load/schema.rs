//! The JSON Schema of playbooks, for editors: made of the types that the loader reads, so that neither knows
//! a key that the other refuses. What only the whole of a playbook can tell (a handler that nobody
//! defined, a variable that nobody set) is the loader's alone.

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::raw::{MODULES, RawPlay, RawTask};
use crate::yaml;

/// Of a playbook: a list of plays.
pub fn schema() -> Schema {
    list_of::<RawPlay>("hactl playbook", "Plays, done one after the other.")
}

/// Of a file for `import_tasks`: a list of tasks.
pub fn tasks_schema() -> Schema {
    list_of::<RawTask>("hactl tasks", "Tasks that playbooks import.")
}

fn list_of<T: JsonSchema>(title: &str, description: &str) -> Schema {
    let mut schema = yaml::schema::<Vec<T>>();
    if let Some(Value::Object(task)) = schema.pointer_mut("/$defs/Task") {
        has_one_module(task);
    }
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), description.into());
    schema
}

/// What no type says: a task has exactly one module, which is not nothing, and only a block has a rescue.
fn has_one_module(task: &mut Map<String, Value>) {
    let one_of: Vec<Value> = MODULES
        .iter()
        .map(|module| json!({"required": [module]}))
        .collect();
    task.insert("oneOf".to_owned(), one_of.into());
    let of_a_block = json!({"rescue": ["block"], "always": ["block"]});
    task.insert("dependentRequired".to_owned(), of_a_block);
    let properties = task.get_mut("properties").and_then(Value::as_object_mut);
    for (_, module) in properties
        .into_iter()
        .flatten()
        .filter(|(key, _)| MODULES.contains(&key.as_str()))
    {
        not_nothing(module);
    }
}

/// `x or null` without the null.
fn not_nothing(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
    }
    if let Some(Value::Array(forms)) = schema.remove("anyOf") {
        let forms = forms.into_iter().filter_map(|form| match form {
            Value::Object(form) => Some(form),
            _ => None,
        });
        for form in forms.filter(|form| form.get("type").is_none_or(|one| one != "null")) {
            schema.extend(form);
        }
    }
}
