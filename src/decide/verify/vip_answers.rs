//! Who answers for the writer VIP on the wire. The hosts' own word is not enough: an address that a host
//! holds may be unheard, and one that no reached host holds may be held by another machine. Where nobody
//! could be asked, nothing is said.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Context;
use crate::decide::{Finding, Severity};
use crate::facts::OsFacts;
use crate::inventory::{HostName, WriterVip};

/// Another machine answers, or nobody does.
pub(super) fn answers(context: &Context<'_>) -> Vec<Finding> {
    let Some(vip) = &context.cluster.vip else {
        return Vec::new();
    };
    let mut findings = strangers(context, vip);
    findings.extend(unheard(context, vip));
    findings
}

/// Whoever answers is a host that was reached, or one too many.
fn strangers(context: &Context<'_>, vip: &WriterVip) -> Vec<Finding> {
    let known: BTreeSet<&str> = context
        .seen
        .all_reached()
        .filter_map(|(_, reached)| reached.os.inspected.as_ref())
        .flat_map(|inspected| inspected.hardware.iter().map(String::as_str))
        .collect();
    // One that was reached, and whose addresses are not known, may be the one.
    let all_known = context.seen.all_reached().all(|(_, reached)| {
        let inspected = reached.os.inspected.as_ref();
        inspected.is_some_and(|inspected| !inspected.hardware.is_empty())
    });
    if !all_known {
        return Vec::new();
    }
    let mut heard: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (host, os) in machines(context) {
        for answer in said(os).into_iter().flatten() {
            if !known.contains(answer.as_str()) {
                heard.entry(answer).or_default().push(host.as_ref());
            }
        }
    }
    let away: Vec<_> = context
        .cluster
        .hosts
        .keys()
        .filter(|host| context.seen.reached(host).is_none())
        .map(ToString::to_string)
        .collect();
    let finding = |(mac, hosts): (&str, Vec<&str>)| {
        let whose = if away.is_empty() {
            "no host of the cluster".to_owned()
        } else {
            format!("no host that was reached; it may be {}", away.join(" or "))
        };
        Finding::cluster(
            Severity::Error,
            "VipAnsweredElsewhere",
            format!(
                "another machine says that the writer VIP {vip} is its own: {mac}, which is {whose} (asked from {})",
                hosts.join(", ")
            ),
            "find the machine with that hardware address (`ip neigh`, the switch) and take the address off it: its clients do not reach the primary",
        )
    };
    heard.into_iter().map(finding).collect()
}

/// The primary holds it, and those beside it on the network do not hear it.
fn unheard(context: &Context<'_>, vip: &WriterVip) -> Option<Finding> {
    let primary = &context.topology.primary;
    if !context.seen.os(primary)?.has_address(vip.address) {
        return None;
    }
    let asked: Vec<_> = machines(context)
        .filter(|(_, os)| !os.has_address(vip.address) && is_beside(os, vip))
        .filter_map(|(host, os)| Some((host, said(os)?)))
        .collect();
    if asked.is_empty() || asked.iter().any(|(_, answers)| !answers.is_empty()) {
        return None;
    }
    let names: Vec<_> = asked.iter().map(|(host, _)| host.to_string()).collect();
    Some(Finding::on(
        primary,
        Severity::Warning,
        "VipUnanswered",
        format!(
            "holds the writer VIP {vip}, and nobody answers for it when {} asks",
            names.join(" or ")
        ),
        format!(
            "on {primary}: look at arp_ignore, the firewall for ARP and the network of that interface"
        ),
    ))
}

fn machines<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a HostName, &'a OsFacts)> {
    context
        .seen
        .all_reached()
        .map(|(host, reached)| (host, &reached.os))
}

fn said(os: &OsFacts) -> Option<&Vec<String>> {
    os.inspected.as_ref()?.vip_answers.as_ref()
}

/// Whether a machine has an address of the VIP's network: questions of that kind pass no router.
fn is_beside(os: &OsFacts, vip: &WriterVip) -> bool {
    let IpAddr::V4(vip_address) = vip.address else {
        return false;
    };
    let mask = u32::MAX
        .checked_shl(32_u32.saturating_sub(vip.prefix_len.into()))
        .unwrap_or(0);
    os.addresses.iter().any(|held| match held.address {
        IpAddr::V4(address) => address.to_bits() & mask == vip_address.to_bits() & mask,
        IpAddr::V6(_) => false,
    })
}
