//! From serde's complaint about a value to a message for a person, at the value's place.
//!
//! It must never repeat the value: that may be a password in the wrong place, and the excerpt shows it
//! already, masked where it has to be. Serde gives its facts as text only; the words are those of
//! `serde::de::Error`'s provided methods, and what is not recognised is passed on as it is.

use serde_path_to_error::{Path, Segment};

use super::mask;
use super::node::{Node, Value};
use super::{Diagnostic, Document, Span, closest};

/// The message for an error that [`serde_path_to_error`] found below `root`.
pub(super) fn explain(
    document: &Document,
    root: &Node,
    error: &serde_path_to_error::Error<serde_yaml::Error>,
) -> Diagnostic {
    let place = Place::find(root, error.path());
    let text = error.inner().to_string();
    if let Some(rest) = text.strip_prefix("unknown field ") {
        return unknown_key(document, &place, rest);
    }
    if let Some(rest) = text.strip_prefix("missing field ") {
        return missing_key(document, &place, rest);
    }
    if let Some(rest) = text.strip_prefix("unknown variant ") {
        return unknown_word(document, &place, rest);
    }
    if text.starts_with("invalid type: ") || text.starts_with("invalid value: ") {
        let expected = text
            .rsplit_once(", expected ")
            .map_or("another value", |(_, what)| what);
        return wrong_value(document, &place, expected);
    }
    let message = if place.node.is_secret() {
        "this value is not understood".into()
    } else {
        text
    };
    document.error(place.value_span(), message)
}

/// Where in the tree an error belongs.
struct Place<'d> {
    node: &'d Node,
    /// The last key on the way, as a person would name the value.
    name: Option<String>,
    key_span: Option<Span>,
    /// What holds the value.
    parent: Option<&'d Node>,
    /// Whether it is an item of a list that has that name.
    is_item: bool,
}

impl<'d> Place<'d> {
    /// Follows the path as far as it leads to values.
    fn find(root: &'d Node, path: &Path) -> Self {
        let mut place = Self {
            node: root,
            name: None,
            key_span: None,
            parent: None,
            is_item: false,
        };
        for segment in path {
            let step = match segment {
                Segment::Map { key } => key.clone(),
                Segment::Seq { index } => index.to_string(),
                Segment::Enum { .. } | Segment::Unknown => continue,
            };
            let Some(below) = place.node.child(&step) else {
                break;
            };
            if let Some(entry) = place.node.as_map().and_then(|map| map.entry(&step)) {
                place.key_span = Some(entry.key_span);
                place.name = Some(step);
            }
            place.node = below;
        }
        place
    }

    /// The value's place; its key's where there is no value to point at.
    fn value_span(&self) -> Span {
        match self.key_span {
            Some(key) if self.node.is_null() && !self.is_item => key,
            _ => self.node.span(),
        }
    }

    fn named(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| "this".to_owned(), |name| format!("`{name}`"))
    }
}

fn unknown_key(document: &Document, place: &Place<'_>, rest: &str) -> Diagnostic {
    let words = quoted(rest);
    let (unknown, known) = words
        .split_first()
        .map_or(("", &[][..]), |(first, known)| (*first, known));
    // The path leads to the unknown key's value already, where serde read the key as one.
    let (holder, span) = if place.name.as_deref() == Some(unknown) {
        (place.parent, place.key_span)
    } else {
        let entry = place.node.as_map().and_then(|map| map.entry(unknown));
        (Some(place.node), entry.map(|entry| entry.key_span))
    };
    // Below a password's key a key may be the password, and a key may hold a whole `password = …`.
    let message = if holder.is_some_and(Node::is_secret) || mask::tells_secret(unknown) {
        "unknown key".to_owned()
    } else {
        format!("unknown key `{unknown}`")
    };
    let diagnostic = document
        .error(span.unwrap_or(place.node.span()), message)
        .label("not a key that belongs here");
    match closest(unknown, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => diagnostic.help("no keys are expected here"),
        None => diagnostic.help(format!("known keys here: {}", known.join(", "))),
    }
}

