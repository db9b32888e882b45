//! The inventory that describes a lab to hactl, in the shape that hactl reads. Passwords are named,
//! never written.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;

use crate::network::PREFIX_LEN;
use crate::suite::Flavor;

/// What the inventory has to say.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) flavor: Flavor,
    pub(crate) key: &'a Path,
    pub(crate) known_hosts: &'a Path,
    pub(crate) vip: Ipv4Addr,
    pub(crate) interface: &'a str,
    pub(crate) hosts: Vec<(&'a str, Ipv4Addr)>,
}

/// The inventory as YAML.
pub(crate) fn yaml(facts: &Facts<'_>) -> String {
    let mut text = format!(
        "cluster: {cluster}
server: {{flavor: {flavor}}}
ssh:
  user: root
  key: {key}
  known_hosts: {known_hosts}
accounts:
  replication: {{user: repl, password: \"env:REPL_PASSWORD\"}}
  monitor: {{user: monitor, password: \"env:MONITOR_PASSWORD\"}}
  admin: {{user: hactl, password: \"env:ADMIN_PASSWORD\"}}
vip:
  writer: {{address: {vip}/{PREFIX_LEN}, interface: {interface}}}
hosts:
",
        cluster = facts.cluster,
        flavor = facts.flavor.word(),
        key = facts.key.display(),
        known_hosts = facts.known_hosts.display(),
        vip = facts.vip,
        interface = facts.interface,
    );
    for (index, (name, address)) in facts.hosts.iter().enumerate() {
        let primary = if index == 0 { ", primary: true" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name}: {{address: {address}{primary}}}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_host_is_the_first_primary() {
        let text = yaml(&Facts {
            cluster: "demo",
            flavor: Flavor::MariaDb,
            key: Path::new("/k"),
            known_hosts: Path::new("/kh"),
            vip: Ipv4Addr::new(10, 77, 1, 100),
            interface: "eth0",
            hosts: vec![
                ("db1", Ipv4Addr::new(10, 77, 1, 11)),
                ("db2", Ipv4Addr::new(10, 77, 1, 12)),
            ],
        });
        assert!(
            text.contains("  db1: {address: 10.77.1.11, primary: true}\n"),
            "{text}"
        );
        assert!(text.ends_with("  db2: {address: 10.77.1.12}\n"), "{text}");
        assert!(
            text.contains("writer: {address: 10.77.1.100/24, interface: eth0}"),
            "{text}"
        );
        for variable in ["REPL_PASSWORD", "MONITOR_PASSWORD", "ADMIN_PASSWORD"] {
            assert!(text.contains(&format!("env:{variable}")), "{variable}");
        }
    }
}
