//! Everything that a task may look at: the inventory, what was seen, the shape, what was allowed. All
//! of it is borrowed and none of it can be changed from here.

use crate::decide::{Consent, Topology};
use crate::facts::Observation;
use crate::inventory::Cluster;

/// The inputs of compiling a stage.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// What the person wants.
    pub cluster: &'a Cluster,
    /// What was seen last.
    pub seen: &'a Observation,
    /// Who leads.
    pub topology: &'a Topology,
    /// What the operator allowed.
    pub consent: &'a Consent,
}
