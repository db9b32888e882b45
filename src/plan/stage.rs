//! Steps between two barriers. Hosts of one stage must never depend on each other: what one needs of
//! another belongs to an earlier stage.

use std::collections::BTreeMap;

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
