//! How a server that failed or diverged comes back as a replica: the cheapest way that loses nothing, rung by
//! rung. It must never make that server take writes, never take the leader for the one that comes back,
//! and never give up a transaction that was not named, kept and allowed to go.

mod identity;
mod kept;
mod leader;
mod stages;
pub(in crate::decide) mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use identity::name_of_its_own;
use leader::leader_beside;
use stages::Stages;
use standing::{Standing, in_line};

use crate::decide::{Consent, Next, Procedure, Refusal};
use crate::facts::{HostView, Observation, Reached, ServerView};
use crate::inventory::{Cluster, HostName};
use crate::mysql::{GtidSet, ServerFacts};
use crate::plan::{Action, LeadershipRules, OldPrimary, Outcome, Plan, StagePlan, Step};

/// A rejoin on its way.
#[derive(Clone, Debug)]
pub struct Rejoin<'a> {
    cluster: &'a Cluster,
    host: HostName,
    leader: HostName,
    may_reseed: bool,
    save_to: String,
    because: Vec<String>,
    loses: Vec<String>,
    taken: BTreeSet<Rung>,
    kept: Option<String>,
    troubles: Vec<Refusal>,
}

/// The ways up, each taken once at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Fence,
    Start,
    Quiet,
    Keep,
    Reseed,
    Drain,
    Follow,
    Prove,
    Unmark,
}

/// The next rung, or the end.
enum Climb {
    Take(Rung, StagePlan),
    AtTheTop,
}

impl<'a> Rejoin<'a> {
    /// Looks whether and how `host` can come back. With `consent` to reseed it, its data is replaced where
    /// nothing else helps; what only it has is then kept as SQL in a file in the folder `save_to` of
    /// this machine.
    ///
    /// # Errors
    /// Why not, with the way out. Nothing has been touched then.
    pub fn new(
        cluster: &'a Cluster,
        seen: &Observation,
        host: &HostName,
        consent: &Consent,
        save_to: &str,
    ) -> Result<Self, Vec<Refusal>> {
        if cluster.host(host).is_none() {
            let known: Vec<_> = cluster.hosts.keys().map(ToString::to_string).collect();
            return Err(vec![Refusal::cluster(
                format!("{host} is not in the inventory"),
                format!("choose one of {}", known.join(", ")),
            )]);
        }
        let leader = leader_beside(cluster, seen, host).map_err(|refusal| vec![refusal])?;
        let mut found = Self {
            cluster,
            because: vec![format!("{leader} leads")],
            host: host.clone(),
            leader,
            may_reseed: consent.reseed.contains(host),
            save_to: save_to.to_owned(),
            loses: Vec::new(),
            taken: BTreeSet::new(),
            kept: None,
            troubles: Vec::new(),
        };
        found.explain(seen);
        match found.climb(seen) {
            Ok(_) => Ok(found),
            Err(refusal) => Err(vec![refusal]),
        }
    }

    /// The server that it will follow.
    pub fn leader(&self) -> &HostName {
        &self.leader
    }

    /// The file that holds what only this server had, once it was written.
    pub fn kept(&self) -> Option<&str> {
        self.kept.as_deref()
    }

