//! A world without delays in which a procedure is rehearsed: what is true, what has been looked at, and which
//! step goes wrong. It holds that no step leaves two servers that clients can write to.

use std::collections::BTreeMap;

use crate::decide::{Next, Procedure, Rejoin, Switchover};
use crate::facts::Observation;
use crate::fixture::Mutate as _;
use crate::inventory::{Cluster, HostName};
use crate::mysql::{BinlogState, Flavor, GtidSet, ServerFacts, ThreadState};
use crate::plan::{Action, LeadershipRules, Look, Outcome, StagePlan, Step, predict};

/// A procedure that brings the rules for its second checker.
pub(in crate::decide) trait Ruled<'a>: Procedure {
    fn rules(&self) -> LeadershipRules<'a>;
}

impl<'a> Ruled<'a> for Switchover<'a> {
    fn rules(&self) -> LeadershipRules<'a> {
        Self::rules(self)
    }
}

impl<'a> Ruled<'a> for Rejoin<'a> {
    fn rules(&self) -> LeadershipRules<'a> {
        Self::rules(self)
    }
}

/// A world without delays: what is true, what has been looked at, and which step goes wrong.
pub(in crate::decide) struct World<'a> {
    cluster: &'a Cluster,
    /// How many there were when it began.
    writers: usize,
    pub(in crate::decide) truth: Observation,
    pub(in crate::decide) steps: usize,
    pub(in crate::decide) fault: Option<(usize, Fault)>,
    pub(in crate::decide) log: Vec<String>,
    /// What a server that is fenced will hold then.
    /// What a stopped server will hold when it is started: as it is, and with its tail cut off.
    pub(in crate::decide) falls_asleep: Option<(ServerFacts, ServerFacts)>,
    pub(in crate::decide) asleep: BTreeMap<HostName, (ServerFacts, ServerFacts)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decide) enum Fault {
    /// Not done, and known.
    Failed,
    /// Not done, and not known.
    LostBefore,
    /// Done, and not known.
    LostAfter,
    /// Not done, and nobody is there any more to hear of it.
    Killed,
}

impl<'a> World<'a> {
    pub(in crate::decide) fn new(
        cluster: &'a Cluster,
        truth: Observation,
        fault: Option<(usize, Fault)>,
    ) -> Self {
        let writers = truth.servers();
        let writers = writers.filter(|(_, facts)| facts.read_only.is_writable());
        Self {
            cluster,
            writers: writers.count().max(1),
            truth,
            steps: 0,
            fault,
            log: Vec::new(),
            falls_asleep: None,
            asleep: BTreeMap::new(),
        }
    }

    /// `None` when hactl was killed.
    pub(in crate::decide) fn run(&mut self, procedure: &mut impl Ruled<'a>) -> Option<Next> {
        let mut rules = procedure.rules();
        let mut seen = self.truth.clone();
        for _ in 0..20 {
            let stage = match procedure.next(&seen) {
                Next::Stage(stage) => stage,
                end => return Some(end),
            };
            let broken = rules.violations(&stage, &seen);
            assert!(
                broken.is_empty(),
                "{broken:?} by {stage:#?} {:#?}",
                self.log
            );
            let ended = self.carry_out(&stage)?;
            procedure.ended(&ended);
            match &stage.look {
                Look::None => {}
                Look::All => seen = self.truth.clone(),
                Look::At(hosts) | Look::Servers(hosts) => {
                    for host in hosts {
                        seen.hosts
                            .insert(host.clone(), self.truth.hosts[host].clone());
                    }
                }
            }
        }
        panic!("it does not come to an end: {:#?}", self.log);
    }

    fn carry_out(&mut self, stage: &StagePlan) -> Option<Vec<(Step, Outcome)>> {
        let mut ended = Vec::new();
        for steps in stage.by_host().into_values() {
            for step in steps {
                let outcome = self.apply(step)?;
                let is_good = outcome.is_good();
                ended.push((step.clone(), outcome));
                if !is_good {
                    break;
                }
            }
        }
        Some(ended)
    }

