//! From the parser's events to a tree of nodes.
//!
//! It must never follow what a file does not need: aliases (a few lines can unfold to gigabytes), merge
//! keys and tags are refused by name, and nesting has a limit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::mask;
use super::node::{Entry, Exposure, Map, Node, Value};
use super::scalar::{closing_quote, resolve};
use super::{Source, Span};

/// How deep lists and maps may be nested: far beyond any real file, far below the stack.
const MAX_DEPTH: usize = 64;

/// Why a text is not a document: what [`super::Document::parse`] makes a diagnostic of.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    /// Where the same thing stands for the first time.
    pub(super) first: Option<Span>,
}

impl Problem {
    fn new(span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            label: label.into(),
            help: None,
            first: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Reads the one document of a source.
pub(super) fn build(source: &Source) -> Result<Node, Problem> {
    let mut builder = Builder {
        source,
        parser: Parser::new_from_str(source.text()),
        // The parser counts characters; everything else counts bytes.
        bytes: source.text().char_indices().map(|(byte, _)| byte).collect(),
    };
    let mut root = None;
    loop {
        match builder.next()? {
            (Event::StreamEnd, span) => {
                return root.ok_or_else(|| {
                    Problem::new(
                        span,
                        "the file says nothing",
                        "nothing but comments up to here",
                    )
                });
            }
            (Event::DocumentStart(_), span) if root.is_some() => {
                return Err(
                    Problem::new(span, "a second document in one file", "it starts here")
                        .help("remove this `---`, or move what follows into a file of its own"),
                );
            }
            (Event::DocumentStart(_), _) => {
                let (event, span) = builder.next()?;
                root = Some(builder.node(event, span, 0, Exposure::Open)?);
            }
            _ => {}
        }
    }
}

struct Builder<'s> {
    source: &'s Source,
    parser: Parser<'s, StrInput<'s>>,
    bytes: Vec<usize>,
}

impl<'s> Builder<'s> {
    fn byte(&self, character: usize) -> usize {
        self.bytes
            .get(character)
            .copied()
            .unwrap_or(self.source.text().len())
    }

