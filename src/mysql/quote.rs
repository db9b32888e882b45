//! Quoting of literals and identifiers for the statements that take no placeholders: `CREATE USER`,
//! `GRANT`, `CHANGE …`. This is the one audited place; must never be bypassed by `format!("'{}'")`.

/// A string literal, quotes included.
///
/// A quote is doubled, never escaped by a backslash, so the literal ends where it should under
/// every `sql_mode`: with `NO_BACKSLASH_ESCAPES` a text with a backslash would be *wrong* (two
/// backslashes), but it cannot break out. hactl's sessions set their own `sql_mode` (see
/// [`super::Dialect::session_setup`]), where it is also right. Hex literals would be right under
/// both, but `IDENTIFIED BY` and `SOURCE_PASSWORD` do not accept them.
pub fn quote_literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// An identifier, backticks included: databases, tables, columns. Right under every `sql_mode`.
pub fn quote_ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Bytes as a literal that holds any byte: `0x24…`. An empty slice has no such form and is `''`.
pub(super) fn quote_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        "''".to_owned()
    } else {
        format!("0x{}", hex(bytes))
    }
}

/// Upper-case hex digits, as the server's own `HEX()` writes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing into a String cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
}

/// The bytes that upper- or lower-case hex digits name; `None` when they are no such digits.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, PartialEq)]
    enum Backslash {
        Escapes,
        IsPlain,
    }

    /// Reads a literal as the server's lexer does (`get_text()` of `sql_lex.cc`): its value, and
    /// what is left of the input.
    fn read_literal(sql: &str, mode: Backslash) -> Option<(String, &str)> {
        let mut value = String::new();
        let mut rest = sql.strip_prefix('\'')?.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            match c {
                '\'' => match rest.peek() {
                    Some((_, '\'')) => {
                        rest.next();
                        value.push('\'');
                    }
                    _ => return Some((value, &sql[at + 2..])),
                },
                '\\' if mode == Backslash::Escapes => match rest.next()?.1 {
                    '0' => value.push('\0'),
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                other => value.push(other),
            }
        }
        None
    }

    proptest! {
        #[test]
        fn literals_round_trip(text in any::<String>()) {
            let quoted = quote_literal(&text);
            prop_assert_eq!(read_literal(&quoted, Backslash::Escapes), Some((text, "")));
        }

        #[test]
        fn literals_never_break_out(text in r#"[\\'"`;\x00 -a-z]{0,40}"#) {
            let sql = format!("{} AFTER", quote_literal(&text));
            for mode in [Backslash::Escapes, Backslash::IsPlain] {
                let (_, rest) = read_literal(&sql, mode).unwrap();
                prop_assert_eq!(rest, " AFTER");
            }
        }

        #[test]
        fn identifiers_round_trip(name in "[^\\x00]{0,40}") {
            let quoted = quote_ident(&name);
            let inner = quoted.strip_prefix('`').unwrap().strip_suffix('`').unwrap();
            prop_assert!(!inner.replace("``", "").contains('`'));
            prop_assert_eq!(inner.replace("``", "`"), name);
        }

        #[test]
        fn hex_round_trips(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn odd_hex_is_refused() {
        assert_eq!(unhex("ABC"), None);
        assert_eq!(unhex("GG"), None);
        assert_eq!(unhex("é1"), None);
        assert_eq!(quote_bytes(b""), "''");
        assert_eq!(quote_bytes(b"$A"), "0x2441");
    }
}
