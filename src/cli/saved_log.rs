//! How the transactions begin that only one host had and a file keeps now. It must never show what
//! somebody logs in with, not even as a hash: an account's statements and the rows of the server's own
//! schema are in the file alone.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// So many lines of what was saved are shown; the file has them all.
const SHOWN: usize = 20;

/// Stands for a statement or a row that is not shown.
const HIDDEN: &str = "(about an account: see the file)";

/// Names the file, and shows its first changes in words.
pub(super) fn saved(what: &str, path: &Path) -> String {
    let mut text = format!("\n{what} {}", path.display());
    let Ok(file) = std::fs::File::open(path) else {
        return text;
    };
    let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
    let mut shown = Changes::of(lines.map(|line| String::from_utf8_lossy(&line).into_owned()))
        .flat_map(Change::in_words);
    for line in shown.by_ref().take(SHOWN) {
        let _ = write!(text, "\n  {line}");
    }
    if shown.next().is_some() {
        text.push_str("\n  …");
    }
    text
}

/// What belongs together in a binary log's text: a statement, or what became of one row.
#[derive(Default)]
struct Change {
    /// What tells a person something.
    told: Vec<String>,
    /// Whether any line of it, told or not, may say how somebody logs in.
    is_about_an_account: bool,
}

impl Change {
    fn in_words(self) -> Vec<String> {
        if self.is_about_an_account && !self.told.is_empty() {
            vec![HIDDEN.to_owned()]
        } else {
            self.told
        }
    }

    fn add(&mut self, line: String) {
        self.is_about_an_account |= is_about_an_account(&line);
        if tells(&line) {
            self.told.push(line);
        }
    }
}

/// In either server's words. What is only a comment does not count.
fn is_about_an_account(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    let words = [
        "PASSWORD",
        "IDENTIFIED",
        "AUTHENTICATION_STRING",
        "`MYSQL`",
        "MYSQL.",
    ];
    !is_comment(&line) && words.iter().any(|word| line.contains(word))
}

/// The changes of a binary log's text, without what is there for the server alone.
struct Changes<I> {
    lines: I,
    /// The first line of the next change.
    ahead: Option<String>,
    inside: Inside,
    /// Whether statements that name no schema change the server's own.
    in_own_schema: bool,
}

/// Which part of a binary log's text a line is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Statements and comments.
    Statements,
    /// Rows, encoded; the comments after them say the same in words.
    Encoded,
}

impl<I: Iterator<Item = String>> Changes<I> {
    fn of(lines: I) -> Self {
        Self {
            lines,
            ahead: None,
            inside: Inside::Statements,
            in_own_schema: false,
        }
    }

    /// The next line, unless it is a part of an encoded row.
    fn line(&mut self) -> Option<String> {
        loop {
            let line = self.lines.next()?;
            match self.inside {
                Inside::Statements if line.starts_with("BINLOG '") => {
                    self.inside = Inside::Encoded;
                }
                Inside::Statements => return Some(line),
                Inside::Encoded if line.starts_with('\'') => self.inside = Inside::Statements,
                Inside::Encoded => {}
            }
        }
    }
}

impl<I: Iterator<Item = String>> Iterator for Changes<I> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        let mut change = Change::default();
        loop {
            let Some(line) = self.ahead.take().or_else(|| self.line()) else {
                return Some(change).filter(|change| !change.told.is_empty());
            };
            let ends = line.ends_with(END) || begins_row(&line);
            if ends && !change.told.is_empty() {
                self.ahead = Some(line);
                return Some(change);
            }
            if line.ends_with(END) {
                change = Change::default();
            }
            if let Some(schema) = line.strip_prefix("use `") {
                self.in_own_schema = schema.starts_with("mysql`");
            }
            change.add(line);
            change.is_about_an_account |= self.in_own_schema;
        }
    }
}

/// Ends a statement, on a line of its own.
const END: &str = "/*!*/;";

fn begins_row(line: &str) -> bool {
    let words = line.strip_prefix("### ").unwrap_or_default();
    ["INSERT", "UPDATE", "DELETE"]
        .iter()
        .any(|word| words.starts_with(word))
}

