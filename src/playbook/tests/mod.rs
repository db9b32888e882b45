//! Tests of the room as its users see it: texts and an observation in, stages or drawn mistakes out.

mod configuration;
mod convergence;
mod language;
mod load;
mod rendering;
mod schema;
mod stages;
mod tasks;

use super::{
    Library, PlaybookError, Selection, Templates, Vars, Walk, World, drift, load as load_playbook,
};
use crate::decide::verify::FileDrift;
use crate::decide::{Bootstrap, Consent, Refusal, Topology, bootstrap};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::plan::{CheckContext, StagePlan, Violation, check, predict};

/// A bootstrap to its end, on predictions.
#[derive(Debug)]
struct Planned {
    topology: Topology,
    stages: Vec<StagePlan>,
    after: Observation,
}

/// Why there is no plan.
#[derive(Debug)]
enum NoPlan {
    Refused(Vec<Refusal>),
    Task(PlaybookError),
    Unsafe(Violation),
}

/// What the command does, without the command: decide, walk, check, predict.
fn plan(cluster: &Cluster, seen: &Observation, consent: &Consent) -> Result<Planned, NoPlan> {
    plan_part(cluster, seen, consent, &Selection::default())
}

/// The same for a part of the cluster or of the playbook.
fn plan_part(
    cluster: &Cluster,
    seen: &Observation,
    consent: &Consent,
    selection: &Selection,
) -> Result<Planned, NoPlan> {
    let library = Library::default();
    let templates = Templates::new(&library).unwrap();
    let playbook = load_playbook(&library, "bootstrap.yml", &templates).unwrap();
    let topology = match bootstrap(cluster, seen, consent) {
        Bootstrap::Proceed(topology) => topology,
        Bootstrap::Refused(refusals) => return Err(NoPlan::Refused(refusals)),
    };
    let mut walk = Walk::new(&playbook, &templates, cluster, &topology, consent)
        .with(selection, &Vars::default());
    let mut after = seen.clone();
    let mut stages = Vec::new();
    while let Some(stage) = walk.next_stage(&after).map_err(NoPlan::Task)? {
        let context = CheckContext {
            primary: &topology.primary,
            consent: &consent.reseed,
            seen: &after,
        };
        if let Some(violation) = check(&stage, &context).into_iter().next() {
            return Err(NoPlan::Unsafe(violation));
        }
        after = predict(cluster, &after, &stage);
        stages.push(stage);
    }
    drop(walk);
    Ok(Planned {
        topology,
        stages,
        after,
    })
}

/// The files that bootstrap would write, by what was seen, as `host: path`.
fn drifted(cluster: &Cluster, seen: &Observation, topology: &Topology) -> Vec<String> {
    let library = Library::default();
    let templates = Templates::new(&library).unwrap();
    let playbook = load_playbook(&library, "bootstrap.yml", &templates).unwrap();
    let world = World {
        cluster,
        seen,
        topology,
        consent: &Consent::default(),
    };
    let drift = drift(&playbook, &templates, world).unwrap();
    let of_host = |(host, files): (&HostName, &Vec<FileDrift>)| {
        let name = |file: &FileDrift| format!("{host}: {}", file.path);
        files.iter().map(name).collect::<Vec<_>>()
    };
    drift.iter().flat_map(of_host).collect()
}

/// The steps of all stages, each as `host: action`.
fn steps(stages: &[StagePlan]) -> Vec<String> {
    let steps = stages.iter().flat_map(|stage| &stage.steps);
    steps
        .map(|step| format!("{}: {}", step.host, step.action))
        .collect()
}
