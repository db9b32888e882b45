//! What is seen after a stage. It must never take a step's good end for more than that step itself has
//! looked at; where one did not end well, everything is looked at again.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::facts::{HostView, Observation, ServerView};
use crate::fleet::Fleet;
use crate::inventory::HostName;
use crate::plan::{Action, Look, Outcome, Step};

/// How long a host may take to be looked at in the middle of a procedure.
const LOOK: Duration = Duration::from_secs(3);

/// The observation after a stage, from the one before it, and how its steps ended.
pub(super) async fn look_after<F: Fleet>(
    fleet: &F,
    look: &Look,
    mut seen: Observation,
    ended: &[(Step, Outcome)],
) -> Observation {
    let hosts = match look {
        Look::None => return seen,
        Look::All => seen.hosts.keys().cloned().collect(),
        Look::Servers(hosts) if ended.iter().all(|(_, outcome)| outcome.is_good()) => {
            for (step, _) in ended {
                read_back(&mut seen, step);
            }
            ask(fleet, hosts, &mut seen).await
        }
        Look::At(hosts) | Look::Servers(hosts) => hosts.clone(),
    };
    if hosts.is_empty() {
        return seen;
    }
    seen.updated(fleet.look(&hosts, LOOK).await)
}

/// The observation after a stage whose steps ended well and concern servers alone; `None` where that is not
/// so, or a server did not answer. What a whole survey has seen of the machines stays.
pub(super) async fn asked<F: Fleet>(
    fleet: &F,
    look: &Look,
    seen: &Observation,
    ended: &[(Step, Outcome)],
) -> Option<Observation> {
    let Look::Servers(hosts) = look else {
        return None;
    };
    if !ended.iter().all(|(_, outcome)| outcome.is_good()) {
        return None;
    }
    let mut seen = seen.clone();
    let silent = ask(fleet, hosts, &mut seen).await;
    silent.is_empty().then_some(seen)
}

/// What the servers say now; gives the hosts of those that did not.
async fn ask<F: Fleet>(
    fleet: &F,
    hosts: &BTreeSet<HostName>,
    seen: &mut Observation,
) -> BTreeSet<HostName> {
    let mut silent = hosts.clone();
    for (host, mut facts) in fleet.ask(hosts, LOOK).await {
        if let Some(HostView::Reached(reached)) = seen.hosts.get_mut(&host) {
            // Not asked again: what somebody else sets meanwhile is found by the next whole look.
            let before = reached.server.up();
            let before = before.and_then(|facts| facts.set_since_start.clone());
            facts.set_since_start = facts.set_since_start.or(before);
            reached.server = ServerView::Up(Box::new(facts));
            silent.remove(&host);
        }
    }
    silent
}