/// Whether a line tells a person what was changed.
fn tells(line: &str) -> bool {
    const FRAME: [&str; 8] = [
        "/*",
        "SET ",
        "DELIMITER",
        "ROLLBACK",
        "COMMIT",
        "BEGIN",
        "START ",
        "--",
    ];
    let frame = FRAME.iter().any(|word| line.starts_with(word));
    !line.is_empty() && !is_comment(line) && !frame
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#') && !line.starts_with("###")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
-- Executed on db1 and not on db2: 0-1-15
/*!50530 SET @@SESSION.PSEUDO_SLAVE_MODE=1*/;
DELIMITER /*!*/;
# at 1422
SET TIMESTAMP=1795246420/*!*/;
create table mine.t(a int)
/*!*/;
START TRANSACTION
/*!*/;
#Q> insert into mine.t values(1)

BINLOG '
VEkBaxMNB00KLAAAAPoGAAAAAD4AAAAAAAEABG1pbmUAAXQAAQMAAdTOIK0=
'/*!*/;
### INSERT INTO `mine`.`t`
### SET
###   @1=1
COMMIT/*!*/;
";

    fn after(log: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db1.sql");
        std::fs::write(&path, log).unwrap();
        let text = saved("what only it had is kept in", &path);
        let head = format!("\nwhat only it had is kept in {}", path.display());
        text.strip_prefix(&head).unwrap().to_owned()
    }

    #[test]
    fn what_was_saved_is_shown_in_words() {
        assert_eq!(
            after(LOG),
            "\n  create table mine.t(a int)\n  ### INSERT INTO `mine`.`t`\n  ### SET\n  ###   @1=1"
        );
    }

    #[test]
    fn only_its_beginning_is_shown() {
        let text = after(&"insert\n".repeat(SHOWN + 1));
        assert_eq!(text.matches("insert").count(), SHOWN);
        assert!(text.ends_with("\n  …"));
    }

    #[test]
    fn a_file_that_is_gone_is_named_all_the_same() {
        let path = Path::new("/nowhere/db1.sql");
        assert_eq!(saved("kept in", path), "\nkept in /nowhere/db1.sql");
    }

    /// Its words stand on several lines, and the line with the password need not be the telling one.
    #[test]
    fn a_statement_about_an_account_is_hidden_as_a_whole() {
        let statement =
            "create user a\n identified\n by\n 'S3cret'\n/*!*/;\ndrop table t\n/*!*/;\n";
        let shown = format!("\n  {HIDDEN}\n  drop table t");
        assert_eq!(after(statement), shown);
    }

    /// `SET` and `/*` begin lines that are there for the server, but also these.
    #[test]
    fn a_line_that_is_not_shown_hides_the_rest_of_its_statement() {
        for statement in [
            "SET PASSWORD FOR a =\n '*S3cret'\n/*!*/;\n",
            "create user a\n/*!80000 identified by */\n 'S3cret'\n/*!*/;\n",
            "update mysql.global_priv\n set Priv = 'S3cret'\n/*!*/;\n",
            "use `mysql`/*!*/;\nSET TIMESTAMP=1/*!*/;\ninsert into user values('S3cret')\n/*!*/;\n",
        ] {
            let said = after(statement);
            assert!(!said.contains("S3cret"), "{said}");
            assert!(said.contains(HIDDEN), "{said}");
        }
        let elsewhere = "use `mysql`/*!*/;\nuse `mine`/*!*/;\ndrop table t\n/*!*/;\n";
        assert!(after(elsewhere).ends_with("\n  drop table t"));
    }

    #[test]
    fn a_row_of_the_servers_own_schema_is_hidden_and_the_next_is_not() {
        let rows = "### INSERT INTO `mysql`.`global_priv`\n### SET\n###   @3='S3cret'\n\
                    ### DELETE FROM `mine`.`t`\n### WHERE\n###   @1=1\n";
        let shown =
            format!("\n  {HIDDEN}\n  ### DELETE FROM `mine`.`t`\n  ### WHERE\n  ###   @1=1");
        assert_eq!(after(rows), shown);
    }
}
