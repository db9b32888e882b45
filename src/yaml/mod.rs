//! YAML with the place of every word in it, so that whatever is wrong is shown as a person sees it:
//! file, line, column, the line itself and a caret.
//!
//! [`Document::parse`] reads one file into a tree of [`Node`]s that know where they stand;
//! [`Document::deserialize`] turns it (or a part of it) into typed values, and a wrong key or type comes
//! back as a [`Diagnostic`] at its own place. There is one parser, so the tree and the typed values cannot
//! disagree about what a file says.
//!
//! The dialect is small on purpose: YAML 1.2's plain types (`yes` and `on` are text, `0644` is text),
//! one document per file, no aliases, merges or tags, no key written twice.
//!
//! This room must never read a file, and must never show a secret: values under keys that name a
//! password or a token are masked in every excerpt and in `Debug`.

mod build;
mod diagnostic;
mod document;
mod explain;
mod mask;
mod node;
mod scalar;
mod schema;
mod source;
mod suggest;

pub use diagnostic::{Diagnostic, Diagnostics, Paint};
pub use document::Document;
pub use node::{Entry, Map, Node, Value};
pub use schema::schema;
pub use source::{Position, Source, Span};
pub use suggest::closest;

#[cfg(test)]
mod tests;
