//! Which replica may take over while the primary is alive. Nothing is given up for a planned switch: a
//! replica is fit, or the reason why not is said with its way out.

use std::time::Duration;

use crate::decide::topology::host_of;
use crate::decide::versions::too_old_behind;
use crate::decide::{Maintenance, Refusal};
use crate::facts::{HostView, Observation, ServerView};
use crate::inventory::{Cluster, Host, HostName, Promotion};
use crate::mysql::{ReplicaStatus, Seeding, ServerFacts, Switch, ThreadState};

/// What candidates are judged against.
#[derive(Clone, Copy)]
pub(super) struct Contest<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) seen: &'a Observation,
    pub(super) primary: &'a HostName,
    pub(super) max_wait: Duration,
}

impl Contest<'_> {
    /// The best of the fit: preferred ones first, then those that fewest are too old to follow, then the one
    /// that is least behind.
    pub(super) fn best(&self) -> Result<HostName, Vec<Refusal>> {
        let replicas = || {
            let all = self.cluster.hosts.values();
            all.filter(|host| host.name != *self.primary)
        };
        let rank = |host: &&Host| {
            let lag = self
                .seen
                .server(&host.name)
                .and_then(|facts| facts.replica.as_ref()?.lag);
            let too_old = too_old_behind(self.seen, &host.name).len();
            (inclination(host.promotion), too_old, lag, host.name.clone())
        };
        let fit = replicas().filter(|host| self.objections(host).is_empty());
        if let Some(best) = fit.min_by_key(rank) {
            return Ok(best.name.clone());
        }
        let mut objections: Vec<_> = replicas().flat_map(|host| self.objections(host)).collect();
        if objections.is_empty() {
            objections.push(Refusal::cluster(
                format!("{} has no replica that could take over", self.primary),
                "add a host to the inventory and run `hactl bootstrap`",
            ));
        }
        Err(objections)
    }

    /// Everything that speaks against a host; empty for a fit one.
    pub(super) fn objections(&self, host: &Host) -> Vec<Refusal> {
        let name = &host.name;
        let mut objections = Vec::new();
        if host.promotion == Promotion::Never {
            objections.push(Refusal::on(
                name,
                format!("{name} has `promotion: never` in the inventory"),
                format!("choose another with `--to`, or take that line away from {name}"),
            ));
        }
        if let Some(mark) = Maintenance::of(self.seen).hosts.get(name) {
            objections.push(Refusal::on(
                name,
                format!("{name} is in maintenance ({}, by {})", mark.text, mark.by),
                format!("choose another, or run `hactl maintenance off {name}`"),
            ));
        }
        match self.facts(name) {
            Ok(facts) => self.judge(name, facts, &mut objections),
            Err(objection) => objections.push(objection),
        }
        objections
    }

    fn facts(&self, name: &HostName) -> Result<&ServerFacts, Refusal> {
        match self.seen.view(name) {
            Some(HostView::Reached(reached)) => match &reached.server {
                ServerView::Up(facts) => Ok(facts),
                ServerView::Refused(fault) => Err(Refusal::on(
                    name,
                    format!("the server on {name} does not answer: {}", fault.text),
                    "choose another, or look at its log",
                )),
                ServerView::Stopped | ServerView::Absent => Err(Refusal::on(
                    name,
                    format!("no server runs on {name}"),
                    format!("choose another, or run `hactl rejoin {name}`"),
                )),
            },
            Some(HostView::Unreachable(why)) => Err(Refusal::on(
                name,
                format!("{name} cannot be reached: {}", why.text),
                why.hint.clone(),
            )),
            None => Err(Refusal::on(
                name,
                format!("{name} was not looked at"),
                "run again",
            )),
        }
    }

    fn judge(&self, name: &HostName, facts: &ServerFacts, objections: &mut Vec<Refusal>) {
        let mut object =
            |reason: String, way_out: String| objections.push(Refusal::on(name, reason, way_out));
        let Some(status) = &facts.replica else {
            let primary = self.primary;
            object(
                format!("{name} is not a replica of {primary}"),
                format!("choose another, or run `hactl rejoin {name}`"),
            );
            return;
        };
        self.judge_source(name, status, &mut object);
        if !self.has_everything(facts) {
            self.judge_threads(name, status, &mut object);
        }
        if let Some(channel) = facts.other_channels.first() {
            object(
                format!("{name} replicates by another channel, too: {channel}"),
                "choose another, or remove that channel".to_owned(),
            );
        }
        if facts.seeding == Seeding::Unfinished {
            object(
                format!("{name} was not seeded to the end"),
                "run `hactl bootstrap`, which loads it anew".to_owned(),
            );
        }
        for (setting, value) in [
            ("the binary log", facts.log_bin()),
            ("log_replica_updates", facts.logs_replica_updates()),
        ] {
            if value == Some(Switch::Off) {
                object(
                    format!("{setting} is off on {name}: it cannot lead others"),
                    "choose another, or run `hactl bootstrap`".to_owned(),
                );
            }
        }
        if let Some(primary) = self.seen.server(self.primary) {
            self.judge_beside(name, facts, primary, &mut object);
        }
    }

    fn judge_beside(
        &self,
        name: &HostName,
        facts: &ServerFacts,
        primary: &ServerFacts,
        object: &mut impl FnMut(String, String),
    ) {
        if let Some(errant) = facts.errant_beside(primary) {
            object(
                format!(
                    "{name} has executed transactions that {} has not: {errant}",
                    self.primary
                ),
                format!("`hactl rejoin {name}` shows them and says how to go on"),
            );
        }
        let (own, theirs) = (facts.dialect.version, primary.dialect.version);
        if (own.major, own.minor) < (theirs.major, theirs.minor) {
            object(
                format!(
                    "{name} runs {own}, older than {} with {theirs}",
                    self.primary
                ),
                "choose another, or upgrade it first: no primary may be newer than a replica"
                    .to_owned(),
            );
        }
    }

    /// An interrupted switchover leaves a primary that takes no writes, and perhaps a target that has
    /// stopped receiving: nothing is left to receive.
    fn has_everything(&self, facts: &ServerFacts) -> bool {
        self.seen.server(self.primary).is_some_and(|primary| {
            primary.read_only.is_full() && facts.executed.contains(&primary.executed)
        })
    }

    fn judge_source(
        &self,
        name: &HostName,
        status: &ReplicaStatus,
        object: &mut impl FnMut(String, String),
    ) {
        let again = || "run `hactl bootstrap`, then again".to_owned();
        if host_of(self.cluster, status).as_ref() != Some(self.primary) {
            object(
                format!(
                    "{name} replicates from {}:{}, not from {}",
                    status.source_host, status.source_port, self.primary
                ),
                again(),
            );
        }
        if status.delay_s > 0 {
            object(
                format!("{name} is held back by {} s on purpose", status.delay_s),
                "choose another".to_owned(),
            );
        }
        if !status.filters.is_empty() {
            object(
                format!(
                    "{name} does not have everything: it filters by {}",
                    status.filters.join(", ")
                ),
                "choose another, or remove the filters and reseed it".to_owned(),
            );
        }
    }

    fn judge_threads(
        &self,
        name: &HostName,
        status: &ReplicaStatus,
        object: &mut impl FnMut(String, String),
    ) {
        for (thread, state, error) in [
            ("receiver", status.receiver, &status.last_io_error),
            ("applier", status.applier, &status.last_sql_error),
        ] {
            if state != ThreadState::Running {
                let why = error
                    .as_ref()
                    .map_or_else(String::new, |error| format!(": {error}"));
                object(
                    format!("the {thread} of {name} does not run{why}"),
                    "repair what `hactl verify` names, then run again".to_owned(),
                );
            }
        }
        match status.lag {
            Some(lag) if lag > self.max_wait => object(
                format!(
                    "{name} is {} s behind, and the switch may wait for {} s",
                    lag.as_secs(),
                    self.max_wait.as_secs()
                ),
                "wait until it has caught up, or raise `--max-wait`".to_owned(),
            ),
            // A thread that does not run has been named already.
            None if status.receiver == ThreadState::Running
                && status.applier == ThreadState::Running =>
            {
                object(
                    format!("{name} does not know how far behind it is"),
                    "run again in a few seconds".to_owned(),
                );
            }
            _ => {}
        }
    }
}

/// Smaller is rather.
fn inclination(promotion: Promotion) -> u8 {
    match promotion {
        Promotion::Prefer => 0,
        Promotion::Allow => 1,
        Promotion::Avoid => 2,
        Promotion::Never => 3,
    }
}
