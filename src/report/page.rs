//! Text laid out for a screen: a line that is too long goes on below, indented. It must never change a
//! word, and never touch text that is not for a screen: a log is searched by line.

/// How much further in a line goes on.
const HANGING: usize = 4;
/// A narrower screen is not laid out for.
const NARROWEST: usize = 40;

/// Lays text out for a screen of so many columns. A branch of a tree is drawn on beside what belongs
/// to it.
pub fn fold(text: &str, columns: usize) -> String {
    let columns = columns.max(NARROWEST);
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| fold_line(line, columns))
        .collect();
    lines.join("\n")
}

fn fold_line(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_owned();
    }
    let hanging = hanging(line);
    let (mut text, mut column) = (String::new(), 0);
    for (index, word) in line.split(' ').enumerate() {
        let width = width(word);
        if index > 0 && column + 1 + width > columns && column > hanging.chars().count() {
            text.push('\n');
            text.push_str(&hanging);
            column = hanging.chars().count();
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text
}

/// What a line that goes on begins with.
fn hanging(line: &str) -> String {
    let indent = line.chars().take_while(|c| *c == ' ').count();
    let branch = line.chars().nth(indent).filter(|c| "├│".contains(*c));
    let (branch, rest) = match branch {
        Some(_) => ("│", HANGING - 1),
        None => ("", HANGING),
    };
    format!("{}{branch}{}", " ".repeat(indent), " ".repeat(rest))
}

/// Columns that a text takes; colours take none.
fn width(text: &str) -> usize {
    let mut colour = false;
    let visible = text.chars().filter(|c| {
        let was = colour;
        colour = match *c {
            '\u{1b}' => true,
            'm' if was => false,
            _ => was,
        };
        !was && !colour
    });
    visible.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_indented_and_loses_no_word() {
        let text = "short\n  db1: wait until it is applied (what was committed must not be lost)";
        let folded = fold(text, 40);
        assert_eq!(
            folded,
            "short\n  db1: wait until it is applied (what\n      was committed must not be lost)"
        );
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&folded), words(text));
        assert!(folded.lines().all(|line| width(line) <= 40), "{folded}");
        assert_eq!(fold(text, 80), text, "what fits is left alone");
    }

    #[test]
    fn colours_take_no_room_and_a_word_is_never_cut() {
        let red = format!(
            "\u{1b}[1m\u{1b}[31m{}\u{1b}[0m {}",
            "x".repeat(19),
            "y".repeat(20)
        );
        assert_eq!(fold(&red, 40), red);
        let long = "z".repeat(60);
        assert_eq!(fold(&long, 40), long);
    }

    #[test]
    fn a_tree_is_drawn_on() {
        let tree = format!(
            "├─ db1 {}\n└─ db2 {}",
            "a ".repeat(20).trim(),
            "b ".repeat(20).trim()
        );
        let folded = fold(&tree, 40);
        let begins: Vec<String> = folded
            .lines()
            .map(|line| line.chars().take(4).collect())
            .collect();
        assert_eq!(begins, ["├─ d", "│   ", "└─ d", "    "]);
    }
}
