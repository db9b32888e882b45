//! What should be done, as data: it can be printed, checked, tested and replayed.
//!
//! A plan leaves no choice to the one who carries it out. It must never hold a secret: an account is
//! named by its role, and the fleet looks its password up.

mod account_means;
mod action;
mod answer;
mod check;
mod command;
mod copying;
mod diff;
mod effect;
mod leadership;
mod loss;
mod outcome;
mod path_change;
mod proof;
mod query;
mod server_config;
mod stage;
mod step;

pub use account_means::AccountMeans;
pub use action::{
    Action, FenceMethod, FileChange, LiveVariable, Neighbours, Receiving, UnitChange,
};
pub use answer::Answer;
pub use check::{CheckContext, Violation, check};
pub use command::{Command, Invocation, RunAs};
pub use copying::Copying;
pub use diff::unified_diff;
pub use effect::predict;
pub use leadership::{LeadershipRules, OldPrimary, Waiver};
pub use loss::DataLoss;
pub use outcome::Outcome;
pub use path_change::{Awaited, PathChange, PathState};
pub use proof::Proof;
pub use query::{Access, Query};
pub use server_config::{ServerConfig, TakesEffect};
pub use stage::{Look, StagePlan};
pub use step::{OnFailure, Plan, Step};

#[cfg(test)]
mod tests;
