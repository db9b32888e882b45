//! Checks of `vip`.
//!
//! It must never accept an address that a host needs for itself.

use std::collections::BTreeMap;

use super::super::raw::RawWriterVip;
use super::super::vip::{is_interface_name, parse_cidr};
use super::super::{Host, HostName, WriterVip};
use super::{Checker, wrong};

impl Checker<'_> {
    pub(super) fn writer_vip(
        &mut self,
        raw: RawWriterVip,
        hosts: &BTreeMap<HostName, Host>,
    ) -> Option<WriterVip> {
        self.interface(&["vip", "writer", "interface"], &raw.interface);
        let path = ["vip", "writer", "address"];
        let (address, prefix_len) = match parse_cidr(&raw.address) {
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
            interface: raw.interface,
        })
    }

    pub(super) fn interface(&mut self, path: &[&str], text: &str) {
        if !is_interface_name(text) {
            let label = "at most 15 letters, digits, `-`, `_`, `.`";
            let help = "write the name that `ip link` shows on the hosts: eth0";
            self.value(path, wrong("not a network interface's name", label, help));
        }
    }
}
