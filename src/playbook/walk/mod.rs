//! The walk through a playbook: stage by stage, each compiled against the newest observation.
//!
//! Planning and doing are the same walk. A plan predicts what each stage brings about; a run looks
//! again, and tells the walk how each step ended. Neither has a choice that the other has not.

mod compile;
mod layout;
mod progress;
mod row;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) use self::compile::takes_part;
use self::layout::Stage;
use self::progress::Progress;
use self::row::Row;
use crate::decide::{Consent, Topology};
use crate::facts::{Needs, Observation};
use crate::inventory::{Cluster, Host, HostName};
use crate::plan::{Action, Look, OnFailure, Outcome, StagePlan, Step};
use crate::playbook::{
    Failing, Playbook, PlaybookError, Results, Selection, Task, TaskError, TaskResult, Templates,
    Vars, World, needs,
};

/// A walk in progress.
#[derive(Debug)]
pub struct Walk<'a> {
    playbook: &'a Playbook,
    templates: &'a Templates,
    cluster: &'a Cluster,
    topology: &'a Topology,
    consent: &'a Consent,
    selection: Selection,
    extra: Vars,
    stages: Vec<Stage<'a>>,
    at: usize,
    progress: Progress,
    current: Option<Vec<Row<'a>>>,
    trying: Option<Trying>,
    undecided: Vec<Undecided>,
}

/// What is next.
#[derive(Debug)]
pub enum Turn {
    /// Carry this out, tell the walk how it ended, look again.
    Stage(StagePlan),
    /// Wait, look again.
    Wait(Duration),
    /// Tasks failed that could not even be begun. Go on: what is left may be handlers only.
    Failed(Vec<Failure>),
    /// The end.
    Done,
}

/// A task that failed before it began.
#[derive(Debug)]
pub struct Failure {
    /// Where.
    pub host: HostName,
    /// Why.
    pub error: PlaybookError,
    /// Whether a block caught it.
    pub failing: Failing,
}

/// A task of which a plan cannot say what it will do: it rests on what another says when it runs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Undecided {
    /// The task's name.
    pub task: String,
    /// Where.
    pub host: HostName,
    /// The name of the result that it waits for.
    pub waits_for: String,
}

/// The present task is being tried again.
#[derive(Clone, Debug, Default)]
struct Trying {
    /// How often it was tried again.
    times: u32,
    /// The pause is over.
    is_rested: bool,
    /// Rows that are left, by host and item.
    left: BTreeSet<(HostName, usize)>,
    /// Results of those that are done.
    done: BTreeMap<(HostName, usize), TaskResult>,
}

impl<'a> Walk<'a> {
    /// Lays out the stages. Who serves and who leads is fixed here for the whole walk: a run that finds
    /// another primary in the middle stops instead of adapting.
    pub fn new(
        playbook: &'a Playbook,
        templates: &'a Templates,
        cluster: &'a Cluster,
        topology: &'a Topology,
        consent: &'a Consent,
    ) -> Self {
        let selection = Selection::default();
        Self {
            stages: layout::stages(playbook, cluster, topology, &selection),
            playbook,
            templates,
            cluster,
            topology,
            consent,
            selection,
            extra: Vars::default(),
            at: 0,
            progress: Progress::default(),
            current: None,
            trying: None,
            undecided: Vec::new(),
        }
    }

    /// Only a part of the playbook, and variables that hide all others.
    #[must_use]
    pub fn with(self, selection: &Selection, extra: &Vars) -> Self {
        Self {
            stages: layout::stages(self.playbook, self.cluster, self.topology, selection),
            selection: selection.clone(),
            extra: extra.clone(),
            ..self
        }
    }

    /// What is next. A stage of whose end nothing was told is taken to have ended well.
    pub fn next(&mut self, seen: &Observation) -> Turn {
        if let Some(rows) = self.current.take() {
            self.foresee(&rows);
        }
        if let Some(trying) = &mut self.trying
            && !trying.is_rested
        {
            trying.is_rested = true;
            let task = self
                .stages
                .get(self.at)
                .and_then(|stage| stage.tasks.first());
            let retry = task.and_then(|task| task.retry.as_ref());
            return Turn::Wait(retry.map_or(Duration::ZERO, |retry| retry.delay));
        }
        while let Some(stage) = self.stages.get(self.at).cloned() {
            if !self.progress.is_due(&stage) {
                self.at += 1;
                continue;
            }
            match self.compile(&stage, seen) {
                Err(failures) => return Turn::Failed(failures),
                Ok(rows) => {
                    let steps: Vec<Step> = rows.iter().flat_map(Row::steps).collect();
                    if steps.is_empty() {
                        // What is tried again has become true by itself.
                        self.settle(&stage, rows, &[]);
                        continue;
                    }
                    self.current = Some(rows);
                    return Turn::Stage(StagePlan {
                        play: stage.play.name.clone(),
                        look: self.look_after(&steps),
                        steps: gather_seeds(steps, self.topology),
                    });
                }
            }
        }
        Turn::Done
    }

    /// What has to be seen anew after these steps.
    fn look_after(&self, steps: &[Step]) -> Look {
        let mut actions = steps.iter().map(|step| &step.action);
        if actions.all(is_of_the_server_alone) {
            Look::Servers(self.cluster.hosts.keys().cloned().collect())
        } else {
            Look::All
        }
    }

