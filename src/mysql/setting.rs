//! Whether a server runs with the value that its file gives a setting. Files say `1G`, `on` and `ROW`,
//! servers 1073741824, `1` and `ROW`; they round sizes and resolve names. Must never call different what
//! may be the same.

use super::Switch;

/// What can be said of a setting's two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// They are the same.
    Same,
    /// They are not.
    Differ,
    /// They are written in ways that cannot be compared from here.
    Unclear,
}

/// Sizes from here on are rounded by servers, to blocks and chunks.
const ROUNDED: u64 = 4096;

/// Compares the text of an option in a file with what a server says of the variable.
pub fn compare_setting(name: &str, file: &str, running: &str) -> Agreement {
    let (file, running) = (plain(file), plain(running));
    if file.eq_ignore_ascii_case(running) {
        return Agreement::Same;
    }
    if running.is_empty() {
        return Agreement::Unclear;
    }
    if let (Some(file), Some(running)) = (switch(file), switch(running)) {
        return agreement(file == running);
    }
    if let (Some(file), Some(running)) = (size(file), size(running)) {
        let apart = file.abs_diff(running);
        return if apart == 0 {
            Agreement::Same
        } else if file.min(running) >= ROUNDED && apart <= file.max(running) / 8 {
            Agreement::Unclear
        } else {
            Agreement::Differ
        };
    }
    if let (Ok(file), Ok(running)) = (file.parse::<f64>(), running.parse::<f64>()) {
        return agreement((file - running).abs() < 1e-6);
    }
    if is_word(file) && is_word(running) && !has_aliases(name) {
        Agreement::Differ
    } else {
        Agreement::Unclear
    }
}

fn agreement(same: bool) -> Agreement {
    if same {
        Agreement::Same
    } else {
        Agreement::Differ
    }
}

/// Without the quotes and blanks that files may have around a value.
fn plain(value: &str) -> &str {
    value.trim().trim_matches(['"', '\''])
}

/// An option without a value is on.
fn switch(value: &str) -> Option<Switch> {
    match value.to_ascii_lowercase().as_str() {
        "" | "1" | "on" | "true" | "yes" => Some(Switch::On),
        "0" | "off" | "false" | "no" => Some(Switch::Off),
        _ => None,
    }
}

/// A whole number, or one of KiB, MiB and so on.
fn size(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let power = match value[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        "P" => 5,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1024_u64.pow(power))
}

/// One of a variable's named values: no list, no path, no number.
fn is_word(value: &str) -> bool {
    value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// Variables whose values have several names.
fn has_aliases(name: &str) -> bool {
    ["character_set", "collation", "time_zone", "storage_engine"]
        .iter()
        .any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        use Agreement::{Differ, Same, Unclear};
        for (name, file, running, expected) in [
            ("max_connections", "200", "200", Same),
            ("max_connections", "200", "500", Differ),
            ("max_connections", "200", "201", Differ),
            ("slow_query_log", "1", "ON", Same),
            ("slow_query_log", "", "ON", Same),
            ("slow_query_log", "off", "1", Differ),
            ("max_allowed_packet", "64M", "67108864", Same),
            ("max_allowed_packet", "'64m'", "16777216", Differ),
            ("max_allowed_packet", "1000000", "999424", Unclear),
            ("innodb_buffer_pool_size", "1G", "1207959552", Unclear),
            ("innodb_buffer_pool_size", "1G", "134217728", Differ),
            ("long_query_time", "1", "1.000000", Same),
            ("long_query_time", "0.5", "2.000000", Differ),
            ("binlog_row_image", "minimal", "MINIMAL", Same),
            ("binlog_row_image", "minimal", "FULL", Differ),
            (
                "sql_mode",
                "ANSI,ALLOW_INVALID_DATES",
                "REAL_AS_FLOAT",
                Unclear,
            ),
            ("init_connect", "1", "", Unclear),
            ("tmpdir", "/tmp", "/var/tmp", Unclear),
            ("character_set_server", "utf8", "utf8mb3", Unclear),
            ("innodb_flush_method", "0", "fsync", Unclear),
        ] {
            assert_eq!(
                compare_setting(name, file, running),
                expected,
                "{name} {file} {running}"
            );
        }
    }
}
