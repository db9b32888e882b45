//! By which statements an account on the primary is made what it should be. It must never be a way to
//! write on a replica: what is wrong there is mended by what replication brings.

use std::fmt;

use serde::Serialize;

/// The statements for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountMeans {
    /// Those for what differs. They fail on a replica where the account is not as the primary has it:
    /// one cannot change what is not there, nor create what is.
    Correct,
    /// It is dropped, if it is there, and created: the same on every server, whatever was there.
    Rewrite,
}

impl fmt::Display for AccountMeans {
    /// Before what differs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Correct => "",
            Self::Rewrite => "write it anew: ",
        })
    }
}
