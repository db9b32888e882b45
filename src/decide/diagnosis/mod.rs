//! What a watcher's pulses mean: alive, in trouble, suspected, dead, or only out of sight. An ordered list
//! of named rules, of which the first that applies decides; each says what was seen, with numbers. "I
//! cannot reach it" must never become "dead" by itself (S13), nor may a server that says no (S14).
//!
//! | file | noun |
//! |---|---|
//! | `sight` | what is seen of the primary, and what its replicas witness |
//! | `rules` | the rules, in order |
//! | `trouble` | what is wrong while the primary serves |

mod rules;
mod sight;
mod trouble;

use serde::Serialize;

use self::rules::RULES;
use self::sight::Sight;
use crate::decide::{Finding, Severity};
use crate::facts::Vigil;
use crate::inventory::{Cluster, HostName};

/// What is the matter with a cluster, as far as pulses tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// A stable name, in the field's words: `DeadPrimary`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What it means for a watcher.
    pub verdict: Verdict,
    /// What decided, in sentences with numbers.
    pub because: Vec<String>,
    /// Whether the primary was ever seen alive in this watch.
    pub acquaintance: Acquaintance,
}

impl Diagnosis {
    /// What decided, under its name: the reasons of a plan that is made on it.
    pub fn grounds(&self) -> Vec<String> {
        let mut grounds = self.because.clone();
        match grounds.first_mut() {
            Some(first) => *first = format!("{}: {first}", self.code),
            None => grounds.push(self.code.to_owned()),
        }
        grounds
    }
}

/// What a diagnosis means for a watcher.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All is well.
    Healthy,
    /// The primary serves, or is at least alive, and something is wrong.
    Trouble(Vec<Finding>),
    /// It may be dead; look closely, do nothing yet.
    Suspected,
    /// It is dead.
    Dead {
        /// How that is known.
        basis: DeathBasis,
    },
    /// It is out of our sight, and nothing says that it is dead: never fail over.
    Unreachable,
    /// It is up and refuses writes (S25).
    ReadOnlyPrimary,
}

/// How a death is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeathBasis {
    /// Its machine answers over ssh and has no server process.
    ProcessGone,
    /// Its server listens no more and its machine says that the process, which did before, is still
    /// there: it is shutting down.
    Leaving,
    /// Its machine refuses connections, and its replicas have lost it.
    Refused,
    /// Nothing has answered for long enough, and its replicas agree.
    Silent,
    /// It does not serve, and another was being put in its place: nobody follows it any more.
    Replaced,
}

/// Whether a primary was ever seen alive in this watch (a watcher that begins beside a dead primary has
/// nothing to remember, and says so).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Acquaintance {
    /// It has answered.
    SeenAlive,
    /// Never.
    NeverSeen,
}

/// Diagnoses, from one moment of a watch.
pub fn diagnose(cluster: &Cluster, vigil: &Vigil, leader: &HostName) -> Diagnosis {
    let sight = Sight::of(cluster, vigil, leader);
    let acquaintance = match sight.last {
        Some(_) => Acquaintance::SeenAlive,
        None => Acquaintance::NeverSeen,
    };
    let judged = RULES.iter().find_map(|rule| {
        let judgement = (rule.judge)(&sight)?;
        Some((rule, judgement))
    });
    let (code, severity, verdict, mut because) = match judged {
        Some((rule, judgement)) => (
            judgement.code.unwrap_or(rule.code),
            rule.severity,
            judgement.verdict,
            judgement.because,
        ),
        None => ("Healthy", Severity::Info, Verdict::Healthy, Vec::new()),
    };
    let is_death = matches!(verdict, Verdict::Dead { .. });
    if is_death && acquaintance == Acquaintance::NeverSeen {
        because.push(format!(
            "{leader} was never seen alive since this watch began: what its last commits were worth is not known"
        ));
    }
    Diagnosis {
        code,
        severity,
        verdict,
        because,
        acquaintance,
    }
}

#[cfg(test)]
mod tests;
