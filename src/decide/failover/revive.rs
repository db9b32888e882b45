//! The same primary is back by itself, whole, before anybody was promoted: it is opened again, which is
//! the fastest safe answer (S25). It must never open a server beside one that was promoted meanwhile,
//! nor one that lacks what a replica has.

use super::guard;
use super::member::{Counting, Member, Part, members};
use super::stages::{self, Cover};
use crate::decide::{Next, Procedure, Refusal};
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::{Seeding, ServerFacts, ThreadState};
use crate::plan::{DataLoss, LeadershipRules, Look, Neighbours, OldPrimary, Outcome, Plan, Step};

/// A recovery in place.
#[derive(Clone, Debug)]
pub struct Revive<'a> {
    cluster: &'a Cluster,
    primary: HostName,
    because: Vec<String>,
    part: Reopening,
    failure: Option<Refusal>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
enum Reopening {
    Begun,
    VipFree,
    Done,
}

impl<'a> Revive<'a> {
    /// Opens `primary` again, if it is whole and nobody took its place.
    ///
    /// # Errors
    /// Every reason why not.
    pub fn new(
        cluster: &'a Cluster,
        seen: &Observation,
        primary: &HostName,
        because: Vec<String>,
    ) -> Result<Self, Vec<Refusal>> {
        let refusals = refusals(cluster, seen, primary);
        if !refusals.is_empty() {
            return Err(refusals);
        }
        Ok(Self {
            cluster,
            primary: primary.clone(),
            because,
            part: Reopening::Begun,
            failure: None,
        })
    }

    /// The rules for the second checker of its stage.
    pub fn rules(&self) -> LeadershipRules<'a> {
        LeadershipRules::new(
            self.cluster,
            self.primary.clone(),
            OldPrimary::Dead,
            std::collections::BTreeSet::new(),
        )
    }

    /// A host that was failed over from where it could not be reached may be back, and still have the VIP.
    fn free_the_vip(&mut self, seen: &Observation) -> Next {
        let strip = stages::strip_vip(self.cluster, seen, &[&self.primary].into());
        self.part = Reopening::VipFree;
        if strip.is_empty() {
            return self.open(seen);
        }
        Next::Stage(stages::stage("Secure", strip, Look::All))
    }

    fn open(&mut self, seen: &Observation) -> Next {
        if let Some(refusal) = guard::vip_held(self.cluster, seen, &self.primary) {
            return Next::Refused(vec![refusal]);
        }
        self.part = Reopening::Done;
        let cover = match self.cluster.durability {
            Durability::Lossless => Cover::Awaited,
            Durability::Available => Cover::Wanted,
        };
        let mut steps = stages::open(self.cluster, &self.primary, cover, Neighbours::Known);
        let why = format!("{} leads again", self.primary);
        let detached = self.detached(seen);
        steps.extend(
            detached
                .iter()
                .map(|host| stages::repoint(host, &self.primary, &why)),
        );
        Next::Stage(stages::stage("Open again", steps, Look::All))
    }

    /// Who must be made to follow again: servers on which a promotion was begun and wrote nothing, and
    /// where nobody else acknowledges, replicas whose receiver is stopped. Such a receiver does not start
    /// by itself, whether it was told to stop or left an error.
    fn detached(&self, seen: &Observation) -> Vec<HostName> {
        let all = members(self.cluster, seen, &self.primary, Counting::Received);
        let stopped = |member: &&Member<'_>| {
            let status = member.facts.replica.as_ref();
            status.is_some_and(|status| status.receiver == ThreadState::Stopped)
        };
        let mut detached: Vec<_> = all
            .iter()
            .filter(|member| member.part == Part::Promoted)
            .collect();
        let followers: Vec<_> = followers(&all).collect();
        let is_covered = followers
            .iter()
            .any(|member| !stopped(member) && member.can_acknowledge());
        if !is_covered {
            detached.extend(followers.into_iter().filter(stopped));
        }
        detached
            .into_iter()
            .map(|member| member.host.clone())
            .collect()
    }
}

fn followers<'m, 'a>(all: &'m [Member<'a>]) -> impl Iterator<Item = &'m Member<'a>> {
    all.iter()
        .filter(|member| member.part == Part::Follower && member.facts.seeding == Seeding::None)
}

