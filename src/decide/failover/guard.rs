//! The last looks before there is no way back: nobody has more than the elected, the old primary cannot
//! acknowledge, and somebody will acknowledge to the new one.

use super::admission;
use super::election::Election;
use super::fencing::{Means, still_receiving};
use super::member::{Counting, Member, members, unseen};
use super::reading::ackers;
use super::state::Failover;
use crate::decide::{Harm, Refusal};
use crate::facts::Observation;
use crate::inventory::{Cluster, Durability, HostName};
use crate::mysql::{ReplicaStatus, ServerFacts};

impl Failover<'_> {
    /// Where the dead server's log cannot be read, nobody else may have more than the elected.
    pub(super) fn nothing_beyond(
        &mut self,
        seen: &Observation,
        election: &Election,
    ) -> Result<(), Vec<Refusal>> {
        let unseen = unseen(self.cluster, seen, &self.case.dead);
        let asked = self
            .cluster
            .hosts
            .keys()
            .filter(|host| seen.server(host).is_some())
            .cloned()
            .collect();
        if let Some(refusal) = admission::unseen_ahead(&self.case, &asked, &unseen) {
            return Err(vec![refusal]);
        }
        self.loss = self.loss_without_tail(seen, election, &unseen);
        let Some(leader) = seen.server(&election.leader) else {
            return Ok(());
        };
        let all = members(self.cluster, seen, &self.case.dead, Counting::Received);
        // One that is delayed on purpose is not drained where nothing has to be proven.
        let is_delayed = |member: &Member<'_>| {
            let status = member.facts.replica.as_ref();
            status.is_some_and(|status| status.delay_s > 0)
        };
        let mut undrained = all.iter().filter(|member| {
            (self.undrained.contains_key(member.host) || is_delayed(member))
                && !self.case.permits(Harm::UnseenReplica)
        });
        let reason = undrained.find_map(|member| {
            let why = self.beyond(member, (&election.leader, leader))?;
            Some((member.host, why))
        });
        match reason {
            None => Ok(()),
            Some((holder, reason)) => Err(vec![Refusal {
                host: Some(holder.clone()),
                reason,
                way_out: format!(
                    "let it apply that (its applier is stopped, or delayed) and run again; or run `hactl failover {}`, which {}",
                    Harm::UnseenReplica,
                    Harm::UnseenReplica.meaning()
                ),
            }]),
        }
    }

    /// What a replica that has not applied all that it received has, or may have, and the leader has not.
    /// Where its GTIDs do not tell, places in the dead server's log do, of a receiver that ran when
    /// this began: those of any other may be of before its last start.
    fn beyond(
        &self,
        member: &Member<'_>,
        (leader, led): (&HostName, &ServerFacts),
    ) -> Option<String> {
        let Member { host, position, .. } = member;
        if !led.executed.contains(position) {
            return Some(format!(
                "{host} has received {position} and has not applied all of it; {leader} lacks some of that"
            ));
        }
        let status = member.facts.replica.as_ref()?;
        let covers = |leading: &ReplicaStatus| leading.has_received_as_far_as(status);
        let is_known = status.tells_received()
            || (self.attached.contains(*host) && led.replica.as_ref().is_some_and(covers));
        let place = status.read_source_log.as_ref().filter(|_| !is_known)?;
        Some(format!(
            "{host} has received {}'s log up to {place}:{} and has not applied all of it, and no GTID tells what that is; {leader} may lack some of it",
            self.case.dead, status.read_source_pos
        ))
    }

    /// The last look before there is no way back.
    pub(super) fn may_promote(
        &self,
        seen: &Observation,
        leader: &HostName,
    ) -> Result<(), Vec<Refusal>> {
        let dead = &self.case.dead;
        let is_proof = matches!(self.means, Some(Means::Proof(_)));
        if is_proof && let Some(host) = still_receiving(self.cluster, seen, dead) {
            return Err(vec![Refusal {
                host: Some(host.clone()),
                reason: format!(
                    "{host} still receives from {dead}, which can acknowledge commits as long as it does"
                ),
                way_out: format!(
                    "STOP the receiver on {host} by hand and run again, or fence {dead}"
                ),
            }]);
        }
        let is_permitted = matches!(self.means, Some(Means::Permitted));
        if !is_permitted && let Some(refusal) = vip_held(self.cluster, seen, leader) {
            return Err(vec![refusal]);
        }
        let lossless = self.cluster.durability == Durability::Lossless;
        if lossless
            && ackers(self.cluster, seen, &self.case.dead, leader) == 0
            && !self.case.permits(Harm::Uncovered)
        {
            return Err(vec![Refusal {
                host: Some(leader.clone()),
                reason: format!(
                    "durability is lossless, and no replica is left that would acknowledge to {leader}: its writes would wait for ever"
                ),
                way_out: format!(
                    "bring {} back as a replica, or run `hactl failover {}`, which {}",
                    self.others(leader),
                    Harm::Uncovered,
                    Harm::Uncovered.meaning()
                ),
            }]);
        }
        Ok(())
    }

    /// Who could acknowledge to the leader, by name.
    fn others(&self, leader: &HostName) -> String {
        let gone = [leader, &self.case.dead];
        let hosts = self.cluster.hosts.keys();
        let others: Vec<_> = hosts.filter(|host| !gone.contains(host)).collect();
        match others.as_slice() {
            [] => self.case.dead.to_string(),
            some => some
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" or "),
        }
    }
}

/// The writer VIP on a host that is seen and could not be rid of it (S17).
pub(super) fn vip_held(
    cluster: &Cluster,
    seen: &Observation,
    leader: &HostName,
) -> Option<Refusal> {
    let vip = cluster.vip.as_ref()?;
    let (holder, _) = seen
        .all_reached()
        .find(|(host, reached)| *host != leader && reached.os.has_address(vip.address))?;
    let interface = cluster.vip_interface(holder)?;
    Some(Refusal {
        host: Some(holder.clone()),
        reason: format!("{holder} still holds the writer VIP {vip}: clients would reach both"),
        way_out: format!(
            "on {holder}: ip addr del {vip} dev {interface}; then run `hactl failover` again"
        ),
    })
}
