//! What a person may permit a failover to risk. Each permission is named by the harm that it permits, is
//! given for one run, and is never a setting; none is ever assumed.

use std::fmt;

use serde::Serialize;

/// A harm that may be permitted for one failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Harm {
    /// The old primary is neither fenced nor proven harmless: it may take writes beside the new one,
    /// and those are lost (S12).
    Unfenced,
    /// Nobody acknowledges to the new primary: a second failure loses what it has committed (S17).
    Uncovered,
    /// The latest failover is younger than `failover.min_interval` (S21).
    IgnoreLast,
    /// A replica that is not seen may hold acknowledged rows that no other has (S6).
    UnseenReplica,
}

impl Harm {
    /// The flag of `hactl failover` that permits it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Unfenced => "--allow-unfenced",
            Self::Uncovered => "--allow-uncovered",
            Self::IgnoreLast => "--ignore-last",
            Self::UnseenReplica => "--allow-unseen-replica",
        }
    }

    /// What may happen then, for a refusal's way out.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Unfenced => "permits that the old primary takes writes beside the new one",
            Self::Uncovered => {
                "permits that commits are acknowledged which only the new primary has"
            }
            Self::IgnoreLast => "permits a failover soon after the last one",
            Self::UnseenReplica => "gives up what only the unseen replica has",
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.flag())
    }
}
