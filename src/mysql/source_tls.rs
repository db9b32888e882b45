//! How the connection from a replica to its source is protected, in the words of statements, of the
//! servers' own clients, and of what a replica says of itself. Must never leave an option out: what is not
//! written is inherited from an earlier source.

use super::quote::quote_literal;
use super::{Dialect, ReplicaStatus, Switch};

/// How the connection from a replica to its source is protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceTls {
    /// What the server offers by itself without certificates being handed out: encrypted where
    /// every server has a key of its own (`MySQL`, `MariaDB` from 11.4), else plain.
    #[default]
    Native,
    /// Never encrypted. On `MySQL` the password is then exchanged by the source's public key.
    Off,
    /// Encrypted, whoever answers.
    Required,
    /// Encrypted, and the source has a certificate for its address from this authority: nobody between
    /// the two can answer in its place.
    Verified {
        /// The authority's certificate, a file on every host.
        ca: String,
    },
}

impl SourceTls {
    /// Whether a connection without encryption is refused.
    pub fn is_demanded(&self) -> bool {
        matches!(self, Self::Required | Self::Verified { .. })
    }

    fn ca(&self) -> &str {
        match self {
            Self::Verified { ca } => ca,
            Self::Native | Self::Off | Self::Required => "",
        }
    }

    /// How a replica is not protected as wanted, in words. Where nothing is demanded, nothing differs: a
    /// replica that is encrypted by somebody's own doing is none the worse.
    pub fn differences(&self, status: &ReplicaStatus) -> Vec<String> {
        let verified = matches!(self, Self::Verified { .. });
        let mut differs = Vec::new();
        match (self, status.ssl) {
            (Self::Required | Self::Verified { .. }, Some(Switch::Off)) => {
                differs.push("not encrypted".to_owned());
            }
            (Self::Off, Some(Switch::On)) => differs.push("encrypted".to_owned()),
            _ => {}
        }
        if verified && status.ssl_verify == Some(Switch::Off) {
            differs.push("does not verify the source's certificate".to_owned());
        }
        if verified && status.ssl_ca.as_deref().is_some_and(|ca| ca != self.ca()) {
            differs.push("trusts another authority".to_owned());
        }
        differs
    }
}

impl Dialect {
    /// The part of a `CHANGE` that is about encryption. Written even where it is the default: `MariaDB`
    /// 11.4 turned encryption and its verification on (MDEV-31857).
    pub(super) fn source_tls_options(self, tls: &SourceTls) -> String {
        let side = if self.is_mariadb() {
            "MASTER"
        } else {
            "SOURCE"
        };
        let encrypted = match tls {
            SourceTls::Native => !self.is_mariadb() || self.at_least(11, 4, 0),
            SourceTls::Off => false,
            SourceTls::Required | SourceTls::Verified { .. } => true,
        };
        let verified = matches!(tls, SourceTls::Verified { .. });
        format!(
            "{side}_SSL = {}, {side}_SSL_VERIFY_SERVER_CERT = {}, {side}_SSL_CA = {}",
            u8::from(encrypted),
            u8::from(verified),
            quote_literal(tls.ca())
        )
    }

    /// Whether the server's own client may look at the machine's list of authorities. `MySQL`'s verifies
    /// nothing unless it is told to (`--ssl-mode`), and reads all of the list all the same: 9 of the 26 ms
    /// that a login takes (measured on 9.7 with `OpenSSL` 3).
    pub fn client_asks_authorities(self, tls: &SourceTls) -> bool {
        self.is_mariadb() || matches!(tls, SourceTls::Verified { .. })
    }

    /// Lines of an option file with which the server's own client protects its connection likewise.
    pub fn client_tls_options(self, tls: &SourceTls) -> Vec<String> {
        let ca = |ca: &str| {
            format!(
                "ssl-ca=\"{}\"",
                ca.replace('\\', "\\\\").replace('"', "\\\"")
            )
        };
        match (tls, self.is_mariadb()) {
            (SourceTls::Native, _) => Vec::new(),
            (SourceTls::Off, true) => vec!["skip-ssl".to_owned()],
            (SourceTls::Off, false) => vec![
                "ssl-mode=DISABLED".to_owned(),
                "get-server-public-key".to_owned(),
            ],
            (SourceTls::Required, true) => {
                vec!["ssl".to_owned(), "ssl-verify-server-cert=0".to_owned()]
            }
            (SourceTls::Required, false) => vec!["ssl-mode=REQUIRED".to_owned()],
            (SourceTls::Verified { ca: file }, true) => vec![
                "ssl".to_owned(),
                "ssl-verify-server-cert=1".to_owned(),
                ca(file),
            ],
            (SourceTls::Verified { ca: file }, false) => {
                vec!["ssl-mode=VERIFY_IDENTITY".to_owned(), ca(file)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MARIADB_11_8, MYSQL_9_7};

    fn verified() -> SourceTls {
        SourceTls::Verified {
            ca: "/etc/mysql/ca.pem".to_owned(),
        }
    }

    #[test]
    fn every_option_is_written_for_each_wish() {
        let said = |dialect: Dialect, tls| dialect.source_tls_options(&tls);
        assert_eq!(
            said(MARIADB_10_11, SourceTls::Native),
            "MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_SSL_CA = ''"
        );
        assert!(said(MARIADB_11_8, SourceTls::Native).starts_with("MASTER_SSL = 1, "));
        assert!(said(MYSQL_9_7, SourceTls::Native).starts_with("SOURCE_SSL = 1, "));
        assert_eq!(
            said(MARIADB_10_11, SourceTls::Required),
            "MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_SSL_CA = ''"
        );
        assert_eq!(
            said(MYSQL_9_7, verified()),
            "SOURCE_SSL = 1, SOURCE_SSL_VERIFY_SERVER_CERT = 1, SOURCE_SSL_CA = '/etc/mysql/ca.pem'"
        );
        for dialect in ALL {
            assert!(
                said(dialect, SourceTls::Off).contains("_SSL = 0, "),
                "{dialect}"
            );
        }
    }

    #[test]
    fn a_client_asks_for_what_the_replica_will_ask_for() {
        for dialect in ALL {
            let lines = |tls| dialect.client_tls_options(&tls).join(" ");
            assert_eq!(lines(SourceTls::Native), "", "{dialect}");
            assert!(lines(verified()).contains("ssl-ca=\"/etc/mysql/ca.pem\""));
            assert!(dialect.client_asks_authorities(&verified()));
            let demands = ["ssl-mode=REQUIRED", "ssl ssl-verify-server-cert=0"];
            assert!(
                demands.contains(&lines(SourceTls::Required).as_str()),
                "{dialect}"
            );
        }
    }
}
