//! Checks of `hosts`, each by itself and all together.
//!
//! It must never accept two hosts that the cluster could not tell apart.

use std::collections::BTreeMap;

use super::super::raw::{RawGroup, RawHost, RawSsh};
use super::super::{Address, BecomePassword, Host, HostName, InitialRole, Promotion, ServerSpec};
use super::{Checker, no_primary, vars, wrong};

/// Words that `hosts:` and `--limit` give a meaning of their own.
const RESERVED: [&str; 6] = [
    "all", "joining", "primary", "replica", "replicas", "serving",
];

impl Checker<'_> {
    /// Every host that is right by itself; mistakes are reported in the order of the file.
    pub(super) fn hosts(
        &mut self,
        mut raw: BTreeMap<String, RawHost>,
        server: &ServerSpec,
        ssh: &RawSsh,
        groups: &BTreeMap<String, RawGroup>,
    ) -> BTreeMap<HostName, Host> {
        self.check_ssh(&["ssh"], ssh);
        // Asked for once: a command may want a finger on a key.
        let password = self.become_password(&["ssh"], ssh);
        let ssh = (ssh, password.as_ref());
        if raw.is_empty() {
            let help = "add one: db1: {address: 192.0.2.1, primary: true}";
            self.key(
                &["hosts"],
                wrong("the cluster has no hosts", "none in here", help),
            );
            return BTreeMap::new();
        }
        self.one_primary(&raw);
        let names: Vec<String> = raw.keys().cloned().collect();
        let mut found: Vec<Host> = Vec::new();
        for name in self.in_file_order(&names) {
            let Some(mut host) = raw.remove(&name) else {
                continue;
            };
            let own = std::mem::take(&mut host.vars);
            self.vars(&["hosts", &name, "vars"], &own);
            if let Some(mut host) = self.host(&name, host, server, ssh, &names) {
                host.vars = vars::of_host(groups, &host.groups, own);
                self.unlike_the_others(&host, &found);
                found.push(host);
            }
        }
        found
            .into_iter()
            .map(|host| (host.name.clone(), host))
            .collect()
    }

    fn in_file_order(&self, names: &[String]) -> Vec<String> {
        match self
            .document
            .node(&["hosts"])
            .and_then(|node| node.as_map())
        {
            Some(map) => map.iter().map(|entry| entry.key.clone()).collect(),
            None => names.to_vec(),
        }
    }

    fn one_primary(&mut self, raw: &BTreeMap<String, RawHost>) {
        let mut primaries: Vec<_> = raw
            .iter()
            .filter(|(_, host)| host.primary)
            .map(|(name, _)| (self.document.at(&["hosts", name, "primary"]), name))
            .collect();
        primaries.sort_unstable();
        let Some(((first_at, first), others)) = primaries.split_first() else {
            self.problems.push(no_primary(self.document));
            return;
        };
        for (at, name) in others {
            let diagnostic = self
                .document
                .error(*at, format!("{first} and {name} are both the primary"))
                .label("the second one")
                .related(*first_at, "the first one")
                .help("keep one: the others replicate from it");
            self.problems.push(diagnostic);
        }
    }

    fn host(
        &mut self,
        text: &str,
        raw: RawHost,
        server: &ServerSpec,
        ssh: (&RawSsh, Option<&BecomePassword>),
        names: &[String],
    ) -> Option<Host> {
        let path = ["hosts", text];
        let at = |key| ["hosts", text, key];
        let name = self.host_name(text);
        if raw.primary && raw.promotion == Promotion::Never {
            let message = format!("{text} is the primary and may never be one");
            let help = "let another host be the primary, or allow this one: `promotion: avoid`";
            self.value(
                &at("promotion"),
                wrong(message, "contradicts `primary: true`", help),
            );
        }
        if raw.server_id == Some(0) {
            let help = "write 1 to 4294967295, or leave it out";
            self.value(
                &at("server_id"),
                wrong("not a server_id", "0 switches replication off", help),
            );
        }
        let port = self.port(&at("port"), raw.port).unwrap_or(server.port);
        let own = self.settings(&at("settings"), raw.settings);
        let groups = self.groups(&path, raw.groups, names);
        if let Some(interface) = &raw.interface {
            self.interface(&at("interface"), interface);
        }
        self.check_ssh(&at("ssh"), &raw.ssh);
        let address = match Address::parse(&raw.address) {
            Ok(address) => address,
            Err(help) => {
                self.value(
                    &at("address"),
                    wrong("not a host's address", "expected one address", help),
                );
                return None;
            }
        };
        Some(Host {
            name: name?,
            port,
            server_id: raw.server_id.unwrap_or_else(|| address.derived_server_id()),
            initial: if raw.primary {
                InitialRole::Primary
            } else {
                InitialRole::Replica
            },
            promotion: raw.promotion,
            settings: server.settings.clone().into_iter().chain(own).collect(),
            groups,
            vars: BTreeMap::new(),
            interface: raw.interface,
            ssh: self.ssh_target(&at("ssh"), &address, raw.ssh, ssh),
            address,
        })
    }

    fn host_name(&mut self, text: &str) -> Option<HostName> {
        let path = ["hosts", text];
        if RESERVED.contains(&text) {
            let message = format!("a host cannot be called `{text}`");
            self.key(
                &path,
                wrong(
                    message,
                    "the word has a meaning in `--limit`",
                    "choose another",
                ),
            );
            return None;
        }
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let help = "choose one like `db1`; its address goes below it";
                self.key(&path, wrong("not a host's name", format!("{error}"), help));
                None
            }
        }
    }

    fn groups(&mut self, host: &[&str], mut groups: Vec<String>, names: &[String]) -> Vec<String> {
        for (i, group) in groups.iter().enumerate() {
            let index = i.to_string();
            let place = [host, &["groups", &index]].concat();
            let help = "choose one like `reporting`";
            if group.parse::<HostName>().is_err() {
                self.value(
                    &place,
                    wrong("not a group's name", "letters, digits, `-`, `.`, `_`", help),
                );
            } else if RESERVED.contains(&group.as_str()) || names.contains(group) {
                let message = format!("a group cannot be called `{group}`");
                self.value(
                    &place,
                    wrong(message, "the word means something else already", help),
                );
            }
        }
        groups.sort();
        groups.dedup();
        groups
    }

    fn unlike_the_others(&mut self, host: &Host, others: &[Host]) {
        let same_address = others.iter().find(|other| other.address == host.address);
        if let Some(other) = same_address {
            let place = |name: &HostName| self.document.at(&["hosts", name.as_ref(), "address"]);
            let diagnostic = self
                .document
                .error(
                    place(&host.name),
                    format!("{} and {} have one address", other.name, host.name),
                )
                .label("the same as")
                .related(place(&other.name), "this one")
                .help("give each host its own address");
            self.problems.push(diagnostic);
            // Then equal server_ids follow, and would be a second message about one mistake.
            return;
        }
        if let Some(other) = others
            .iter()
            .find(|other| other.server_id == host.server_id)
        {
            let place = |name: &HostName| self.document.at(&["hosts", name.as_ref(), "server_id"]);
            let message = format!(
                "{} and {} have one server_id, {}",
                other.name, host.name, host.server_id
            );
            let diagnostic = self
                .document
                .error(place(&host.name), message)
                .label("the same as")
                .related(place(&other.name), "this one")
                .help("give one of them another `server_id:`; without the key it is made of the address");
            self.problems.push(diagnostic);
        }
    }
}
