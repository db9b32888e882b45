//! `hactl bootstrap`: observe, decide, show, confirm, execute, observe.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::args::{BootstrapArgs, Global};
use super::findings::{count, render};
use super::listing::{self, Listed};
use super::play::{Shown, Work};
use super::procedure::{Assent, Led, Scene, lead};
use super::screen::say;
use super::{CliError, Exit, files, session, verify};
use crate::decide::{self, Bootstrap, Finding, LetIn, Severity};
use crate::execute;
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::mysql::ThreadState;
use crate::plan::StagePlan;

pub(super) const PLAYBOOK: &str = "bootstrap.yml";

/// Runs the command.
pub(super) async fn run(global: &Global, args: &BootstrapArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let part = &args.part;
    let library = files::library(part.playbooks.as_deref(), part.templates.as_deref())?;
    let intent = format!("bootstrap cluster {}", cluster.name);
    let work = Work::load(cluster, &library, PLAYBOOK, part, &args.reseed, intent)?;
    let needs = work.needs()?;
    if let Listed::Yes = listing::list(global, &args.show, &work).await? {
        return Ok(Exit::Ok);
    }

    let fleet = session::connect(global, &work.cluster).await;
    // Without root there is no lock to be had, and the preflight below says so in better words.
    let lock = if args.show.check || !fleet.is_root_everywhere() {
        None
    } else {
        Some(execute::acquire(&fleet, "bootstrap", &fleet.connected()).await?)
    };
    let result = under_lock(global, args, &work, &fleet, &needs).await;
    if let Some(lock) = lock {
        lock.release().await;
    }
    result
}

/// Looks, decides, shows, asks, does. What was seen before the lock was taken counts for nothing.
async fn under_lock(
    global: &Global,
    args: &BootstrapArgs,
    work: &Work,
    fleet: &LiveFleet,
    needs: &BTreeMap<HostName, Needs>,
) -> Result<Exit, CliError> {
    let (mut seen, blockers) = look(work, fleet, needs).await;
    if !blockers.is_empty() {
        return Err(CliError::Preflight(blockers));
    }
    if !args.show.check {
        match let_in(global, args, work, fleet, &seen).await? {
            Entered::Already => {}
            Entered::NotWanted => return Ok(Exit::Ok),
            Entered::Now => {
                say("hactl can log in now; what follows counts from here\n");
                let (again, blockers) = look(work, fleet, needs).await;
                if !blockers.is_empty() {
                    return Err(CliError::Preflight(blockers));
                }
                seen = again;
            }
        }
    }
    say_doubts(&work.cluster, &seen);
    let topology = match decide::bootstrap(&work.cluster, &seen, &work.consent) {
        Bootstrap::Proceed(topology) => topology,
        Bootstrap::Refused(refusals) => return Err(CliError::Refused(refusals)),
    };
    let draft = work.draft(&seen, &topology)?;
    let partial = work.selection.is_partial();
    let seen = match work.present(global, &args.show, &draft).await? {
        Shown::Over(exit) => return Ok(exit),
        Shown::Nothing if partial => {
            say("Nothing to do in the part that was asked for.");
            return Ok(Exit::Ok);
        }
        Shown::Nothing => {
            say(&format!(
                "Nothing to do: the inventory is true already on {}.",
                count(work.cluster.hosts.len(), "host")
            ));
            let seen = settled(fleet, needs, seen).await;
            return verify::conclude(global, fleet, &seen).await;
        }
        Shown::Agreed => {
            work.carry_out(global, fleet, needs, &topology, seen)
                .await?
        }
    };
    let Some(seen) = seen else {
        return Ok(Exit::Incomplete);
    };
    if partial {
        say("Only a part was asked for; `hactl verify` says what the whole lacks.");
        return Ok(Exit::Ok);
    }
    let seen = settled(fleet, needs, seen).await;
    match verify::conclude(global, fleet, &seen).await? {
        Exit::Findings => Ok(Exit::Incomplete),
        exit => Ok(exit),
    }
}

