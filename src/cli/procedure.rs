//! What switchover, failover, rejoin and maintenance have in common: draw up the plan, show it, ask, look
//! again, carry it out, and say truly how it ended.
//!
//! It must never begin on what was seen before a person's answer: minutes may have gone by.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::args::{Carry, Global, OutputFormat};
use super::plan_view::{self, Detail};
use super::prompt::{Answer, confirm};
use super::screen::{self, print, say, show};
use super::{CliError, Exit, files, interrupt};
use crate::decide::{self, Finding, Next, Procedure, Refusal};
use crate::execute::{self, ClusterLock, Journal, Performance};
use crate::facts::{HostView, Observation};
use crate::fleet::{Fleet, LiveFleet};
use crate::inventory::Cluster;
use crate::plan::{DataLoss, Plan, StagePlan, Violation, predict};
use crate::report::{Event, Outputs, Sink, Span, Tee, Timeline};

/// How long a host may take to be looked at again after the answer, and to say that the lock is held.
const AGAIN: Duration = Duration::from_secs(3);

/// How far a person lets it go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assent {
    /// Show the plan and stop.
    ShowOnly,
    /// Show it and ask.
    Ask,
    /// It was given beforehand.
    Given,
}

impl From<&Carry> for Assent {
    fn from(carry: &Carry) -> Self {
        match (carry.check, carry.yes) {
            (true, _) => Self::ShowOnly,
            (false, true) => Self::Given,
            (false, false) => Self::Ask,
        }
    }
}

/// Takes the cluster's lock where something may be carried out.
pub(super) async fn lock(
    fleet: &LiveFleet,
    command: &str,
    assent: Assent,
) -> Result<Option<ClusterLock>, CliError> {
    match assent {
        Assent::ShowOnly => Ok(None),
        Assent::Ask | Assent::Given => {
            let hosts = fleet.connected();
            Ok(Some(execute::acquire(fleet, command, &hosts).await?))
        }
    }
}

/// Says so when no host at all can be reached: nothing more can be said then.
pub(super) fn reached(seen: &Observation) -> Result<(), CliError> {
    if seen.all_reached().next().is_some() {
        return Ok(());
    }
    let findings = seen.hosts.iter().filter_map(|(host, view)| match view {
        HostView::Unreachable(why) => Some(Finding::unreachable(host, why)),
        HostView::Reached(_) => None,
    });
    Err(CliError::Preflight(findings.collect()))
}

/// Gives it back.
pub(super) async fn free(lock: Option<ClusterLock>) {
    if let Some(lock) = lock {
        lock.release().await;
    }
}

/// Where a procedure is led, and how far.
#[derive(Debug)]
pub(super) struct Scene<'a, F> {
    /// Options of every command.
    pub(super) global: &'a Global,
    /// The inventory.
    pub(super) cluster: &'a Cluster,
    /// The hosts.
    pub(super) fleet: &'a F,
    /// The cluster's lock, where one was taken.
    pub(super) lock: Option<&'a ClusterLock>,
    /// How far.
    pub(super) assent: Assent,
    /// What is asked: `Switch over to db2?`.
    pub(super) question: &'a str,
    /// From when milliseconds are counted.
    pub(super) zero: Instant,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum Led {
    /// Nothing was carried out: the plan was only shown, there was nothing to do, or the answer was no.
    Nothing,
    /// It was carried out, to its end or as far as it went.
    Performed(Box<Performed>),
}

/// What was carried out.
#[derive(Debug)]
pub(super) struct Performed {
    /// What it was for, and why.
    pub(super) plan: Plan,
    /// Steps and refusals.
    pub(super) performance: Performance,
    /// The steps in time.
    pub(super) spans: Vec<Span>,
    /// What hooks, fences and long steps said.
    pub(super) outputs: Vec<String>,
    /// Milliseconds from the scene's zero to its end.
    pub(super) took: u64,
    /// The latest sight of each host.
    pub(super) seen: Observation,
    /// Where the journal is, if there could be one.
    pub(super) journal: Option<PathBuf>,
}

/// Leads a procedure from an observation: `build` makes it from what is seen, `inspector` a second pair of
/// eyes for one run of it.
pub(super) async fn lead<F, P, I>(
    scene: &Scene<'_, F>,
    seen: Observation,
    build: impl Fn(&Observation) -> Result<P, Vec<Refusal>>,
    inspector: impl Fn(&P) -> I,
) -> Result<Led, CliError>
where
    F: Fleet,
    P: Procedure + Clone,
    I: FnMut(&StagePlan, &Observation) -> Vec<Violation>,
{
    let draw = |seen: &Observation| draw(scene.cluster, seen, &build, &inspector);
    let (mut procedure, mut plan) = draw(&seen)?;
    if scene.assent == Assent::ShowOnly {
        show_only(scene.global, &plan);
        return Ok(Led::Nothing);
    }
    if plan.is_empty() {
        say(&plan_view::nothing(&plan));
        return Ok(Led::Nothing);
    }
    say(&plan_view::render(&plan, Detail::Steps));
    let mut seen = seen;
    if scene.assent == Assent::Ask {
        if confirm(scene.question).await? == Answer::No {
            say("nothing was changed");
            return Ok(Led::Nothing);
        }
        let hosts: BTreeSet<_> = scene.cluster.hosts.keys().cloned().collect();
        seen = seen.updated(scene.fleet.look(&hosts, AGAIN).await);
        let (again, changed) = draw(&seen)?;
        if shape(&changed) != shape(&plan) {
            say(&plan_view::render(&changed, Detail::Steps));
            return Err(CliError::Overtaken);
        }
        if let Some(lock) = scene.lock {
            lock.check(AGAIN).await?;
        }
        (procedure, plan) = (again, changed);
    }
    let inspect = inspector(&procedure);
    carry_out(scene, procedure, plan, seen, inspect).await
}

