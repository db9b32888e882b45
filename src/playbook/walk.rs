//! The walk through a playbook: stage by stage, each compiled against the newest observation.
//!
//! Planning and doing are the same walk. A plan predicts what each stage brings about; a run looks
//! again. Neither has a choice that the other has not.

use std::collections::BTreeSet;

use crate::decide::{Consent, Role, Topology};
use crate::facts::{Needs, Observation};
use crate::inventory::{Cluster, Host, HostName};
use crate::plan::{Action, Look, OnFailure, StagePlan, Step};
use crate::playbook::{
    Change, Play, Playbook, PlaybookError, RunOn, Scope, Serial, Task, TaskError, Templates, World,
};

/// A walk in progress.
#[derive(Debug)]
pub struct Walk<'a> {
    playbook: &'a Playbook,
    templates: &'a Templates,
    cluster: &'a Cluster,
    topology: &'a Topology,
    consent: &'a Consent,
    stages: std::vec::IntoIter<Stage<'a>>,
    notified: BTreeSet<(String, HostName)>,
}

/// Tasks between two barriers, for some hosts.
#[derive(Clone, Debug)]
struct Stage<'a> {
    play: &'a Play,
    hosts: Vec<&'a Host>,
    tasks: &'a [Task],
    part: Part,
}

/// Handlers run only where they were notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Tasks,
    Handlers,
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
        let mut stages = Vec::new();
        for play in &playbook.plays {
            for hosts in batches(play, cluster, topology) {
                for tasks in split(&play.tasks) {
                    stages.push(Stage {
                        play,
                        hosts: hosts.clone(),
                        tasks,
                        part: Part::Tasks,
                    });
                }
                for tasks in split(&play.handlers) {
                    stages.push(Stage {
                        play,
                        hosts: hosts.clone(),
                        tasks,
                        part: Part::Handlers,
                    });
                }
            }
        }
        Self {
            playbook,
            templates,
            cluster,
            topology,
            consent,
            stages: stages.into_iter(),
            notified: BTreeSet::new(),
        }
    }

    /// The next stage that has something to do, or `None` at the end.
    pub fn next_stage(&mut self, seen: &Observation) -> Result<Option<StagePlan>, PlaybookError> {
        while let Some(stage) = self.stages.next() {
            let steps = self.compile(&stage, seen)?;
            if !steps.is_empty() {
                return Ok(Some(StagePlan {
                    play: stage.play.name.clone(),
                    steps,
                    look: Look::All,
                }));
            }
        }
        Ok(None)
    }

    /// After a failure: only handlers that were notified are still due, so that a changed file never
    /// waits for the next run to take effect. Hosts on which something failed are left as they are, and
    /// what concerns several hosts at once is left for the run in which all of them are well.
    pub fn skip_to_handlers(&mut self, failed: &BTreeSet<HostName>) {
        self.notified.retain(|(_, host)| !failed.contains(host));
        let due: Vec<_> = self
            .stages
            .by_ref()
            .filter(|stage| stage.part == Part::Handlers)
            .filter(|stage| !stage.tasks.iter().any(|task| task.module.is_barrier()))
            .collect();
        self.stages = due.into_iter();
    }

    fn compile(
        &mut self,
        stage: &Stage<'a>,
        seen: &Observation,
    ) -> Result<Vec<Step>, PlaybookError> {
        let world = World {
            cluster: self.cluster,
            seen,
            topology: self.topology,
            consent: self.consent,
        };
        let mut steps = Vec::new();
        for task in stage.tasks {
            for host in stage
                .hosts
                .iter()
                .filter(|host| takes_part(task, host, self.topology))
            {
                let due = (task.name.clone(), host.name.clone());
                if stage.part == Part::Handlers && !self.notified.remove(&due) {
                    continue;
                }
                let changes = changes(task, world, host, self.templates)
                    .map_err(|source| task_error(task, host, source))?;
                if !changes.is_empty() {
                    self.notify(task, host, stage);
                }
                steps.extend(changes.into_iter().map(|change| Step {
                    task: task.name.clone(),
                    host: host.name.clone(),
                    action: change.action,
                    why: change.why,
                    on_failure: OnFailure::Stop,
                }));
            }
        }
        Ok(gather_seeds(steps, self.topology))
    }

    /// A handler for all hosts runs where it was notified: a changed file on one host restarts that one.
    /// A handler for the primary runs there whoever notified it: a seeded replica has the primary prove
    /// replication.
    fn notify(&mut self, task: &Task, by: &Host, stage: &Stage<'a>) {
        for handler in stage
            .play
            .handlers
            .iter()
            .filter(|handler| task.notify.contains(&handler.name))
        {
            for host in &stage.hosts {
                let meant = match handler.run_on {
                    RunOn::All => host.name == by.name,
                    RunOn::Primary | RunOn::Replicas => takes_part(handler, host, self.topology),
                };
                if meant {
                    self.notified
                        .insert((handler.name.clone(), host.name.clone()));
                }
            }
        }
    }

    /// The playbook's file name.
    pub fn playbook_name(&self) -> &str {
        &self.playbook.name
    }
}

