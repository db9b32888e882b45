//! Signs put together over time. It keeps the one rule of time: a state lasts from its first sign on,
//! and silence from the last answer on. It must never forget what a server last said.

use std::collections::BTreeMap;

use super::sign::{Sign, Told};
use crate::facts::{Beat, MachinePulse, Millis, Pulse, ServerPulse, Vigil};
use crate::inventory::HostName;
use crate::mysql::BeatFacts;

/// What has been seen of every host so far.
#[derive(Debug)]
pub(super) struct Record {
    pulses: BTreeMap<HostName, Pulse>,
    latest: BTreeMap<HostName, BeatFacts>,
}

impl Record {
    /// Nothing is known yet of these hosts.
    pub(super) fn new(hosts: impl IntoIterator<Item = HostName>) -> Self {
        let unknown = Pulse {
            server: ServerPulse::Unknown,
            machine: MachinePulse::Unknown,
            last: None,
        };
        Self {
            pulses: hosts
                .into_iter()
                .map(|host| (host, unknown.clone()))
                .collect(),
            latest: BTreeMap::new(),
        }
    }

    /// Everything that is known at a moment.
    pub(super) fn vigil(&self, now: Millis) -> Vigil {
        Vigil {
            now,
            pulses: self.pulses.clone(),
        }
    }

    /// Whether the latest sign of a host's server was an answer.
    pub(super) fn answers(&self, host: &HostName) -> bool {
        self.pulses
            .get(host)
            .is_some_and(|pulse| matches!(pulse.server, ServerPulse::Answers { .. }))
    }

    /// Takes a sign.
    pub(super) fn take(&mut self, sign: Sign) {
        let Some(pulse) = self.pulses.get_mut(&sign.host) else {
            return;
        };
        let (asked, at) = (sign.asked, sign.at);
        match sign.told {
            Told::Beat { facts, took } => {
                pulse.server = ServerPulse::Answers { at };
                let earlier = self.latest.get(&sign.host);
                let received = received(pulse.last.as_ref(), earlier, &facts, at);
                let stuck = stuck(pulse.last.as_ref(), &facts, at);
                pulse.last = Some(Beat {
                    at,
                    took,
                    server_id: facts.server_id,
                    uptime: facts.uptime,
                    read_only: facts.read_only,
                    executed: facts.executed.clone(),
                    semi_sync: facts.semi_sync.clone(),
                    replica: facts.replica.clone(),
                    received,
                    stuck,
                });
                self.latest.insert(sign.host, *facts);
            }
            Told::Refused(text) => {
                let since = match pulse.server {
                    ServerPulse::Refuses { since, .. } => since,
                    _ => at,
                };
                pulse.server = ServerPulse::Refuses { since, text };
            }
            Told::Rejected { number, text } => {
                let since = match pulse.server {
                    ServerPulse::Rejects { since, .. } => since,
                    _ => at,
                };
                pulse.server = ServerPulse::Rejects {
                    since,
                    number,
                    text,
                };
            }
            Told::Silent(text) => {
                let since = match pulse.server {
                    ServerPulse::Answers { at } => at,
                    ServerPulse::Silent { since, .. } => since,
                    _ => asked,
                };
                pulse.server = ServerPulse::Silent { since, text };
            }
            Told::Machine { process, vip } => {
                pulse.machine = MachinePulse::Works { at, process, vip };
            }
            Told::MachineSilent(text) => {
                let since = match pulse.machine {
                    MachinePulse::Works { at, .. } => at,
                    MachinePulse::Silent { since, .. } => since,
                    _ => asked,
                };
                pulse.machine = MachinePulse::Silent { since, text };
            }
            Told::MachineRejected(text) => {
                let since = match pulse.machine {
                    MachinePulse::Rejects { since, .. } => since,
                    _ => at,
                };
                pulse.machine = MachinePulse::Rejects { since, text };
            }
            Told::SentinelEnded => {}
        }
    }
}

/// When a replica was last seen to have received something. Of the first answer nothing can be said.
fn received(
    last: Option<&Beat>,
    earlier: Option<&BeatFacts>,
    facts: &BeatFacts,
    at: Millis,
) -> Option<Millis> {
    facts.replica.as_ref()?;
    if earlier.is_some_and(|earlier| facts.has_received_since(earlier)) {
        return Some(at);
    }
    last?.received
}

