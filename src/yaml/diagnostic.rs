//! A message about a place in a file, the way rustc shows one.
//!
//! A diagnostic must never show a secret of the file that it points into: it is drawn over the masked text.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::mask::Masked;
use super::{Position, Source, Span};

/// What is wrong, where, and what to write instead.
///
/// `Display` is one line, `file:line:col: message`; [`Diagnostic::render`] is the whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    source: Arc<Source>,
    span: Span,
    message: String,
    label: String,
    help: Option<String>,
    related: Vec<(Span, String)>,
}

/// Whether a message is drawn with ANSI colors. What decides it (a terminal, `--color`) is the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    Plain,
    /// With ANSI escapes.
    Colored,
}

impl Diagnostic {
    /// Something wrong at `span` of `source`. The message says what is wrong, in lower case, without a
    /// full stop; it must not hold a secret.
    pub fn new(source: Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        let span = source.clamp(span);
        Self(Box::new(Inner {
            source,
            span,
            message: message.into(),
            label: String::new(),
            help: None,
            related: Vec::new(),
        }))
    }

    /// Says a few words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Says what to write or do instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Points at a second place of the same file that has to do with it.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        let span = self.0.source.clamp(span);
        self.0.related.push((span, label.into()));
        self
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to write or do instead.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The file's name, as the person gave it.
    pub fn file(&self) -> &str {
        self.0.source.name()
    }

    /// The place in the file's bytes.
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// The place as line and column.
    pub fn position(&self) -> Position {
        self.0.source.position(self.0.span.start)
    }

    /// `file:line:col`, as editors and terminals make it a link.
    pub fn location(&self) -> String {
        format!("{}:{}", self.file(), self.position())
    }

    /// The message, the line, the caret and the help, without a line break at the end.
    pub fn render(&self, paint: Paint) -> String {
        let inner = &*self.0;
        let masked = Masked::new(&inner.source);
        let range = |span: Span| {
            let span = masked.span(span);
            span.start..span.end
        };
        let mut primary = AnnotationKind::Primary.span(range(inner.span));
        if !inner.label.is_empty() {
            primary = primary.label(inner.label.as_str());
        }
        let snippet = Snippet::source(masked.text.as_str())
            .path(inner.source.name())
            .annotation(primary)
            .annotations(inner.related.iter().map(|(span, label)| {
                AnnotationKind::Context
                    .span(range(*span))
                    .label(label.as_str())
            }));
        let group = Level::ERROR
            .primary_title(inner.message.as_str())
            .element(snippet)
            .elements(inner.help.as_deref().map(|help| Level::HELP.message(help)));
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Colored => Renderer::styled(),
        };
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location(), self.0.message)
    }
}

impl std::error::Error for Diagnostic {}

/// All that is wrong with a file, in the order of its lines.
///
/// `Display` has one line for each; [`Diagnostics::render`] draws them all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each one, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// All of them, with an empty line between two.
    pub fn render(&self, paint: Paint) -> String {
        let drawn: Vec<String> = self.0.iter().map(|one| one.render(paint)).collect();
        drawn.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            write!(f, "{}{diagnostic}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut all: Vec<Diagnostic> = diagnostics.into_iter().collect();
        all.sort_by(|a, b| (a.file(), a.span()).cmp(&(b.file(), b.span())));
        Self(all)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
