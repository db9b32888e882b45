//! The order of a playbook: plays, batches of hosts, and tasks between barriers.

use crate::decide::{Role, Topology};
use crate::inventory::{Cluster, Host};
use crate::playbook::{Play, Playbook, RunOn, Selection, Serial, Task};

/// Tasks between two barriers, for some hosts.
#[derive(Clone, Debug)]
pub(super) struct Stage<'a> {
    pub(super) play: &'a Play,
    /// Where its play stands in the playbook.
    pub(super) number: usize,
    /// Which of the play's batches its hosts are.
    pub(super) batch: usize,
    pub(super) hosts: Vec<&'a Host>,
    pub(super) tasks: &'a [Task],
    pub(super) part: Part,
}

/// Handlers run only where they were notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Tasks,
    Handlers,
}

/// Every stage of a playbook in order.
pub(super) fn stages<'a>(
    playbook: &'a Playbook,
    cluster: &'a Cluster,
    topology: &Topology,
    selection: &Selection,
) -> Vec<Stage<'a>> {
    let mut stages = Vec::new();
    for (number, play) in playbook.plays.iter().enumerate() {
        let begin = begin(playbook, number, selection);
        for (batch, hosts) in batches(play, cluster, topology, selection)
            .into_iter()
            .enumerate()
        {
            let mut add = |hosts: Vec<&'a Host>, tasks: &'a [Task], part| {
                stages.push(Stage {
                    play,
                    number,
                    batch,
                    hosts,
                    tasks,
                    part,
                });
            };
            for (tasks, part) in split(&play.tasks[begin..])
                .map(|tasks| (tasks, Part::Tasks))
                .chain(split(&play.handlers).map(|tasks| (tasks, Part::Handlers)))
            {
                if tasks.first().is_some_and(|task| task.run_on == RunOn::Each) {
                    for host in primary_last(hosts.clone(), topology) {
                        add(vec![host], tasks, part);
                    }
                } else {
                    add(hosts.clone(), tasks, part);
                }
            }
        }
    }
    stages
}

/// The first task of a play that `--start-at` leaves; every one where it is not asked for.
fn begin(playbook: &Playbook, number: usize, selection: &Selection) -> usize {
    let Some(name) = &selection.start_at else {
        return 0;
    };
    let found = playbook.plays.iter().enumerate().find_map(|(at, play)| {
        let task = play.tasks.iter().position(|task| task.name == *name)?;
        Some((at, task))
    });
    match found {
        Some((at, task)) if at == number => task,
        Some((at, _)) if at < number => 0,
        _ => playbook.plays[number].tasks.len(),
    }
}

/// A play's hosts in batches. In a rolling play the primary comes last: what goes wrong goes wrong on
/// a replica first.
fn batches<'a>(
    play: &Play,
    cluster: &'a Cluster,
    topology: &Topology,
    selection: &Selection,
) -> Vec<Vec<&'a Host>> {
    let limited = |host: &Host| {
        let limit = selection.limit.as_ref();
        limit.is_none_or(|limit| limit.matches(host, topology))
    };
    let hosts: Vec<_> = cluster
        .hosts
        .values()
        .filter(|host| play.hosts.matches(host, topology) && limited(host))
        .collect();
    match &play.serial {
        Serial::All => play.serial.cut(&hosts),
        Serial::Batches(_) => play.serial.cut(&primary_last(hosts, topology)),
    }
}

fn primary_last<'a>(mut hosts: Vec<&'a Host>, topology: &Topology) -> Vec<&'a Host> {
    hosts.sort_by_key(|host| topology.role(&host.name) == Role::Primary);
    hosts
}

/// Splits tasks at barriers: where the part of the hosts or of a block changes, and around a task that
/// acts on several hosts at once, that is waited for, or that goes from host to host.
fn split(tasks: &[Task]) -> impl Iterator<Item = &[Task]> {
    let alone =
        |task: &Task| task.module.is_barrier() || task.is_awaited() || task.run_on == RunOn::Each;
    tasks.chunk_by(move |a, b| {
        a.run_on == b.run_on && a.within == b.within && !alone(a) && !alone(b)
    })
}
