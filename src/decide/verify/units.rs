//! What systemd does on its own: the server starts at boot, nothing revives it behind everyone's back, and
//! relay logs do not fill the disk. Units that nobody asked about are not missed.

use super::Context;
use crate::decide::left_behind::awaits_rejoin;
use crate::decide::{Finding, Severity};
use crate::facts::{UnitFacts, UnitState};

/// Deletes relay logs that were applied; bootstrap installs it.
pub(super) const PURGE: &str = "hactl-purge-relay-logs.timer";

/// Every unit that matters is as bootstrap leaves it.
pub(super) fn as_wanted(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        // A fenced server's unit is masked on purpose, and that is told already.
        if awaits_rejoin(context.cluster, context.seen, host).is_some() {
            continue;
        }
        let dialect = reached.dialect(context.cluster.server.flavor);
        let unit = |name: &'static str| Some((name, reached.os.units.get(name)?));
        let wrong = |severity, code, message: String| {
            Finding::on(host, severity, code, message, "run `hactl bootstrap`")
        };
        let socket = |(name, facts): &(&str, &UnitFacts)| {
            (facts.is_enabled() || facts.state == UnitState::Active).then(|| {
                let message = format!(
                    "{name} is on: the next connection starts a killed server, whatever a failover has decided"
                );
                wrong(Severity::Error, "SocketActivation", message)
            })
        };
        let sockets = dialect.all_socket_units().iter().copied();
        findings.extend(sockets.filter_map(unit).filter_map(|unit| socket(&unit)));
        let boots = [Some(dialect.service_unit()), dialect.safe_start_unit()];
        for (name, facts) in boots.into_iter().flatten().filter_map(unit) {
            if !facts.is_enabled() {
                let message = format!("{name} does not start at boot");
                findings.push(wrong(Severity::Warning, "NotEnabled", message));
            }
        }
        if let Some((name, facts)) = unit(PURGE)
            && !(facts.is_enabled() && facts.state == UnitState::Active)
        {
            let message =
                format!("{name} does not run: relay logs are kept until the disk is full");
            findings.push(wrong(Severity::Warning, "RelayLogsNotPurged", message));
        }
    }
    findings
}
