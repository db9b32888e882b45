//! `replication`: what is wanted, and wishes that cannot be fulfilled.

use super::{HEAD, HOSTS, parse};
use crate::mysql::SourceTls;

fn wanted(replication: &str) -> Result<SourceTls, String> {
    let text = format!("{HEAD}{replication}{HOSTS}");
    let cluster = parse(&text).map_err(|error| error.to_string())?;
    Ok(cluster.replication_tls)
}

#[test]
fn each_wish_is_taken_as_it_is() {
    let ca = "/etc/mysql/ca.pem".to_owned();
    for (text, tls) in [
        ("", SourceTls::Native),
        ("replication: {}\n", SourceTls::Native),
        ("replication: {tls: native}\n", SourceTls::Native),
        ("replication: {tls: off}\n", SourceTls::Off),
        ("replication: {tls: required}\n", SourceTls::Required),
        (
            "replication: {tls: verified, ca: /etc/mysql/ca.pem}\n",
            SourceTls::Verified { ca },
        ),
    ] {
        assert_eq!(wanted(text), Ok(tls), "{text}");
    }
}

#[test]
fn a_wish_that_is_not_whole_is_refused() {
    for (text, message) in [
        ("{tls: verified}", "`verified` needs an authority"),
        ("{tls: verified, ca: ca.pem}", "not an absolute path"),
        (
            "{tls: required, ca: /ca.pem}",
            "`ca` without `tls: verified`",
        ),
        ("{ca: /ca.pem}", "`ca` without `tls: verified`"),
        ("{tls: yes}", "tls"),
        ("{mode: position}", "mode"),
    ] {
        let said = wanted(&format!("replication: {text}\n")).unwrap_err();
        assert!(said.contains(message), "{text}: {said}");
    }
}
