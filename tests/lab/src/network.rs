//! The network of one lab: a bridge with a subnet of its own, names and addresses derived from the
//! lab's number, a way out through a masquerade, and the tables in which links are muted. Nothing
//! of another lab or of the outer machine is ever touched, and everything can be removed twice.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use crate::{LabError, command};

/// Bits of a lab's subnet.
pub(crate) const PREFIX_LEN: u8 = 24;

/// The most hosts a lab can have: addresses .11 to .90.
pub(crate) const MOST_HOSTS: usize = 80;

/// Names and addresses of one lab's network. Every interface name stays below the kernel's limit
/// of 15 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// The first two octets, as `HACTL_LAB_NET` has them.
    pub(crate) net: (u8, u8),
    /// The third octet; unique among the labs of a machine, so every name is.
    pub(crate) number: u8,
}

impl Network {
    /// The outer machine's address on the bridge, the hosts' default route.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        self.address(1)
    }

    /// The address that tests use as the writer VIP. Nobody has it at first.
    pub(crate) fn vip(self) -> Ipv4Addr {
        self.address(100)
    }

    /// The address of the host of this number, counted from 1.
    pub(crate) fn host(self, host: u8) -> Ipv4Addr {
        self.address(10 + host)
    }

    fn address(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(self.net.0, self.net.1, self.number, last)
    }

    /// The subnet, with its prefix length.
    pub(crate) fn subnet(self) -> String {
        format!("{}/{PREFIX_LEN}", self.address(0))
    }

    /// The bridge.
    pub(crate) fn bridge(self) -> String {
        format!("hlab{}", self.number)
    }

    /// The network namespace of a host.
    pub(crate) fn namespace(self, host: u8) -> String {
        format!("hlab{}-{host}", self.number)
    }

    /// The bridge's end of a host's cable.
    pub(crate) fn cable(self, host: u8) -> String {
        format!("hlab{}h{host}", self.number)
    }

    /// A host's hardware address. It stays the same over reboots, as that of a real card does;
    /// otherwise the neighbours' ARP caches would point at nobody for a while.
    pub(crate) fn mac(self, host: u8) -> String {
        format!(
            "02:68:{:02x}:{:02x}:{:02x}:{host:02x}",
            self.net.0, self.net.1, self.number
        )
    }

    fn table(self) -> String {
        format!("hactl_lab_{}", self.number)
    }

    /// Makes bridge and tables.
    pub(crate) fn create(self) -> Result<(), LabError> {
        let bridge = self.bridge();
        let address = format!("{}/{PREFIX_LEN}", self.gateway());
        ip(&[
            "link",
            "add",
            &bridge,
            "type",
            "bridge",
            "forward_delay",
            "0",
        ])?;
        ip(&["addr", "add", &address, "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        nft(&self.rules())
    }

    /// The masquerade, and the sets in which links are muted. The largest segment is clamped: the
    /// outer machine's own link may carry less than the bridge does, and a stalled download is all
    /// one would see.
    fn rules(self) -> String {
        let (table, subnet, bridge) = (self.table(), self.subnet(), self.bridge());
        format!(
            "table ip {table} {{
  chain out {{
    type nat hook postrouting priority 100;
    ip saddr {subnet} ip daddr != {subnet} masquerade
  }}
  chain clamp {{
    type filter hook forward priority -150;
    iifname \"{bridge}\" tcp flags syn tcp option maxseg size set rt mtu
    oifname \"{bridge}\" tcp flags syn tcp option maxseg size set rt mtu
  }}
}}
table bridge {table} {{
  set muted_from {{ type ifname; }}
  set muted_to {{ type ifname; }}
  set severed {{ type ifname . ifname; }}
  set veiled {{ type ifname; }}
  set frayed {{ type ifname; }}
  chain in {{
    type filter hook prerouting priority 0;
    iifname @muted_from drop
    iifname @frayed numgen random mod 10 < 3 drop
  }}
  chain here {{
    type filter hook input priority 0;
    iifname @veiled drop
  }}
  chain hence {{
    type filter hook output priority 0;
    oifname @veiled drop
  }}
  chain between {{
    type filter hook forward priority 0;
    iifname . oifname @severed drop
  }}
  chain out {{
    type filter hook postrouting priority 0;
    oifname @muted_to drop
    oifname @frayed numgen random mod 10 < 3 drop
  }}
}}
"
        )
    }

    /// Drops every frame that comes from (`muted_from`) or goes to (`muted_to`) a host, or that
    /// goes between two of them (`severed`), or between one and the outer machine (`veiled`); of
    /// one that is `frayed`, three in ten both ways.
    pub(crate) fn mute(self, set: &str, element: &str) -> Result<(), LabError> {
        nft(&format!(
            "add element bridge {} {set} {{ {element} }}\n",
            self.table()
        ))
    }

    /// Undoes [`Network::mute`]; nothing happens when it was not muted.
    pub(crate) fn unmute(self, set: &str, element: &str) -> Result<(), LabError> {
        let table = self.table();
        // Deleting what is absent is an error: add it first, in the same transaction.
        nft(&format!(
            "add element bridge {table} {set} {{ {element} }}\n\
             delete element bridge {table} {set} {{ {element} }}\n"
        ))
    }

    /// Removes bridge and tables, as far as they are there.
    pub(crate) fn remove(self) -> Result<(), LabError> {
        let table = self.table();
        // As above: make sure of it, then delete it, in one transaction.
        nft(&format!(
            "add table ip {table}\ndelete table ip {table}\n\
             add table bridge {table}\ndelete table bridge {table}\n"
        ))?;
        remove_link(&self.bridge())
    }

    /// Whether something on this machine already uses the subnet or the bridge's name.
    pub(crate) fn is_taken(self, routes: &str) -> bool {
        let octets = format!("{}.{}.{}.", self.net.0, self.net.1, self.number);
        link_exists(&self.bridge())
            || routes
                .split_ascii_whitespace()
                .any(|word| word.starts_with(&octets))
    }
}

