//! The real bootstrap walk and the real runner against simulated hosts, with a fault at every step.
//!
//! The simulated fleet does what the prediction of each action says; `lab` proves on real hosts that
//! actions do that. What is tested here is the order: whatever breaks in the middle, nothing unsafe
//! happens, and the next run ends where an undisturbed one does.

mod fleet;

use std::collections::{BTreeMap, BTreeSet};

use fleet::{Fault, SimFleet, bare, cluster};
use hactl::decide::{Bootstrap, Consent, Topology, bootstrap};
use hactl::execute::{Context, RunError, Summary, run};
use hactl::facts::Observation;
use hactl::inventory::{Cluster, HostName};
use hactl::playbook::{Library, Playbook, Templates, Walk, load};
use hactl::report::{Event, Sink};

struct Silent;

impl Sink for Silent {
    fn event(&self, _: &Event) {}
}

struct Bench {
    cluster: Cluster,
    playbook: Playbook,
    templates: Templates,
}

impl Bench {
    fn new(flavor: &str, hosts: usize) -> Self {
        Self::with(&Library::default(), flavor, hosts)
    }

    fn with(library: &Library, flavor: &str, hosts: usize) -> Self {
        let templates = Templates::new(library).expect("templates parse");
        let playbook = load(library, "bootstrap.yml", &templates).expect("the playbook loads");
        Self {
            cluster: cluster(flavor, hosts),
            playbook,
            templates,
        }
    }

    fn topology(&self, seen: &Observation) -> Topology {
        match bootstrap(&self.cluster, seen, &Consent::default()) {
            Bootstrap::Proceed(topology) => topology,
            Bootstrap::Refused(refusals) => panic!("refused: {refusals:?}"),
        }
    }

