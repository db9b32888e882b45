//! What a playbook asks about a host. What rests on an answer that is not there yet is asked when it is.

use crate::facts::Needs;
use crate::inventory::Host;
use crate::playbook::names::{Layers, Names};
use crate::playbook::results::{Registered, Results};
use crate::playbook::{
    Play, Playbook, PlaybookError, Scope, Task, TaskError, Templates, Vars, World, walk,
};

/// The questions that a playbook has about one host, before anything has run.
pub fn needs(
    playbook: &Playbook,
    templates: &Templates,
    world: World<'_>,
    host: &Host,
    extra: &Vars,
) -> Result<Needs, PlaybookError> {
    needs_after(playbook, templates, world, host, extra, &Results::new())
}

/// The same when some tasks have left their results.
pub(super) fn needs_after(
    playbook: &Playbook,
    templates: &Templates,
    world: World<'_>,
    host: &Host,
    extra: &Vars,
    results: &Results,
) -> Result<Needs, PlaybookError> {
    let registered = playbook.tasks().filter_map(|task| task.register.clone());
    let mut known: Results = registered.map(|name| (name, Registered::NotYet)).collect();
    known.extend(results.clone());
    let mut needs = Needs::default();
    for play in &playbook.plays {
        let layers = Layers {
            play: &play.vars,
            results: &known,
            extra,
        };
        for task in tasks(play) {
            match of_task(task, templates, world, host, layers) {
                Ok(of_task) => needs.extend(of_task),
                Err(TaskError::NotYet { .. }) => {}
                // Whether it is for this host at all may be known only when the host was seen.
                Err(_) if !task.when.is_empty() => {}
                Err(source) => return Err(walk::task_error(task, host, source)),
            }
        }
    }
    Ok(needs)
}

fn tasks(play: &Play) -> impl Iterator<Item = &Task> {
    play.tasks.iter().chain(&play.handlers)
}

fn of_task(
    task: &Task,
    templates: &Templates,
    world: World<'_>,
    host: &Host,
    layers: Layers<'_>,
) -> Result<Needs, TaskError> {
    let names = Names::of_task(&world, host, templates, layers, task)?;
    let mut needs = Needs::default();
    for item in names.items(task)? {
        let names = match &item {
            None => names.clone(),
            Some(item) => names.with_item(item, layers, task)?,
        };
        let scope = Scope::with(world, host, task.run_as.clone(), names);
        needs.extend(task.module.needs(&scope)?);
    }
    Ok(needs)
}
