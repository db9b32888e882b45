//! `hactl verify`: every check, every host, and no change. It ends with 3 when something is wrong.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::args::{Global, OutputFormat, VerifyArgs};
use super::screen::{print, show};
use super::{CliError, Exit, findings, session};
use crate::decide::{Finding, Severity, Topology, verify};
use crate::facts::Observation;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::Cluster;

/// How often it looks again with `--wait`.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(global: &Global, args: &VerifyArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let until = Instant::now() + args.wait.unwrap_or_default();
    loop {
        let fleet = session::connect(global, &cluster).await;
        let seen = look(&fleet).await;
        let found = verify::verify(&cluster, &seen);
        if exit(&found) == Exit::Ok || Instant::now() >= until {
            return Ok(tell(global, &cluster, &seen, &found));
        }
        sleep(AGAIN).await;
    }
}

/// Verifies at the end of another command, on what it saw last.
pub(super) async fn conclude(
    global: &Global,
    fleet: &LiveFleet,
    seen: &Observation,
) -> Result<Exit, CliError> {
    let mut seen = seen.clone();
    add_logins(fleet, &mut seen).await;
    let found = verify::verify(fleet.cluster(), &seen);
    Ok(tell(global, fleet.cluster(), &seen, &found))
}

/// Everything that verify looks at.
pub(super) async fn look(fleet: &LiveFleet) -> Observation {
    let cluster = fleet.cluster();
    let needs = verify::needs(cluster);
    let hosts = cluster.hosts.keys();
    let needs = hosts.map(|host| (host.clone(), needs.clone())).collect();
    let mut seen = fleet.observe(&needs).await;
    add_logins(fleet, &mut seen).await;
    seen
}

async fn add_logins(fleet: &LiveFleet, seen: &mut Observation) {
    if let Ok(topology) = Topology::of(fleet.cluster(), seen, &std::collections::BTreeSet::new()) {
        fleet.check_logins(seen, &topology.primary).await;
    }
}

#[derive(Serialize)]
struct Report<'a> {
    cluster: String,
    healthy: bool,
    checks: usize,
    findings: &'a [Finding],
}

fn tell(global: &Global, cluster: &Cluster, seen: &Observation, found: &[Finding]) -> Exit {
    let exit = exit(found);
    let checks = verify::CHECKS.len();
    match global.output {
        OutputFormat::Human => {
            show(&(findings::render(found) + &verdict(cluster, seen, found, checks)));
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let report = Report {
                cluster: cluster.name.to_string(),
                healthy: exit == Exit::Ok,
                checks,
                findings: found,
            };
            print(&serde_json::to_string(&report).unwrap_or_default());
        }
    }
    exit
}

fn verdict(cluster: &Cluster, seen: &Observation, found: &[Finding], checks: usize) -> String {
    let count = |severity| {
        found
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let reached = seen.all_reached().count();
    let hosts = cluster.hosts.len();
    if errors + warnings == 0 {
        format!(
            "{}: healthy; {checks} checks on {reached} of {hosts} hosts",
            cluster.name
        )
    } else {
        format!(
            "{}: {}, {}; {checks} checks on {reached} of {hosts} hosts",
            cluster.name,
            findings::count(errors, "error"),
            findings::count(warnings, "warning"),
        )
    }
}

fn exit(found: &[Finding]) -> Exit {
    let bad: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning)
        .collect();
    if bad.is_empty() {
        Exit::Ok
    } else if bad.iter().all(|finding| finding.code == "HostUnreachable") {
        Exit::Unreachable
    } else {
        Exit::Findings
    }
}
