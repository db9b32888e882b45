//! What a change of leadership loses of what the old primary had committed: nothing, so many
//! transactions at most, or nobody can tell. It must never promise more than is proven.

use std::fmt;

use serde::Serialize;

/// What is lost, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum DataLoss {
    /// Nothing that any client was told is committed: proven.
    Nothing {
        /// The proof.
        because: String,
    },
    /// No more than so many transactions: proven. They were counted where they are, and some of them
    /// may never have been acknowledged.
    AtMost {
        /// How many.
        transactions: u64,
        /// Where they are, and why they are not here.
        because: String,
    },
    /// Nobody can tell how many.
    Unknown {
        /// So many that the old primary was seen to have committed are known to be missing, by their
        /// numbers.
        at_least: u64,
        /// Why it is not known.
        because: String,
    },
}

impl DataLoss {
    /// Whether it is proven that nothing is lost.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing { .. })
    }

    /// The number and its limit in a few words, without the reason.
    pub fn extent(&self) -> String {
        match self {
            Self::Nothing { .. } => "nothing that was acknowledged".to_owned(),
            Self::AtMost { transactions, .. } => format!("at most {}", counted(*transactions)),
            Self::Unknown { at_least: 0, .. } => "unknown".to_owned(),
            Self::Unknown { at_least, .. } => {
                format!("at least {}, unknown how many more", counted(*at_least))
            }
        }
    }

    /// What it rests on.
    pub fn because(&self) -> &str {
        match self {
            Self::Nothing { because }
            | Self::AtMost { because, .. }
            | Self::Unknown { because, .. } => because,
        }
    }
}

impl fmt::Display for DataLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.extent(), self.because())
    }
}

fn counted(transactions: u64) -> String {
    let plural = if transactions == 1 { "" } else { "s" };
    format!("{transactions} transaction{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(verdict: &str, count: u64) -> DataLoss {
        let because = "so it is".to_owned();
        match verdict {
            "nothing" => DataLoss::Nothing { because },
            "at_most" => DataLoss::AtMost {
                transactions: count,
                because,
            },
            _ => DataLoss::Unknown {
                at_least: count,
                because,
            },
        }
    }

    #[test]
    fn each_verdict_says_its_number_and_its_limit() {
        let table = [
            ("nothing", 0, "nothing that was acknowledged: so it is"),
            ("at_most", 1, "at most 1 transaction: so it is"),
            ("at_most", 47, "at most 47 transactions: so it is"),
            ("unknown", 0, "unknown: so it is"),
            (
                "unknown",
                1,
                "at least 1 transaction, unknown how many more: so it is",
            ),
        ];
        for (verdict, count, said) in table {
            let loss = loss(verdict, count);
            assert_eq!(loss.to_string(), said);
            assert_eq!(loss.is_nothing(), verdict == "nothing");
            let json = serde_json::to_value(&loss).unwrap();
            assert_eq!(json["verdict"], verdict);
            assert_eq!(json["because"], "so it is");
        }
    }

    #[test]
    fn programs_find_the_number() {
        let json = serde_json::to_value(loss("at_most", 47)).unwrap();
        assert_eq!(json["transactions"], 47);
        let json = serde_json::to_value(loss("unknown", 3)).unwrap();
        assert_eq!(json["at_least"], 3);
    }
}
