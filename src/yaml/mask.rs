//! What of a file must not be shown, and the text with that part hidden.
//!
//! Over-masking is harmless, showing a password is not: where the file cannot be parsed, everything that
//! may belong to a secret's value is hidden.

use super::{Node, Source, Span, Value, closest};

/// What stands in the place of a hidden value; says nothing about its length.
const MASK: &str = "********";

/// How keys end whose values are secret.
const SECRET_KEYS: [&str; 6] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "pass",
];

/// How values begin that only say where a secret is to be found.
const REFERENCES: [&str; 3] = ["env:", "file:", "cmd:"];

/// Whether the value of this key is a secret; a misspelled `password` counts.
pub(super) fn is_secret_key(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|end| lower.ends_with(end)) || closest(key, ["password"]).is_some()
}

/// Whether a text holds a secret's key and value itself, as a line of another format does:
/// `--password=…`, `password = …`.
pub(super) fn tells_secret(text: &str) -> bool {
    !guess(text).is_empty()
}

/// Whether a value is only a pointer to a secret: `env:NAME`, `file:PATH`, `cmd:COMMAND`, or one template
/// expression.
fn is_reference(text: &str) -> bool {
    let text = text.trim();
    REFERENCES.iter().any(|start| text.starts_with(start))
        || (text.starts_with("{{") && text.ends_with("}}"))
}

/// Marks the secrets of a tree and returns their places.
pub(super) fn mark(node: &mut Node) -> Vec<Span> {
    let mut places = Vec::new();
    mark_below(node, &mut places);
    places.sort_unstable();
    places
}

fn mark_below(node: &mut Node, places: &mut Vec<Span>) {
    match node.value_mut() {
        Value::Map(map) => {
            for entry in &mut map.entries {
                if tells_secret(&entry.key) {
                    places.push(entry.key_span);
                }
                if is_secret_key(&entry.key) {
                    hide(&mut entry.value, places);
                } else {
                    mark_below(&mut entry.value, places);
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| mark_below(item, places)),
        Value::String(text) if tells_secret(text) => hide(node, places),
        _ => {}
    }
}

/// Hides a value and all that is in it, except plain references to a secret.
pub(super) fn hide(node: &mut Node, places: &mut Vec<Span>) {
    if node
        .text()
        .is_some_and(|text| text.is_empty() || is_reference(text))
    {
        return;
    }
    node.make_secret();
    collect(node, places);
}

fn collect(node: &Node, places: &mut Vec<Span>) {
    match node.value() {
        Value::Map(map) => {
            for entry in map {
                places.push(entry.key_span);
                collect(&entry.value, places);
            }
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, places)),
        _ => places.push(node.span()),
    }
}

/// The places of what may be a secret in a comment: people comment out what they try. A `#` that begins no
/// comment counts as well, which hides too much at worst.
pub(super) fn in_comments(text: &str) -> Vec<Span> {
    let mut places = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(at) = content.find('#')
            && let Some(start) = secret_after(&content[at..])
        {
            places.push(Span::new(offset + at + start, offset + content.len()));
        }
        offset += line.len();
    }
    places
}

/// The places of what may be a secret in a text that is not known to be YAML: after a secret's key, the
/// rest of the line and the lines below that are indented deeper.
pub(super) fn guess(text: &str) -> Vec<Span> {
    let mut places = Vec::new();
    let mut deeper_than = None;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        if deeper_than.is_some_and(|limit| indent > limit) && !content.is_empty() {
            places.push(Span::new(offset + indent, offset + content.len()));
        } else {
            if !content.is_empty() {
                deeper_than = None;
            }
            if let Some(start) = secret_after(content) {
                places.push(Span::new(offset + start, offset + content.len()));
                deeper_than = Some(indent);
            }
        }
        offset += line.len();
    }
    places
}

/// Where in a line the first secret's value begins.
fn secret_after(line: &str) -> Option<usize> {
    // Folding ASCII keeps every byte in its place.
    let lower = line.to_ascii_lowercase();
    let mut starts: Vec<usize> = SECRET_KEYS
        .iter()
        .flat_map(|key| lower.match_indices(key).map(|(at, _)| at + key.len()))
        .filter_map(|end| value_after(line, end))
        .collect();
    starts.sort_unstable();
    starts.into_iter().find(|&start| {
        let value = line[start..].trim_start_matches(['"', '\'']);
        !REFERENCES.iter().any(|prefix| value.starts_with(prefix))
    })
}