/// Every IPv4 route of the outer machine, as text.
pub(crate) fn routes() -> Result<String, LabError> {
    ip(&["-4", "route", "show", "table", "all"])
}

/// Whether the outer machine has a network interface of this name.
pub(crate) fn link_exists(name: &str) -> bool {
    Path::new("/sys/class/net").join(name).exists()
}

/// Removes an interface if it is there.
pub(crate) fn remove_link(name: &str) -> Result<(), LabError> {
    if link_exists(name) {
        ip(&["link", "del", name])?;
    }
    Ok(())
}

/// Removes a network namespace's name if it is there.
pub(crate) fn remove_namespace(name: &str) -> Result<(), LabError> {
    if Path::new("/run/netns").join(name).exists() {
        ip(&["netns", "del", name])?;
    }
    Ok(())
}

/// Runs iproute2's `ip`.
pub(crate) fn ip(args: &[&str]) -> Result<String, LabError> {
    command::run(&format!("do: ip {}", args.join(" ")), "ip", args)
}

/// Runs one nft transaction.
fn nft(script: &str) -> Result<(), LabError> {
    let mut nft = Command::new("nft");
    nft.args(["-f", "-"]);
    command::checked("change the lab's packet filter tables", nft, script).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Network = Network {
        net: (10, 77),
        number: 254,
    };

    #[test]
    fn every_interface_name_fits_the_kernel() {
        let most = u8::try_from(MOST_HOSTS).unwrap();
        assert!(NETWORK.cable(most).len() <= 15, "{}", NETWORK.cable(most));
        assert!(NETWORK.bridge().len() <= 15);
    }

    #[test]
    fn the_last_host_stays_below_the_vip() {
        let most = u8::try_from(MOST_HOSTS).unwrap();
        assert!(NETWORK.host(most) < NETWORK.vip());
        assert_eq!(NETWORK.host(1).to_string(), "10.77.254.11");
    }

    #[test]
    fn a_subnet_that_is_routed_elsewhere_is_taken() {
        // No lab has this number, so no bridge of its name is there.
        let network = Network {
            net: (10, 77),
            number: 255,
        };
        assert!(network.is_taken("10.77.255.0/24 via 192.0.2.1 dev eth0"));
        assert!(!network.is_taken("10.77.25.0/24 dev eth0 scope link"));
    }
}