    /// The rules for the second checker of each stage, beside [`crate::plan::check`] with the leader as
    /// primary, which knows what may be emptied.
    pub fn rules(&self) -> LeadershipRules<'a> {
        LeadershipRules::new(
            self.cluster,
            self.host.clone(),
            OldPrimary::Dead,
            BTreeSet::new(),
        )
    }

    fn explain(&mut self, seen: &Observation) {
        let (host, leader) = (&self.host, &self.leader);
        let reached = seen.reached(host);
        if let Some(mark) = reached.and_then(|reached| reached.os.marks.fenced.as_ref()) {
            self.because
                .push(format!("{host} was fenced: {}", mark.text));
        }
        let mut given_up = None;
        match reached.map(|reached| &reached.server) {
            Some(ServerView::Up(facts)) => {
                if let Some(led) = seen.server(leader)
                    && let Standing::Ahead(errant) = self.standing(facts, led)
                {
                    self.because.push(format!(
                        "{host} has executed {errant}, which {leader} has not: kept as SQL unless a crash recovery cuts it off"
                    ));
                    given_up = Some(format!("{errant}, which only {host} has executed"));
                }
            }
            _ if self.may_reseed => {
                given_up = Some(format!("what only {host} has executed, if anything"));
            }
            _ => self.because.push(format!("no server runs on {host}")),
        }
        if let Some(given_up) = given_up.filter(|_| self.may_reseed) {
            self.loses
                .push(format!("{given_up}; kept as SQL in {}", self.save_to));
        }
    }

    fn stages(&self) -> Stages<'_> {
        Stages {
            cluster: self.cluster,
            host: &self.host,
            leader: &self.leader,
        }
    }

    fn standing(&self, facts: &ServerFacts, led: &ServerFacts) -> Standing {
        Standing::of(self.cluster, (&self.host, facts), (&self.leader, led))
    }

    fn climb(&self, seen: &Observation) -> Result<Climb, Refusal> {
        let leader = leader_beside(self.cluster, seen, &self.host)?;
        if leader != self.leader {
            return Err(Refusal::cluster(
                format!("{leader} leads now, and {} did a moment ago", self.leader),
                "run again",
            ));
        }
        let reached = self.reached(seen)?;
        match &reached.server {
            ServerView::Up(facts) if !self.is_masked(reached) => {
                self.of_running(seen, reached, facts)
            }
            ServerView::Up(_) | ServerView::Stopped => {
                let stage = self.stages().start(seen, reached, &self.tail_file(seen));
                Ok(Climb::Take(Rung::Start, stage))
            }
            ServerView::Absent => Err(Refusal::on(
                &self.host,
                format!("no database server is installed on {}", self.host),
                "run `hactl bootstrap`, which installs and fills it",
            )),
            ServerView::Refused(fault) if fault.is_access_denied() => Err(Refusal::on(
                &self.host,
                format!(
                    "hactl may not log in to the server on {}: {}",
                    self.host, fault.text
                ),
                "run `hactl bootstrap`, which repairs hactl's account where root may log in",
            )),
            ServerView::Refused(fault) => Err(Refusal::on(
                &self.host,
                format!(
                    "the server on {} does not answer: {}",
                    self.host, fault.text
                ),
                format!(
                    "it may still be recovering: look at its log on {} (journalctl -u mariadb -u mysql), then run again",
                    self.host
                ),
            )),
        }
    }

    fn reached<'s>(&self, seen: &'s Observation) -> Result<&'s Reached, Refusal> {
        let host = &self.host;
        match seen.view(host) {
            Some(HostView::Reached(reached)) => Ok(reached),
            Some(HostView::Unreachable(why)) => Err(Refusal::on(
                host,
                format!("{host} cannot be reached: {}", why.text),
                why.hint.clone(),
            )),
            None => Err(Refusal::on(
                host,
                format!("{host} was not looked at"),
                "run again",
            )),
        }
    }

    fn is_masked(&self, reached: &Reached) -> bool {
        let dialect = reached.dialect(self.cluster.server.flavor);
        let unit = reached.os.units.get(dialect.service_unit());
        unit.is_some_and(|unit| unit.enablement.starts_with("masked"))
    }

    fn of_running(
        &self,
        seen: &Observation,
        reached: &Reached,
        facts: &ServerFacts,
    ) -> Result<Climb, Refusal> {
        let stages = self.stages();
        let host = &self.host;
        let Some(led) = seen.server(&self.leader) else {
            return Err(Refusal::on(
                &self.leader,
                format!("{} does not answer any more", self.leader),
                "`hactl failover` if it is dead",
            ));
        };
        if let Some(channel) = facts.other_channels.first() {
            return Err(Refusal::on(
                host,
                format!("{host} replicates by a channel that hactl does not manage: {channel}"),
                "remove that channel, then run again",
            ));
        }
        let acts_as_primary = facts.read_only.is_writable() || facts.semi_sync.waiting_sessions > 0;
        if acts_as_primary && !facts.is_replica() {
            return Ok(Climb::Take(Rung::Fence, stages.fence()));
        }
        if !self.is_unread(facts) {
            name_of_its_own(self.cluster, seen, (host, facts))?;
        }
        if let Some(stage) = stages.quiet(reached, facts) {
            return Ok(Climb::Take(Rung::Quiet, stage));
        }
        self.by_standing(seen, reached, (facts, led))
    }

    fn by_standing(
        &self,
        seen: &Observation,
        reached: &Reached,
        (facts, led): (&ServerFacts, &ServerFacts),
    ) -> Result<Climb, Refusal> {
        let stages = self.stages();
        let is_reseeded = self.taken.contains(&Rung::Reseed);
        // A plan foresees no positions, neither after a seed nor of a server that is yet to be started.
        let standing = if is_reseeded || self.is_unread(facts) {
            if in_line(self.cluster, facts, &self.leader) {
                Standing::Follows
            } else {
                Standing::Behind
            }
        } else {
            self.standing(facts, led)
        };
        Ok(match standing {
            Standing::Follows => self.last_rungs(reached, led),
            // What it has received and not applied may be more than the leader has: that shows only then.
            Standing::Behind if stages.receives_elsewhere(facts) => {
                Climb::Take(Rung::Drain, stages.drain())
            }
            Standing::Behind => Climb::Take(Rung::Follow, stages.follow(facts)),
            Standing::Empty => Climb::Take(
                Rung::Reseed,
                stages.reseed(facts, "it has no data of its own"),
            ),
            Standing::Ahead(errant) => return self.ahead(seen, facts, &errant),
            Standing::Stuck(why) if self.may_reseed => {
                Climb::Take(Rung::Reseed, stages.reseed(facts, &why))
            }
            Standing::Stuck(why) => {
                let (host, leader) = (&self.host, &self.leader);
                return Err(Refusal::on(
                    host,
                    why,
                    format!(
                        "save what you need from it; `hactl rejoin {host} --reseed` drops its databases and loads those of {leader}"
                    ),
                ));
            }
        })
    }

    /// As a plan foresees a server that it starts. One that was asked counts at least our connection.
    fn is_unread(&self, facts: &ServerFacts) -> bool {
        self.taken.contains(&Rung::Start) && facts.uptime.is_zero() && facts.connections == 0
    }

    fn last_rungs(&self, reached: &Reached, led: &ServerFacts) -> Climb {
        let is_marked = reached.os.marks.fenced.is_some();
        let has_changed = is_marked || !self.taken.is_empty();
        if has_changed && !self.taken.contains(&Rung::Prove) {
            Climb::Take(Rung::Prove, self.stages().prove(led))
        } else if is_marked {
            Climb::Take(Rung::Unmark, self.stages().unmark())
        } else {
            Climb::AtTheTop
        }
    }

    fn ahead(
        &self,
        seen: &Observation,
        facts: &ServerFacts,
        errant: &GtidSet,
    ) -> Result<Climb, Refusal> {
        let (host, leader) = (&self.host, &self.leader);
        // Nothing was begun, and nothing is, before it is allowed to go.
        let is_begun = !self.taken.is_empty();
        if !self.taken.contains(&Rung::Keep) && (self.may_reseed || is_begun) {
            let stage = self.stages().save(errant, &self.file(seen));
            return Ok(Climb::Take(Rung::Keep, stage));
        }
        if self.may_reseed {
            let why = format!("{host} has executed {errant}, and {leader} has not");
            return Ok(Climb::Take(Rung::Reseed, self.stages().reseed(facts, &why)));
        }
        let kept = match &self.kept {
            Some(file) => format!("; they are kept as SQL in {file}"),
            None => String::new(),
        };
        Err(Refusal::on(
            host,
            format!("{host} has executed transactions that {leader} has not: {errant}{kept}"),
            self.reseed_command(),
        ))
    }

    /// A replica that was made to follow and cannot go on says why; that leads to another rung.
    fn is_stuck(&self, seen: &Observation) -> bool {
        let is_made_to_follow =
            self.taken.contains(&Rung::Follow) && !self.taken.contains(&Rung::Reseed);
        match (seen.server(&self.host), seen.server(&self.leader)) {
            (Some(facts), Some(led)) if is_made_to_follow => {
                matches!(self.standing(facts, led), Standing::Stuck(_))
            }
            _ => false,
        }
    }

    fn did_not_help(&self, stage: &StagePlan) -> Refusal {
        let host = &self.host;
        Refusal::on(
            host,
            format!("{host} is as it was before: `{}` did not help", stage.play),
            format!("look at its log on {host} (journalctl -u mariadb -u mysql), then run again"),
        )
    }

    fn reseed_command(&self) -> String {
        let (host, leader) = (&self.host, &self.leader);
        format!(
            "`hactl rejoin {host} --reseed` keeps what only {host} has as SQL in {}, drops its databases and loads those of {leader}",
            self.save_to
        )
    }
}

