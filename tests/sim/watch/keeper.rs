//! A watcher in the world: perceives, lets the real diagnosis judge, and does what it asks for with the
//! real failover, the real recovery in place and the real repairs. It is the live watcher without its
//! clocks, its lock and its words.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hactl::decide::{
    self, Case, Failover, Memory, Next, Procedure, Repair, Revive, Verdict, diagnose,
};
use hactl::facts::Observation;
use hactl::inventory::{Cluster, HostName};
use hactl::plan::{CheckContext, Outcome, Plan, StagePlan, Step, check};

use super::senses::Senses;
use crate::bench::{Run, run};
use crate::oracle;
use crate::world::{Ended, Lease, Millis, WorldFleet};

/// Between two questions.
pub(super) const PROBE: Millis = 500;
/// Between two rounds of upkeep.
const UPKEEP: Millis = 3_000;
/// Before what was refused, or failed, is tried again.
const AGAIN: Millis = 3_000;

/// What is repaired before all else, where a mistake is tried.
pub(super) type Bend = fn(&Observation, &HostName) -> Vec<StagePlan>;

/// How a diagnosis is bent.
pub(super) type Ear = fn(Verdict) -> Verdict;

/// A watcher.
pub(super) struct Keeper<'a> {
    fleet: &'a WorldFleet,
    cluster: Cluster,
    senses: Senses,
    leader: HostName,
    memory: Option<Memory>,
    next_upkeep: Millis,
    next_attempt: Millis,
    bend: Bend,
    ear: Ear,
    /// What was wrong with what it did.
    pub(super) wrongs: Vec<String>,
    /// When it began to change the leadership.
    pub(super) attempts: Vec<Millis>,
    /// When it repaired what: host and action.
    pub(super) repaired: Vec<(Millis, String)>,
}

impl<'a> Keeper<'a> {
    /// Begins to watch.
    pub(super) fn new(fleet: &'a WorldFleet, bend: Bend, ear: Ear) -> Self {
        let world = fleet.world();
        let leader = world.machines[0].name.clone();
        Self {
            fleet,
            cluster: world.cluster.clone(),
            senses: Senses::new(&world),
            leader,
            memory: None,
            next_upkeep: 0,
            next_attempt: 0,
            bend,
            ear,
            wrongs: Vec::new(),
            attempts: Vec::new(),
            repaired: Vec::new(),
        }
    }

    /// One turn of the watch.
    pub(super) fn turn(&mut self) {
        let world = self.fleet.world();
        self.senses.ask(&world);
        let vigil = self.senses.vigil(&world);
        if let Some(memory) = Memory::of(&vigil, &self.leader) {
            self.memory = Some(memory);
        }
        let diagnosis = diagnose(&self.cluster, &vigil, &self.leader);
        match (self.ear)(diagnosis.verdict.clone()) {
            Verdict::Healthy | Verdict::Trouble(_) => {
                self.renew();
                self.tend(world.now);
            }
            Verdict::Dead { .. } if world.now >= self.next_attempt => {
                let leader = world.number(&self.leader);
                if let Some(wrong) = leader.and_then(|leader| oracle::alive(&world, leader)) {
                    let told = format!("taken for dead at {}: {wrong}", world.now);
                    self.wrongs.push(format!("{told}: {:?}", diagnosis.because));
                }
                self.fail_over(world.now, diagnosis.grounds());
            }
            Verdict::ReadOnlyPrimary if world.now >= self.next_attempt => {
                self.revive(world.now, diagnosis.grounds());
            }
            _ => {}
        }
    }

    /// The watcher is started anew: what it perceived is gone.
    fn restart(&mut self) {
        let world = self.fleet.world();
        self.fleet.note("-- the watcher is started anew".to_owned());
        self.senses = Senses::new(&world);
        self.memory = None;
        self.reconsider();
    }

    /// Watches who leads by what is seen; whom it watched, where that cannot be told.
    pub(super) fn reconsider(&mut self) {
        let seen = self.fleet.world().seen_whole();
        if let Ok(leader) = decide::leader(&self.cluster, &seen)
            && leader != self.leader
        {
            self.fleet.note(format!("-- {leader} is watched now"));
            self.leader = leader;
            self.memory = None;
        }
    }

    /// Somebody else leads, and takes writes: nothing is left to do.
    fn is_led_by_another(&mut self, seen: &Observation) -> bool {
        let leader = decide::leader(&self.cluster, seen);
        let another = leader.ok().filter(|leader| *leader != self.leader);
        let writable = |host: &HostName| {
            let facts = seen.server(host);
            facts.is_some_and(|facts| facts.read_only.is_writable())
        };
        let Some(another) = another.filter(writable) else {
            return false;
        };
        self.leader = another;
        self.memory = None;
        true
    }

