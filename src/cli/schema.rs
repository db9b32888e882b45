//! `hactl schema`: what an editor needs to check and complete inventories and playbooks, made from the same
//! types that read them. It looks at no inventory and no host.

use schemars::Schema;

use super::args::Language;
use super::screen::print;
use super::{CliError, Exit};
use crate::inventory::Inventory;
use crate::playbook;

/// Runs the command.
pub(super) fn run(of: Language) -> Result<Exit, CliError> {
    let schema = match of {
        Language::Inventory => Inventory::schema(),
        Language::Playbook => playbook::schema(),
        Language::Tasks => playbook::tasks_schema(),
    };
    print(&text(&schema)?);
    Ok(Exit::Ok)
}

fn text(schema: &Schema) -> Result<String, CliError> {
    serde_json::to_string_pretty(schema).map_err(|source| CliError::Local {
        what: "write the schema",
        source: source.into(),
    })
}
