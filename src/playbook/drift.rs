//! The files that a playbook would write on a host as it is: what somebody changed by hand, or what the
//! inventory says since. The same tasks with the same `diff` as a run, so that the two cannot disagree;
//! what rests on an answer that only a run gets is left out, not guessed.

use std::collections::BTreeMap;

use crate::decide::verify::{Drift, FileDrift};
use crate::inventory::Host;
use crate::plan::{Action, FileChange};
use crate::playbook::names::{Layers, Names};
use crate::playbook::results::{Registered, Results};
use crate::playbook::{
    Play, Playbook, PlaybookError, Scope, Task, TaskError, Templates, Vars, World, walk,
};

/// What a playbook would write, host by host. A host is in the answer when its files were looked at.
pub fn drift(
    playbook: &Playbook,
    templates: &Templates,
    world: World<'_>,
) -> Result<Drift, PlaybookError> {
    let mut drift = BTreeMap::new();
    let registered = playbook.tasks().filter_map(|task| task.register.clone());
    let not_yet: Results = registered.map(|name| (name, Registered::NotYet)).collect();
    for host in world.cluster.hosts.values() {
        if world
            .seen
            .os(&host.name)
            .is_none_or(|os| os.files.is_empty())
        {
            continue;
        }
        let mut files = Vec::new();
        for play in &playbook.plays {
            if !play.hosts.matches(host, world.topology) {
                continue;
            }
            for task in &play.tasks {
                match of_task(play, task, templates, world, host, &not_yet) {
                    Ok(of_task) => files.extend(of_task),
                    Err(TaskError::NotYet { .. }) => {}
                    Err(source) => return Err(walk::task_error(task, host, source)),
                }
            }
        }
        drift.insert(host.name.clone(), files);
    }
    Ok(drift)
}

fn of_task(
    play: &Play,
    task: &Task,
    templates: &Templates,
    world: World<'_>,
    host: &Host,
    results: &Results,
) -> Result<Vec<FileDrift>, TaskError> {
    let mut files = Vec::new();
    if !task.module.writes_a_file() || !walk::takes_part(task, host, world.topology) {
        return Ok(files);
    }
    let layers = Layers {
        play: &play.vars,
        results,
        extra: &Vars::default(),
    };
    let names = Names::of_task(&world, host, templates, layers, task)?;
    for item in names.items(task)? {
        let names = match &item {
            None => names.clone(),
            Some(item) => names.with_item(item, layers, task)?,
        };
        if !names.all_hold(&task.when)? {
            continue;
        }
        let scope = Scope::with(world, host, task.run_as.clone(), names);
        let wanted = task.module.needs(&scope)?.files;
        let asked = scope.os().map(|os| &os.files);
        // Nobody looked at it: nothing is known of it.
        if !asked.is_some_and(|asked| wanted.iter().all(|path| asked.contains_key(path))) {
            continue;
        }
        for change in task.module.diff(&scope)? {
            if let Some(file) = written(change.action) {
                files.push(FileDrift {
                    path: file.path,
                    why: change.why,
                    before: file.before,
                    wanted: file.content,
                });
            }
        }
    }
    Ok(files)
}

/// The file that an action changes, if it changes one.
fn written(action: Action) -> Option<FileChange> {
    match action {
        Action::WriteFile(file) => Some(file),
        // Otherwise only the server is restarted with the file that it has.
        Action::Configure(config) if config.changes_the_file() => Some(config.file),
        _ => None,
    }
}
