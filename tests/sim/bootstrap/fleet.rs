//! Simulated hosts. They do what predictions say, and break where they are told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use hactl::facts::{HostView, Needs, Observation, OsFacts, Reached, ServerView};
use hactl::fleet::{Fleet, Progress};
use hactl::inventory::{Cluster, HostName, Inventory, SecretError, Secrets};
use hactl::mysql::ServerFacts;
use hactl::plan::{Look, Outcome, StagePlan, Step, predict};
use hactl::yaml::Source;
use secrecy::SecretString;

/// How a step breaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It is not done, and says so.
    NotDone,
    /// It is done, and the answer is lost.
    DoneAnswerLost,
}

/// The fleet.
pub(crate) struct SimFleet {
    cluster: Cluster,
    inner: Mutex<Inner>,
}

struct Inner {
    state: Observation,
    steps: usize,
    fault: Option<(usize, Fault)>,
    usurp: bool,
}

impl SimFleet {
    /// Hosts in a state, with a fault at a step.
    pub(crate) fn new(
        cluster: &Cluster,
        state: Observation,
        fault: Option<(usize, Fault)>,
    ) -> Self {
        let inner = Mutex::new(Inner {
            state,
            steps: 0,
            fault,
            usurp: false,
        });
        Self {
            cluster: cluster.clone(),
            inner,
        }
    }

    /// As things are.
    pub(crate) fn state(&self) -> Observation {
        self.inner.lock().expect("not poisoned").state.clone()
    }

    /// How many steps were asked for.
    pub(crate) fn steps(&self) -> usize {
        self.inner.lock().expect("not poisoned").steps
    }

    /// Somebody drops every account.
    pub(crate) fn break_accounts(&self) {
        let mut inner = self.inner.lock().expect("not poisoned");
        for view in inner.state.hosts.values_mut() {
            if let HostView::Reached(reached) = view
                && let ServerView::Up(facts) = &mut reached.server
            {
                facts.accounts.clear();
            }
        }
    }

    /// Somebody repoints every replica to `db2` while hactl works.
    pub(crate) fn usurp_after_next_step(&self) {
        self.inner.lock().expect("not poisoned").usurp = true;
    }
}

impl Inner {
    fn usurp(&mut self, cluster: &Cluster) {
        let leader = &cluster.hosts["db2"];
        for (name, view) in &mut self.state.hosts {
            let HostView::Reached(reached) = view else {
                continue;
            };
            let ServerView::Up(facts) = &mut reached.server else {
                continue;
            };
            match (name.as_ref(), &mut facts.replica) {
                ("db2", replica) => *replica = None,
                (_, Some(status)) => status.source_host = leader.address.to_string(),
                (_, None) => {}
            }
        }
    }
}

impl Fleet for SimFleet {
    async fn observe(&self, _: &BTreeMap<HostName, Needs>) -> Observation {
        self.state()
    }

    async fn look(&self, hosts: &BTreeSet<HostName>, _: Duration) -> Observation {
        let mut seen = self.state();
        seen.hosts.retain(|host, _| hosts.contains(host));
        seen
    }

    async fn ask(
        &self,
        hosts: &BTreeSet<HostName>,
        _: Duration,
    ) -> BTreeMap<HostName, ServerFacts> {
        let state = self.state();
        let servers = state.servers().filter(|(host, _)| hosts.contains(*host));
        servers
            .map(|(host, facts)| (host.clone(), facts.clone()))
            .collect()
    }

    async fn apply(&self, step: &Step, _: &dyn Progress) -> Outcome {
        let mut inner = self.inner.lock().expect("not poisoned");
        let nth = inner.steps;
        inner.steps += 1;
        let fault = inner
            .fault
            .filter(|(at, _)| *at == nth)
            .map(|(_, fault)| fault);
        if matches!(fault, Some(Fault::NotDone)) {
            return Outcome::Failed {
                error: "planted".to_owned(),
                hint: None,
            };
        }
        let stage = StagePlan {
            play: String::new(),
            steps: vec![step.clone()],
            look: Look::All,
        };
        inner.state = predict(&self.cluster, &inner.state, &stage);
        if inner.usurp {
            inner.usurp(&self.cluster);
        }
        match fault {
            Some(Fault::DoneAnswerLost) => Outcome::Unknown {
                error: "planted".to_owned(),
            },
            _ => Outcome::Changed,
        }
    }
}

struct FixedSecrets;

impl Secrets for FixedSecrets {
    fn env(&self, name: &str) -> Option<String> {
        Some(format!("secret of {name}"))
    }

    fn file(&self, path: &std::path::Path) -> Result<SecretString, SecretError> {
        unreachable!("no file is named: {}", path.display())
    }

    fn command(&self, command: &str) -> Result<SecretString, SecretError> {
        unreachable!("no command is named: {command}")
    }
}

/// A cluster of `db1` (primary), `db2`, …
pub(crate) fn cluster(flavor: &str, hosts: usize) -> Cluster {
    let mut text = format!(
        "cluster: sim\nserver: {{flavor: {flavor}}}\naccounts:\n\
         \x20 replication: {{user: repl, password: 'env:R'}}\n\
         \x20 monitor: {{user: monitor, password: 'env:M'}}\n\
         \x20 admin: {{user: hactl, password: 'env:A'}}\n\
         vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\nhosts:\n"
    );
    for host in 1..=hosts {
        let primary = if host == 1 { ", primary: true" } else { "" };
        text.push_str(&format!(
            "  db{host}: {{address: 192.0.2.{host}{primary}}}\n"
        ));
    }
    Inventory::parse(
        Source::new("sim.yml", text),
        std::path::Path::new("."),
        &FixedSecrets,
    )
    .unwrap_or_else(|wrong| panic!("{}", wrong.render(hactl::yaml::Paint::Plain)))
}

/// Hosts with an operating system and nothing else.
pub(crate) fn bare(cluster: &Cluster) -> Observation {
    let os = OsFacts {
        distribution: "debian".to_owned(),
        interfaces: vec!["lo".to_owned(), "eth0".to_owned()],
        ..OsFacts::default()
    };
    let view = HostView::Reached(Box::new(Reached {
        os,
        server: ServerView::Absent,
        logins: Vec::new(),
    }));
    let hosts = cluster
        .hosts
        .keys()
        .map(|name| (name.clone(), view.clone()))
        .collect();
    Observation { taken_at: 0, hosts }
}