    /// The next event; the end of the stream for ever once it was reached.
    fn next(&mut self) -> Result<(Event<'s>, Span), Problem> {
        let end = self.source.text().len();
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Span::new(end, end))),
            Some(Ok((event, span))) => {
                let start = self.byte(span.start.index());
                Ok((event, Span::new(start, self.byte(span.end.index()))))
            }
            Some(Err(error)) => Err(self.not_yaml(&error)),
        }
    }

    fn node(
        &mut self,
        event: Event<'s>,
        span: Span,
        depth: usize,
        exposure: Exposure,
    ) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::new(
                span,
                "nested too deeply",
                format!("level {depth}"),
            ));
        }
        match event {
            Event::Scalar(text, style, _, tag) => {
                refuse_tag(tag.is_some(), span)?;
                Ok(self.scalar(&text, style, span))
            }
            Event::SequenceStart(_, tag) => {
                refuse_tag(tag.is_some(), span)?;
                self.list(span, depth, exposure)
            }
            Event::MappingStart(_, tag) => {
                refuse_tag(tag.is_some(), span)?;
                self.map(span, depth, exposure)
            }
            Event::Alias(_) => Err(Problem::new(span, "aliases are not supported", "an alias")
                .help("write the value out here once more, or put it in quotes if it is text")),
            _ => Err(Problem::new(
                span,
                "a value is missing",
                "expected a value here",
            )),
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: Span) -> Node {
        if style == ScalarStyle::Plain && (span.start == span.end || text.is_empty()) {
            return Node::scalar(span, Value::Null, String::new());
        }
        let value = match style {
            ScalarStyle::Plain => resolve(text),
            _ => Value::String(text.to_owned()),
        };
        Node::scalar(self.trimmed(style, span), value, text.to_owned())
    }

    /// Without the white space and comments that the parser counts to a scalar.
    fn trimmed(&self, style: ScalarStyle, span: Span) -> Span {
        let text = &self.source.text()[span.start..span.end];
        let length = match style {
            ScalarStyle::SingleQuoted => closing_quote(text, '\'', '\''),
            ScalarStyle::DoubleQuoted => closing_quote(text, '"', '\\'),
            _ => None,
        };
        Span::new(
            span.start,
            span.start + length.unwrap_or(text.trim_end().len()),
        )
    }

    fn list(&mut self, start: Span, depth: usize, exposure: Exposure) -> Result<Node, Problem> {
        let mut items: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                let first = items.first().map(Node::span);
                return Ok(Node::collection(
                    self.extent(start, span, first),
                    Value::List(items),
                ));
            }
            items.push(self.node(event, span, depth + 1, exposure)?);
        }
    }

    fn map(&mut self, start: Span, depth: usize, exposure: Exposure) -> Result<Node, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                let first = entries.first().map(|entry| entry.key_span);
                let extent = self.extent(start, key_span, first);
                return Ok(Node::collection(extent, Value::Map(Map { entries })));
            }
            let key = key_text(event, key_span)?;
            match seen.entry(key.clone()) {
                Slot::Occupied(first) => {
                    // Below a password's key, a key may be the password.
                    let named = match exposure {
                        Exposure::Open if !mask::tells_secret(&key) => format!("`{key}`"),
                        _ => "a key".to_owned(),
                    };
                    let message = format!("{named} is written twice");
                    let mut problem = Problem::new(key_span, message, "again here")
                        .help("keep one of the two; the later one would silently win");
                    problem.first = Some(*first.get());
                    return Err(problem);
                }
                Slot::Vacant(free) => free.insert(key_span),
            };
            let (event, span) = self.next()?;
            let below = if mask::is_secret_key(&key) {
                Exposure::Secret
            } else {
                exposure
            };
            let value = self.node(event, span, depth + 1, below)?;
            entries.push(Entry {
                key,
                key_span,
                value,
            });
        }
    }

    /// Where a message about a collection points: all of a flow collection, the first entry of a block.
    fn extent(&self, start: Span, end: Span, first: Option<Span>) -> Span {
        if self.source.text()[start.start..].starts_with(['{', '[']) {
            return Span::new(start.start, end.end);
        }
        first.unwrap_or(start)
    }

    /// The parser's complaint, and what to do about the usual causes.
    fn not_yaml(&self, error: &ScanError) -> Problem {
        let at = self.byte(error.marker().index());
        let text = self.source.text();
        let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let message = "this is not valid YAML";
        if let Some(tab) = indent.find('\t') {
            let tab = line_start + tab;
            return Problem::new(Span::new(tab, tab + 1), message, "a tab")
                .help("indent with spaces: YAML allows no tabs there");
        }
        let label = match error.info() {
            "did not find expected <document start>" => {
                "nothing may follow the value that ended above"
            }
            info => info,
        };
        Problem::new(Span::new(at, at), message, label).help(
            "look for a missing colon, quote or bracket here or in the line above; \
             keys of one level start in one column, and text with `: ` or ` #` in it needs quotes",
        )
    }
}

fn key_text(event: Event<'_>, span: Span) -> Result<String, Problem> {
    match event {
        Event::Scalar(text, style, _, tag) => {
            refuse_tag(tag.is_some(), span)?;
            if style == ScalarStyle::Plain && text == "<<" {
                return Err(
                    Problem::new(span, "merge keys are not supported", "a merge key")
                        .help("write the merged keys out here"),
                );
            }
            if style == ScalarStyle::Plain && span.start == span.end {
                return Err(Problem::new(
                    span,
                    "a key is missing",
                    "expected a key here",
                ));
            }
            Ok(text.into_owned())
        }
        Event::Alias(_) => Err(Problem::new(span, "an alias cannot be a key", "an alias")
            .help("write the key out, or put it in quotes if it is text")),
        _ => Err(
            Problem::new(span, "a list or a map cannot be a key", "expected text")
                .help("text with `{` or `[` in it, such as `{{ … }}`, needs quotes"),
        ),
    }
}

fn refuse_tag(tagged: bool, span: Span) -> Result<(), Problem> {
    if !tagged {
        return Ok(());
    }
    Err(Problem::new(
        span,
        "tags are not supported",
        "this value has a tag (`!…`)",
    )
    .help("remove the tag; if the value is text that starts with `!`, put it in quotes"))
}