    fn apply(&mut self, step: &Step) -> Option<Outcome> {
        let fault = self.fault.filter(|(at, _)| *at == self.steps);
        self.steps += 1;
        let fault = fault.map(|(_, fault)| fault);
        self.log
            .push(format!("{}: {} {:?}", step.host, step.action, fault));
        if matches!(fault, None | Some(Fault::LostAfter)) {
            self.happen(step);
        }
        match fault {
            None => Some(Outcome::Changed),
            Some(Fault::Failed) => Some(Outcome::Failed {
                error: "it broke".to_owned(),
                hint: None,
            }),
            Some(Fault::LostBefore | Fault::LostAfter) => Some(Outcome::Unknown {
                error: "the link broke".to_owned(),
            }),
            Some(Fault::Killed) => None,
        }
    }

    pub(in crate::decide) fn happen(&mut self, step: &Step) {
        let one = StagePlan {
            play: String::new(),
            steps: vec![step.clone()],
            look: Look::All,
        };
        self.truth = predict(self.cluster, &self.truth, &one);
        self.wake(step);
        if matches!(step.action, Action::Promote { .. }) {
            let next = match self.cluster.server.flavor {
                Flavor::MariaDb => "0-9-101".to_owned(),
                Flavor::MySql => "00000000-0000-0000-0000-000000000009:1".to_owned(),
            };
            let row = GtidSet::parse(self.cluster.server.flavor, &next).unwrap();
            let facts = self.truth.server_mut(step.host.as_ref());
            facts.executed = facts.executed.union(&row).unwrap();
        }
        self.must_be_safe(step);
    }

    /// What a prediction cannot know.
    fn wake(&mut self, step: &Step) {
        let host = &step.host;
        match &step.action {
            Action::Unfence => {
                if let Some((facts, _)) = self.asleep.remove(host) {
                    *self.truth.server_mut(host.as_ref()) = facts;
                }
            }
            Action::Rewind => {
                if let Some((_, facts)) = self.asleep.remove(host) {
                    *self.truth.server_mut(host.as_ref()) = facts;
                }
            }
            Action::Fence { .. } => {
                if let Some(pair) = self.falls_asleep.clone() {
                    self.asleep.insert(host.clone(), pair);
                }
            }
            Action::Seed { into, .. } => {
                let source = self.truth.server(host).expect("a source").clone();
                for replica in into {
                    let facts = self.truth.server_mut(replica.as_ref());
                    facts.executed = source.executed.clone();
                    facts.binlog_state =
                        source.binlog_state.as_ref().map(|_| BinlogState::default());
                }
            }
            _ => {}
        }
    }

    pub(in crate::decide) fn writable(&self) -> Vec<&HostName> {
        let writable = self.truth.servers();
        writable
            .filter(|(_, facts)| facts.read_only.is_writable())
            .map(|(host, _)| host)
            .collect()
    }

    fn holders(&self) -> Vec<&HostName> {
        let vip = self.cluster.vip.as_ref().unwrap().address;
        let hosts = self.truth.all_reached();
        hosts
            .filter(|(_, reached)| reached.os.has_address(vip))
            .map(|(host, _)| host)
            .collect()
    }

    fn must_be_safe(&self, step: &Step) {
        let (writable, holders) = (self.writable(), self.holders());
        let log = &self.log;
        assert!(
            writable.len() <= self.writers,
            "{writable:?} take writes: {log:#?}"
        );
        assert!(holders.len() <= 1, "{holders:?} hold the VIP: {log:#?}");
        if matches!(step.action, Action::AddVip { .. }) {
            assert_eq!(writable, holders, "{log:#?}");
        }
    }

    /// Who takes writes by the VIP, and whether all others follow it.
    pub(in crate::decide) fn leader(&self) -> (String, bool) {
        let (writable, holders) = (self.writable(), self.holders());
        if writable.len() != 1 || writable != holders {
            return ("nobody".to_owned(), false);
        }
        let leader = writable[0];
        let address = self.cluster.host(leader).unwrap().address.to_string();
        let in_line = self.truth.servers().all(|(host, facts)| {
            host == leader
                || facts.replica.as_ref().is_some_and(|status| {
                    status.source_host == address
                        && status.receiver == ThreadState::Running
                        && status.applier == ThreadState::Running
                })
        });
        (leader.to_string(), in_line)
    }
}
