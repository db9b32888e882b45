//! Looks at every text of a task that is more than itself: what cannot be parsed is wrong where it
//! stands, and what it asks for is noted.

use std::collections::BTreeSet;

use super::words::{GLOBALS, Meaning, Word};
use crate::playbook::variables::RESERVED;
use crate::playbook::{TaskError, Templates, names};
use crate::yaml::{Diagnostic, Document, Node, Value};

/// What has been found in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) wrong: Vec<Diagnostic>,
    pub(super) words: Vec<Word>,
}

/// The reader of one task, or of a play's variables.
pub(super) struct Texts<'a> {
    pub(super) document: &'a Document,
    pub(super) templates: &'a Templates,
    /// What the playbook itself has set by here.
    pub(super) set: BTreeSet<String>,
}

/// Keys whose texts are expressions, not templates.
const EXPRESSIONS: [&str; 6] = [
    "when",
    "until",
    "changed_when",
    "failed_when",
    "that",
    "loop",
];
/// Keys whose texts say nothing but themselves, or belong to other tasks.
const PLAIN: [&str; 9] = [
    "name",
    "register",
    "notify",
    "tags",
    "block",
    "rescue",
    "always",
    "import_tasks",
    "become_user",
];
/// Keys whose expressions see `result`.
const JUDGES: [&str; 3] = ["until", "changed_when", "failed_when"];

impl Texts<'_> {
    /// Looks at a task.
    pub(super) fn task(&self, node: &Node, found: &mut Found) {
        let Some(map) = node.as_map() else { return };
        let in_loop = map.get("loop").is_some();
        for entry in map {
            let key = entry.key.as_str();
            if PLAIN.contains(&key) {
                continue;
            }
            self.value(key, &entry.value, in_loop, found);
        }
    }

    /// Looks at variables.
    pub(super) fn vars(&self, node: &Node, found: &mut Found) {
        self.value("vars", node, false, found);
    }

    fn value(&self, key: &str, node: &Node, in_loop: bool, found: &mut Found) {
        match node.value() {
            Value::String(text) => self.text(key, node, text, in_loop, found),
            Value::List(items) => {
                // The items of a loop are texts; a loop of one text is an expression.
                let key = if key == "loop" { "items" } else { key };
                for item in items {
                    self.value(key, item, in_loop, found);
                }
            }
            Value::Map(map) => {
                for entry in map {
                    let is_claim = key == "assert" && entry.key == "that";
                    let key = if is_claim { "that" } else { "text" };
                    self.value(key, &entry.value, in_loop, found);
                }
            }
            _ => {}
        }
    }

    fn text(&self, key: &str, node: &Node, text: &str, in_loop: bool, found: &mut Found) {
        let names = if EXPRESSIONS.contains(&key) {
            let expression = match names::sole_expression(text) {
                Some(inner) if key == "loop" => inner,
                Some(inner) => {
                    let help = format!("write it without the braces: {key}: {inner}");
                    let diagnostic = self
                        .document
                        .error(node.span(), "an expression has no braces");
                    found.wrong.push(diagnostic.help(help));
                    return;
                }
                None => text,
            };
            self.templates.names_of_expression(expression)
        } else {
            self.templates.names_of_text(text)
        };
        match names {
            Ok(names) => self.note(key, node, text, &names, in_loop, found),
            Err(error) => found
                .wrong
                .push(self.document.error(node.span(), message(&error))),
        }
    }

    fn note(
        &self,
        key: &str,
        node: &Node,
        text: &str,
        names: &BTreeSet<String>,
        in_loop: bool,
        found: &mut Found,
    ) {
        let cares = text.contains("defined") || text.contains("default(");
        for name in names {
            if self.set.contains(name) || GLOBALS.contains(&name.as_str()) {
                continue;
            }
            let misplaced = match name.as_str() {
                "item" if !in_loop => Some("`item` exists in a task with `loop` only"),
                "result" if !JUDGES.contains(&key) => {
                    Some("`result` exists in `until`, `changed_when` and `failed_when` only")
                }
                _ => None,
            };
            if let Some(message) = misplaced {
                let help = "keep a task's result for later tasks by `register: NAME`";
                let diagnostic = self.document.error(node.span(), message);
                found.wrong.push(match name.as_str() {
                    "result" => diagnostic.help(help),
                    _ => diagnostic,
                });
            } else if !RESERVED.contains(&name.as_str()) && !cares {
                found.words.push(Word {
                    source: self.document.source().clone(),
                    span: node.span(),
                    meaning: Meaning::Variable(name.clone(), self.set.clone()),
                });
            }
        }
    }
}

fn message(error: &TaskError) -> String {
    error.to_string()
}
