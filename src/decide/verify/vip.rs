//! The writer VIP is on the primary and nowhere else.

use super::Context;
use crate::decide::{Finding, Severity};

/// Where the writer VIP is.
pub(super) fn writer(context: &Context<'_>) -> Vec<Finding> {
    let Some(vip) = &context.cluster.vip else {
        return Vec::new();
    };
    let primary = &context.topology.primary;
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        let held = reached.os.has_address(vip.address);
        if held && host != primary {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "VipOnReplica",
                format!("holds the writer VIP {vip}, and the primary is {primary}"),
                "run `hactl bootstrap`, which takes it away here first",
            ));
        }
        let wanted = context.cluster.vip_interface(host);
        let astray =
            reached.os.addresses.iter().find(|held| {
                held.address == vip.address && Some(held.interface.as_str()) != wanted
            });
        if let Some(astray) = astray.filter(|_| host == primary) {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "VipOnOtherInterface",
                format!(
                    "holds the writer VIP {vip} on {}, not on {}",
                    astray.interface,
                    wanted.unwrap_or("the interface of the inventory")
                ),
                "run `hactl bootstrap`, which moves it; or correct `vip: writer: interface`",
            ));
        }
        if !held && host == primary {
            findings.push(Finding::on(
                host,
                Severity::Error,
                "VipMissing",
                format!("is the primary and does not hold the writer VIP {vip}"),
                "run `hactl bootstrap`",
            ));
        }
    }
    findings
}
