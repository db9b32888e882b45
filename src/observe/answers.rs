//! Reads `field<TAB>value` lines. A line that is none is left out: login shells print what they like.

use super::Fields;

/// The values of each field, in order.
pub(super) fn fields(text: &str) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once('\t')) {
        fields
            .entry(name.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    fields
}

/// The first value of a field that is not empty.
pub(super) fn first(fields: &Fields, name: &str) -> Option<String> {
    fields
        .get(name)?
        .iter()
        .find(|value| !value.is_empty())
        .cloned()
}
