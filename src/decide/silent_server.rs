//! A server that runs and lets nobody in, for another reason than the password: frozen, starting for ever, out
//! of connections. It must never be taken for one whose account is to be repaired.

use super::{Finding, Severity};
use crate::facts::{Reached, SqlFault, UnitState};
use crate::inventory::{Cluster, Host};

/// What is wrong, and how to find out why.
pub(super) fn finding(
    cluster: &Cluster,
    host: &Host,
    reached: &Reached,
    fault: &SqlFault,
) -> Finding {
    Finding::on(
        &host.name,
        Severity::Error,
        "ServerSilent",
        format!("the server runs and does not answer: {}", fault.text),
        advice(cluster, host, reached),
    )
}

/// A server between two states may be there for good: a `MariaDB` that is told to stop while it starts never
/// ends (tried, 10.11.18), and Debian's unit forbids systemd to kill it.
fn advice(cluster: &Cluster, host: &Host, reached: &Reached) -> String {
    let unit = reached.dialect(cluster.server.flavor).service_unit();
    let state = reached.os.units.get(unit).map(|unit| unit.state);
    if state == Some(UnitState::Changing) {
        return format!(
            "systemd is starting or stopping it: wait; where that never ends, ssh to {} and run systemctl \
             kill --signal=KILL {unit}",
            host.address
        );
    }
    format!(
        "look at its log: ssh to {} and run journalctl -u {unit}",
        host.address
    )
}