    /// One run of hactl.
    fn run(&self, fleet: &SimFleet) -> Result<Summary, RunError> {
        let seen = fleet.state();
        let topology = self.topology(&seen);
        let consent = Consent::default();
        let needs = BTreeMap::new();
        let walk = Walk::new(
            &self.playbook,
            &self.templates,
            &self.cluster,
            &topology,
            &consent,
        );
        let context = Context {
            cluster: &self.cluster,
            topology: &topology,
            consent: &consent,
            needs: &needs,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        runtime.block_on(run(fleet, walk, &context, seen, &Silent))
    }
}

/// What must hold at every moment, whatever has failed.
fn assert_safe(cluster: &Cluster, seen: &Observation, told: &str) {
    let vip = cluster.vip.as_ref().expect("a VIP").address;
    let holders: Vec<_> = seen
        .all_reached()
        .filter(|(_, host)| host.os.has_address(vip))
        .map(|(name, _)| name)
        .collect();
    assert!(holders.len() <= 1, "{told}: the VIP is on {holders:?}");
    for (name, facts) in seen.servers() {
        let follows = facts.replica.is_some();
        assert!(
            !(follows && facts.read_only.is_writable()),
            "{told}: {name} follows and is writable"
        );
        if holders.contains(&name) {
            assert!(
                facts.read_only.is_writable(),
                "{told}: the VIP is on {name}, which is read-only"
            );
        }
    }
}

fn ended(fleet: &SimFleet) -> BTreeMap<HostName, String> {
    let view = |name: &HostName| {
        let seen = fleet.state();
        let facts = seen
            .server(name)
            .cloned()
            .expect("every server is up in the end");
        let os = seen.os(name).cloned().expect("every host is reached");
        format!(
            "{:?} {:?} {:?} {:?} {:?}",
            facts.read_only,
            facts
                .replica
                .map(|status| (status.source_host, status.receiver)),
            facts.semi_sync.source_enabled,
            facts.accounts.keys().collect::<Vec<_>>(),
            (os.addresses, os.files.keys().collect::<BTreeSet<_>>())
        )
    };
    fleet
        .state()
        .hosts
        .keys()
        .map(|name| (name.clone(), view(name)))
        .collect()
}

#[test]
fn bare_hosts_become_a_cluster_and_a_second_run_changes_nothing() {
    for flavor in ["mariadb", "mysql"] {
        for hosts in 1..=4 {
            let bench = Bench::new(flavor, hosts);
            let fleet = SimFleet::new(&bench.cluster, bare(&bench.cluster), None);
            let first = bench.run(&fleet).expect("runs");
            assert!(
                first.is_good() && first.changes() > 0,
                "{flavor} {hosts}: {first:?}"
            );
            assert_safe(&bench.cluster, &fleet.state(), "done");
            let second = bench.run(&fleet).expect("runs again");
            assert_eq!(
                second.changes(),
                0,
                "{flavor} {hosts}: a second run changes something"
            );
        }
    }
}

/// The oracle must see what it is for: with the VIP given first, a fault leaves it on a server that is
/// not ready.
#[test]
fn a_playbook_that_gives_the_vip_first_is_caught() {
    let mut library = Library::default();
    let text = library.playbooks["bootstrap.yml"].clone();
    let (before, vip) = text
        .split_once("- name: Writer VIP")
        .expect("the play is there");
    let (servers, replication) = before
        .split_once("- name: Replication")
        .expect("it is there, too");
    let swapped = format!("{servers}- name: Writer VIP{vip}\n- name: Replication{replication}");
    library
        .playbooks
        .insert("bootstrap.yml".to_owned(), swapped);
    let bench = Bench::with(&library, "mariadb", 3);
    let whole = SimFleet::new(&bench.cluster, bare(&bench.cluster), None);
    bench.run(&whole).expect("runs");
    let unsafe_at = (0..whole.steps()).find(|at| {
        let fault = Some((*at, Fault::NotDone));
        let fleet = SimFleet::new(&bench.cluster, bare(&bench.cluster), fault);
        let _ = bench.run(&fleet);
        std::panic::catch_unwind(|| assert_safe(&bench.cluster, &fleet.state(), "planted")).is_err()
    });
    assert!(unsafe_at.is_some(), "no fault showed the planted mistake");
}

#[test]
fn a_fault_at_any_step_is_safe_and_the_next_run_converges() {
    for flavor in ["mariadb", "mysql"] {
        let bench = Bench::new(flavor, 3);
        let whole = SimFleet::new(&bench.cluster, bare(&bench.cluster), None);
        bench.run(&whole).expect("runs");
        let (steps, wanted) = (whole.steps(), ended(&whole));
        for at in 0..steps {
            for fault in [Fault::NotDone, Fault::DoneAnswerLost] {
                let told = format!("{flavor}, step {at} of {steps}, {fault:?}");
                let fleet = SimFleet::new(&bench.cluster, bare(&bench.cluster), Some((at, fault)));
                let broken = bench
                    .run(&fleet)
                    .expect("a failed step is no error of the runner");
                assert!(!broken.is_good(), "{told}: the fault went unnoticed");
                assert_safe(&bench.cluster, &fleet.state(), &told);
                let again = bench.run(&fleet).expect("runs again");
                assert!(again.is_good(), "{told}: {again:?}");
                assert_safe(&bench.cluster, &fleet.state(), &told);
                assert_eq!(
                    ended(&fleet),
                    wanted,
                    "{told}: another end than an undisturbed run"
                );
            }
        }
    }
}

#[test]
fn a_run_stops_when_somebody_else_promotes_meanwhile() {
    let bench = Bench::new("mariadb", 3);
    let fleet = SimFleet::new(&bench.cluster, bare(&bench.cluster), None);
    bench.run(&fleet).expect("runs");
    fleet.break_accounts();
    fleet.usurp_after_next_step();
    let result = bench.run(&fleet);
    assert!(
        matches!(result, Err(RunError::LeaderChanged { .. })),
        "{result:?}"
    );
}