fn missing_key(document: &Document, place: &Place<'_>, rest: &str) -> Diagnostic {
    let missing = quoted(rest).first().copied().unwrap_or_default().to_owned();
    let message = match &place.name {
        Some(name) => format!("`{name}` has no `{missing}`"),
        None => format!("`{missing}` is missing"),
    };
    let span = place.key_span.unwrap_or(place.node.span());
    document
        .error(span, message)
        .label(format!("`{missing}` belongs in here"))
        .help(format!("add `{missing}: …`"))
}

fn unknown_word(document: &Document, place: &Place<'_>, rest: &str) -> Diagnostic {
    let words = quoted(rest);
    let (found, known) = words
        .split_first()
        .map_or(("", &[][..]), |(first, known)| (*first, known));
    let choices = known.join(", ");
    let diagnostic = document
        .error(
            place.value_span(),
            format!("{} must be one of {choices}", place.named()),
        )
        .label("not one of them");
    match closest(found, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn wrong_value(document: &Document, place: &Place<'_>, expected: &str) -> Diagnostic {
    let wanted = Wanted::parse(expected);
    let diagnostic = document
        .error(
            place.value_span(),
            format!("{} must be {}", place.named(), wanted.in_words(expected)),
        )
        .label(format!("found {}", place.node.kind()));
    match help_for(&wanted, place.node) {
        Some(help) => diagnostic.help(help),
        _ => diagnostic,
    }
}

/// What serde expected.
enum Wanted {
    Text,
    Bool,
    Whole(&'static str),
    Keys,
    List,
    Other,
}

impl Wanted {
    fn parse(expected: &str) -> Self {
        match expected {
            "a string" | "string" => Self::Text,
            "a boolean" => Self::Bool,
            "u8" => Self::Whole("a whole number from 0 to 255"),
            "u16" => Self::Whole("a whole number from 0 to 65535"),
            "u32" => Self::Whole("a whole number from 0 to 4294967295"),
            "u64" | "usize" => Self::Whole("a whole number, not negative"),
            "i64" | "i32" | "isize" => Self::Whole("a whole number"),
            "a sequence" => Self::List,
            "a map" => Self::Keys,
            _ if expected.starts_with("struct ") => Self::Keys,
            _ => Self::Other,
        }
    }

    fn in_words<'a>(&self, expected: &'a str) -> &'a str {
        match self {
            Self::Text => "text",
            Self::Bool => "true or false",
            Self::Whole(words) => words,
            Self::Keys => "keys with values",
            Self::List => "a list",
            Self::Other => expected,
        }
    }
}

fn help_for(wanted: &Wanted, node: &Node) -> Option<String> {
    let text = node.text().unwrap_or_default();
    // Some of these repeat the value.
    let shown = !node.is_secret();
    match (wanted, node.value()) {
        (Wanted::Text, Value::Int(_) | Value::Float(_) | Value::Bool(_)) if shown => {
            Some(format!("put it in quotes: \"{text}\""))
        }
        (Wanted::Bool, Value::String(_)) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "y" | "true" => Some("write `true`, without quotes".to_owned()),
            "no" | "off" | "n" | "false" => Some("write `false`, without quotes".to_owned()),
            _ => None,
        },
        (Wanted::Whole(_), Value::String(_)) if text.parse::<u32>().is_ok() => {
            Some("write the number without quotes and without leading zeros".to_owned())
        }
        (Wanted::List, Value::String(_) | Value::Int(_)) if shown => {
            Some(format!("write a list of one: [{text}]"))
        }
        (Wanted::Keys, _) => {
            Some("write `key: value` lines below it, indented, or `{key: value}`".to_owned())
        }
        _ => None,
    }
}

/// The words between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
