//! The language by its meaning: small playbooks are led by a model of hosts that answers commands by
//! their words, and the lines of what was done are compared.

mod blocks;
mod results;
mod selecting;
mod wrong;

use std::collections::BTreeMap;

use crate::decide::{Consent, Topology};
use crate::facts::Observation;
use crate::fixture::{cluster_with, healthy, refused_by};
use crate::inventory::Cluster;
use crate::mysql::Flavor;
use crate::plan::{Action, Answer, Invocation, Outcome, StagePlan, Step, predict};
use crate::playbook::{
    Library, Playbook, Selection, Templates, Turn, Undecided, Vars, Walk, explained, load, schema,
};

/// A playbook, an inventory of three hosts, and what is picked.
struct Bench {
    cluster: Cluster,
    playbook: Playbook,
    templates: Templates,
    selection: Selection,
    extra: Vars,
}

const GROUPS: &str = "vars: {colour: grey}\n";

impl Bench {
    fn new(text: &str) -> Self {
        let mut library = Library::default();
        library
            .playbooks
            .insert("t.yml".to_owned(), text.to_owned());
        let templates = Templates::new(&library).unwrap();
        let cluster = cluster_with(Flavor::MariaDb, 3, GROUPS);
        let playbook = load(&library, "t.yml", &templates).unwrap_or_else(|e| panic!("{e:?}"));
        // What is good to hactl is good to an editor, too.
        assert_eq!(refused_by(&schema(), text), None, "{text}");
        Self {
            cluster,
            playbook,
            templates,
            selection: Selection::default(),
            extra: Vars::default(),
        }
    }

    /// One play for all hosts with these tasks.
    fn of(tasks: &str) -> Self {
        Self::new(&format!("- name: Play\n  hosts: all\n{tasks}"))
    }

    fn extra(mut self, name: &str, value: &str) -> Self {
        self.extra.0.push((name.to_owned(), value.into()));
        let names = [name.to_owned()];
        explained(&self.playbook, &self.cluster, &names).unwrap();
        self
    }

    /// Each line of a run: `host: command`, waits, and what failed; then the hosts that ended badly.
    fn run(&self) -> String {
        let seen = healthy(&self.cluster);
        let topology =
            Topology::of(&self.cluster, &seen, &std::collections::BTreeSet::new()).unwrap();
        let consent = Consent::default();
        let mut walk = Walk::new(
            &self.playbook,
            &self.templates,
            &self.cluster,
            &topology,
            &consent,
        )
        .with(&self.selection, &self.extra);
        let mut model = Model {
            seen,
            tries: BTreeMap::new(),
            lines: Vec::new(),
        };
        for _ in 0..200 {
            match walk.next(&model.seen) {
                Turn::Done => return model.told(&walk),
                Turn::Wait(pause) => model.lines.push(format!("wait {pause:?}")),
                Turn::Failed(failures) => {
                    for failure in failures {
                        let source = std::error::Error::source(&failure.error).unwrap();
                        let line = format!("{}: {source} ({:?})", failure.host, failure.failing);
                        model.lines.push(line);
                    }
                }
                Turn::Stage(stage) => {
                    let mut ended = Vec::new();
                    for steps in stage.by_host().values() {
                        for step in steps {
                            let outcome = model.apply(&self.cluster, step);
                            let is_good = walk.judge(step, outcome.clone()).is_good();
                            ended.push(((*step).clone(), outcome));
                            if !is_good {
                                break;
                            }
                        }
                    }
                    walk.ended(&ended);
                }
            }
        }
        panic!("no end: {:#?}", model.lines);
    }

    /// The lines of a plan, and what it leaves open.
    fn plan(&self) -> String {
        let (stages, open) = self.planned();
        let steps = stages.iter().flat_map(|stage| &stage.steps);
        let mut lines: Vec<String> = steps.map(|s| format!("{}: {}", s.host, s.action)).collect();
        let open = open.iter();
        lines.extend(open.map(|o| format!("{}: {} rests on {}", o.host, o.task, o.waits_for)));
        lines.join("\n")
    }

    /// The hosts of each stage of a plan.
    fn batches(&self) -> Vec<String> {
        let hosts = |stage: &StagePlan| {
            let names: Vec<&str> = stage.steps.iter().map(|step| step.host.as_ref()).collect();
            names.join(" ")
        };
        self.planned().0.iter().map(hosts).collect()
    }

    fn planned(&self) -> (Vec<StagePlan>, Vec<Undecided>) {
        let seen = healthy(&self.cluster);
        let topology =
            Topology::of(&self.cluster, &seen, &std::collections::BTreeSet::new()).unwrap();
        let consent = Consent::default();
        let mut walk = Walk::new(
            &self.playbook,
            &self.templates,
            &self.cluster,
            &topology,
            &consent,
        )
        .with(&self.selection, &self.extra);
        let mut expected = seen;
        let mut stages = Vec::new();
        while let Some(stage) = walk.next_stage(&expected).unwrap() {
            expected = predict(&self.cluster, &expected, &stage);
            stages.push(stage);
        }
        (stages, walk.undecided().to_vec())
    }
}

/// Hosts that understand a few commands: `say TEXT`, `fail [HOST]`, `third` (works at the third time).
struct Model {
    seen: Observation,
    tries: BTreeMap<String, usize>,
    lines: Vec<String>,
}

impl Model {
    fn apply(&mut self, cluster: &Cluster, step: &Step) -> Outcome {
        self.lines.push(format!("{}: {}", step.host, step.action));
        let Action::Run(command) = &step.action else {
            let stage = crate::plan::StagePlan {
                play: String::new(),
                steps: vec![step.clone()],
                look: crate::plan::Look::All,
            };
            self.seen = predict(cluster, &self.seen, &stage);
            return Outcome::Changed;
        };
        let Invocation::Words(words) = &command.invocation else {
            panic!("{command:?}");
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let status = match words.as_slice() {
            ["fail"] => 1,
            ["fail", host] => i32::from(*host == step.host.as_ref()),
            ["third"] => {
                let tries = self.tries.entry(step.host.to_string()).or_default();
                *tries += 1;
                i32::from(*tries < 3)
            }
            _ => 0,
        };
        let answer = Answer {
            status,
            output: format!("{}\n", words[1..].join(" ")),
            ..Answer::default()
        };
        Outcome::Said { answer }
    }

    fn told(self, walk: &Walk<'_>) -> String {
        let mut lines = self.lines;
        let failed = walk.failed_hosts();
        if !failed.is_empty() {
            let failed: Vec<&str> = failed.iter().map(AsRef::as_ref).collect();
            lines.push(format!("failed: {}", failed.join(" ")));
        }
        lines.join("\n").replace("run `", "").replace('`', "")
    }
}
