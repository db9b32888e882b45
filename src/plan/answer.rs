//! What a command or a query answered. It may hold what nobody should read later: it is kept for the
//! tasks that ask for it, and never serialized, shown or journalled.

use std::collections::BTreeMap;
use std::fmt;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// An answer, before anybody has judged what it means.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The exit status; 0 for a query.
    pub status: i32,
    /// The standard output.
    pub output: String,
    /// The standard error.
    pub errors: String,
    /// The rows of a query, each by column; `None` is SQL's NULL.
    pub rows: Vec<BTreeMap<String, Option<String>>>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Answer {{ status: {}, {} bytes, {} rows }}",
            self.status,
            self.output.len(),
            self.rows.len()
        )
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("Answer", 3)?;
        shown.serialize_field("status", &self.status)?;
        shown.serialize_field("bytes", &self.output.len())?;
        shown.serialize_field("rows", &self.rows.len())?;
        shown.end()
    }
}
