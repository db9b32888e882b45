//! The rules, in order; the first that applies decides. What is certain at once comes before what needs
//! its deadline, and every sign of life before any sign of death.

use super::sight::{Machine, SLACK_MS, Server, Sight, Witness, millis, seconds};
use super::trouble::trouble;
use super::{DeathBasis, Verdict};
use std::time::Duration;

use crate::decide::{Finding, Severity};
use crate::facts::{Millis, Process};
use crate::inventory::Prefer;
use crate::mysql::error_code::{SHUTDOWN_IN_PROGRESS, TOO_MANY_CONNECTIONS};

/// One rule.
pub(super) struct Rule {
    /// What it finds, unless its judgement names something else.
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    /// Its judgement, where it applies.
    pub(super) judge: fn(&Sight<'_>) -> Option<Judgement>,
}

/// What a rule finds.
pub(super) struct Judgement {
    pub(super) code: Option<&'static str>,
    pub(super) verdict: Verdict,
    pub(super) because: Vec<String>,
}

impl Judgement {
    fn new(verdict: Verdict, because: impl IntoIterator<Item = String>) -> Self {
        Self {
            code: None,
            verdict,
            because: because.into_iter().collect(),
        }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "NotYetSeen",
        severity: Severity::Info,
        judge: not_yet_seen,
    },
    Rule {
        code: "PrimaryShuttingDown",
        severity: Severity::Warning,
        judge: taking_leave,
    },
    Rule {
        code: "PrimaryRejectsLogin",
        severity: Severity::Error,
        judge: rejects,
    },
    Rule {
        code: "PrimaryIsReadOnly",
        severity: Severity::Error,
        judge: read_only,
    },
    Rule {
        code: "Trouble",
        severity: Severity::Warning,
        judge: in_trouble,
    },
    Rule {
        code: "PrimaryRestarting",
        severity: Severity::Warning,
        judge: coming_back,
    },
    Rule {
        code: "DeadPrimary",
        severity: Severity::Error,
        judge: process_gone,
    },
    Rule {
        code: "UnreachablePrimary",
        severity: Severity::Error,
        judge: vetoed,
    },
    Rule {
        code: "SuspectedPrimary",
        severity: Severity::Warning,
        judge: too_early,
    },
    Rule {
        code: "ReplacedPrimary",
        severity: Severity::Error,
        judge: half_replaced,
    },
    Rule {
        code: "NoWitness",
        severity: Severity::Error,
        judge: no_witness,
    },
    Rule {
        code: "DeadPrimary",
        severity: Severity::Error,
        judge: lost_by_all,
    },
    Rule {
        code: "SuspectedPrimary",
        severity: Severity::Warning,
        judge: undecided,
    },
];

fn not_yet_seen(sight: &Sight<'_>) -> Option<Judgement> {
    matches!(sight.server, Server::Unknown).then(|| {
        let said = format!("no attempt to ask {} has ended yet", sight.place());
        Judgement::new(Verdict::Suspected, [said])
    })
}

/// A server that says that it is shutting down is alive for now, and refuses connections next.
fn taking_leave(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Rejects { number, .. } = sight.server else {
        return None;
    };
    (number == SHUTDOWN_IN_PROGRESS).then(|| {
        let said = format!("{} says that it is shutting down", sight.place());
        Judgement::new(Verdict::Suspected, [said])
    })
}

/// A server that says no is alive (S14).
fn rejects(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Rejects { number, text } = sight.server else {
        return None;
    };
    let said = format!(
        "{} is alive and says no: error {number}: {text}",
        sight.place()
    );
    let finding = Finding::on(
        sight.leader,
        Severity::Error,
        "PrimaryRejectsLogin",
        said.clone(),
        if number == TOO_MANY_CONNECTIONS {
            "end sessions that nobody needs, or raise `max_connections`: an administrator gets in"
        } else {
            "look at the monitor account: `hactl verify`"
        },
    );
    Some(Judgement::new(Verdict::Trouble(vec![finding]), [said]))
}

/// Out of sight for long enough, and whoever could witness it was taken away from it on purpose.
fn half_replaced(sight: &Sight<'_>) -> Option<Judgement> {
    let (_, first) = out_of_sight(sight)?;
    sight.is_being_replaced().then(|| {
        let last = "a change of the primary was begun and not brought to its end".to_owned();
        let because = [first, sight.of_machine()]
            .into_iter()
            .chain(sight.testimony())
            .chain([last]);
        dead(sight, DeathBasis::Replaced, because)
    })
}

/// Up, and nobody can write (S25).
fn read_only(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Answers(beat) = sight.server else {
        return None;
    };
    (!beat.read_only.is_writable()).then(|| {
        let said = format!(
            "{} answers and refuses writes; it runs for {}",
            sight.place(),
            seconds(millis(beat.uptime))
        );
        Judgement::new(Verdict::ReadOnlyPrimary, [said])
    })
}

fn in_trouble(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Answers(beat) = sight.server else {
        return None;
    };
    let findings = trouble(sight, beat);
    // The first of the worst: what ails the primary itself comes before its replicas.
    let worst = findings
        .iter()
        .rev()
        .max_by_key(|finding| finding.severity)?;
    Some(Judgement {
        code: Some(worst.code),
        because: findings
            .iter()
            .map(|finding| match &finding.host {
                Some(host) => format!("{host} {}", finding.message),
                None => finding.message.clone(),
            })
            .collect(),
        verdict: Verdict::Trouble(findings),
    })
}

/// The machine refuses connections and its server may come back by itself: waited for as the inventory
/// prefers.
fn coming_back(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Refuses { since } = sight.server else {
        return None;
    };
    let Machine::Works(process) = sight.machine else {
        return None;
    };
    let policy = &sight.cluster.failover;
    let patience = match (policy.prefer, process) {
        (Prefer::InPlace, _) => policy.in_place_wait,
        (Prefer::Fastest, Process::Runs) => policy.silence,
        (Prefer::Promote | Prefer::Fastest, _) => return None,
    };
    let left = millis(patience).checked_sub(sight.now.saturating_sub(since))?;
    (left > 0).then(|| {
        let because = [
            refusal(sight, since),
            sight.of_machine(),
            format!(
                "it is waited for, {} more, to come back by itself",
                seconds(left)
            ),
        ];
        Judgement::new(Verdict::Suspected, because)
    })
}

/// Certain at once: nothing listens, and its own machine says that no process is there, or one that has
/// closed its ears for good. What replicas still receive from that one are the last words of its open
/// connections: no client can come in any more.
fn process_gone(sight: &Sight<'_>) -> Option<Judgement> {
    let Server::Refuses { since } = sight.server else {
        return None;
    };
    let basis = match sight.machine {
        Machine::Works(Process::Gone) => DeathBasis::ProcessGone,
        Machine::Works(Process::Leaving) => DeathBasis::Leaving,
        _ => return None,
    };
    let because = [refusal(sight, since), sight.of_machine()];
    Some(dead(sight, basis, because))
}

/// A replica that has received since we last did knows better (S13).
fn vetoed(sight: &Sight<'_>) -> Option<Judgement> {
    let (since, first) = out_of_sight(sight)?;
    // What was received just after our own last answer may have been sent before the end.
    let beyond = since + millis(sight.cluster.failover.probe_interval) + SLACK_MS;
    let vetoes = sight
        .witnesses
        .iter()
        .any(|(_, witness)| matches!(witness, Witness::Receives { at } if *at > beyond));
    vetoes.then(|| {
        let because = [first, sight.of_machine()]
            .into_iter()
            .chain(sight.testimony());
        Judgement::new(Verdict::Unreachable, because)
    })
}

/// Silence needs its deadline; and what replicas say needs theirs.
fn too_early(sight: &Sight<'_>) -> Option<Judgement> {
    let (since, first) = out_of_sight(sight)?;
    let silent_for = sight.now.saturating_sub(since);
    let needed = deadline(sight);
    let waiting = sight
        .witnesses
        .iter()
        .any(|(_, witness)| matches!(witness, Witness::Receives { .. } | Witness::Unasked));
    (silent_for < needed || waiting).then(|| {
        let until = (silent_for < needed)
            .then(|| format!("it counts as silent from {} on", seconds(needed)));
        let because = [first].into_iter().chain(until).chain([sight.of_machine()]);
        Judgement::new(Verdict::Suspected, because.chain(sight.testimony()))
    })
}

/// Nobody who could agree: it may well be the watcher that is cut off.
fn no_witness(sight: &Sight<'_>) -> Option<Judgement> {
    let (_, first) = out_of_sight(sight)?;
    let agrees = sight.witnesses.iter().any(|(_, witness)| witness.agrees());
    (!agrees).then(|| {
        let last = "nobody who follows it agrees that it is gone: this machine may be the one that is cut off; no failover"
            .to_owned();
        let because = [first, sight.of_machine()]
            .into_iter()
            .chain(sight.testimony())
            .chain([last]);
        Judgement::new(Verdict::Unreachable, because)
    })
}

/// Out of sight for long enough, and every replica that answers has lost it, too.
fn lost_by_all(sight: &Sight<'_>) -> Option<Judgement> {
    let (_, first) = out_of_sight(sight)?;
    let basis = match sight.server {
        Server::Refuses { .. } => DeathBasis::Refused,
        _ => DeathBasis::Silent,
    };
    let because = [first, sight.of_machine()]
        .into_iter()
        .chain(sight.testimony());
    Some(dead(sight, basis, because))
}

/// Left over: the primary answers, and all is well, or no rule knows.
fn undecided(sight: &Sight<'_>) -> Option<Judgement> {
    (!matches!(sight.server, Server::Answers(_))).then(|| {
        Judgement::new(
            Verdict::Suspected,
            [format!("{} is not understood", sight.place())],
        )
    })
}

/// Since when the primary gives no good answer, and a sentence about it.
fn out_of_sight(sight: &Sight<'_>) -> Option<(Millis, String)> {
    match sight.server {
        Server::Refuses { since } => Some((since, refusal(sight, since))),
        Server::Silent { since, text } => Some((
            since,
            format!(
                "{} has given no answer for {}: {text}",
                sight.place(),
                sight.since(since)
            ),
        )),
        Server::Unknown | Server::Answers(_) | Server::Rejects { .. } => None,
    }
}

/// A lease may have been renewed between the last answer and the cut, and a kernel drops the address up
/// to a quarter of a second late.
const LEASE_MARGIN: Duration = Duration::from_secs(1);

/// How long a primary must be out of sight. One that refuses is certain at once; one that holds a leased
/// VIP and cannot be fenced must have lost it first.
fn deadline(sight: &Sight<'_>) -> Millis {
    let silence = millis(sight.cluster.failover.silence);
    let unfenced =
        !matches!(sight.machine, Machine::Works(_)) && sight.cluster.failover.fence.is_none();
    let lease = sight.cluster.vip.as_ref().and_then(|vip| vip.lease);
    match (&sight.server, lease) {
        (_, Some(lease)) if unfenced => silence.max(millis(lease + LEASE_MARGIN)),
        (Server::Refuses { .. }, _) => 0,
        _ => silence,
    }
}

fn refusal(sight: &Sight<'_>, since: Millis) -> String {
    format!(
        "{} has refused connections for {}",
        sight.place(),
        sight.since(since)
    )
}

fn dead(
    sight: &Sight<'_>,
    basis: DeathBasis,
    because: impl IntoIterator<Item = String>,
) -> Judgement {
    let mut judgement = Judgement::new(Verdict::Dead { basis }, because);
    let alone = sight
        .witnesses
        .iter()
        .all(|(_, witness)| *witness == Witness::Away);
    judgement.code = (alone && !sight.witnesses.is_empty()).then_some("DeadPrimaryAndReplicas");
    judgement
}
