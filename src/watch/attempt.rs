//! One attempt to give a cluster its primary back: lock, look again, decide on what is seen now, carry
//! out, report. It must never act on what was seen before the lock was taken (S20), and never wait for
//! a machine that is known to be silent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::decide::{
    self, Case, Diagnosis, Failover, Harm, Memory, Procedure, Refusal, Revive, Topology,
};
use crate::execute::{self, Unsafe};
use crate::facts::{
    HostView, MachinePulse, Millis, Observation, ServerPulse, Unreachable, UnreachableKind, Vigil,
};
use crate::fleet::lock::{Holder, LockError};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::plan::{Plan, StagePlan, Violation};
use crate::report::{Event, FailoverCase, FailoverReport, Moment, Outputs, Sink, Tee, Timeline};

/// How long a host may take to be looked at again. A healthy one takes less than a tenth of it.
const LOOK: Duration = Duration::from_millis(1500);
/// The same for one whose server is known to be silent.
const MACHINE_ONLY: Duration = Duration::from_millis(500);

/// What an attempt is made with.
pub(super) struct Attempt<'a> {
    pub(super) fleet: &'a LiveFleet,
    pub(super) sink: &'a dyn Sink,
    pub(super) allowed: &'a BTreeSet<Harm>,
    /// Whom it is about.
    pub(super) leader: &'a HostName,
    pub(super) vigil: &'a Vigil,
    pub(super) diagnosis: &'a Diagnosis,
    /// What was seen when the primary last answered.
    pub(super) memory: Option<&'a Memory>,
    /// The moment of the first sign of trouble, which milliseconds are counted from.
    pub(super) zero: Instant,
    /// The folder for reports.
    pub(super) reports: &'a Path,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// A replica takes over.
    FailOver,
    /// The primary that came back is opened again.
    Revive,
}

/// Whether a diagnosis still asks for what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Holds,
    /// It does not.
    Overtaken,
}

/// How it ended.
pub(super) enum Attempted {
    /// Something was done. The report says what, and whether it is finished.
    Led(Box<FailoverReport>, Option<PathBuf>),
    /// Another server leads already.
    Leads(HostName),
    /// The primary is no longer what it was when the attempt began.
    Overtaken,
    /// There is nothing to do.
    Nothing,
    /// It will not be done as things are; nothing was changed.
    Refused(Vec<Refusal>),
    /// Somebody else is at work.
    Busy(LockError),
    /// A defect of hactl; nothing of that stage was carried out.
    Unsafe(Unsafe),
}

