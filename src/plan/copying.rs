//! How far a copy of a server's data is: as numbers for programs, as a few words for a person.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Copying {
    /// Bytes so far.
    pub bytes: u64,
    /// About how many there will be: a guess by the server's statistics, in which rows are counted as
    /// they are stored and not as they are written. `None` where the server could not say.
    pub expected_bytes: Option<u64>,
    /// Since the first of them was asked for, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

impl Copying {
    /// Bytes for each second, of all the time.
    fn rate(self) -> u64 {
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        self.bytes.saturating_mul(1000) / millis.max(1)
    }

    /// How long it may still take. Nothing is said once the guess has proven too low, or in the first
    /// seconds, when the rate is that of the buffers on the way.
    fn left(self) -> Option<Duration> {
        let missing = self.expected_bytes?.checked_sub(self.bytes)?;
        let settled = self.elapsed >= Duration::from_secs(3) && missing > 0 && self.rate() > 0;
        settled.then(|| Duration::from_secs(missing / self.rate()))
    }
}

impl fmt::Display for Copying {
    /// `12.4 MiB of about 1.0 GiB, 8.1 MiB/s, about 2 min left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Size(self.bytes))?;
        if let Some(expected) = self
            .expected_bytes
            .filter(|expected| *expected > self.bytes)
        {
            write!(f, " of about {}", Size(expected))?;
        }
        write!(f, " loaded, {}/s", Size(self.rate()))?;
        match self.left().map(|left| left.as_secs()) {
            None => Ok(()),
            Some(left @ 0..60) => write!(f, ", about {left} s left"),
            Some(left @ 60..5400) => write!(f, ", about {} min left", left.div_ceil(60)),
            Some(left) => write!(f, ", about {} h left", left.div_ceil(3600)),
        }
    }
}

/// A number of bytes for a person.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        let (unit, name) = match self.0 {
            0..MIB => (1 << 10, "KiB"),
            MIB..0x4000_0000 => (MIB, "MiB"),
            _ => (1 << 30, "GiB"),
        };
        let tenths = self.0.saturating_mul(10) / unit;
        write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bytes: u64, expected: Option<u64>, seconds: u64) -> String {
        let copying = Copying {
            bytes,
            expected_bytes: expected,
            elapsed: Duration::from_secs(seconds),
        };
        copying.to_string()
    }

    #[test]
    fn what_is_left_is_said_as_roughly_as_it_is_known() {
        const MIB: u64 = 1 << 20;
        let gib = Some(1024 * MIB);
        assert_eq!(
            at(100 * MIB, gib, 10),
            "100.0 MiB of about 1.0 GiB loaded, 10.0 MiB/s, about 2 min left"
        );
        assert_eq!(
            at(1000 * MIB, gib, 100),
            "1000.0 MiB of about 1.0 GiB loaded, 10.0 MiB/s, about 2 s left"
        );
        assert_eq!(
            at(10 * MIB, Some(1 << 40), 10),
            "10.0 MiB of about 1024.0 GiB loaded, 1.0 MiB/s, about 292 h left"
        );
        // Too early, no guess, and a guess that was too low.
        assert_eq!(
            at(10 * MIB, gib, 1),
            "10.0 MiB of about 1.0 GiB loaded, 10.0 MiB/s"
        );
        assert_eq!(at(512, None, 1), "0.5 KiB loaded, 0.5 KiB/s");
        assert_eq!(at(2048 * MIB, gib, 64), "2.0 GiB loaded, 32.0 MiB/s");
        assert_eq!(at(0, gib, 0), "0.0 KiB of about 1.0 GiB loaded, 0.0 KiB/s");
    }
}
