//! Runs a walk to its end. Before each stage it looks again, and stops if somebody else leads now.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use thiserror::Error;

use super::look;
use crate::decide::{Consent, Topology};
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet, Progress};
use crate::inventory::{Cluster, HostName};
use crate::plan::{CheckContext, Copying, Outcome, StagePlan, Step, Violation, check};
use crate::playbook::{Failing, Failure, PlaybookError, Turn, Walk};
use crate::report::{Event, Sink};

/// What was done, by host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Steps that changed something.
    pub changed: BTreeMap<HostName, usize>,
    /// The first failure of each host.
    pub failed: BTreeMap<HostName, String>,
}

impl Summary {
    /// Whether every step reached its state.
    pub fn is_good(&self) -> bool {
        self.failed.is_empty()
    }

    fn add(&mut self, ended: &[(Step, Outcome)], judge: &Judge<'_>) {
        for (step, outcome) in ended {
            match judge(step, outcome.clone()) {
                Outcome::Changed => *self.changed.entry(step.host.clone()).or_default() += 1,
                Outcome::Already | Outcome::Said { .. } => {}
                Outcome::Failed { error, .. }
                | Outcome::Partial { error, .. }
                | Outcome::Unknown { error } => {
                    self.failed.entry(step.host.clone()).or_insert(error);
                }
            }
        }
    }

    /// A task that could not be begun.
    fn refused(&mut self, failure: Failure, sink: &dyn Sink) {
        let source = std::error::Error::source(&failure.error);
        let why = source.map_or_else(String::new, |source| format!(": {source}"));
        let text = match failure.failing {
            Failing::Passes => format!("FAILED {}{why}", failure.error),
            Failing::Caught => format!("failed, and caught: {}{why}", failure.error),
        };
        sink.event(&Event::Note {
            text: text.clone(),
            details: Vec::new(),
        });
        self.failed.entry(failure.host).or_insert(text);
    }

    /// All changes.
    pub fn changes(&self) -> usize {
        self.changed.values().sum()
    }
}

/// Why a run stopped before its end. Changes may have been made.
#[derive(Debug, Error)]
pub enum RunError {
    /// A task could not be worked out on what was found.
    #[error(transparent)]
    Playbook(#[from] PlaybookError),
    /// Another server leads than the one planned for.
    #[error("{now} leads now, not {planned}: somebody else changed the cluster meanwhile")]
    LeaderChanged {
        /// Planned for.
        planned: HostName,
        /// Found.
        now: String,
    },
    /// A stage broke a rule that holds for any plan.
    #[error("a step would break a safety rule: {0}")]
    Unsafe(Violation),
}

/// Carries out a walk from an observation.
pub async fn run<F: Fleet>(
    fleet: &F,
    mut walk: Walk<'_>,
    context: &Context<'_>,
    mut seen: Observation,
    sink: &dyn Sink,
) -> Result<Summary, RunError> {
    let mut summary = Summary::default();
    // A playbook that asks for nobody's part may run where nobody knows who leads.
    let leads = context.same_leader(&seen).is_ok();
    loop {
        let stage = match walk.next(&seen) {
            Turn::Done => break,
            Turn::Stage(stage) => stage,
            Turn::Wait(pause) => {
                tokio::time::sleep(pause).await;
                seen = look_at_all(fleet, &walk, context, &seen).await?;
                if leads {
                    context.same_leader(&seen)?;
                }
                continue;
            }
            Turn::Failed(failures) => {
                for failure in failures {
                    summary.refused(failure, sink);
                }
                continue;
            }
        };
        if let Some(violation) = check(&stage, &context.check_context(&seen))
            .into_iter()
            .next()
        {
            return Err(RunError::Unsafe(violation));
        }
        sink.event(&Event::StageStarted {
            play: stage.play.clone(),
        });
        let judge = |step: &Step, outcome| walk.judge(step, outcome);
        let ended = run_stage(fleet, &stage, &judge, sink).await;
        summary.add(&ended, &judge);
        walk.ended(&ended);
        // What a task was told may be a new question, of the machines too.
        let asked = match walk.needs(&seen)? {
            None => look::asked(fleet, &stage.look, &seen, &ended).await,
            Some(_) => None,
        };
        seen = match asked {
            Some(seen) => seen,
            None => look_at_all(fleet, &walk, context, &seen).await?,
        };
        if leads {
            context.same_leader(&seen)?;
        }
    }
    // What was tried again with success, or caught, is no failure of the run.
    let failed = walk.failed_hosts();
    summary.failed.retain(|host, _| failed.contains(host));
    Ok(summary)
}

/// Looks again, also at what has become a question only now.
async fn look_at_all<F: Fleet>(
    fleet: &F,
    walk: &Walk<'_>,
    context: &Context<'_>,
    seen: &Observation,
) -> Result<Observation, RunError> {
    let mut needs = context.needs.clone();
    for (host, more) in walk.needs(seen)?.unwrap_or_default() {
        needs.entry(host).or_default().extend(more);
    }
    Ok(fleet.observe(&needs).await)
}

/// What stays the same for a whole run.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The inventory.
    pub cluster: &'a Cluster,
    /// The shape planned for.
    pub topology: &'a Topology,
    /// What the operator allowed.
    pub consent: &'a Consent,
    /// What to look at on each host.
    pub needs: &'a BTreeMap<HostName, Needs>,
}