impl Attempt<'_> {
    /// Makes it. `alone` is called when nobody else is at work; `still` is asked after the second look
    /// whether the diagnosis still holds.
    pub(super) async fn make(
        &self,
        cure: Cure,
        alone: impl FnOnce(),
        still: impl FnOnce() -> Standing,
    ) -> Attempted {
        let hosts = answering(self.fleet.cluster(), self.vigil);
        let silent = self.silent(&hosts);
        let lock = execute::acquire_in_haste(self.fleet, "failover", &hosts, &silent);
        let lock = match lock.await {
            Ok(lock) => lock,
            Err(error) => return Attempted::Busy(error),
        };
        alone();
        let ended = self.under_lock(cure, &hosts, still).await;
        lock.release().await;
        ended
    }

    async fn under_lock(
        &self,
        cure: Cure,
        hosts: &BTreeSet<HostName>,
        still: impl FnOnce() -> Standing,
    ) -> Attempted {
        let cluster = self.fleet.cluster();
        let timeline = Timeline::since(self.zero);
        let locked_at = timeline.now();
        let seen = with_silent(self.look(hosts).await, cluster, self.vigil);
        let seen_at = timeline.now();
        if let Some(leader) = other_leader(cluster, &seen, self.leader) {
            return Attempted::Leads(leader);
        }
        if still() == Standing::Overtaken {
            return Attempted::Overtaken;
        }
        let moments = [
            (locked_at, "locked on every host that answers"),
            (seen_at, "looked again"),
        ];
        let course = Course {
            attempt: self,
            timeline: &timeline,
            moments: &moments,
        };
        match cure {
            Cure::Revive if !decide::is_left(cluster, &seen, self.leader) => {
                let because = self.diagnosis.grounds();
                match Revive::new(cluster, &seen, self.leader, because) {
                    Ok(procedure) => {
                        let mut rules = procedure.rules();
                        let inspect = move |stage: &_, seen: &_| rules.violations(stage, seen);
                        course.run(procedure, seen, inspect).await
                    }
                    Err(refusals) => Attempted::Refused(refusals),
                }
            }
            // A promotion that was begun beside a read-only primary is brought to its end.
            Cure::FailOver | Cure::Revive => match Failover::of(cluster, &seen, self.case()) {
                Ok(procedure) => {
                    let mut rules = procedure.rules();
                    let inspect = move |stage: &_, seen: &_| rules.violations(stage, seen);
                    course.run(procedure, seen, inspect).await
                }
                Err(refusals) => Attempted::Refused(refusals),
            },
        }
    }

    /// Looks at the hosts that answer, side by side. A server that is known to be silent will not answer
    /// this time either: of its host only the machine is waited for.
    async fn look(&self, hosts: &BTreeSet<HostName>) -> Observation {
        let silent = self.silent(hosts);
        let others = hosts.difference(&silent).cloned().collect();
        let (silent, others) = tokio::join!(
            self.fleet.look(&silent, MACHINE_ONLY),
            self.fleet.look(&others, LOOK)
        );
        silent.updated(others)
    }

    /// Those among the hosts whose servers are silent; their machines probably are, too.
    fn silent(&self, hosts: &BTreeSet<HostName>) -> BTreeSet<HostName> {
        let is_silent = |host: &&HostName| {
            let pulse = self.vigil.pulses.get(*host);
            pulse.is_some_and(|pulse| matches!(pulse.server, ServerPulse::Silent { .. }))
        };
        hosts.iter().filter(is_silent).cloned().collect()
    }

    fn case(&self) -> Case {
        let Holder { who, pid, .. } = Holder::this_process("failover");
        Case {
            dead: self.leader.clone(),
            because: self.diagnosis.grounds(),
            allowed: self.allowed.clone(),
            memory: self.memory.cloned(),
            now: self.vigil.now,
            by: format!("{who}, pid {pid}"),
        }
    }
}

/// An attempt that has passed all questions.
struct Course<'a> {
    attempt: &'a Attempt<'a>,
    timeline: &'a Timeline,
    moments: &'a [(u64, &'static str)],
}

impl Course<'_> {
    async fn run<P: Procedure + Clone>(
        &self,
        mut procedure: P,
        seen: Observation,
        inspect: impl FnMut(&StagePlan, &Observation) -> Vec<Violation>,
    ) -> Attempted {
        let cluster = self.attempt.fleet.cluster();
        let plan = match decide::foresee(cluster, &procedure, &seen) {
            Ok(plan) => plan,
            Err(refusals) => return Attempted::Refused(refusals),
        };
        if plan.is_empty() {
            return Attempted::Nothing;
        }
        let outputs = Outputs::default();
        let sink = Tee(vec![self.timeline, &outputs, self.attempt.sink]);
        sink.event(&Event::Started {
            intent: plan.intent.clone(),
        });
        let fleet = self.attempt.fleet;
        let before = seen.clone();
        let performed = execute::perform(fleet, &mut procedure, seen, inspect, &sink).await;
        let (performance, after) = match performed {
            Ok(performed) => performed,
            Err(error) => return Attempted::Unsafe(error),
        };
        // Its reasons and its loss as they turned out.
        let plan = Plan {
            stages: plan.stages,
            ..procedure.heading()
        };
        let report = FailoverReport::new(FailoverCase {
            cluster: &cluster.name,
            failed: self.attempt.leader,
            code: self.attempt.diagnosis.code,
            moments: self.moments(),
            plan: &plan,
            steps: self.timeline.spans(),
            outputs: outputs.lines(),
            refused: performance.refused,
            milliseconds: self.timeline.now(),
            before: &before,
            after: &after,
        });
        let path = report.write(self.attempt.reports);
        let path = path.inspect_err(|error| tracing::warn!("{error}")).ok();
        Attempted::Led(Box::new(report), path)
    }

    fn moments(&self) -> Vec<Moment> {
        let mut moments = vec![Moment {
            at: 0,
            what: "first sign of trouble".to_owned(),
        }];
        moments.extend(self.moments.iter().map(|(at, what)| Moment {
            at: *at,
            what: (*what).to_owned(),
        }));
        moments
    }
}

