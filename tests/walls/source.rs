//! A file's text without what the walls do not speak of: comments, and modules that exist in tests
//! only. Lines keep their numbers. It knows Rust well enough for this crate's formatted sources and
//! must never be used on others.

/// The lines of code outside tests, with their 1-based numbers. Comments are blank; string literals
/// stay.
pub(crate) fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut skipping: Option<String> = None;
    let mut test_only = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(end) = &skipping {
            if line == end {
                skipping = None;
            }
            continue;
        }
        if line.trim() == "#[cfg(test)]" {
            test_only = true;
            continue;
        }
        if test_only {
            // Further attributes of the same item.
            if line.trim_start().starts_with("#[") {
                continue;
            }
            test_only = false;
            // rustfmt puts the closing brace at the item's own indentation.
            if line.trim_end().ends_with('{') {
                let indentation: String = line.chars().take_while(|c| *c == ' ').collect();
                skipping = Some(format!("{indentation}}}"));
            }
            continue;
        }
        lines.push((index + 1, without_comment(line)));
    }
    joined(lines)
}

/// A `use` of several lines as one, so that a room named in its middle is seen with its root.
fn joined(lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let is_open = |line: &str| line.trim_start().contains("use ") && !line.contains(';');
    for (number, line) in lines {
        match whole.last_mut() {
            Some((_, begun)) if is_open(begun) && begun.ends_with(['{', ',', ' ']) => {
                begun.push(' ');
                begun.push_str(line.trim());
            }
            _ => whole.push((number, line)),
        }
    }
    whole
}

/// Up to `//`, unless it stands in a string.
fn without_comment(line: &str) -> String {
    let mut in_string = false;
    let mut previous = ' ';
    let mut rest = line.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        match letter {
            '"' if previous != '\\' && previous != '\'' => in_string = !in_string,
            '/' if !in_string && rest.peek().is_some_and(|(_, next)| *next == '/') => {
                return line[..at].to_owned();
            }
            _ => {}
        }
        previous = if previous == '\\' { ' ' } else { letter };
    }
    line.to_owned()
}

/// Whether a word stands in a line, not merely as a part of another word.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