impl Context<'_> {
    fn check_context<'b>(&'b self, seen: &'b Observation) -> CheckContext<'b> {
        CheckContext {
            primary: &self.topology.primary,
            consent: &self.consent.reseed,
            seen,
        }
    }

    /// Nothing in a run makes another server lead; if one does, somebody else acts.
    fn same_leader(&self, seen: &Observation) -> Result<(), RunError> {
        let planned = &self.topology.primary;
        let changed = |now: String| RunError::LeaderChanged {
            planned: planned.clone(),
            now,
        };
        match Topology::of(self.cluster, seen, &self.consent.reseed) {
            Ok(now) if now.primary == *planned => Ok(()),
            Ok(now) => Err(changed(now.primary.to_string())),
            Err(error) => Err(changed(error.to_string())),
        }
    }
}

/// What the end of a step means.
pub(super) type Judge<'a> = dyn Fn(&Step, Outcome) -> Outcome + Sync + 'a;

/// All hosts side by side; on each host the steps in order, up to its first failure. Gives each step
/// that was begun, and how it ended in the fleet's own words; who reads along is told what that means.
pub(super) async fn run_stage<F: Fleet>(
    fleet: &F,
    stage: &StagePlan,
    judge: &Judge<'_>,
    sink: &dyn Sink,
) -> Vec<(Step, Outcome)> {
    let by_host = stage.by_host();
    let runs = by_host
        .values()
        .map(|steps| run_steps(fleet, steps, judge, sink));
    join_all(runs).await.into_iter().flatten().collect()
}

async fn run_steps<F: Fleet>(
    fleet: &F,
    steps: &[&Step],
    judge: &Judge<'_>,
    sink: &dyn Sink,
) -> Vec<(Step, Outcome)> {
    let mut done = Vec::new();
    for step in steps {
        sink.event(&Event::StepStarted {
            step: (*step).clone(),
        });
        let begun = Instant::now();
        let outcome = fleet.apply(step, &Tell(sink)).await;
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let judged = judge(step, outcome.clone());
        let is_good = judged.is_good();
        sink.event(&Event::StepEnded {
            step: (*step).clone(),
            outcome: judged,
            milliseconds,
        });
        done.push(((*step).clone(), outcome));
        if !is_good {
            break;
        }
    }
    done
}

/// Progress of a fleet as events.
struct Tell<'a>(&'a dyn Sink);

impl Progress for Tell<'_> {
    fn tell(&self, host: &HostName, text: &str) {
        self.0.event(&Event::Progress {
            host: host.clone(),
            text: text.to_owned(),
        });
    }

    fn copying(&self, host: &HostName, copying: Copying) {
        self.0.event(&Event::Copying {
            host: host.clone(),
            copying,
        });
    }
}

/// Drives futures side by side on this task, in order of their beginning.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        let mut waiting = false;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *result = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(
            running
                .iter_mut()
                .filter_map(|(_, result)| result.take())
                .collect(),
        )
    })
    .await
}
