//! How long the next attempt to reach a machine may take. A machine that is down costs little, and one
//! that is only slow is reached in the end: it must never be given up for the same reason for ever.

use std::time::Duration;

/// Enough for a machine that is in order.
const FIRST: Duration = Duration::from_secs(2);
/// Longer than a login may take on a machine that is of any use. After it the round begins anew: an
/// attempt that waits for long notices late that a machine is back.
const LONGEST: Duration = Duration::from_secs(16);

/// The limit of the next attempt; each that runs into it doubles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dial(Duration);

impl Dial {
    pub(super) fn new() -> Self {
        Self(FIRST)
    }

    /// How long the next attempt may take.
    pub(super) fn limit(self) -> Duration {
        self.0
    }

    /// An attempt failed after so long.
    pub(super) fn failed(&mut self, after: Duration) {
        // One that failed by itself would not have been helped by more time.
        self.0 = if after < self.0 || self.0 >= LONGEST {
            FIRST
        } else {
            self.0 * 2
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many attempts until a machine is reached whose login takes so long.
    fn attempts(login: Duration) -> Option<usize> {
        let mut dial = Dial::new();
        (1..=20).find(|_| {
            let limit = dial.limit();
            let reached = login < limit;
            dial.failed(limit);
            reached
        })
    }

    #[test]
    fn a_slow_machine_is_reached_in_the_end() {
        assert_eq!(attempts(Duration::from_secs(1)), Some(1));
        assert_eq!(attempts(Duration::from_secs(3)), Some(2));
        assert_eq!(attempts(Duration::from_secs(15)), Some(4));
        assert_eq!(attempts(Duration::from_mins(2)), None);
    }

    #[test]
    fn no_attempt_takes_for_ever_and_a_quick_no_costs_nothing() {
        let mut dial = Dial::new();
        for _ in 0..20 {
            assert!(dial.limit() <= LONGEST);
            dial.failed(dial.limit());
        }
        dial.failed(dial.limit());
        dial.failed(Duration::from_millis(1));
        assert_eq!(dial.limit(), FIRST);
    }
}
