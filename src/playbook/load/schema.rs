//! The JSON Schema of playbooks, for editors: made of the types that the loader reads, so that neither knows
//! a key that the other refuses. What only the whole of a playbook can tell (a handler that nobody
//! defined, a variable that nobody set) is the loader's alone.

use schemars::{JsonSchema, Schema};

use super::raw::{RawPlay, RawTask};
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
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), description.into());
    schema
}
