//! The tree of a document: values that know where they were written.
//!
//! `Debug` must never show a value whose key names a secret.

use std::fmt;

use super::Span;

/// A value and the place that a message about it points at.
#[derive(Clone, PartialEq)]
pub struct Node {
    span: Span,
    value: Value,
    text: String,
    secret: Exposure,
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposure {
    Open,
    Secret,
}

/// What a [`Node`] holds, by YAML 1.2's plain types.
///
/// Stricter than the standard where it bites: a number with a leading zero (`0644`), one that does not fit
/// in 64 bits, `.inf` and `.nan` are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, not quoted.
    Bool(bool),
    /// A whole number, not quoted.
    Int(i64),
    /// A number with a point or an exponent, not quoted. [`Node::text`] has it as written.
    Float(f64),
    /// Anything quoted, and what is not one of the above.
    String(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Map),
}

/// A mapping in the order of the file; no key occurs twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    pub(super) entries: Vec<Entry>,
}

/// One key of a [`Map`] with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as text, whatever its type would have been.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// Its value.
    pub value: Node,
}

impl Map {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key with its place, and its value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// All entries, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = &'a Entry;
    type IntoIter = std::slice::Iter<'a, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Node {
    pub(super) fn scalar(span: Span, value: Value, text: String) -> Self {
        Self {
            span,
            value,
            text,
            secret: Exposure::Open,
        }
    }

    pub(super) fn collection(span: Span, value: Value) -> Self {
        Self {
            span,
            value,
            text: String::new(),
            secret: Exposure::Open,
        }
    }

    /// Keeps the value, and what is in it, out of `Debug` and out of messages.
    pub(super) fn make_secret(&mut self) {
        self.secret = Exposure::Secret;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(Node::make_secret),
            Value::Map(map) => map.entries.iter_mut().for_each(|e| e.value.make_secret()),
            _ => {}
        }
    }

    pub(super) fn is_secret(&self) -> bool {
        self.secret == Exposure::Secret
    }

    /// Where a message about this value points: a scalar or a flow collection (`{…}`, `[…]`) itself; the
    /// first key or item of a block collection.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What it holds.
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub(super) fn value_mut(&mut self) -> &mut Value {
        &mut self.value
    }

    /// A scalar's text: as written for plain ones (`0644`, `10.10`), unquoted for quoted ones, empty for
    /// nothing. `None` for lists and maps.
    pub fn text(&self) -> Option<&str> {
        match self.value {
            Value::List(_) | Value::Map(_) => None,
            _ => Some(&self.text),
        }
    }

    /// The text of a string: `None` for everything else, numbers too.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it is nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// What kind of value it is, in words: `found text`, `found a list`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number with a fraction",
            Value::String(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "keys with values",
        }
    }

    /// The value below by one step: a key of a map, or the index (from 0) of a list.
    pub fn child(&self, step: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(map) => map.get(step),
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_secret() {
            return f.write_str("***");
        }
        self.value.fmt(f)
    }
}

impl From<&Node> for serde_yaml::Value {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Number((*value).into()),
            Value::Float(value) => Self::Number((*value).into()),
            Value::String(text) => Self::String(text.clone()),
            Value::List(items) => Self::Sequence(items.iter().map(Into::into).collect()),
            Value::Map(map) => Self::Mapping(
                map.iter()
                    .map(|e| (Self::String(e.key.clone()), (&e.value).into()))
                    .collect(),
            ),
        }
    }
}
