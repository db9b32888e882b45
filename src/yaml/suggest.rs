//! "Did you mean …?": the known word that is close enough to a wrong one to be what was meant.
//!
//! It must never guess wildly: a wrong suggestion sends a person the wrong way.

/// The candidate nearest to `word`, when at most a third of its letters (at least one) differ.
///
/// The distance counts inserted, removed, replaced and swapped letters; case and `-` against `_` are free.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().max(folded.len()) / 3).max(1)
        })
        // A word of one letter is near to every other one.
        .filter(|(distance, candidate)| *distance < candidate.chars().count().min(folded.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn fold(word: &str) -> Vec<char> {
    word.chars()
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Optimal string alignment: Levenshtein's distance with neighbours swapped for one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &right) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(left != right);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left == b[j - 1] && a[i - 1] == right {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["address", "port", "primary", "server_id", "ssh"];
        assert_eq!(closest("adress", known), Some("address"));
        assert_eq!(closest("Primray", known), Some("primary"));
        assert_eq!(closest("server-id", known), Some("server_id"));
        assert_eq!(closest("prot", known), Some("port"));
        assert_eq!(closest("weight", known), None);
        assert_eq!(closest("x", known), None);
        assert_eq!(closest("", known), None);
    }
}
