//! Which stage of a failover comes now. It must never promote before the failed primary is harmless, nor
//! open the new one before it covers what it commits.

use std::collections::BTreeSet;

use super::election::{Standing, elect};
use super::fencing::{Means, choose};
use super::member::{Counting, Member, Part, members, unseen};
use super::reading::{Siblings, ackers, tail_start};
use super::stages::{self, Cover, Tail};
use super::state::{Failover, Phase, Promotion, Salvage};
use crate::decide::first_followers::{first, pause};
use crate::decide::wait_for_nobody::wait_for_nobody;
use crate::decide::{Next, Procedure, Refusal};
use crate::facts::Observation;
use crate::inventory::{Durability, HookPoint, HostName};
use crate::mysql::ServerFacts;
use crate::plan::{FenceMethod, Look, Neighbours, Outcome, Plan, StagePlan, Step};

/// A stage, or nothing to do in this phase.
type Answer = Result<Option<StagePlan>, Vec<Refusal>>;

impl Failover<'_> {
    fn advance(&mut self, seen: &Observation) -> Answer {
        if let Some(failure) = self.failure.take() {
            return Err(vec![failure]);
        }
        loop {
            let stage = match self.phase {
                Phase::Secure => self.secure(seen)?,
                Phase::Gather => self.gather(seen)?,
                Phase::Promote => self.promote(seen)?,
                Phase::Open => self.open(seen),
                Phase::Note => self.note(seen),
                Phase::Done => return Ok(None),
            };
            if stage.is_some() {
                return Ok(stage);
            }
        }
    }

    /// Fences or proves, and drains, side by side. `None`: done, the next phase is on.
    fn secure(&mut self, seen: &Observation) -> Answer {
        if self.means.is_some() {
            self.phase = Phase::Gather;
            return Ok(None);
        }
        let means = choose(self.cluster, seen, &self.case, &self.in_vain).map_err(|r| vec![r])?;
        let mut steps = stages::fence(self.cluster, &self.case, &means);
        let mut look: BTreeSet<HostName> = BTreeSet::new();
        if !self.is_drained {
            let drained = self.to_drain(seen, &means);
            let members = members(self.cluster, seen, &self.case.dead, Counting::Received);
            let leads = members
                .iter()
                .filter(|member| member.part == Part::Promoted);
            let keep = leads.map(|member| member.host).chain([&self.case.dead]);
            steps.extend(stages::drain(drained.iter()));
            steps.extend(stages::strip_vip(self.cluster, seen, &keep.collect()));
        }
        // Its fence takes the VIP with it; one that could not be fenced and answers must not keep it.
        if !matches!(means, Means::Fence(_)) {
            let others = self
                .cluster
                .hosts
                .keys()
                .filter(|host| **host != self.case.dead);
            steps.extend(stages::strip_vip(self.cluster, seen, &others.collect()));
        }
        self.is_drained = true;
        self.means = Some(means);
        if steps.is_empty() {
            return Ok(None);
        }
        look.extend(steps.iter().map(|step| step.host.clone()));
        if seen.reached(&self.case.dead).is_none() {
            look.remove(&self.case.dead);
        }
        Ok(Some(stages::stage("Secure", steps, Look::At(look))))
    }

    /// Followers of the failed primary. A delayed one would take its delay to apply what it has: it is
    /// stopped only where the proof needs it.
    fn to_drain(&self, seen: &Observation, means: &Means) -> Vec<HostName> {
        let is_delayed = |member: &Member<'_>| {
            let status = member.facts.replica.as_ref();
            status.is_some_and(|status| status.delay_s > 0)
        };
        members(self.cluster, seen, &self.case.dead, Counting::Received)
            .iter()
            .filter(|member| member.part == Part::Follower)
            .filter(|member| matches!(means, Means::Proof(_)) || !is_delayed(member))
            .map(|member| member.host.clone())
            .collect()
    }

    /// Elects, and lets the elected fetch what it lacks.
    fn gather(&mut self, seen: &Observation) -> Answer {
        let dead = self.case.dead.clone();
        for (host, error) in &self.undrained {
            let why = format!("it could not apply what it has received: {error}");
            self.unfit.entry(host.clone()).or_insert(why);
        }
        let election = elect(self.cluster, seen, &dead, Counting::Applied, &self.unfit)?;
        let is_begun = election.standing.is_begun();
        let readable = seen.reached(&dead).is_some() && !self.in_vain.contains(&FenceMethod::Ssh);
        let tail = if readable && !is_begun && self.salvage == Salvage::Untried {
            Tail::From(tail_start(self.cluster, seen, &dead, &election))
        } else {
            Tail::Left
        };
        if is_begun {
            let unseen = unseen(self.cluster, seen, &dead);
            self.loss = self.loss_without_tail(seen, &election, &unseen);
        } else if !readable || self.salvage == Salvage::Failed {
            self.nothing_beyond(seen, &election)?;
        }
        let ahead = election.ahead.clone();
        let leader = election.leader.clone();
        if ahead.is_some() && !self.fetched.insert(leader.clone()) {
            let why = "it still lacks something after it has fetched".to_owned();
            self.unfit.insert(leader, why);
            return Ok(None);
        }
        self.elected = Some(election);
        if ahead.is_none() && tail == Tail::Left {
            self.phase = Phase::Promote;
            return Ok(None);
        }
        Ok(Some(stages::gather(&leader, &dead, ahead.as_ref(), tail)))
    }

    fn promote(&mut self, seen: &Observation) -> Answer {
        let Some(election) = self.elected.clone() else {
            self.phase = Phase::Gather;
            return Ok(None);
        };
        match self.promotion.clone() {
            Promotion::Unclear(error) => {
                self.promotion = Promotion::LookedAt(error);
                let look = Look::At([election.leader].into());
                return Ok(Some(stages::stage("Look again", Vec::new(), look)));
            }
            Promotion::LookedAt(error) => return self.settle(seen, &election.leader, &error),
            Promotion::NotBegun | Promotion::Again | Promotion::Done => {}
        }
        let is_done = self.promotion == Promotion::Done;
        if is_done || election.standing == Standing::Writable {
            self.promotion = Promotion::Done;
            self.phase = Phase::Open;
            return Ok(None);
        }
        self.may_promote(seen, &election.leader)?;
        Ok(Some(stages::promote(self.cluster, &election.leader)))
    }

    /// After a promotion that failed, or whose answer was lost, and another look.
    fn settle(&mut self, seen: &Observation, leader: &HostName, error: &str) -> Answer {
        match seen.server(leader) {
            Some(facts) if facts.replica.is_none() => {
                self.promotion = Promotion::Again;
                Ok(Some(stages::promote(self.cluster, leader)))
            }
            Some(_) => {
                let why = format!("it could not be promoted: {error}");
                self.unfit.insert(leader.clone(), why);
                self.promotion = Promotion::NotBegun;
                self.salvage = Salvage::Untried;
                self.elected = None;
                self.phase = Phase::Gather;
                Ok(None)
            }
            None => Err(vec![Refusal {
                host: Some(leader.clone()),
                reason: format!("{leader} fell away while it was promoted: {error}"),
                way_out: format!(
                    "bring {leader} back and run `hactl failover` again: it goes on from there"
                ),
            }]),
        }
    }

    fn open(&mut self, seen: &Observation) -> Option<StagePlan> {
        let Some(leader) = self.leader().cloned() else {
            self.phase = Phase::Gather;
            return None;
        };
        let cover =
            if self.is_uncovered || ackers(self.cluster, seen, &self.case.dead, &leader) == 0 {
                Cover::None
            } else if self.cluster.durability == Durability::Lossless {
                Cover::Awaited
            } else {
                Cover::Wanted
            };
        let neighbours = match self.means {
            Some(Means::Permitted) | None => Neighbours::Ask,
            Some(Means::Fence(_) | Means::Proof(_)) => Neighbours::Known,
        };
        let mut steps = stages::open(self.cluster, &leader, cover, neighbours);
        let after = stages::hook(self.cluster, &leader, HookPoint::AfterPromote);
        steps.extend(after.map(stages::go_on));
        let Siblings { follow, left_out } =
            Siblings::of(self.cluster, seen, &self.case.dead, &leader);
        let why = format!("{} is dead, {leader} leads", self.case.dead);
        let first = first(follow.iter(), seen);
        for host in &follow {
            steps.extend(pause(host, &first));
            steps.push(stages::repoint(host, &leader, &why));
            let facts = seen.server(host);
            steps.extend(facts.and_then(|facts| wait_for_nobody(host, facts)));
        }
        self.left_out = left_out;
        self.phase = Phase::Note;
        Some(stages::stage("Open", steps, Look::None))
    }

    fn note(&mut self, seen: &Observation) -> Option<StagePlan> {
        self.phase = Phase::Done;
        let leader = self.leader()?;
        Some(stages::note(self.cluster, seen, &self.case, leader))
    }

    /// Says no; what was stopped is started again where nothing was promoted and the old primary may
    /// come back.
    fn give_up(&mut self, seen: &Observation, refusals: Vec<Refusal>) -> Next {
        if !self.is_drained {
            return Next::Refused(refusals);
        }
        let dead = &self.case.dead;
        let mut steps: Vec<Step> = stages::hook(self.cluster, dead, HookPoint::Failed)
            .map(stages::go_on)
            .into_iter()
            .collect();
        if !self.is_fenced && self.promotion == Promotion::NotBegun {
            let why = "the failover is given up: what it stopped is started again";
            let again = self
                .attached
                .iter()
                .filter(|host| seen.server(host).is_some_and(ServerFacts::is_replica));
            steps.extend(again.map(|host| stages::repoint(host, dead, why)));
        }
        if steps.is_empty() {
            return Next::Refused(refusals);
        }
        self.refused = Some(refusals);
        Next::Stage(stages::stage("Give up", steps, Look::All))
    }
}

impl Procedure for Failover<'_> {
    fn heading(&self) -> Plan {
        let dead = &self.case.dead;
        let mut because = self.case.because.clone();
        let intent = match self.leader() {
            Some(leader) => format!("fail over from {dead} to {leader}"),
            None => format!("fail over from {dead}"),
        };
        let passed_over = self.passed_over().iter();
        because.extend(passed_over.map(|(host, why)| format!("{host} is not elected: {why}")));
        let left_out = self.left_out.iter();
        because.extend(left_out.map(|(host, why)| format!("{host} will not follow: {why}")));
        Plan {
            intent,
            because,
            loses: Vec::new(),
            loss: Some(self.loss.clone()),
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        if let Some(refusals) = self.refused.take() {
            return Next::Refused(refusals);
        }
        match self.advance(seen) {
            Ok(Some(stage)) => Next::Stage(stage),
            Ok(None) => Next::Done,
            Err(refusals) => self.give_up(seen, refusals),
        }
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        for (step, outcome) in ended {
            self.note_end(step, outcome);
        }
    }
}