/// What came of servers that did not let hactl's account in.
enum Entered {
    /// There was none, as far as hosts were asked for.
    Already,
    /// They do now.
    Now,
    /// Somebody said no.
    NotWanted,
}

/// Makes hactl's account where it cannot log in, before anything is decided: of a server that refuses, nobody
/// knows whom it follows and what it holds, and a plan that takes it for new would be wrong.
async fn let_in(
    global: &Global,
    args: &BootstrapArgs,
    work: &Work,
    fleet: &LiveFleet,
    seen: &Observation,
) -> Result<Entered, CliError> {
    let nobody_leads = work.first_topology();
    let may = |host: &HostName| {
        let limit = work.selection.limit.as_ref();
        let host = work.cluster.host(host);
        host.is_some_and(|host| limit.is_none_or(|limit| limit.matches(host, &nobody_leads)))
    };
    let Some(procedure) = LetIn::needed(seen, may) else {
        return Ok(Entered::Already);
    };
    let scene = Scene {
        global,
        cluster: &work.cluster,
        fleet,
        lock: None,
        assent: if args.show.yes {
            Assent::Given
        } else {
            Assent::Ask
        },
        question: "Let hactl in?",
        zero: std::time::Instant::now(),
    };
    let build = |_: &Observation| Ok(procedure.clone());
    let inspector = |_: &LetIn| |_: &StagePlan, _: &Observation| Vec::new();
    match lead(&scene, seen.clone(), build, inspector).await? {
        Led::Nothing => Ok(Entered::NotWanted),
        Led::Performed(performed) => performed.conclude().map(|_| Entered::Now),
    }
}

/// How long a replica may take to find its primary again.
const RECONNECTS: Duration = Duration::from_secs(10);

/// A replica whose primary was restarted, by this run or by one that was killed, tries it again every second:
/// that it has not yet is no finding.
async fn settled(
    fleet: &LiveFleet,
    needs: &BTreeMap<HostName, Needs>,
    mut seen: Observation,
) -> Observation {
    let connects = |seen: &Observation| {
        let mut replicas = seen
            .servers()
            .filter_map(|(_, facts)| facts.replica.as_ref());
        replicas.any(|status| status.receiver == ThreadState::Connecting)
    };
    let begun = Instant::now();
    while connects(&seen) && begun.elapsed() < RECONNECTS {
        sleep(PAUSE).await;
        seen = fleet.observe(needs).await;
    }
    seen
}

/// How long a server that runs and gives no answer is looked at again.
const STARTS: Duration = Duration::from_mins(1);
/// Before each time: a server that starts says no at once.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks at every host, and says what must be removed before anything can begin.
pub(super) async fn look(
    work: &Work,
    fleet: &LiveFleet,
    needs: &BTreeMap<HostName, Needs>,
) -> (Observation, Vec<Finding>) {
    let mut seen = fleet.observe(needs).await;
    let mut found = blockers(&work.cluster, &seen);
    // It may be starting: whoever had it restarted may have been killed. And after the network to a semi-sync
    // replica was away, the first login on the primary may hang for some twenty seconds; those after it
    // do not (tried, 10.11).
    let is_silent = |found: &[Finding]| found.iter().any(|blocker| blocker.code == "ServerSilent");
    if is_silent(&found) {
        say("a server that runs gives no answer; looking again for a minute");
    }
    let begun = Instant::now();
    while is_silent(&found) && begun.elapsed() < STARTS {
        sleep(PAUSE).await;
        seen = fleet.observe(needs).await;
        found = blockers(&work.cluster, &seen);
    }
    (seen, found)
}

/// What does not stand in the way, and should be known before anything is agreed to.
fn say_doubts(cluster: &Cluster, seen: &Observation) {
    let found = decide::preflight(cluster, seen);
    let doubts: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity < Severity::Error)
        .collect();
    if !doubts.is_empty() {
        say(render(&doubts).trim_end());
    }
}

pub(super) fn blockers(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    decide::preflight(cluster, seen)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect()
}
