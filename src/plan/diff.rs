//! The difference between a file as it is and as it should be, as `--diff` shows it.

use similar::TextDiff;

use crate::plan::FileChange;

/// A unified diff of one file; a new file is all additions.
pub fn unified_diff(host: &str, file: &FileChange) -> String {
    let before = file.before.as_deref().unwrap_or("");
    let old_name = match file.before {
        Some(_) => format!("{host}:{}", file.path),
        None => "/dev/null".to_owned(),
    };
    let new_name = format!(
        "{host}:{} ({}:{}, {})",
        file.path, file.owner, file.group, file.mode
    );
    TextDiff::from_lines(before, &file.content)
        .unified_diff()
        .context_radius(3)
        .header(&old_name, &new_name)
        .to_string()
}