/// Since when its commits have waited for the same acknowledgement.
fn stuck(last: Option<&Beat>, facts: &BeatFacts, at: Millis) -> Option<Millis> {
    if facts.semi_sync.waiting_sessions == 0 {
        return None;
    }
    let same = last.filter(|last| last.executed == facts.executed);
    same.and_then(|last| last.stuck).or(Some(at))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::facts::{Process, VipPresence};
    use crate::fixture;
    use crate::mysql::{Flavor, GtidSet, ServerFacts};

    fn host() -> HostName {
        "db2".parse().unwrap()
    }

    fn record() -> Record {
        Record::new([host()])
    }

    fn sign(asked: Millis, at: Millis, told: Told) -> Sign {
        Sign {
            host: host(),
            asked,
            at,
            told,
        }
    }

    fn beat(facts: &ServerFacts, heartbeats: u64) -> Told {
        Told::Beat {
            facts: Box::new(BeatFacts {
                server_id: facts.server_id,
                uptime: facts.uptime,
                read_only: facts.read_only,
                executed: facts.executed.clone(),
                semi_sync: facts.semi_sync.clone(),
                replica: facts.replica.clone(),
                heartbeats: Some(heartbeats),
            }),
            took: Duration::from_millis(1),
        }
    }

    fn replica() -> ServerFacts {
        let cluster = fixture::cluster(Flavor::MariaDb, 3);
        let seen = fixture::healthy(&cluster);
        seen.server(&host()).unwrap().clone()
    }

    fn pulse(record: &Record) -> Pulse {
        record.vigil(0).pulses[&host()].clone()
    }

    fn silent() -> Told {
        Told::Silent("no answer".to_owned())
    }

    #[test]
    fn commits_are_stuck_while_they_wait_and_nothing_is_executed() {
        let mut record = record();
        let mut facts = replica();
        let mut after = |facts: &ServerFacts, at| {
            record.take(sign(at, at, beat(facts, 1)));
            pulse(&record).last.unwrap().stuck
        };
        assert_eq!(after(&facts, 5), None);
        facts.semi_sync.waiting_sessions = 1;
        assert_eq!(after(&facts, 10), Some(10));
        assert_eq!(after(&facts, 20), Some(10));
        facts.executed = GtidSet::parse(Flavor::MariaDb, "0-9-999").unwrap();
        assert_eq!(after(&facts, 30), Some(30));
        facts.semi_sync.waiting_sessions = 0;
        assert_eq!(after(&facts, 40), None);
    }

    #[test]
    fn silence_is_counted_from_the_latest_answer() {
        let mut record = record();
        record.take(sign(0, 5, beat(&replica(), 1)));
        record.take(sign(500, 750, silent()));
        record.take(sign(500, 2000, silent()));
        assert_eq!(
            pulse(&record).server,
            ServerPulse::Silent {
                since: 5,
                text: "no answer".to_owned()
            }
        );
    }

    #[test]
    fn silence_from_the_start_is_counted_from_the_first_attempt() {
        let mut record = record();
        record.take(sign(3, 250, silent()));
        record.take(sign(1600, 1900, silent()));
        assert!(matches!(
            pulse(&record).server,
            ServerPulse::Silent { since: 3, .. }
        ));
    }

    #[test]
    fn a_refusal_lasts_from_the_first_and_an_answer_ends_it() {
        let mut record = record();
        let refused = || Told::Refused("refused".to_owned());
        record.take(sign(10, 11, refused()));
        record.take(sign(60, 61, refused()));
        assert!(matches!(
            pulse(&record).server,
            ServerPulse::Refuses { since: 11, .. }
        ));
        record.take(sign(100, 101, beat(&replica(), 1)));
        record.take(sign(200, 201, refused()));
        assert!(matches!(
            pulse(&record).server,
            ServerPulse::Refuses { since: 201, .. }
        ));
        assert!(pulse(&record).last.is_some(), "what it last said is kept");
    }

    #[test]
    fn something_received_is_a_change_between_two_answers() {
        let mut record = record();
        let received = |record: &Record| pulse(record).last.unwrap().received;
        record.take(sign(0, 1, beat(&replica(), 7)));
        assert_eq!(received(&record), None, "nothing can be said of the first");
        record.take(sign(500, 501, beat(&replica(), 8)));
        assert_eq!(received(&record), Some(501));
        record.take(sign(1000, 1001, beat(&replica(), 8)));
        assert_eq!(received(&record), Some(501), "nothing new came");
        let mut no_replica = replica();
        no_replica.replica = None;
        record.take(sign(1500, 1501, beat(&no_replica, 8)));
        assert_eq!(received(&record), None);
    }

    #[test]
    fn a_machine_is_silent_since_it_last_worked() {
        let mut record = record();
        let process = Process::Runs;
        let vip = VipPresence::Unknown;
        record.take(sign(0, 20, Told::Machine { process, vip }));
        record.take(sign(5000, 6000, Told::MachineSilent("late".to_owned())));
        assert!(matches!(
            pulse(&record).machine,
            MachinePulse::Silent { since: 20, .. }
        ));
    }
}
