//! Rows as text, and careful reading of their columns. Must never turn a missing or unreadable
//! column into a default: unknown is never "no".

use std::collections::BTreeMap;
use std::str::FromStr;

/// One row: column name to text; `None` is SQL `NULL`.
pub type Row = BTreeMap<String, Option<String>>;

/// The rows of one result.
pub type Rows = Vec<Row>;

/// A result that does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// A query's result was not handed over.
    #[error("no result for `{fact}`: the server was not asked, or the answer broke off")]
    NoResult {
        /// What was asked.
        fact: &'static str,
    },
    /// A column is absent, or `NULL` where that cannot be.
    #[error(
        "`{fact}` has no column `{column}`: an account without privileges, or a server of an unknown version"
    )]
    Missing {
        /// What was asked.
        fact: &'static str,
        /// The column or variable.
        column: String,
    },
    /// A column's text is not of its kind.
    #[error("`{fact}`: column `{column}` has the value `{value}`, expected {expected}")]
    Unreadable {
        /// What was asked.
        fact: &'static str,
        /// The column or variable.
        column: String,
        /// What it said.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
}

/// Reads the columns of one row.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) fact: &'static str,
    pub(super) row: &'a Row,
}

impl<'a> Reader<'a> {
    /// The text of the first of these columns that the row has; `None` when absent or `NULL`. The
    /// names are one column's names in different versions. Case is ignored: `Server_id`,
    /// `Server_Id`.
    pub(super) fn text(self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| {
            let exact = self.row.get(*name);
            let found = exact.or_else(|| {
                self.row
                    .iter()
                    .find(|(have, _)| have.eq_ignore_ascii_case(name))
                    .map(|(_, v)| v)
            });
            found.and_then(|value| value.as_deref())
        })
    }

    /// As [`Self::text`], but an empty text counts as absent.
    pub(super) fn filled(self, names: &[&str]) -> Option<&'a str> {
        self.text(names).filter(|text| !text.is_empty())
    }

    /// As [`Self::text`], or an error that names the column.
    pub(super) fn required(self, names: &[&str]) -> Result<&'a str, FactError> {
        self.text(names).ok_or_else(|| FactError::Missing {
            fact: self.fact,
            column: names.first().copied().unwrap_or_default().to_owned(),
        })
    }

    /// A value that is absent, or readable.
    pub(super) fn parse<T: FromStr>(
        self,
        names: &[&str],
        expected: &'static str,
    ) -> Result<Option<T>, FactError> {
        let Some(text) = self.filled(names) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| self.unreadable(names, text, expected))
    }

    /// A value that is there and readable.
    pub(super) fn parse_required<T: FromStr>(
        self,
        names: &[&str],
        expected: &'static str,
    ) -> Result<T, FactError> {
        let text = self.required(names)?;
        text.parse()
            .map_err(|_| self.unreadable(names, text, expected))
    }

    /// The error for a column whose text is not of its kind.
    pub(super) fn unreadable(
        self,
        names: &[&str],
        value: &str,
        expected: &'static str,
    ) -> FactError {
        FactError::Unreadable {
            fact: self.fact,
            column: names.first().copied().unwrap_or_default().to_owned(),
            value: value.to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
pub(super) mod fixtures {
    //! Rows as the servers' clients print them with `--batch`: a line of names, then lines of
    //! values.
    use super::{Row, Rows};

    /// Reads tab-separated output of `mysql --batch --raw`.
    pub(crate) fn rows(batch: &str) -> Rows {
        let mut lines = batch.lines();
        let Some(header) = lines.next() else {
            return Rows::new();
        };
        let names: Vec<&str> = header.split('\t').collect();
        let row = |line: &str| -> Row {
            let value = |text: &str| (text != "NULL").then(|| text.to_owned());
            names
                .iter()
                .map(|n| (*n).to_owned())
                .zip(line.split('\t').map(value))
                .collect()
        };
        lines.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_and_where() {
        let row: Row = [
            ("Port".to_owned(), Some("x".to_owned())),
            ("Lag".to_owned(), None),
        ]
        .into();
        let reader = Reader {
            fact: "replicas",
            row: &row,
        };
        assert_eq!(reader.parse::<u16>(&["Lag"], "a number"), Ok(None));
        assert_eq!(reader.text(&["Absent", "PORT"]), Some("x"));
        let error = reader.parse::<u16>(&["Port"], "a number").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`replicas`: column `Port` has the value `x`, expected a number"
        );
        assert!(reader.required(&["Lag"]).is_err());
    }
}
