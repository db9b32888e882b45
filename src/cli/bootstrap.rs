//! `hactl bootstrap`: observe, decide, show, confirm, execute, observe.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::args::{BootstrapArgs, Global};
use super::findings::count;
use super::listing::{self, Listed};
use super::play::{Shown, Work};
use super::screen::say;
use super::{CliError, Exit, files, session, verify};
use crate::decide::{self, Bootstrap, Finding, Severity};
use crate::execute;
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};

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
    let (seen, blockers) = look(work, fleet, needs).await;
    if !blockers.is_empty() {
        return Err(CliError::Preflight(blockers));
    }
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
    match verify::conclude(global, fleet, &seen).await? {
        Exit::Findings => Ok(Exit::Incomplete),
        exit => Ok(exit),
    }
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

pub(super) fn blockers(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    decide::preflight(cluster, seen)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect()
}
