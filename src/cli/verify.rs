//! `hactl verify`: every check, every host, and no change. It ends with 3 when something is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::args::{Global, OutputFormat, PlaybookPart, VerifyArgs};
use super::fix::Fix;
use super::play::Work;
use super::screen::{print, say, show};
use super::{CliError, Exit, bootstrap, files, findings, session, verify_junit};
use crate::decide::verify::{self, Drift, Verdict};
use crate::decide::{Finding, Severity, Topology};
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::playbook::{self, World};

/// How often it looks again with `--wait`.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) async fn run(global: &Global, args: &VerifyArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let library = files::library(args.playbooks.as_deref(), args.templates.as_deref())?;
    let intent = format!("bootstrap cluster {}", cluster.name);
    let all = PlaybookPart::default();
    let work = Work::load(cluster, &library, bootstrap::PLAYBOOK, &all, &[], intent)?;
    let needs = needs(&work, args)?;
    let until = Instant::now() + args.wait.unwrap_or_default();
    loop {
        let fleet = session::connect(global, &work.cluster).await;
        let seen = look(&fleet, &needs).await;
        let verdict = verify::verify(&work.cluster, &seen, &drift(&work, &seen));
        let found = verdict.findings();
        if exit(&found) == Exit::Ok || Instant::now() >= until {
            let fix = args.fix.then(|| Fix::of(&work, &seen));
            return Ok(tell(global, &work.cluster, &seen, &verdict, fix.as_ref()));
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
    let mut leaders = verify::may_lead(fleet.cluster());
    leaders.extend(primary(fleet.cluster(), &seen));
    seen.add_logins(fleet.check_logins(&leaders).await);
    let verdict = verify::verify(fleet.cluster(), &seen, &Drift::new());
    Ok(tell(global, fleet.cluster(), &seen, &verdict, None))
}

/// What every host is asked. The files are those that bootstrap asks for; the rest of its questions only
/// where its plan is wanted.
fn needs(work: &Work, args: &VerifyArgs) -> Result<BTreeMap<HostName, Needs>, CliError> {
    let mut needs = work.needs()?;
    for host in work.cluster.hosts.values() {
        let of_host = needs.entry(host.name.clone()).or_default();
        if !args.fix {
            *of_host = Needs {
                files: std::mem::take(&mut of_host.files),
                configurations: std::mem::take(&mut of_host.configurations),
                ..Needs::default()
            };
        }
        of_host.extend(verify::needs(&work.cluster, host));
    }
    Ok(needs)
}

/// Everything that verify looks at.
async fn look(fleet: &LiveFleet, needs: &BTreeMap<HostName, Needs>) -> Observation {
    let cluster = fleet.cluster();
    // Whoever may lead is known before anybody was asked, so both go side by side.
    let likely = verify::may_lead(cluster);
    let (mut seen, logins) = tokio::join!(fleet.observe(needs), fleet.check_logins(&likely));
    seen.add_logins(logins);
    if let Some(primary) = primary(cluster, &seen).filter(|primary| !likely.contains(primary)) {
        seen.add_logins(fleet.check_logins(&[primary].into()).await);
    }
    seen
}

fn primary(cluster: &Cluster, seen: &Observation) -> Option<HostName> {
    let topology = Topology::of(cluster, seen, &BTreeSet::new());
    Some(topology.ok()?.primary)
}

/// What bootstrap would write. A playbook of a person's own may fail on a host; then nothing is known.
fn drift(work: &Work, seen: &Observation) -> Drift {
    let Ok(topology) = Topology::of(&work.cluster, seen, &BTreeSet::new()) else {
        return Drift::new();
    };
    let world = World {
        cluster: &work.cluster,
        seen,
        topology: &topology,
        consent: &work.consent,
    };
    playbook::drift(&work.playbook, &work.templates, world).unwrap_or_else(|error| {
        let error = CliError::from(error).render();
        say(&format!(
            "files were not compared with what bootstrap would write: {error}"
        ));
        Drift::new()
    })
}

#[derive(Serialize)]
struct Report<'a> {
    cluster: String,
    healthy: bool,
    checks: usize,
    findings: &'a [&'a Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a Fix>,
}

fn tell(
    global: &Global,
    cluster: &Cluster,
    seen: &Observation,
    verdict: &Verdict,
    fix: Option<&Fix>,
) -> Exit {
    let found = verdict.findings();
    let exit = exit(&found);
    let checks = verify::CHECKS.len();
    match global.output {
        OutputFormat::Human => {
            show(&(findings::render(&found) + &summary(cluster, seen, &found, checks)));
            if let Some(fix) = fix {
                show(&format!("\n{}", fix.render().trim_end()));
            }
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let report = Report {
                cluster: cluster.name.to_string(),
                healthy: exit == Exit::Ok,
                checks,
                findings: &found,
                fix,
            };
            print(&serde_json::to_string(&report).unwrap_or_default());
        }
        OutputFormat::Junit => print(&verify_junit::render(cluster, seen, verdict)),
    }
    exit
}

fn summary(cluster: &Cluster, seen: &Observation, found: &[&Finding], checks: usize) -> String {
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

fn exit(found: &[&Finding]) -> Exit {
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