/// The procedure and its whole plan, each stage inspected on the prediction of what is before it.
fn draw<P, I>(
    cluster: &Cluster,
    seen: &Observation,
    build: impl Fn(&Observation) -> Result<P, Vec<Refusal>>,
    inspector: impl Fn(&P) -> I,
) -> Result<(P, Plan), CliError>
where
    P: Procedure + Clone,
    I: FnMut(&StagePlan, &Observation) -> Vec<Violation>,
{
    let procedure = build(seen).map_err(CliError::Refused)?;
    let mut inspect = inspector(&procedure);
    let plan = decide::foresee(cluster, &procedure, seen).map_err(|refusals| {
        match procedure.clone().next(seen) {
            Next::Stage(_) => CliError::Doomed(refusals),
            Next::Done | Next::Refused(_) => CliError::Refused(refusals),
        }
    })?;
    let mut expected = seen.clone();
    for stage in &plan.stages {
        if let Some(violation) = inspect(stage, &expected).into_iter().next() {
            return Err(CliError::Unsafe(violation));
        }
        expected = predict(cluster, &expected, stage);
    }
    Ok((procedure, plan))
}

/// What makes two plans the same to a person: positions move on a busy server, and do not count.
fn shape(plan: &Plan) -> Vec<(&str, &str, std::mem::Discriminant<crate::plan::Action>)> {
    plan.steps()
        .map(|step| {
            let kind = std::mem::discriminant(&step.action);
            (step.host.as_ref(), step.task.as_str(), kind)
        })
        .collect()
}

fn show_only(global: &Global, plan: &Plan) {
    match global.output {
        OutputFormat::Human if plan.is_empty() => show(&plan_view::nothing(plan)),
        OutputFormat::Human => show(plan_view::render(plan, Detail::Steps).trim_end()),
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Junit => {
            print(&serde_json::to_string(plan).unwrap_or_default());
        }
    }
}

async fn carry_out<F, P>(
    scene: &Scene<'_, F>,
    mut procedure: P,
    plan: Plan,
    seen: Observation,
    inspect: impl FnMut(&StagePlan, &Observation) -> Vec<Violation>,
) -> Result<Led, CliError>
where
    F: Fleet,
    P: Procedure,
{
    // A full disk on this machine must not keep a cluster down.
    let journal = Journal::create(&files::journals(), scene.cluster.name.as_ref())
        .inspect_err(|error| say(&format!("warning: {error}; going on without")))
        .ok();
    let (timeline, outputs) = (Timeline::since(scene.zero), Outputs::default());
    let screen = screen::events(scene.global);
    let mut readers: Vec<&dyn Sink> = vec![&timeline, &outputs, screen.as_ref()];
    readers.extend(journal.as_ref().map(|journal| journal as &dyn Sink));
    let sink = Tee(readers);
    sink.event(&Event::Started {
        intent: plan.intent.clone(),
    });
    let shield = interrupt::shield();
    let run = execute::perform(scene.fleet, &mut procedure, seen, inspect, &sink).await;
    drop(shield);
    let took = timeline.now();
    let (performance, seen) = run.map_err(|error| {
        if timeline.has_changes() {
            CliError::Cut(error)
        } else {
            CliError::Unsafe(error.0)
        }
    })?;
    // Its reasons and its loss as they turned out.
    let plan = Plan {
        stages: plan.stages,
        ..procedure.heading()
    };
    Ok(Led::Performed(Box::new(Performed {
        plan,
        performance,
        spans: timeline.spans(),
        outputs: outputs.lines(),
        took,
        seen,
        journal: journal.map(|journal| journal.path().to_owned()),
    })))
}

#[derive(Serialize)]
struct Document<'a> {
    intent: &'a str,
    because: &'a [String],
    finished: bool,
    milliseconds: u64,
    refused: &'a [Refusal],
    steps: &'a [Span],
    outputs: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<&'a DataLoss>,
}

impl Performed {
    /// The JSON document for `--output json`, where that is what the person asked for.
    pub(super) fn print_document(&self, global: &Global) {
        if global.output != OutputFormat::Json {
            return;
        }
        let document = Document {
            intent: &self.plan.intent,
            because: &self.plan.because,
            finished: self.performance.is_finished(),
            milliseconds: self.took,
            refused: &self.performance.refused,
            steps: &self.spans,
            outputs: &self.outputs,
            loss: self.plan.loss.as_ref(),
        };
        print(&serde_json::to_string(&document).unwrap_or_default());
    }

    /// The exit code of what was carried out, or the error that says why it did not get to its end.
    pub(super) fn conclude(self) -> Result<Exit, CliError> {
        let performance = self.performance;
        if !performance.is_finished() {
            let refusals = performance.refused.clone();
            return Err(if performance.has_changed() {
                CliError::Halted {
                    refusals,
                    journal: self.journal,
                }
            } else if performance.failures().next().is_some() {
                CliError::FailedEarly(refusals)
            } else {
                CliError::Refused(refusals)
            });
        }
        if performance.failures().next().is_none() {
            return Ok(Exit::Ok);
        }
        let hosts: BTreeSet<_> = performance
            .failures()
            .map(|(step, _)| step.host.as_ref())
            .collect();
        let hosts: Vec<_> = hosts.into_iter().collect();
        say(&format!(
            "incomplete on {}; hint: see what failed above, then `hactl verify`",
            hosts.join(", ")
        ));
        Ok(Exit::Incomplete)
    }
}
