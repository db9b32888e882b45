//! What `hactl bootstrap` would do about what `verify` found: its plan, printed. Nothing here can carry it
//! out.

use serde::{Serialize, Serializer};

use super::plan_view::{self, Detail};
use super::play::{Draft, Work};
use super::{CliError, bootstrap};
use crate::decide::{self, Bootstrap};
use crate::facts::Observation;

/// The plan, or why there is none.
pub(super) enum Fix {
    /// What it would do; nothing, perhaps.
    Plan(Box<Draft>),
    /// It would not begin.
    Refused(CliError),
}

impl Fix {
    /// Draws it up from what verify saw.
    pub(super) fn of(work: &Work, seen: &Observation) -> Self {
        let blockers = bootstrap::blockers(&work.cluster, seen);
        if !blockers.is_empty() {
            return Self::Refused(CliError::Preflight(blockers));
        }
        match decide::bootstrap(&work.cluster, seen, &work.consent) {
            Bootstrap::Refused(refusals) => Self::Refused(CliError::Refused(refusals)),
            Bootstrap::Proceed(topology) => match work.draft(seen, &topology) {
                Ok(draft) => Self::Plan(Box::new(draft)),
                Err(error) => Self::Refused(error),
            },
        }
    }

    /// As text, after the findings.
    pub(super) fn render(&self) -> String {
        match self {
            Self::Plan(draft) if draft.plan.is_empty() => {
                "`hactl bootstrap` would find nothing to do; what is wrong needs a person, or another command: see the next steps above".to_owned()
            }
            Self::Plan(draft) => {
                let plan = plan_view::render(&draft.plan, Detail::Steps);
                let undecided = plan_view::undecided(&draft.undecided);
                format!("`hactl bootstrap` would do this; nothing was changed:\n\n{plan}{undecided}")
            }
            Self::Refused(error) => {
                format!("`hactl bootstrap` would not begin:\n{}", error.render())
            }
        }
    }
}

impl Serialize for Fix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Refused {
            refused: String,
        }
        match self {
            Self::Plan(draft) => draft.serialize(serializer),
            Self::Refused(error) => Refused {
                refused: anstream::adapter::strip_str(&error.render()).to_string(),
            }
            .serialize(serializer),
        }
    }
}
