//! From tasks and what was seen to rows: what each host is wanted to do in a stage.

use super::layout::{Part, Stage};
use super::row::{Row, Wants};
use super::{Failure, Undecided, Walk, task_error};
use crate::decide::{Role, Topology};
use crate::facts::Observation;
use crate::inventory::Host;
use crate::playbook::names::{Layers, Names};
use crate::playbook::results::{Registered, Results};
use crate::playbook::{RunOn, Scope, Task, TaskError, TaskResult};

impl<'a> Walk<'a> {
    /// The rows of a stage, or what of it cannot be begun.
    pub(super) fn compile(
        &mut self,
        stage: &Stage<'a>,
        seen: &Observation,
    ) -> Result<Vec<Row<'a>>, Vec<Failure>> {
        let mut rows = Vec::new();
        let mut failures = Vec::new();
        for task in stage.tasks {
            for host in &stage.hosts {
                if !self.is_for(stage, task, host) {
                    continue;
                }
                match self.rows(stage, task, host, seen) {
                    Ok(of_task) => rows.extend(of_task),
                    Err(TaskError::NotYet { name }) => self.leave_open(task, host, name),
                    Err(source) => failures.push((task, *host, source)),
                }
            }
        }
        if failures.is_empty() {
            return Ok(rows);
        }
        let failed = failures.into_iter().map(|(task, host, source)| {
            self.forget(&host.name);
            let due = (task.name.clone(), host.name.clone());
            self.progress.notified.remove(&due);
            let result = TaskResult {
                failed: true,
                msg: Some(source.to_string()),
                ..TaskResult::default()
            };
            self.register(task, &host.name, Registered::Known(Box::new(result)));
            Failure {
                failing: self.progress.fail(stage, &task.within, &host.name),
                host: host.name.clone(),
                error: task_error(task, host, source),
            }
        });
        Err(failed.collect())
    }

    /// Whether a task is done on a host at all, whatever its `when` says.
    fn is_for(&mut self, stage: &Stage<'a>, task: &Task, host: &Host) -> bool {
        if !takes_part(task, host, self.topology)
            || !self.progress.takes_part(stage, &task.within, &host.name)
        {
            return false;
        }
        match stage.part {
            Part::Tasks => self.selection.takes(task),
            Part::Handlers => {
                let due = (task.name.clone(), host.name.clone());
                self.progress.notified.contains(&due)
            }
        }
    }

    fn rows(
        &self,
        stage: &Stage<'a>,
        task: &'a Task,
        host: &'a Host,
        seen: &Observation,
    ) -> Result<Vec<Row<'a>>, TaskError> {
        let none = Results::new();
        let layers = Layers {
            play: &stage.play.vars,
            results: self.progress.results.get(&host.name).unwrap_or(&none),
            extra: &self.extra,
        };
        let world = self.world(seen);
        let names = Names::of_task(&world, host, self.templates, layers, task)?;
        let mut rows = Vec::new();
        // As in Ansible, `when` is asked for each item, and of what is no loop once.
        for (index, item) in names.items(task)?.into_iter().enumerate() {
            if let Some(trying) = &self.trying
                && !trying.left.contains(&(host.name.clone(), index))
            {
                continue;
            }
            let names = match &item {
                None => names.clone(),
                Some(item) => names.with_item(item, layers, task)?,
            };
            let wants = if names.all_hold(&task.when)? {
                let scope = Scope::with(world, host, task.run_as.clone(), names.clone());
                match task.module.diff(&scope)? {
                    changes if changes.is_empty() => Wants::Nothing,
                    changes => Wants::Changes(changes),
                }
            } else {
                Wants::Skipped
            };
            rows.push(Row {
                task,
                host: host.name.clone(),
                index,
                item,
                names,
                wants,
            });
        }
        Ok(rows)
    }

    fn leave_open(&mut self, task: &Task, host: &Host, waits_for: String) {
        self.register(task, &host.name, Registered::NotYet);
        let undecided = Undecided {
            task: task.name.clone(),
            host: host.name.clone(),
            waits_for,
        };
        if !self.undecided.contains(&undecided) {
            self.undecided.push(undecided);
        }
    }
}

/// Whether a task is for a host by its part in the cluster.
pub(in crate::playbook) fn takes_part(task: &Task, host: &Host, topology: &Topology) -> bool {
    match task.run_on {
        RunOn::All | RunOn::Each => true,
        RunOn::Primary => topology.role(&host.name) == Role::Primary,
        RunOn::Replicas => topology.role(&host.name) == Role::Replica,
    }
}
