//! Checks of `replication`: what protects a replica's connection must be complete.
//!
//! It must never weaken what is written: a wish that cannot be fulfilled is reported.

use super::super::raw::{RawReplication, RawTls};
use super::{Checker, wrong};
use crate::mysql::SourceTls;

impl Checker<'_> {
    pub(super) fn replication(&mut self, raw: RawReplication) -> SourceTls {
        match (raw.tls, raw.ca) {
            (RawTls::Verified, Some(ca)) if ca.starts_with('/') && !ca.contains('\n') => {
                return SourceTls::Verified { ca };
            }
            (RawTls::Verified, Some(_)) => self.value(
                &["replication", "ca"],
                wrong(
                    "not an absolute path",
                    "a file on every host",
                    "write one like /etc/mysql/ca.pem",
                ),
            ),
            (RawTls::Verified, None) => self.value(
                &["replication", "tls"],
                wrong(
                    "`verified` needs an authority",
                    "whose certificates count?",
                    "write `ca: /etc/mysql/ca.pem`, a file on every host; or `tls: required`",
                ),
            ),
            (_, Some(_)) => self.key(
                &["replication", "ca"],
                wrong(
                    "`ca` without `tls: verified`",
                    "nobody would look at it",
                    "write `tls: verified`, or remove this line",
                ),
            ),
            (RawTls::Native, None) => {}
            (RawTls::Off, None) => return SourceTls::Off,
            (RawTls::Required, None) => return SourceTls::Required,
        }
        SourceTls::Native
    }
}