impl Procedure for Rejoin<'_> {
    fn heading(&self) -> Plan {
        Plan {
            intent: format!("rejoin {} to {} as a replica", self.host, self.cluster.name),
            because: self.because.clone(),
            loses: self.loses.clone(),
            loss: None,
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        if !self.troubles.is_empty() && !self.is_stuck(seen) {
            return Next::Refused(std::mem::take(&mut self.troubles));
        }
        let climb = match self.climb(seen) {
            Ok(climb) => climb,
            Err(refusal) => {
                let mut refusals = std::mem::take(&mut self.troubles);
                refusals.push(refusal);
                return Next::Refused(refusals);
            }
        };
        self.troubles.clear();
        let Climb::Take(rung, stage) = climb else {
            return Next::Done;
        };
        if !self.taken.insert(rung) {
            return Next::Refused(vec![self.did_not_help(&stage)]);
        }
        if rung == Rung::Reseed {
            self.taken.remove(&Rung::Follow);
        }
        Next::Stage(stage)
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        for (step, outcome) in ended {
            match &step.action {
                Action::SaveErrant { path, .. } if outcome.is_good() => {
                    self.kept = Some(path.clone());
                }
                Action::SaveTail { path, .. } if *outcome == Outcome::Changed => {
                    self.kept = Some(path.clone());
                }
                _ => {}
            }
            self.troubles.extend(Refusal::after(step, outcome));
        }
    }
}
