//! Servers that run and do not let hactl's account in. Whom they follow and what they hold is not known, so
//! nothing about the cluster can be decided: the account is made first, and everything is looked at again.
//! Nothing else is ever done here.

use std::collections::BTreeSet;

use crate::decide::{Next, Procedure, Refusal};
use crate::facts::{Observation, ServerView};
use crate::inventory::HostName;
use crate::plan::{Action, Look, OnFailure, Outcome, Plan, StagePlan, Step};

/// Makes hactl's account where it cannot log in.
#[derive(Clone, Debug)]
pub struct LetIn {
    /// Where; none is left when it was tried.
    hosts: BTreeSet<HostName>,
    failed: Vec<Refusal>,
}

impl LetIn {
    /// For those of the hosts whose servers refuse the account; `None` where there is no such server.
    pub fn needed(seen: &Observation, may: impl Fn(&HostName) -> bool) -> Option<Self> {
        let hosts = seen.all_reached().filter(|(host, reached)| {
            matches!(&reached.server, ServerView::Refused(fault) if fault.is_access_denied())
                && may(host)
        });
        let hosts: BTreeSet<_> = hosts.map(|(host, _)| host.clone()).collect();
        (!hosts.is_empty()).then_some(Self {
            hosts,
            failed: Vec::new(),
        })
    }
}

impl Procedure for LetIn {
    fn heading(&self) -> Plan {
        let names: Vec<_> = self.hosts.iter().map(ToString::to_string).collect();
        Plan {
            intent: "log in to every server first".to_owned(),
            because: vec![format!(
                "the admin account cannot log in on {}: until it can, nobody knows who leads and what is held",
                names.join(", ")
            )],
            loses: Vec::new(),
            loss: None,
            stages: Vec::new(),
        }
    }

    fn next(&mut self, _: &Observation) -> Next {
        if !self.failed.is_empty() {
            return Next::Refused(std::mem::take(&mut self.failed));
        }
        let steps: Vec<_> = std::mem::take(&mut self.hosts)
            .into_iter()
            .map(|host| Step {
                task: "hactl's account can log in".to_owned(),
                host,
                action: Action::InstallAdmin,
                why: "the admin account cannot log in".to_owned(),
                on_failure: OnFailure::Stop,
            })
            .collect();
        if steps.is_empty() {
            return Next::Done;
        }
        Next::Stage(StagePlan {
            play: "Administration".to_owned(),
            steps,
            // Whoever asked for this looks at everything again.
            look: Look::None,
        })
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        let refusals = ended
            .iter()
            .filter_map(|(step, outcome)| Refusal::after(step, outcome));
        self.failed.extend(refusals);
    }
}