/// What a step that ended well has seen of the machine itself: who takes the VIP away looks whether it is
/// gone, from every interface, and fails when it is not.
fn read_back(seen: &mut Observation, step: &Step) {
    let vip = match &step.action {
        Action::RemoveVip { address, .. } => Some(address),
        Action::Demote { vip, .. } => vip.as_ref(),
        _ => None,
    };
    let plain = vip.and_then(|vip| vip.split('/').next()?.parse::<IpAddr>().ok());
    if let (Some(plain), Some(HostView::Reached(reached))) = (plain, seen.hosts.get_mut(&step.host))
    {
        let held = &mut reached.os.addresses;
        held.retain(|held| held.address != plain);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::facts::Needs;
    use crate::fixture::{cluster, healthy, name};
    use crate::fleet::Progress;
    use crate::mysql::{Flavor, ServerFacts};
    use crate::plan::OnFailure;

    /// Servers of which some answer, and the hosts that were looked at as a whole.
    struct Asked {
        truth: Observation,
        answering: BTreeSet<HostName>,
        whole: Mutex<BTreeSet<HostName>>,
    }

    impl Fleet for Asked {
        async fn observe(&self, _: &BTreeMap<HostName, Needs>) -> Observation {
            self.truth.clone()
        }

        async fn look(&self, hosts: &BTreeSet<HostName>, _: Duration) -> Observation {
            self.whole.lock().unwrap().extend(hosts.iter().cloned());
            let mut seen = self.truth.clone();
            seen.hosts.retain(|host, _| hosts.contains(host));
            seen
        }

        async fn ask(
            &self,
            hosts: &BTreeSet<HostName>,
            _: Duration,
        ) -> BTreeMap<HostName, ServerFacts> {
            let asked = hosts.intersection(&self.answering);
            let facts = |host: &HostName| ServerFacts {
                set_since_start: None,
                ..self.truth.server(host).unwrap().clone()
            };
            asked.map(|host| (host.clone(), facts(host))).collect()
        }

        async fn apply(&self, _: &Step, _: &dyn Progress) -> Outcome {
            Outcome::Changed
        }
    }

    fn demote() -> Step {
        Step {
            task: String::new(),
            host: name("db1"),
            action: Action::Demote {
                within: LOOK,
                vip: Some("192.0.2.90/24".to_owned()),
            },
            why: String::new(),
            on_failure: OnFailure::Stop,
        }
    }

    /// The observation after db1 was demoted, and who was looked at as a whole. db1 still has the VIP
    /// in what a look would see, so that who answers what can be told.
    fn after(outcome: Outcome, answering: &[&str]) -> (Observation, Vec<String>) {
        let cluster = cluster(Flavor::MariaDb, 3);
        let seen = healthy(&cluster);
        assert!(holds(&seen));
        let fleet = Asked {
            truth: seen.clone(),
            answering: answering.iter().map(|host| name(host)).collect(),
            whole: Mutex::default(),
        };
        let look = Look::Servers([name("db1"), name("db2")].into());
        let ended = [(demote(), outcome)];
        let after = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(look_after(&fleet, &look, seen, &ended));
        let whole = fleet.whole.into_inner().unwrap();
        (after, whole.iter().map(ToString::to_string).collect())
    }

    fn holds(seen: &Observation) -> bool {
        let vip = "192.0.2.90".parse().unwrap();
        seen.os(&name("db1")).unwrap().has_address(vip)
    }

    #[test]
    fn a_step_that_ended_well_has_seen_the_address_go() {
        let (seen, whole) = after(Outcome::Changed, &["db1", "db2"]);
        assert!(!holds(&seen));
        assert!(whole.is_empty(), "{whole:?}");
    }

    #[test]
    fn a_server_without_an_answer_has_its_host_looked_at() {
        let (seen, whole) = after(Outcome::Already, &["db1"]);
        assert!(!holds(&seen));
        assert_eq!(whole, ["db2"]);
    }

    #[test]
    fn after_a_step_that_did_not_end_well_only_a_look_counts() {
        let error = "the link broke".to_owned();
        let (seen, whole) = after(Outcome::Unknown { error }, &["db1", "db2"]);
        assert!(holds(&seen));
        assert_eq!(whole, ["db1", "db2"]);
    }

    /// Whether a walk goes on with what its servers said.
    fn suffices(look: &Look, outcome: Outcome, answering: &[&str]) -> bool {
        let truth = healthy(&cluster(Flavor::MariaDb, 3));
        let fleet = Asked {
            truth: truth.clone(),
            answering: answering.iter().map(|host| name(host)).collect(),
            whole: Mutex::default(),
        };
        let ended = [(demote(), outcome)];
        let seen = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(asked(&fleet, look, &truth, &ended));
        assert!(fleet.whole.into_inner().unwrap().is_empty());
        // What SQL has set was a whole look's question, and its answer stays.
        seen.is_some_and(|seen| seen.server(&name("db1")) == truth.server(&name("db1")))
    }

    #[test]
    fn a_walk_asks_servers_alone_only_after_a_good_end_and_when_all_answer() {
        let both = Look::Servers([name("db1"), name("db2")].into());
        assert!(suffices(&both, Outcome::Changed, &["db1", "db2"]));
        assert!(!suffices(&both, Outcome::Changed, &["db1"]));
        let error = "the link broke".to_owned();
        let unknown = Outcome::Unknown { error };
        assert!(!suffices(&both, unknown, &["db1", "db2"]));
        assert!(!suffices(&Look::All, Outcome::Changed, &["db1", "db2"]));
    }
}
