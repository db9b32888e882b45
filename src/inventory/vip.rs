//! The writer VIP: the address that applications write to.
//!
//! It must never be a host's own address: moving it would cut that host off.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// The address that is on the primary and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterVip {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix, in bits.
    pub prefix_len: u8,
    /// The network interface that carries it, unless a host names its own.
    pub interface: String,
    /// After how long without a watcher's renewal the kernel takes the address off; `None` is never.
    pub lease: Option<Duration>,
}

impl fmt::Display for WriterVip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// Reads `address/prefix`.
///
/// # Errors
/// Says what is wrong and what to write.
pub(super) fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => {
                format!(
                    "add the network's prefix length: {ip}/24 (or {ip}/32 for this address alone)"
                )
            }
            Ok(IpAddr::V6(ip)) => format!("add the network's prefix length: {ip}/64"),
            Err(_) => "write an IP address with its prefix length: 192.0.2.90/24".to_owned(),
        });
    };
    let ip: IpAddr = address
        .parse()
        .map_err(|_| "write an IP address with its prefix length: 192.0.2.90/24".to_owned())?;
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    let prefix = prefix
        .parse::<u8>()
        .ok()
        .filter(|bits| (1..=longest).contains(bits))
        .ok_or_else(|| format!("the prefix length of such an address is 1 to {longest}"))?;
    if ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() {
        return Err("write an address that other machines can reach".to_owned());
    }
    if is_network_or_broadcast(ip, prefix) {
        return Err(
            "this is the network's own or its broadcast address: choose a host's".to_owned(),
        );
    }
    Ok((ip, prefix))
}

fn is_network_or_broadcast(ip: IpAddr, prefix: u8) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    // Networks of one and two addresses have neither (RFC 3021).
    let Some(host_bits) = u32::MAX
        .checked_shr(u32::from(prefix))
        .filter(|_| prefix < 31)
    else {
        return false;
    };
    let host = ip.to_bits() & host_bits;
    host == 0 || host == host_bits
}

/// Whether Linux takes it as an interface's name: at most 15 bytes, without `/`, `:` and white space.
pub(super) fn is_interface_name(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && !text.starts_with(['-', '.'])
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vip_needs_its_prefix_and_a_hosts_place_in_it() {
        assert_eq!(
            parse_cidr("192.0.2.90/24"),
            Ok(("192.0.2.90".parse().unwrap(), 24))
        );
        assert_eq!(
            parse_cidr("192.0.2.90/32"),
            Ok(("192.0.2.90".parse().unwrap(), 32))
        );
        assert_eq!(
            parse_cidr("192.0.2.0/31"),
            Ok(("192.0.2.0".parse().unwrap(), 31))
        );
        assert!(parse_cidr("2001:db8::90/64").is_ok());
        for bad in [
            "192.0.2.90",
            "192.0.2.90/0",
            "192.0.2.90/33",
            "192.0.2.0/24",
            "192.0.2.255/24",
            "x/24",
            "192.0.2.90/255.255.255.0",
            "127.0.0.1/8",
            "",
            "2001:db8::90",
            "2001:db8::90/129",
        ] {
            assert!(parse_cidr(bad).is_err(), "{bad}");
        }
    }
}
