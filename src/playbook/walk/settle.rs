//! From ends to results: what has to be tried again, which handlers are due, what later tasks find.

use std::collections::{BTreeMap, BTreeSet};

use super::compile::takes_part;
use super::layout::{Part, Stage};
use super::row::{Row, Wants};
use super::{Trying, Walk};
use crate::inventory::HostName;
use crate::playbook::results::Registered;
use crate::playbook::{Loop, RunOn, Task, TaskResult};

impl<'a> Walk<'a> {
    /// A stage has ended with these results, one for each row; a row without one was not begun.
    pub(super) fn settle(
        &mut self,
        stage: &Stage<'a>,
        rows: Vec<Row<'a>>,
        results: &[Option<TaskResult>],
    ) {
        let mut trying = self.trying.take().unwrap_or_default();
        let mut again = BTreeSet::new();
        for (number, row) in rows.into_iter().enumerate() {
            let mut result = match (&row.wants, results.get(number).and_then(Option::as_ref)) {
                (_, Some(result)) => result.clone(),
                (Wants::Skipped, None) => TaskResult::skipped(),
                (Wants::Nothing, None) => TaskResult::default(),
                (Wants::Changes(_), None) => continue,
            };
            if matches!(row.wants, Wants::Changes(_)) {
                let settled = row.is_settled(&result).unwrap_or_else(|error| {
                    result.msg = Some(error);
                    false
                });
                let times = row.task.retry.as_ref().map_or(0, |retry| retry.times);
                if !settled && trying.times < times {
                    again.insert((row.host.clone(), row.index));
                    continue;
                }
                result.failed |= !settled;
            }
            if result.changed {
                self.notify(row.task, &row.host, stage);
            }
            if result.failed && self.progress.takes_part(stage, &row.task.within, &row.host) {
                self.progress.fail(stage, &row.task.within, &row.host);
            }
            result.item = row.item;
            trying.done.insert((row.host, row.index), result);
        }
        if again.is_empty() {
            self.finish(stage, trying.done);
        } else {
            self.trying = Some(Trying {
                times: trying.times + 1,
                is_rested: false,
                left: again,
                done: trying.done,
            });
        }
    }

    /// A stage is over: its handlers are no longer due, and what it registers is known.
    fn finish(&mut self, stage: &Stage<'a>, done: BTreeMap<(HostName, usize), TaskResult>) {
        self.at += 1;
        for task in stage.tasks {
            if stage.part == Part::Handlers {
                for host in &stage.hosts {
                    let due = (task.name.clone(), host.name.clone());
                    self.progress.notified.remove(&due);
                }
            }
        }
        let [task] = stage.tasks else { return };
        let mut by_host: BTreeMap<HostName, Vec<TaskResult>> = BTreeMap::new();
        for ((host, _), result) in done {
            by_host.entry(host).or_default().push(result);
        }
        for (host, results) in by_host {
            let result = match task.items {
                Loop::Once => one(results).unwrap_or_default(),
                Loop::Items(_) | Loop::Expression(_) => TaskResult::of_all(results),
            };
            self.register(task, &host, Registered::Known(Box::new(result)));
        }
    }

    /// In a plan every step does what it says. What a command says is not known.
    pub(super) fn foresee(&mut self, rows: &[Row<'a>]) {
        let Some(stage) = self.stages.get(self.at).cloned() else {
            return;
        };
        let mut done = BTreeMap::new();
        let mut not_yet = Vec::new();
        for row in rows {
            let is_done = matches!(row.wants, Wants::Changes(_));
            let never = row.task.changed_when.as_deref() == Some(&["false".to_owned()]);
            if is_done && !never && !row.only_asks() {
                self.notify(row.task, &row.host, &stage);
            }
            if is_done && row.task.module.answers() {
                not_yet.push((row.task, row.host.clone()));
            }
            let result = TaskResult {
                changed: is_done,
                skipped: matches!(row.wants, Wants::Skipped),
                item: row.item.clone(),
                ..TaskResult::default()
            };
            done.insert((row.host.clone(), row.index), result);
        }
        self.trying = None;
        self.finish(&stage, done);
        for (task, host) in not_yet {
            self.register(task, &host, Registered::NotYet);
        }
    }

    pub(super) fn register(&mut self, task: &Task, host: &HostName, result: Registered) {
        if let Some(name) = &task.register {
            let of_host = self.progress.results.entry(host.clone()).or_default();
            of_host.insert(name.clone(), result);
        }
    }

    /// A host that cannot begin a task is not waited for.
    pub(super) fn forget(&mut self, host: &HostName) {
        if let Some(trying) = &mut self.trying {
            trying.left.retain(|(left, _)| left != host);
        }
    }

    /// A handler for all hosts runs where it was notified: a changed file on one host restarts that one.
    /// A handler for the primary runs there whoever notified it: a seeded replica has the primary prove
    /// replication.
    fn notify(&mut self, task: &Task, by: &HostName, stage: &Stage<'a>) {
        for handler in stage
            .play
            .handlers
            .iter()
            .filter(|handler| task.notify.contains(&handler.name))
        {
            for host in &stage.hosts {
                let meant = match handler.run_on {
                    RunOn::All | RunOn::Each => host.name == *by,
                    RunOn::Primary | RunOn::Replicas => takes_part(handler, host, self.topology),
                };
                if meant {
                    self.progress
                        .notified
                        .insert((handler.name.clone(), host.name.clone()));
                }
            }
        }
    }
}

/// Several results of one row as one: of several steps, the answer is the last one's.
pub(super) fn one(mut results: Vec<TaskResult>) -> Option<TaskResult> {
    let changed = results.iter().any(|result| result.changed);
    let failed = results.iter().position(|result| result.failed);
    let mut result = match failed {
        Some(at) => results.swap_remove(at),
        None => results.pop()?,
    };
    result.changed |= changed;
    Some(result)
}