/// The start of what follows a key's colon (or an equals sign: people paste from my.cnf).
fn value_after(line: &str, key_end: usize) -> Option<usize> {
    let rest = &line[key_end..];
    let separator = rest.trim_start_matches(['"', '\'', ' ', '\t']);
    let value = separator.strip_prefix([':', '='])?.trim_start();
    Some(line.len() - value.len())
}

/// A source's text with every secret replaced, and the way from its places to the new ones.
pub(super) struct Masked {
    pub(super) text: String,
    moved: Vec<Moved>,
}

/// One hidden place and what stands there now: the mask, and as many line breaks as were hidden.
struct Moved {
    hidden: Span,
    shown: Span,
}

impl Masked {
    pub(super) fn new(source: &Source) -> Self {
        let original = source.text();
        let (mut text, mut moved, mut at) = (String::new(), Vec::new(), 0);
        for secret in &source.secrets {
            let hidden = source.clamp(*secret);
            if hidden.start < at || hidden.start == hidden.end {
                continue;
            }
            text.push_str(&original[at..hidden.start]);
            let start = text.len();
            text.push_str(MASK);
            // Line numbers below stay true.
            let lines = original[hidden.start..hidden.end].matches('\n').count();
            text.push_str(&"\n".repeat(lines));
            moved.push(Moved {
                hidden,
                shown: Span::new(start, text.len()),
            });
            at = hidden.end;
        }
        text.push_str(&original[at..]);
        Self { text, moved }
    }

    /// Where a place of the source stands in the masked text; one inside a secret becomes the mask.
    pub(super) fn span(&self, span: Span) -> Span {
        let (start, inside) = self.offset(span.start);
        let (end, _) = self.offset(span.end);
        match inside {
            Some(mask) => Span::new(mask.start, end.max(mask.start + MASK.len())),
            None => Span::new(start, end),
        }
    }

    /// The new place of a byte, and the mask's when the byte is hidden.
    fn offset(&self, byte: usize) -> (usize, Option<Span>) {
        match self
            .moved
            .iter()
            .rev()
            .find(|moved| moved.hidden.start <= byte)
        {
            None => (byte, None),
            Some(moved) if byte < moved.hidden.end => (moved.shown.start, Some(moved.shown)),
            Some(moved) if byte == moved.hidden.end => (moved.shown.start + MASK.len(), None),
            Some(moved) => (moved.shown.end + (byte - moved.hidden.end), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(text: &str) -> String {
        let mut source = Source::new("x", text);
        source.secrets = guess(text);
        Masked::new(&source).text
    }

    #[test]
    fn what_may_be_a_secret_is_hidden_in_a_broken_file() {
        assert_eq!(
            guessed("password: hunter2: x\nport: 1\n"),
            "password: ********\nport: 1\n"
        );
        assert_eq!(
            guessed("  password:\n    hunter2\n  user: x"),
            "  password:\n    ********\n  user: x"
        );
        assert_eq!(
            guessed("{\"password\": \"a b\", user: x"),
            "{\"password\": ********"
        );
        assert_eq!(guessed("REPL_PASSWORD = x"), "REPL_PASSWORD = ********");
        assert_eq!(
            guessed("password: env:A\npassword: b"),
            "password: env:A\npassword: ********"
        );
    }

    #[test]
    fn a_secret_that_is_commented_out_is_hidden() {
        let commented = |text: &str| {
            let mut source = Source::new("x", text);
            source.secrets = in_comments(text);
            Masked::new(&source).text
        };
        assert_eq!(
            commented("a: #{user: b, password: \"c: d\"}\nb: 1 # none\n#password: e\n"),
            "a: #{user: b, password: ********\nb: 1 # none\n#password: ********\n"
        );
        for harmless in ["a: 1", "# password: env:A", "# the password"] {
            assert_eq!(commented(harmless), harmless);
        }
    }

    #[test]
    fn places_move_with_the_mask() {
        let mut source = Source::new("x", "a: s3cret, b: 1");
        source.secrets = vec![Span::new(3, 9)];
        let masked = Masked::new(&source);
        assert_eq!(masked.text, "a: ********, b: 1");
        let at = |start, end| {
            let span = masked.span(Span::new(start, end));
            &masked.text[span.start..span.end]
        };
        assert_eq!(at(0, 1), "a");
        assert_eq!(at(3, 9), "********");
        assert_eq!(at(5, 6), "********");
        assert_eq!(at(11, 12), "b");
        assert_eq!(at(0, 9), "a: ********");
    }
}