    fn fail_over(&mut self, now: Millis, because: Vec<String>) {
        self.next_attempt = now + AGAIN;
        let cluster = self.cluster.clone();
        let seen = self.fleet.world().seen_whole();
        if self.is_led_by_another(&seen) {
            return;
        }
        let mut case = Case::new(self.leader.clone(), because);
        case.memory.clone_from(&self.memory);
        self.fleet.note(format!("-- {now}: failover"));
        let decided = Failover::of(&cluster, &seen, case);
        let mut rules = decided.as_ref().ok().map(Failover::rules);
        let ended = run(self.fleet, decided, seen, |stage, seen| {
            rules
                .as_mut()
                .map_or_else(Vec::new, |rules| rules.violations(stage, seen))
        });
        self.conclude(now, &ended);
    }

    fn revive(&mut self, now: Millis, because: Vec<String>) {
        self.next_attempt = now + AGAIN;
        let cluster = self.cluster.clone();
        let seen = self.fleet.world().seen_whole();
        if self.is_led_by_another(&seen) {
            return;
        }
        self.fleet.note(format!("-- {now}: recovery in place"));
        let decided = Revive::new(&cluster, &seen, &self.leader, because);
        let mut rules = decided.as_ref().ok().map(Revive::rules);
        let ended = run(self.fleet, decided, seen, |stage, seen| {
            rules
                .as_mut()
                .map_or_else(Vec::new, |rules| rules.violations(stage, seen))
        });
        self.conclude(now, &ended);
    }

    fn conclude(&mut self, now: Millis, ended: &Run) {
        if !matches!(ended, Run::Refused) {
            self.attempts.push(now);
        }
        if ended.is_unsafe() {
            self.wrongs.push(format!("a stage broke a rule: {ended:?}"));
        }
        if ended.is_killed() {
            self.restart();
        } else if ended.is_finished() {
            self.reconsider();
        }
    }

    /// An address with a lease is renewed.
    fn renew(&mut self) {
        let lease = self.cluster.vip.as_ref().and_then(|vip| vip.lease);
        let Some(lease) = lease else { return };
        let lease = Millis::try_from(lease.as_millis()).expect("a short lease");
        let leader = self.leader.clone();
        self.fleet.change(|world| {
            let number = world.number(&leader).expect("a host");
            let until = world.now + lease;
            let machine = world.at_mut(number);
            if machine.is_reached() && machine.vip.is_some() {
                machine.vip = Some(Lease::Until(until));
            }
        });
    }

    /// Repairs what is safe to repair.
    fn tend(&mut self, now: Millis) {
        if now < self.next_upkeep {
            return;
        }
        self.next_upkeep = now + UPKEEP;
        let seen = self.fleet.world().seen_whole();
        if decide::leader(&self.cluster, &seen).is_ok_and(|leader| leader != self.leader) {
            self.reconsider();
            return;
        }
        let bent = (self.bend)(&seen, &self.leader);
        let cluster = self.cluster.clone();
        let needed = decide::repairs(&cluster, &seen, &self.leader).unwrap_or_default();
        if bent.is_empty() && needed.safe.is_empty() {
            return;
        }
        self.fleet.note(format!("-- {now}: repair"));
        let leader = self.leader.clone();
        let consent = BTreeSet::new();
        let mut repair = Bent {
            first: bent.into(),
            then: Repair::new(&cluster, &leader, needed),
        };
        let ended = self.fleet.lead(&mut repair, seen, |stage, seen| {
            let (primary, consent) = (&leader, &consent);
            check(
                stage,
                &CheckContext {
                    primary,
                    consent,
                    seen,
                },
            )
        });
        match ended {
            Ended::Killed => self.restart(),
            Ended::Unsafe(rule) => self.wrongs.push(format!("a repair broke a rule: {rule}")),
            Ended::Performed(done) => {
                let what = done.steps.iter();
                let what = what.map(|(step, _)| (now, format!("{}: {}", step.host, step.action)));
                self.repaired.extend(what);
            }
        }
    }

    /// How often each repair was made since a moment.
    pub(super) fn repairs_since(&self, moment: Millis) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for (_, what) in self.repaired.iter().filter(|(at, _)| *at >= moment) {
            *counts.entry(what.as_str()).or_default() += 1;
        }
        counts
    }
}

/// The real repairs, and a mistake before them.
struct Bent<'a> {
    first: VecDeque<StagePlan>,
    then: Repair<'a>,
}

impl Procedure for Bent<'_> {
    fn heading(&self) -> Plan {
        self.then.heading()
    }

    fn next(&mut self, seen: &Observation) -> Next {
        let first = self.first.pop_front().map(Next::Stage);
        first.unwrap_or_else(|| self.then.next(seen))
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        self.then.ended(ended);
    }
}
