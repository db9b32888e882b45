//! Tables that fit the terminal: 80 columns when there is none.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with a header, no frame, and the terminal's width.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(header.to_vec());
    table
}

/// The width to write in.
pub(super) fn width() -> u16 {
    terminal_size::terminal_size().map_or(80, |(width, _)| width.0.clamp(40, 200))
}
