//! What is seen of three hosts: the facts that a case is about, and everything that matters of each host
//! in a line, so that two kinds of servers can be compared.

use std::collections::BTreeMap;

use hactl::facts::{Observation, ServerView};
use hactl::inventory::Cluster;
use hactl::mysql::{Flavor, ReplicaStatus, ServerFacts, Switch, ThreadState};
use hactl::plan::Outcome;

use super::cases::{Case, Seen};
use super::{HOSTS, name};

/// Hosts at a moment.
pub(crate) struct Sight<'a> {
    /// The inventory.
    pub(crate) cluster: &'a Cluster,
    /// What hactl sees.
    pub(crate) seen: &'a Observation,
    /// How many client rows can be read on the hosts whose server answers.
    pub(crate) rows: BTreeMap<u32, usize>,
    /// How the last action ended.
    pub(crate) last: &'a Outcome,
}

impl Sight<'_> {
    /// What is not as a case says.
    pub(crate) fn wrong(&self, case: &Case, flavor: Flavor) -> Vec<String> {
        let of_flavor = match flavor {
            Flavor::MariaDb => case.mariadb,
            Flavor::MySql => case.mysql,
        };
        let facts = case.seen.iter().chain(of_flavor);
        let wrong = facts.filter(|fact| !self.is_so(**fact));
        wrong.map(|fact| format!("not so: {fact:?}")).collect()
    }

    fn server(&self, host: u32) -> Option<&ServerFacts> {
        self.seen.server(&name(host))
    }

    fn status(&self, host: u32) -> Option<&ReplicaStatus> {
        self.server(host)?.replica.as_ref()
    }

    fn is_so(&self, fact: Seen) -> bool {
        let is = |host, so: fn(&ServerFacts) -> bool| self.server(host).is_some_and(so);
        let receiver = |host| self.status(host).map(|status| status.receiver);
        match fact {
            Seen::Done => self.last.is_good(),
            Seen::NotDone => matches!(self.last, Outcome::Failed { .. }),
            Seen::Rows(host, count) => self.rows.get(&host) == Some(&count),
            Seen::FollowsNobody(host) => is(host, |facts| !facts.is_replica()),
            Seen::Follows(host, source) => self.source(host) == Some(source),
            Seen::Drained(host) => {
                let applier = self.status(host).map(|status| status.applier);
                receiver(host) == Some(ThreadState::Stopped)
                    && applier == Some(ThreadState::Running)
            }
            Seen::Receives(host) => receiver(host) == Some(ThreadState::Running),
            Seen::ReadOnly(host) => is(host, |facts| facts.read_only.read_only == Switch::On),
            Seen::Writable(host) => is(host, |facts| facts.read_only.is_writable()),
            Seen::Down(host) => {
                let reached = self.seen.reached(&name(host));
                reached.is_some_and(|reached| matches!(reached.server, ServerView::Stopped))
            }
            Seen::Masked(host) => self.is_masked(host),
            Seen::HasVip(host) => self.has_vip(host),
            Seen::HasNoVip(host) => !self.has_vip(host),
        }
    }

    fn source(&self, host: u32) -> Option<u32> {
        let followed = &self.status(host)?.source_host;
        let is_it = |of: &u32| self.cluster.hosts[&name(*of)].address.to_string() == *followed;
        HOSTS.into_iter().find(is_it)
    }

    fn is_masked(&self, host: u32) -> bool {
        let os = self.seen.os(&name(host));
        os.is_some_and(|os| os.units.values().any(|unit| unit.enablement == "masked"))
    }

    fn has_vip(&self, host: u32) -> bool {
        let vip = self.cluster.vip.as_ref().expect("a VIP").address;
        let os = self.seen.os(&name(host));
        os.is_some_and(|os| os.has_address(vip))
    }

    /// Everything that matters, a line for each host.
    pub(crate) fn lines(&self) -> Vec<String> {
        HOSTS.map(|host| self.line(host)).to_vec()
    }

    fn line(&self, host: u32) -> String {
        let mut words = match self.server(host) {
            Some(facts) => self.words(host, facts),
            None => vec!["down".to_owned()],
        };
        let os = self.seen.os(&name(host));
        let marks = os.map(|os| &os.marks);
        if marks.is_some_and(|marks| marks.fenced.is_some()) {
            words.push("marked as fenced".to_owned());
        }
        if self.has_vip(host) {
            words.push("VIP".to_owned());
        }
        format!("db{host}: {}", words.join(", "))
    }

    fn words(&self, host: u32, facts: &ServerFacts) -> Vec<String> {
        let mut words = Vec::new();
        let is_writable = facts.read_only.is_writable();
        words.push(if is_writable { "writable" } else { "read-only" }.to_owned());
        words.push(match (self.source(host), &facts.replica) {
            (Some(source), Some(status)) => format!(
                "follows db{source} (receiver {}, applier {})",
                thread(status.receiver),
                thread(status.applier)
            ),
            (_, None) => "follows nobody".to_owned(),
            (None, Some(status)) => format!("follows {}", status.source_host),
        });
        if facts.semi_sync.source_enabled == Some(Switch::On) {
            words.push("asks for acknowledgements".to_owned());
        }
        if facts.semi_sync.waiting_sessions > 0 {
            words.push("a commit waits".to_owned());
        }
        if let Some(count) = self.rows.get(&host) {
            words.push(format!("rows: {count}"));
        }
        let others = HOSTS.into_iter().filter(|other| *other != host);
        let lacks = others.filter(|other| {
            let other = self.server(*other);
            other.is_some_and(|other| !facts.executed.contains(&other.executed))
        });
        let lacks: Vec<_> = lacks.map(|other| format!("db{other}")).collect();
        if !lacks.is_empty() {
            words.push(format!("behind {}", lacks.join(" and ")));
        }
        words
    }
}

fn thread(state: ThreadState) -> &'static str {
    match state {
        ThreadState::Running => "runs",
        ThreadState::Connecting => "connects",
        ThreadState::Stopped => "stopped",
    }
}

/// How a case is named in `observed.txt`.
pub(crate) fn heading(case: &Case, flavor: Flavor) -> String {
    format!("# {flavor}: {}", case.name)
}
