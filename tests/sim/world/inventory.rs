//! The inventory of a simulated cluster: `db1` leads first, and the GTIDs of its servers carry the number
//! of the host.

use std::fmt::Write as _;
use std::path::Path;

use hactl::inventory::{Cluster, Inventory, SecretError, Secrets};
use hactl::mysql::Flavor;
use hactl::yaml::{Paint, Source};
use secrecy::SecretString;

struct FixedSecrets;

impl Secrets for FixedSecrets {
    fn env(&self, name: &str) -> Option<String> {
        Some(format!("secret of {name}"))
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        unreachable!("no file is named: {}", path.display())
    }

    fn command(&self, command: &str) -> Result<SecretString, SecretError> {
        unreachable!("no command is named: {command}")
    }
}

/// A lossless cluster of so many hosts. `promotions` are more lines for single hosts:
/// `(2, "promotion: never")`.
pub(crate) fn cluster(flavor: Flavor, hosts: usize, promotions: &[(usize, &str)]) -> Cluster {
    let mut text = format!(
        "cluster: sim\ndurability: lossless\nserver: {{flavor: {flavor}}}\naccounts:\n\
         \x20 replication: {{user: repl, password: 'env:R'}}\n\
         \x20 monitor: {{user: monitor, password: 'env:M'}}\n\
         \x20 admin: {{user: hactl, password: 'env:A'}}\n\
         vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\nhosts:\n"
    );
    for host in 1..=hosts {
        let primary = if host == 1 { ", primary: true" } else { "" };
        let more: String = promotions
            .iter()
            .filter(|(of, _)| *of == host)
            .map(|(_, line)| format!(", {line}"))
            .collect();
        let _ = writeln!(
            text,
            "  db{host}: {{address: 192.0.2.{host}, server_id: {host}{primary}{more}}}"
        );
    }
    Inventory::parse(Source::new("sim.yml", text), Path::new("."), &FixedSecrets)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(Paint::Plain)))
}
