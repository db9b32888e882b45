//! A file's name and text, and places in it.
//!
//! It must never print its text by itself: what is shown of a file goes through [`super::Diagnostic`],
//! which masks secrets.

use std::fmt;

/// A range of bytes in a [`Source`], on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte; equal to `start` for a place without text (end of file, an empty value).
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }
}

/// A place as people and editors count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Lines, from 1.
    pub line: usize,
    /// Characters (not bytes) in the line, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text with the name that the person gave it. `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
    /// What must not be shown, sorted and apart from each other.
    pub(super) secrets: Vec<Span>,
}

impl Source {
    /// A source of this `name` (the path as it was typed) and `text`. A byte order mark is dropped.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Self {
            name: name.into(),
            text,
            secrets: Vec::new(),
        }
    }

    /// The name that the person gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, secrets and all: never print it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it says nothing: only white space, comments and document markers.
    pub fn is_blank(&self) -> bool {
        self.text
            .lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#') || line == "---" || line == "...")
    }

    /// Where a byte stands, for a person. A byte outside the text counts as the end of the text.
    pub fn position(&self, byte: usize) -> Position {
        let before = &self.text[..self.floor(byte)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The span, cut so that it lies inside the text and on character boundaries; the end of the file is
    /// right behind its last word, where a person sees it.
    pub(super) fn clamp(&self, span: Span) -> Span {
        let start = self.floor(span.start);
        if start == self.text.len() {
            let end = self.text.trim_end().len();
            return Span::new(end, end);
        }
        Span::new(start, self.floor(span.end).max(start))
    }

    /// The largest character boundary that is not after `byte`.
    fn floor(&self, byte: usize) -> usize {
        self.text.floor_char_boundary(byte)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x.yml", "a: ä\nbé: 1");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(5).to_string(), "1:5");
        assert_eq!(source.position(6).to_string(), "2:1");
        assert_eq!(source.position(9).to_string(), "2:3");
        assert_eq!(source.position(1000).to_string(), "2:6");
    }

    #[test]
    fn a_file_of_comments_is_blank() {
        assert!(Source::new("x", "\n# nothing\n---\n").is_blank());
        assert!(!Source::new("x", "# a\nb: 1\n").is_blank());
    }

    #[test]
    fn debug_does_not_show_the_text() {
        let shown = format!("{:?}", Source::new("x.yml", "password: hunter2"));
        assert!(
            shown.contains("x.yml") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