/// When the first sign of a primary's trouble was seen.
pub(super) fn first_sign(vigil: &Vigil, leader: &HostName) -> Millis {
    match vigil.pulses.get(leader).map(|pulse| &pulse.server) {
        Some(
            ServerPulse::Refuses { since, .. }
            | ServerPulse::Rejects { since, .. }
            | ServerPulse::Silent { since, .. },
        ) => *since,
        _ => vigil.now,
    }
}

/// Hosts whose machine is not known to be silent.
pub(super) fn answering(cluster: &Cluster, vigil: &Vigil) -> BTreeSet<HostName> {
    let silent = |host: &HostName| silence(vigil, host).is_some();
    let hosts = cluster.hosts.keys();
    hosts.filter(|host| !silent(host)).cloned().collect()
}

fn silence<'a>(vigil: &'a Vigil, host: &HostName) -> Option<&'a str> {
    match &vigil.pulses.get(host)?.machine {
        MachinePulse::Silent { text, .. } => Some(text),
        _ => None,
    }
}

/// Adds the hosts that were not looked at, since their machines give no answer.
pub(super) fn with_silent(mut seen: Observation, cluster: &Cluster, vigil: &Vigil) -> Observation {
    for host in cluster.hosts.keys() {
        if let Some(text) = silence(vigil, host)
            && !seen.hosts.contains_key(host)
        {
            let why = Unreachable {
                kind: UnreachableKind::Network,
                text: text.to_owned(),
                hint: "look at the machine and its network".to_owned(),
            };
            seen.hosts.insert(host.clone(), HostView::Unreachable(why));
        }
    }
    seen
}

/// Another host that leads already: others follow it, and it takes writes; or even the former primary
/// follows it, or was failed over from. The latter two count where it does not answer, too: it was not
/// opened before whoever moved the lead was killed, or has died since, and only who watches it can help.
fn other_leader(cluster: &Cluster, seen: &Observation, leader: &HostName) -> Option<HostName> {
    let primary = Topology::of(cluster, seen, &BTreeSet::new()).ok()?.primary;
    decide::leads_instead(seen, &primary, leader).then_some(primary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Mutate as _, cluster, healthy, name};
    use crate::mysql::{Flavor, Switch};

    #[test]
    fn a_lead_that_was_handed_over_and_not_opened_is_followed() {
        let cluster = cluster(Flavor::MySql, 3);
        let mut seen = healthy(&cluster);
        let db1 = name("db1");
        assert_eq!(other_leader(&cluster, &seen, &db1), None);
        // db2 was promoted, and the switchover killed before db2 took writes.
        let mut status = seen.replica_mut("db3").clone();
        status.source_host = cluster.hosts[&name("db2")].address.to_string();
        seen.server_mut("db2").replica = None;
        seen.server_mut("db3").replica = Some(status.clone());
        seen.server_mut("db1").read_only.read_only = Switch::On;
        assert_eq!(other_leader(&cluster, &seen, &db1), None);
        seen.server_mut("db1").replica = Some(status);
        assert_eq!(other_leader(&cluster, &seen, &db1), Some(name("db2")));
    }

    #[test]
    fn a_lead_that_was_handed_over_and_died_at_once_is_followed() {
        let cluster = cluster(Flavor::MariaDb, 3);
        let mut seen = healthy(&cluster);
        let db1 = name("db1");
        let mut status = seen.replica_mut("db3").clone();
        status.source_host = cluster.hosts[&name("db2")].address.to_string();
        for host in ["db1", "db3"] {
            seen.server_mut(host).replica = Some(status.clone());
            seen.server_mut(host).read_only.read_only = Switch::On;
        }
        let gone = fixture::unreachable(UnreachableKind::Network);
        seen.hosts.insert(name("db2"), gone);
        assert_eq!(other_leader(&cluster, &seen, &db1), Some(name("db2")));
    }
}