/// The questions that a playbook has about one host.
pub fn needs(
    playbook: &Playbook,
    templates: &Templates,
    world: World<'_>,
    host: &Host,
) -> Result<Needs, PlaybookError> {
    let mut needs = Needs::default();
    for task in playbook
        .plays
        .iter()
        .flat_map(|play| play.tasks.iter().chain(&play.handlers))
    {
        let scope = Scope::new(world, host, templates);
        for scope in scopes(task, &scope) {
            let of_task = task
                .module
                .needs(&scope)
                .map_err(|source| task_error(task, host, source))?;
            needs.extend(of_task);
        }
    }
    Ok(needs)
}

fn changes(
    task: &Task,
    world: World<'_>,
    host: &Host,
    templates: &Templates,
) -> Result<Vec<Change>, TaskError> {
    let mut changes = Vec::new();
    for scope in scopes(task, &Scope::new(world, host, templates)) {
        let wanted = match &task.when {
            Some(expression) => scope.holds(expression)?,
            None => true,
        };
        if wanted {
            changes.extend(task.module.diff(&scope)?);
        }
    }
    Ok(changes)
}

fn scopes<'a>(task: &Task, scope: &Scope<'a>) -> Vec<Scope<'a>> {
    if task.items.is_empty() {
        return vec![scope.clone()];
    }
    task.items
        .iter()
        .map(|item| scope.with_item(item))
        .collect()
}

fn takes_part(task: &Task, host: &Host, topology: &Topology) -> bool {
    match task.run_on {
        RunOn::All => true,
        RunOn::Primary => topology.role(&host.name) == Role::Primary,
        RunOn::Replicas => topology.role(&host.name) == Role::Replica,
    }
}

/// A play's hosts in batches. In a rolling play the primary comes last: what goes wrong goes wrong on
/// a replica first.
fn batches<'a>(play: &Play, cluster: &'a Cluster, topology: &Topology) -> Vec<Vec<&'a Host>> {
    let mut hosts: Vec<_> = cluster
        .hosts
        .values()
        .filter(|host| play.hosts.matches(host, topology))
        .collect();
    match play.serial {
        Serial::All if hosts.is_empty() => Vec::new(),
        Serial::All => vec![hosts],
        Serial::Batch(size) => {
            hosts.sort_by_key(|host| topology.role(&host.name) == Role::Primary);
            hosts.chunks(size.max(1)).map(<[_]>::to_vec).collect()
        }
    }
}

/// Splits tasks at barriers: where the part of the hosts changes, and around a task that acts on
/// several hosts at once.
fn split(tasks: &[Task]) -> impl Iterator<Item = &[Task]> {
    tasks.chunk_by(|a, b| a.run_on == b.run_on && !a.module.is_barrier() && !b.module.is_barrier())
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

fn task_error(task: &Task, host: &Host, source: TaskError) -> PlaybookError {
    PlaybookError::Task {
        place: task.place.clone(),
        task: task.name.clone(),
        host: host.name.to_string(),
        source,
    }
}
