//! What every test of a procedure needs: how a run ended, and the sentences that a test fails with.

use hactl::decide::{Procedure, Refusal};
use hactl::facts::Observation;
use hactl::mysql::Flavor;
use hactl::plan::{StagePlan, Violation};

use crate::oracle;
use crate::world::{Ended, WorldFleet};

/// Both flavors.
pub(crate) const FLAVORS: [Flavor; 2] = [Flavor::MariaDb, Flavor::MySql];

/// How one run of hactl ended.
#[derive(Debug)]
pub(crate) enum Run {
    /// Before anything was touched.
    Refused,
    /// Somehow.
    Ended(Ended),
}

impl Run {
    /// Whether it came to its own end.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self, Self::Ended(Ended::Performed(done)) if done.is_finished())
    }

    /// Whether a stage broke a rule of the second checker.
    pub(crate) fn is_unsafe(&self) -> bool {
        matches!(self, Self::Ended(Ended::Unsafe(_)))
    }

    /// Whether hactl was killed.
    pub(crate) fn is_killed(&self) -> bool {
        matches!(self, Self::Ended(Ended::Killed))
    }
}

/// Leads what was decided, and notes how it ended.
pub(crate) fn run<P: Procedure>(
    fleet: &WorldFleet,
    decided: Result<P, Vec<Refusal>>,
    seen: Observation,
    inspect: impl FnMut(&StagePlan, &Observation) -> Vec<Violation>,
) -> Run {
    match decided {
        Err(refusals) => {
            fleet.note(format!("refused: {refusals:#?}"));
            Run::Refused
        }
        Ok(mut procedure) => {
            let ended = fleet.lead(&mut procedure, seen, inspect);
            match &ended {
                Ended::Performed(done) if done.is_finished() => {}
                Ended::Performed(done) => fleet.note(format!("gave up: {:#?}", done.refused)),
                other => fleet.note(format!("{other:?}")),
            }
            Run::Ended(ended)
        }
    }
}

/// Nothing was wrong at any moment.
pub(crate) fn assert_safe(fleet: &WorldFleet, told: &str) {
    let wrongs = fleet.wrongs();
    assert!(wrongs.is_empty(), "{told}: {wrongs:#?}\n{}", fleet.trace());
}

/// All is well in the end, and one of these leads. `spared` need not follow.
pub(crate) fn assert_led_by(fleet: &WorldFleet, leaders: &[u32], spared: &[u32], told: &str) {
    let end = oracle::end(&fleet.world(), spared);
    assert!(
        end.as_ref().is_ok_and(|leader| leaders.contains(leader)),
        "{told}: {end:?}, not one of {leaders:?}\n{}",
        fleet.trace()
    );
}
