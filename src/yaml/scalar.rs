//! What a scalar's text says, and where it ends.
//!
//! It must never guess a type that a person did not mean: see [`Value`] for what stays text.

use super::node::Value;

/// The value of a plain scalar, by YAML 1.2's core schema; see [`Value`] for what is stricter.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    if text.len() - digits.len() > 1
        || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    {
        return Value::String(text.to_owned());
    }
    let leading_zero =
        digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_alphanumeric());
    let number_like = digits
        .chars()
        .all(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
    if leading_zero || !number_like || !digits.contains(|c: char| c.is_ascii_digit()) {
        return Value::String(text.to_owned());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::Int(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && digits.contains(['.', 'e', 'E']) => {
            Value::Float(number)
        }
        _ => Value::String(text.to_owned()),
    }
}

/// The length of a quoted scalar that `text` begins with. `escape` takes the quote behind it its meaning;
/// in single quotes that is another quote.
pub(super) fn closing_quote(text: &str, quote: char, escape: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_quote = chars.peek().is_some_and(|(_, next)| *next == quote);
        if c == escape && (next_is_quote || escape != quote) {
            chars.next();
        } else if c == quote {
            return Some(at + quote.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_they_look_like() {
        let text = |s: &str| Value::String(s.to_owned());
        assert_eq!(resolve("12"), Value::Int(12));
        assert_eq!(resolve("-3"), Value::Int(-3));
        assert_eq!(resolve("0"), Value::Int(0));
        assert_eq!(resolve("0.5"), Value::Float(0.5));
        assert_eq!(resolve("1e3"), Value::Float(1000.0));
        assert_eq!(resolve("true"), Value::Bool(true));
        assert_eq!(resolve("~"), Value::Null);
        for written in [
            "0644",
            "yes",
            "on",
            "1G",
            "10.0.0.1",
            "0x1F",
            ".inf",
            "1e999",
            "--1",
            ".",
            "-",
            "99999999999999999999",
            "12:30",
            "2026-01-01",
        ] {
            assert_eq!(resolve(written), text(written));
        }
    }

    #[test]
    fn a_quoted_scalar_ends_at_its_own_quote() {
        assert_eq!(closing_quote("'it''s' # it's", '\'', '\''), Some(7));
        assert_eq!(closing_quote(r#""a\"b\\" # ""#, '"', '\\'), Some(8));
        assert_eq!(closing_quote("'ä' x", '\'', '\''), Some(4));
        assert_eq!(closing_quote("'a", '\'', '\''), None);
    }
}