    /// The next stage of a plan that has something to do, or `None` at the end.
    ///
    /// # Errors
    /// A task that cannot be begun, unless a block would catch it.
    pub fn next_stage(&mut self, seen: &Observation) -> Result<Option<StagePlan>, PlaybookError> {
        loop {
            match self.next(seen) {
                Turn::Stage(stage) => return Ok(Some(stage)),
                Turn::Wait(_) => {}
                Turn::Failed(failures) => {
                    let passes = |failure: &Failure| failure.failing == Failing::Passes;
                    if let Some(failure) = failures.into_iter().find(passes) {
                        return Err(failure.error);
                    }
                }
                Turn::Done => return Ok(None),
            }
        }
    }

    /// What the end of a step means: what a command said is judged by its task. The rest is as it is.
    pub fn judge(&self, step: &Step, outcome: Outcome) -> Outcome {
        let rows = self.current.as_deref().unwrap_or_default();
        match rows.iter().find(|row| row.has(step)) {
            Some(row) => self.tried_again(row, row.judged(step, &outcome).1),
            None => outcome,
        }
    }

    /// A failure that is not the last word says so.
    fn tried_again(&self, row: &Row<'a>, outcome: Outcome) -> Outcome {
        let tried = self.trying.as_ref().map_or(0, |trying| trying.times);
        match (outcome, &row.task.retry) {
            (Outcome::Failed { error, hint }, Some(retry)) if tried < retry.times => {
                let left = retry.times - tried;
                let error = format!("{error} (tried again in {:?}, {left} more)", retry.delay);
                Outcome::Failed { error, hint }
            }
            (outcome, _) => outcome,
        }
    }

    /// Told how each step of the stage ended, as the fleet said it.
    pub fn ended(&mut self, ended: &[(Step, Outcome)]) {
        let (Some(rows), Some(stage)) = (self.current.take(), self.stages.get(self.at).cloned())
        else {
            return;
        };
        let results: Vec<_> = rows
            .iter()
            .map(|row| {
                let own = |step: &Step| match &step.action {
                    // One for all of them, on the primary.
                    Action::Seed { into, .. } => into.contains(&row.host),
                    _ => row.has(step),
                };
                let ends = ended.iter().filter(|(step, _)| own(step));
                settle::one(
                    ends.map(|(step, outcome)| row.judged(step, outcome).0)
                        .collect(),
                )
            })
            .collect();
        self.settle(&stage, rows, &results);
        // The primary, too, where it could not be read for those that nothing caught.
        for (step, outcome) in ended {
            if let Action::Seed { into, .. } = &step.action
                && !outcome.is_good()
                && into.iter().any(|host| self.progress.failed.contains(host))
            {
                self.progress.failed.insert(step.host.clone());
            }
        }
    }

    /// Hosts on which something failed that nothing caught.
    pub fn failed_hosts(&self) -> &BTreeSet<HostName> {
        &self.progress.failed
    }

    /// What a plan could not decide so far.
    pub fn undecided(&self) -> &[Undecided] {
        &self.undecided
    }

    /// The questions that have become known by what tasks have left; `None` while there are none.
    pub fn needs(
        &self,
        seen: &Observation,
    ) -> Result<Option<BTreeMap<HostName, Needs>>, PlaybookError> {
        if self.progress.results.is_empty() {
            return Ok(None);
        }
        let none = Results::new();
        let world = self.world(seen);
        let of = |host: &Host| {
            let results = self.progress.results.get(&host.name).unwrap_or(&none);
            needs::needs_after(
                self.playbook,
                self.templates,
                world,
                host,
                &self.extra,
                results,
            )
        };
        let hosts = self.cluster.hosts.values();
        hosts
            .map(|host| Ok((host.name.clone(), of(host)?)))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The playbook's file name.
    pub fn playbook_name(&self) -> &str {
        &self.playbook.name
    }

    fn world<'b>(&self, seen: &'b Observation) -> World<'b>
    where
        'a: 'b,
    {
        World {
            cluster: self.cluster,
            seen,
            topology: self.topology,
            consent: self.consent,
        }
    }
}

/// Whether it changes nothing but what a server says of itself, and takes no time in which a machine may
/// have changed.
fn is_of_the_server_alone(action: &Action) -> bool {
    matches!(
        action,
        Action::SetVariable { .. } | Action::EnsureAccount { .. } | Action::Replicate { .. }
    )
}

/// All seeds of a stage become one, so that the primary is dumped once for all replicas.
fn gather_seeds(steps: Vec<Step>, topology: &Topology) -> Vec<Step> {
    let (seeds, mut others): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .partition(|step| matches!(step.action, Action::Seed { .. }));
    let Some(first) = seeds.first().cloned() else {
        return others;
    };
    let mut all_into = Vec::new();
    let mut all_emptied = Vec::new();
    let mut reasons = Vec::new();
    for seed in seeds {
        if let Action::Seed { into, emptied } = seed.action {
            all_into.extend(into);
            all_emptied.extend(emptied);
            reasons.push(seed.why);
        }
    }
    reasons.dedup();
    others.push(Step {
        task: first.task,
        host: topology.primary.clone(),
        action: Action::Seed {
            into: all_into,
            emptied: all_emptied,
        },
        why: reasons.join("; "),
        on_failure: OnFailure::Stop,
    });
    others
}

/// A task's error with its place.
pub(super) fn task_error(task: &Task, host: &Host, source: TaskError) -> PlaybookError {
    PlaybookError::Task {
        place: task.place.clone(),
        task: task.name.clone(),
        host: host.name.to_string(),
        source,
    }
}
