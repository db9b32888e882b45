//! How often servers and machines are asked. Calm must cost a server next to nothing; hurried lasts
//! for as long as somebody is suspected.

use std::time::Duration;

use crate::inventory::HostName;

/// The pace of all senses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// All is well.
    #[default]
    Calm,
    /// This host is suspected.
    Hurried(HostName),
}

/// Between two questions to a server while hurried. A refused connection costs nothing, an answer
/// some tenths of a millisecond.
const HURRIED: Duration = Duration::from_millis(60);
/// Between two questions to a machine while all is well: often enough to know that its link works, and to
/// miss the writer VIP soon.
const MACHINE_CALM: Duration = Duration::from_secs(3);
/// Between two questions to the suspected machine.
const MACHINE_HURRIED: Duration = Duration::from_millis(120);

impl Pace {
    /// The pause between two questions to a server.
    pub(super) fn of_server(&self, calm: Duration) -> Duration {
        match self {
            Self::Calm => calm,
            Self::Hurried(_) => HURRIED.min(calm),
        }
    }

    /// The pause between two questions to a machine.
    pub(super) fn of_machine(&self, host: &HostName) -> Duration {
        match self {
            Self::Hurried(suspect) if suspect == host => MACHINE_HURRIED,
            _ => MACHINE_CALM,
        }
    }
}
