//! `vip`: the writer VIP is on this host, or it is not. A play takes it off everywhere it should not
//! be before another puts it where it should: never on two hosts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{Action, Neighbours};
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `vip`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vip {
    /// Whether this host holds it.
    pub state: Presence,
}

/// Whether a thing is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

impl Vip {
    #[expect(clippy::unnecessary_wraps, reason = "a module like the others")]
    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        let Some(vip) = &scope.world.cluster.vip else {
            return Ok(Vec::new());
        };
        let cluster = scope.world.cluster;
        let interface = cluster
            .vip_interface(&scope.host.name)
            .unwrap_or(&vip.interface);
        let held: Vec<_> = scope
            .os()
            .into_iter()
            .flat_map(|os| &os.addresses)
            .filter(|held| held.address == vip.address)
            .collect();
        let mut changes = Vec::new();
        for held in &held {
            let right_place = self.state == Presence::Present && held.interface == interface;
            if !right_place {
                changes.push(Change::new(
                    Action::RemoveVip {
                        address: format!("{}/{}", held.address, held.prefix_len),
                        interface: held.interface.clone(),
                    },
                    format!("the writer VIP is on {}", held.interface),
                ));
            }
        }
        if self.state == Presence::Present && !held.iter().any(|held| held.interface == interface) {
            changes.push(Change::new(
                Action::AddVip {
                    address: format!("{}/{}", vip.address, vip.prefix_len),
                    interface: interface.to_owned(),
                    neighbours: Neighbours::Ask,
                    lease: None,
                },
                "the writer VIP is not here",
            ));
        }
        Ok(changes)
    }
}
