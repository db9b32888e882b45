//! One YAML file: its tree, the places of its keys and values, and typed values made of it.
//!
//! It must never give a place of one file to a message about another.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::build::{self, Problem};
use super::explain;
use super::mask;
use super::node::{Entry, Map, Node, Value};
use super::{Diagnostic, Source, Span};

/// A parsed file. `Debug` hides the values of secret keys.
#[derive(Debug, Clone)]
pub struct Document {
    source: Arc<Source>,
    root: Node,
}

impl Document {
    /// Reads a source.
    ///
    /// # Errors
    /// It is empty, not YAML, holds several documents, a key twice, an alias, a merge key or a tag.
    pub fn parse(mut source: Source) -> Result<Self, Diagnostic> {
        match build::build(&source) {
            Ok(mut root) => {
                source.secrets = mask::mark(&mut root);
                source.secrets.extend(mask::in_comments(source.text()));
                source.secrets.sort_unstable();
                Ok(Self {
                    source: Arc::new(source),
                    root,
                })
            }
            Err(problem) => {
                source.secrets = mask::guess(source.text());
                Err(diagnose(problem, Arc::new(source)))
            }
        }
    }

    /// The whole document.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The file that it was read from.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Keeps the value at `path` out of every later message and of `Debug`, unless it only says where the
    /// secret is to be found (`env:…`, `file:…`, `cmd:…`). What stands under keys that end in `password`,
    /// `secret`, `token` and the like is hidden without it.
    pub fn hide(&mut self, path: &[&str]) {
        let mut places = Vec::new();
        if let Some(node) = descend_mut(&mut self.root, path) {
            mask::hide(node, &mut places);
        }
        let source = Arc::make_mut(&mut self.source);
        source.secrets.append(&mut places);
        source.secrets.sort_unstable();
    }

    /// Moves a key of a map to another path, with its value and the places of both: a message about it
    /// points at where it was written. Maps that are missing on the way are made, as if written there;
    /// where something else than a map is in the way, the key is dropped, since that is a mistake already.
    pub fn move_key(&mut self, from: &[&str], to: &[&str]) {
        let (Some((last, above)), Some((name, holders))) = (from.split_last(), to.split_last())
        else {
            return;
        };
        let Some(mut entry) = descend_mut(&mut self.root, above).and_then(|node| take(node, last))
        else {
            return;
        };
        (*name).clone_into(&mut entry.key);
        let mut node = &mut self.root;
        for step in holders {
            let Some(below) = map_below(node, step, entry.key_span) else {
                return;
            };
            node = below;
        }
        if let Value::Map(map) = node.value_mut() {
            map.entries.push(entry);
        }
    }

    /// Replaces the value at a path by a text that means the same in other words.
    pub fn set_text(&mut self, path: &[&str], text: &str) {
        if let Some(node) = descend_mut(&mut self.root, path) {
            *node = Node::scalar(node.span(), Value::String(text.to_owned()), text.to_owned());
        }
    }

    /// The value at a path of keys and (for lists) indices from 0.
    pub fn node(&self, path: &[&str]) -> Option<&Node> {
        path.iter()
            .try_fold(&self.root, |node, step| node.child(step))
    }

    /// The place of the value at `path`. Where the path ends early, the place of the key that it ends at:
    /// a message about what is missing points at what should hold it.
    pub fn at(&self, path: &[&str]) -> Span {
        match self.node(path) {
            Some(node) if !node.is_null() => node.span(),
            _ => self.key_at(path),
        }
    }

    /// The place of the key at `path`; of the item, where the last step is an index; of the nearest key
    /// above, where there is none.
    pub fn key_at(&self, path: &[&str]) -> Span {
        let mut span = self.root.span();
        let mut node = &self.root;
        for step in path {
            let Some(below) = node.child(step) else { break };
            span = match node.value() {
                Value::Map(map) => map.entry(step).map_or(span, |entry| entry.key_span),
                _ => below.span(),
            };
            node = below;
        }
        span
    }

    /// A message about a place of this file.
    pub fn error(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Arc::clone(&self.source), span, message)
    }

    /// The whole document as a typed value.
    ///
    /// # Errors
    /// The first key or value that does not fit the type, at its place.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        self.deserialize_node(&self.root)
    }

    /// A part of the document as a typed value. `node` must be of this document.
    ///
    /// # Errors
    /// The first key or value that does not fit the type, at its place.
    pub fn deserialize_node<T: DeserializeOwned>(&self, node: &Node) -> Result<T, Diagnostic> {
        serde_path_to_error::deserialize(serde_yaml::Value::from(node))
            .map_err(|error| explain::explain(self, node, &error))
    }
}

fn descend_mut<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    let Some((step, rest)) = path.split_first() else {
        return Some(node);
    };
    let below = match node.value_mut() {
        Value::Map(map) => {
            &mut map
                .entries
                .iter_mut()
                .find(|entry| entry.key == *step)?
                .value
        }
        Value::List(items) => items.get_mut(step.parse::<usize>().ok()?)?,
        _ => return None,
    };
    descend_mut(below, rest)
}

/// Takes a key out of a map.
fn take(node: &mut Node, key: &str) -> Option<Entry> {
    let Value::Map(map) = node.value_mut() else {
        return None;
    };
    let at = map.entries.iter().position(|entry| entry.key == key)?;
    Some(map.entries.remove(at))
}

/// The map at a key of a map; an empty one, where there is none.
fn map_below<'n>(node: &'n mut Node, key: &str, span: Span) -> Option<&'n mut Node> {
    let Value::Map(map) = node.value_mut() else {
        return None;
    };
    let found = map.entries.iter().position(|entry| entry.key == key);
    let at = found.unwrap_or(map.entries.len());
    if found.is_none() {
        map.entries.push(Entry {
            key: key.to_owned(),
            key_span: span,
            value: Node::scalar(span, Value::Null, String::new()),
        });
    }
    let below = &mut map.entries[at].value;
    if below.is_null() {
        *below = Node::collection(span, Value::Map(Map::default()));
    }
    matches!(below.value(), Value::Map(_)).then_some(below)
}

fn diagnose(problem: Problem, source: Arc<Source>) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::new(source, problem.span, problem.message).label(problem.label);
    if let Some(help) = problem.help {
        diagnostic = diagnostic.help(help);
    }
    match problem.first {
        Some(span) => diagnostic.related(span, "first here"),
        None => diagnostic,
    }
}
