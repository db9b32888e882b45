//! Where a host is reached.
//!
//! It must never hold what ssh or a server would take for something else: an option, a port, a user.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// An IP address or a DNS name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
    /// An address that needs no name service: what the inventory should have.
    Ip(IpAddr),
    /// A DNS name, in lower case.
    Name(String),
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what is wrong and what to write, as the second half of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            let ip = ip.to_canonical();
            if ip.is_unspecified() || ip.is_multicast() || is_broadcast(ip) {
                return Err("this is no host's own address");
            }
            return Ok(Self::Ip(ip));
        }
        if text.contains('/') {
            return Err("write it without a prefix length: 192.0.2.10");
        }
        if text.contains('@') {
            return Err("write the user as `ssh: {user: …}`");
        }
        if text.contains(':') {
            return Err("write the port apart, as `port: …` (ssh's as `ssh: {port: …}`)");
        }
        let dotted_number = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        if dotted_number || text.len() > 253 || !text.split('.').all(label) {
            return Err("write an IP address or a DNS name: 192.0.2.10, db1.example.com");
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }

    /// The `server_id` of a host that does not name one.
    ///
    /// An IPv4 address is its own number: unique whenever addresses are, and the same when other hosts come
    /// and go. IPv6 addresses and names give the first four bytes of SHA-256 of their text, which two hosts
    /// share once in about four thousand million pairs; that is found and refused like any clash.
    pub fn derived_server_id(&self) -> u32 {
        match self {
            // Never 0, which would switch replication off: 0.0.0.0 is no host's address.
            Self::Ip(IpAddr::V4(ip)) => ip.to_bits(),
            Self::Ip(IpAddr::V6(_)) | Self::Name(_) => {
                let hash = Sha256::digest(self.to_string().as_bytes());
                u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]).max(1)
            }
        }
    }

    /// The IP address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name(_) => None,
        }
    }
}

fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_broadcast())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_address_or_name_is_taken() {
        for good in [
            "192.0.2.1",
            "2001:db8::1",
            "db1",
            "db1.example.com",
            "127.0.0.1",
        ] {
            assert_eq!(Address::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "192.0.2.1/24",
            "root@db1",
            "db1:3306",
            "192.0.2.300",
            "1.2.3",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "a b",
            "a..b",
            "db1;id",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_spellings_of_one_address_are_one() {
        assert_eq!(
            Address::parse("2001:DB8:0::1"),
            Address::parse("2001:db8::1")
        );
        assert_eq!(
            Address::parse("::ffff:192.0.2.1"),
            Address::parse("192.0.2.1")
        );
        assert_eq!(Address::parse("DB1"), Address::parse("db1"));
    }

    #[test]
    fn server_ids_stay_what_they_are() {
        let id = |text| Address::parse(text).unwrap().derived_server_id();
        assert_eq!(id("192.0.2.1"), 3_221_225_985);
        // Pinned: a change would renumber running servers.
        assert_eq!(id("db1.example.com"), id("DB1.example.com"));
        insta::assert_snapshot!(id("db1.example.com"), @"4219229407");
        insta::assert_snapshot!(id("2001:db8::1"), @"1526536680");
    }
}
