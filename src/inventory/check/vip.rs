//! Checks of `vip`.
//!
//! It must never accept an address that a host needs for itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::raw::RawVip;
use super::super::vip::{is_interface_name, parse_cidr};
use super::super::{Host, HostName, Scalar, WriterVip, duration};
use super::time::Span;
use super::{Checker, wrong};

/// A lease is renewed at a third of it, and each renewal goes over ssh.
const LEASE: Span = Span {
    default: Duration::from_secs(10),
    least: (
        Duration::from_secs(3),
        "one slow renewal would take the address off a healthy primary",
    ),
    most: (
        Duration::from_mins(10),
        "a cut-off primary would keep the address for so long",
    ),
};

impl Checker<'_> {
    pub(super) fn writer_vip(
        &mut self,
        raw: RawVip,
        hosts: &BTreeMap<HostName, Host>,
        probe_interval: Duration,
    ) -> Option<WriterVip> {
        let RawVip { writer, lease } = raw;
        self.interface(&["vip", "writer", "interface"], &writer.interface);
        let lease = lease.and_then(|written| self.lease(&written, probe_interval));
        let path = ["vip", "writer", "address"];
        let (address, prefix_len) = match parse_cidr(&writer.address) {
            Ok(parsed) => parsed,
            Err(help) => {
                self.value(
                    &path,
                    wrong("not a VIP's address", "expected address/prefix", help),
                );
                return None;
            }
        };
        let owner = hosts.values().find(|host| {
            host.address
                .ip()
                .is_some_and(|ip| ip == address.to_canonical())
        });
        if let Some(owner) = owner {
            let theirs = self.document.at(&["hosts", owner.name.as_ref(), "address"]);
            let diagnostic = self
                .document
                .error(
                    self.document.at(&path),
                    format!("the writer VIP is {}'s own address", owner.name),
                )
                .label("it moves from host to host")
                .related(theirs, "and this one stays")
                .help("choose a free address of the same network");
            self.problems.push(diagnostic);
        }
        Some(WriterVip {
            address,
            prefix_len,
            interface: writer.interface,
            lease,
        })
    }

    fn lease(&mut self, written: &Scalar, probe_interval: Duration) -> Option<Duration> {
        let path = ["vip", "lease"];
        let lease = self.time(&path, Some(written), &LEASE)?;
        if lease.subsec_nanos() != 0 {
            let help = format!("write {}s", lease.as_secs() + 1);
            let wrong = wrong(
                "`lease` is not in whole seconds",
                "the kernel counts seconds",
                help,
            );
            self.value(&path, wrong);
        } else if lease < 4 * probe_interval {
            let message = format!(
                "`lease` of {} is shorter than four of `failover.probe_interval`, {}",
                duration::text(lease),
                duration::text(probe_interval)
            );
            let label = "a renewal that is late once would take the address off a healthy primary";
            let help = format!(
                "write {}s or more",
                (4 * probe_interval).as_millis().div_ceil(1000)
            );
            self.value(&path, wrong(message, label, help));
        }
        Some(lease)
    }

    pub(super) fn interface(&mut self, path: &[&str], text: &str) {
        if !is_interface_name(text) {
            let label = "at most 15 letters, digits, `-`, `_`, `.`";
            let help = "write the name that `ip link` shows on the hosts: eth0";
            self.value(path, wrong("not a network interface's name", label, help));
        }
    }
}
