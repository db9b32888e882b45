//! `replication`: what is wanted, and wishes that cannot be fulfilled.

use super::{HEAD, HOSTS, parse};
use crate::inventory::{Cluster, ReplicationMode};
use crate::mysql::{Positioning, SourceTls};

fn cluster(replication: &str) -> Result<Cluster, String> {
    let text = format!("{HEAD}{replication}{HOSTS}");
    parse(&text).map_err(|error| error.to_string())
}

fn wanted(replication: &str) -> Result<SourceTls, String> {
    Ok(cluster(replication)?.replication_tls)
}

#[test]
fn replicas_attach_by_gtid_unless_told_otherwise() {
    let ca = "/etc/mysql/ca.pem".to_owned();
    for (text, mode, tls) in [
        ("", ReplicationMode::Gtid, SourceTls::Native),
        (
            "replication: {mode: gtid, tls: required}\n",
            ReplicationMode::Gtid,
            SourceTls::Required,
        ),
        (
            "replication: {mode: position}\n",
            ReplicationMode::Position,
            SourceTls::Native,
        ),
        (
            "replication: {mode: position, tls: verified, ca: /etc/mysql/ca.pem}\n",
            ReplicationMode::Position,
            SourceTls::Verified { ca },
        ),
    ] {
        let cluster = cluster(text).unwrap();
        assert_eq!(
            (cluster.replication_mode, cluster.replication_tls),
            (mode, tls),
            "{text}"
        );
    }
}

#[test]
fn by_position_is_in_order_where_it_was_asked_for() {
    for (mode, by_file) in [
        (ReplicationMode::Gtid, false),
        (ReplicationMode::Position, true),
    ] {
        assert!(mode.accepts(Positioning::Gtid));
        assert_eq!(mode.accepts(Positioning::File), by_file);
        assert!(!mode.accepts(Positioning::GtidWithOwnWrites));
    }
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
        ("{mode: file}", "mode"),
        ("{mode: Position}", "mode"),
    ] {
        let said = wanted(&format!("replication: {text}\n")).unwrap_err();
        assert!(said.contains(message), "{text}: {said}");
    }
}
