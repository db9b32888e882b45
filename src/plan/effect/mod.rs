//! What a stage brings about, as a prediction: an observation in, the observation after it out. It
//! lets a plan be drawn up to its end, and it is the model against which `diff(apply(diff(s)))` is
//! tested to be empty. It must never be taken for an observation.

mod leadership;
mod machine;
mod server;
mod tasks;

use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, HostName};
use crate::mysql::ServerFacts;
use crate::plan::{Action, StagePlan, Step};

use self::machine::on_machine;
use self::server::{account_as_wanted, booted, seeded, switch};

/// The observation after a stage, if every step does what it says.
#[must_use]
pub fn predict(cluster: &Cluster, seen: &Observation, stage: &StagePlan) -> Observation {
    let mut after = seen.clone();
    for step in &stage.steps {
        apply(cluster, &mut after, step);
    }
    after
}

fn apply(cluster: &Cluster, after: &mut Observation, step: &Step) {
    match &step.action {
        Action::Seed { into, .. } => {
            let Some(source) = after.server(&step.host).cloned() else {
                return;
            };
            for replica in into {
                with_server(cluster, after, replica, |facts| seeded(facts, &source));
            }
        }
        Action::Replicate { source, .. } => {
            leadership::replicate(cluster, after, &step.host, source);
        }
        Action::Repoint { source, .. } => {
            leadership::repoint(cluster, after, &step.host, source);
        }
        Action::SetVariable { variable, value } => {
            with_server(cluster, after, &step.host, |facts| {
                switch(facts, *variable, *value);
            });
        }
        Action::EnsureAccount { role, .. } => {
            let account = cluster.accounts.of(*role);
            let followers = after.servers().filter(|(_, facts)| facts.replica.is_some());
            let mut hosts: Vec<HostName> = followers.map(|(host, _)| host.clone()).collect();
            hosts.push(step.host.clone());
            for host in hosts {
                with_server(cluster, after, &host, |facts| {
                    account_as_wanted(facts, *role, account);
                });
            }
        }
        // The server lets us in from now on.
        Action::InstallAdmin => with_server(cluster, after, &step.host, |_| ()),
        Action::Demote { vip, .. } => {
            with_server(cluster, after, &step.host, |facts| {
                leadership::on_server(facts, &step.action);
            });
            if let (Some(vip), Some(HostView::Reached(reached))) =
                (vip, after.hosts.get_mut(&step.host))
            {
                let held = &mut reached.os.addresses;
                held.retain(|held| format!("{}/{}", held.address, held.prefix_len) != *vip);
            }
        }
        action if leadership::is_of_server(action) => {
            with_server(cluster, after, &step.host, |facts| {
                leadership::on_server(facts, action);
            });
        }
        action => {
            let now = after.taken_at;
            if let Some(HostView::Reached(reached)) = after.hosts.get_mut(&step.host) {
                on_machine(cluster, reached, &step.host, action);
                leadership::on_machine(cluster, reached, &step.host, action, now);
            }
        }
    }
}

fn with_server(
    cluster: &Cluster,
    after: &mut Observation,
    host: &HostName,
    change: impl FnOnce(&mut ServerFacts),
) {
    let Some(HostView::Reached(reached)) = after.hosts.get_mut(host) else {
        return;
    };
    if reached.server.up().is_none() {
        let Some(known) = cluster.host(host) else {
            return;
        };
        let dialect = reached.dialect(cluster.server.flavor);
        reached.server = ServerView::Up(Box::new(booted(dialect, known.server_id)));
    }
    if let ServerView::Up(facts) = &mut reached.server {
        change(facts);
    }
}

#[cfg(test)]
mod tests;
