//! The watch's own clock. It must never jump: a controller whose time is set must not see a server
//! fall silent.

use std::time::{Duration, Instant};

use crate::facts::Millis;

/// Counts milliseconds since the watch began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// Begins now.
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    /// The moment.
    pub fn now(&self) -> Millis {
        self.at(Instant::now())
    }

    /// A moment that was taken by the same kind of clock; 0 when it lies before the beginning.
    pub fn at(&self, moment: Instant) -> Millis {
        let since = moment.saturating_duration_since(self.began);
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }

    /// The moment that so many milliseconds stand for.
    pub fn instant(&self, at: Millis) -> Instant {
        self.began + Duration::from_millis(at)
    }
}