fn refusals(cluster: &Cluster, seen: &Observation, primary: &HostName) -> Vec<Refusal> {
    let refuse = |host: &HostName, reason: String| Refusal {
        host: Some(host.clone()),
        reason,
        way_out: "run `hactl failover`, which promotes a replica".to_owned(),
    };
    let Some(facts) = seen.server(primary) else {
        let reason = format!("{primary} is not up: it cannot be opened again");
        return vec![refuse(primary, reason)];
    };
    let mut refusals = Vec::new();
    if facts.is_replica() {
        refusals.push(refuse(primary, format!("{primary} is a replica now")));
    }
    let is_fenced = seen.os(primary).is_some_and(|os| os.marks.fenced.is_some());
    if is_fenced {
        let reason = format!("{primary} was fenced: a promotion has begun elsewhere");
        refusals.push(refuse(primary, reason));
    }
    let all = members(cluster, seen, primary, Counting::Received);
    for member in &all {
        refusals.extend(in_the_way(primary, facts, member).map(|why| refuse(member.host, why)));
        refusals.extend(untold(primary, member));
    }
    let acknowledges = |member: &Member<'_>| member.can_acknowledge();
    if cluster.durability == Durability::Lossless && !followers(&all).any(acknowledges) {
        let reason = format!(
            "durability is lossless, and no replica that is seen would acknowledge to {primary}"
        );
        refusals.push(refuse(primary, reason));
    }
    refusals
}

/// Why a member forbids that the primary is opened again.
fn in_the_way(primary: &HostName, facts: &ServerFacts, member: &Member<'_>) -> Option<String> {
    let host = member.host;
    if member.is_writable() {
        return Some(format!("{host} takes writes"));
    }
    match &member.part {
        Part::Promoted if member.is_proven || !facts.executed.contains(&member.position) => {
            Some(format!("{host} was promoted meanwhile"))
        }
        Part::Follower if !facts.executed.contains(&member.position) => Some(format!(
            "{primary} is not whole: it lacks what {host} has ({} beside {})",
            member.position, facts.executed
        )),
        // A promotion that wrote nothing is taken back.
        Part::Promoted | Part::Follower | Part::Elsewhere(_) | Part::Stranger => None,
    }
}

/// A follower whose GTIDs do not tell what it has received (it follows by file and position): once that is
/// applied, it shows.
fn untold(primary: &HostName, member: &Member<'_>) -> Option<Refusal> {
    let status = member.facts.replica.as_ref()?;
    let host = member.host;
    (member.part == Part::Follower && status.holds_untold()).then(|| {
        Refusal::on(
            host,
            format!(
                "{host} has not applied all that it has received, and no GTID tells what that is: {primary} may lack some of it"
            ),
            "wait until it is applied and run again; or repair the applier, if it is stopped",
        )
    })
}

/// Whether a primary takes writes, and no client finds it: whoever opened it was stopped before it got the
/// writer VIP, and nobody that is seen has it. To open it again is to finish that, and nothing else is.
pub fn is_half_open(cluster: &Cluster, seen: &Observation, primary: &HostName) -> bool {
    let Some(vip) = &cluster.vip else {
        return false;
    };
    let takes_writes = seen
        .server(primary)
        .is_some_and(|facts| facts.read_only.is_writable());
    let is_held = seen
        .all_reached()
        .any(|(_, reached)| reached.os.has_address(vip.address));
    // A host that is not seen may have it, and whoever set maintenance may have taken it away.
    let is_seen = seen.all_reached().count() == cluster.hosts.len();
    let is_maintained = seen
        .all_reached()
        .any(|(_, reached)| reached.os.marks.maintenance.is_some());
    takes_writes
        && !is_held
        && is_seen
        && !is_maintained
        && refusals(cluster, seen, primary).is_empty()
}

/// Whether a read-only primary was left for another: somebody was promoted beside it and has what it
/// lacks, or is followed. Then it is not opened again; the failover from it is brought to its end.
pub fn is_left(cluster: &Cluster, seen: &Observation, primary: &HostName) -> bool {
    let is_ahead = |member: &Member<'_>| {
        seen.server(primary)
            .is_none_or(|facts| !facts.executed.contains(&member.position))
    };
    members(cluster, seen, primary, Counting::Received)
        .iter()
        .any(|member| member.part == Part::Promoted && (member.is_proven || is_ahead(member)))
}

impl Procedure for Revive<'_> {
    fn heading(&self) -> Plan {
        Plan {
            intent: format!("open {} again", self.primary),
            because: self.because.clone(),
            loses: Vec::new(),
            loss: Some(DataLoss::Nothing {
                because: format!(
                    "{} has all that its replicas have, and nobody was promoted beside it",
                    self.primary
                ),
            }),
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        if let Some(failure) = self.failure.take() {
            return Next::Refused(vec![failure]);
        }
        match self.part {
            Reopening::Begun => self.free_the_vip(seen),
            Reopening::VipFree => self.open(seen),
            Reopening::Done => Next::Done,
        }
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        let failed = ended.iter().find_map(|(step, outcome)| match outcome {
            Outcome::Failed { error, .. }
            | Outcome::Partial { error, .. }
            | Outcome::Unknown { error }
                if step.host == self.primary =>
            {
                Some((step, error))
            }
            _ => None,
        });
        self.failure = failed.map(|(step, error)| Refusal {
            host: Some(self.primary.clone()),
            reason: format!("{}: {} failed: {error}", self.primary, step.action),
            way_out: "run `hactl failover`, which promotes a replica".to_owned(),
        });
    }
}
