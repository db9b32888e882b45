//! Spans of time as people write them: `500ms`, `10s`, `2m`, `1h`.
//!
//! It must never take a number without a unit: one tool's seconds are another's milliseconds.

use std::time::Duration;

/// Reads a number with its unit; `None` for everything else.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..unit_at].parse().ok()?;
    match &text[unit_at..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

/// As [`parse`] reads it, in the largest unit that is whole.
pub(super) fn text(time: Duration) -> String {
    let milliseconds = time.as_millis();
    for (unit, length) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if milliseconds >= length && milliseconds.is_multiple_of(length) {
            return format!("{}{unit}", milliseconds / length);
        }
    }
    format!("{milliseconds}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_needed() {
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("10s"), Some(Duration::from_secs(10)));
        assert_eq!(parse("2m"), Some(Duration::from_mins(2)));
        for bad in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10 s",
            "5d",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["500ms", "1500ms", "10s", "90s", "2m", "1h", "168h"] {
            assert_eq!(parse(text).map(super::text).as_deref(), Some(text));
        }
    }
}
