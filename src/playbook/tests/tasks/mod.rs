//! Each module's difference: what is as it should be gives nothing, each thing that is not gives its
//! action and its reason, and what makes no sense is refused.

mod machine;
mod server;
mod stray_account;
mod user;

use crate::decide::{Consent, Topology};
use crate::facts::Observation;
use crate::fixture::{cluster, healthy, name};
use crate::inventory::Cluster;
use crate::mysql::Flavor;
use crate::plan::{Look, OnFailure, StagePlan, Step, predict};
use crate::playbook::{Change, Library, Scope, Templates, World, load};

/// What one task says of one host: `action [why]` in order, or the refusal.
fn says(task: &str, host: &str, change: impl Fn(&mut Observation)) -> Result<String, String> {
    says_on(&cluster(Flavor::MariaDb, 3), task, host, change)
}

fn says_on(
    cluster: &Cluster,
    task: &str,
    host: &str,
    change: impl Fn(&mut Observation),
) -> Result<String, String> {
    says_allowed(cluster, task, host, &Consent::default(), change)
}

/// What a task says of a host after what it said was done.
fn says_after(task: &str, host: &str, change: impl Fn(&mut Observation)) -> Result<String, String> {
    let cluster = cluster(Flavor::MariaDb, 3);
    let none = Consent::default();
    let changes = changes_allowed(&cluster, task, host, &none, &change)?;
    says_on(&cluster, task, host, |seen| {
        change(seen);
        let steps = changes.iter().map(|change| Step {
            task: String::new(),
            host: name(host),
            action: change.action.clone(),
            why: String::new(),
            on_failure: OnFailure::Stop,
        });
        let stage = StagePlan {
            play: String::new(),
            steps: steps.collect(),
            look: Look::All,
        };
        *seen = predict(&cluster, seen, &stage);
    })
}

fn says_allowed(
    cluster: &Cluster,
    task: &str,
    host: &str,
    consent: &Consent,
    change: impl Fn(&mut Observation),
) -> Result<String, String> {
    let changes = changes_allowed(cluster, task, host, consent, change)?;
    let lines = changes
        .iter()
        .map(|change| format!("{} [{}]", change.action, change.why));
    Ok(lines.collect::<Vec<_>>().join("; "))
}

fn changes_allowed(
    cluster: &Cluster,
    task: &str,
    host: &str,
    consent: &Consent,
    change: impl Fn(&mut Observation),
) -> Result<Vec<Change>, String> {
    let mut seen = healthy(cluster);
    let topology = Topology::of(cluster, &seen, &consent.reseed).unwrap();
    change(&mut seen);
    let mut library = Library::default();
    let text = format!("- name: Play\n  hosts: all\n  tasks:\n    - {task}\n");
    library.playbooks.insert("test.yml".to_owned(), text);
    library
        .templates
        .insert("a.j2".to_owned(), "id {{ host.server_id }}\n".to_owned());
    let templates = Templates::new(&library).unwrap();
    let playbook = load(&library, "test.yml", &templates).unwrap();
    let world = World {
        cluster,
        seen: &seen,
        topology: &topology,
        consent,
    };
    let scope = Scope::new(world, cluster.host(&name(host)).unwrap(), &templates);
    let changes = playbook.plays[0].tasks[0].module.diff(&scope);
    changes.map_err(|error| error.to_string())
}

/// A change of what is seen, and what is then said.
type Row = (fn(&mut Observation), &'static str);

/// A table: what is changed, and what the task then says of db2.
fn table(task: &str, rows: &[Row]) {
    for (change, expected) in rows {
        assert_eq!(
            says(task, "db2", change).as_deref(),
            Ok(*expected),
            "{task}"
        );
    }
}
