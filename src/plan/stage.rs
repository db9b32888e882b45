//! Steps between two barriers. What one host needs of another belongs to an earlier stage; the one
//! exception is a bounded wait for what happens beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::inventory::HostName;
use crate::plan::Step;

/// The steps of one stage of a play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StagePlan {
    /// The play's name.
    pub play: String,
    /// Steps in task order; those of one host run in this order, hosts run side by side.
    pub steps: Vec<Step>,
    /// What is looked at when it has ended.
    pub look: Look,
}

/// Which hosts are looked at after a stage. Each look costs tens of milliseconds of an outage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// Every host that answers.
    #[default]
    All,
    /// These.
    At(BTreeSet<HostName>),
    /// Only what the servers of these say, over connections that are open already. Of the machines the
    /// steps have read back what they did; where one did not end well, this is as [`Look::At`], and in a
    /// walk as [`Look::All`].
    Servers(BTreeSet<HostName>),
    /// None: the steps read back what they did, and the next stage needs nothing else.
    None,
}

impl StagePlan {
    /// The steps of each host, in order.
    pub fn by_host(&self) -> BTreeMap<&HostName, Vec<&Step>> {
        let mut hosts: BTreeMap<&HostName, Vec<&Step>> = BTreeMap::new();
        for step in &self.steps {
            hosts.entry(&step.host).or_default().push(step);
        }
        hosts
    }
}
