//! `hactl run`: a person's own playbook. Where it changes who leads or what servers hold, all that a
//! bootstrap would refuse is refused, whatever part of the cluster it acts on; where it does not, only
//! the hosts that it acts on must be well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::args::{Global, RunArgs};
use super::listing::{self, Listed};
use super::play::{Shown, Work};
use super::screen::say;
use super::{CliError, Exit, bootstrap, files, session};
use crate::decide::{self, Bootstrap, Finding, Refusal, Topology};
use crate::execute;
use crate::facts::{Needs, Observation};
use crate::fleet::LiveFleet;
use crate::inventory::HostName;
use crate::playbook::RunOn;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &RunArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let part = &args.part;
    let mut library = files::library(part.playbooks.as_deref(), part.templates.as_deref())?;
    let name = files::playbook(&mut library, &args.playbook)?;
    let intent = format!("run {} on cluster {}", shown(&args.playbook), cluster.name);
    let work = Work::load(cluster, &library, &name, part, &args.reseed, intent)?;
    let needs = work.needs()?;
    if let Listed::Yes = listing::list(global, &args.show, &work).await? {
        return Ok(Exit::Ok);
    }
    let fleet = session::connect(global, &work.cluster).await;
    let lock = if args.show.check || !fleet.is_root_everywhere() {
        None
    } else {
        Some(execute::acquire(&fleet, "run", &fleet.connected()).await?)
    };
    let result = under_lock(global, args, &work, &fleet, &needs).await;
    if let Some(lock) = lock {
        lock.release().await;
    }
    result
}

fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

async fn under_lock(
    global: &Global,
    args: &RunArgs,
    work: &Work,
    fleet: &LiveFleet,
    needs: &BTreeMap<HostName, Needs>,
) -> Result<Exit, CliError> {
    let (seen, blockers) = bootstrap::look(work, fleet, needs).await;
    let topology = admitted(work, &seen, blockers)?;
    if work.targets(&topology).is_empty() {
        return Err(CliError::NotThere {
            message: "no host is meant by this playbook as things are".to_owned(),
            hint: "--list-hosts shows the hosts of each play".to_owned(),
        });
    }
    let draft = work.draft(&seen, &topology)?;
    match work.present(global, &args.show, &draft).await? {
        Shown::Over(exit) => Ok(exit),
        Shown::Nothing => {
            say("Nothing to do: all is as the playbook says.");
            Ok(Exit::Ok)
        }
        Shown::Agreed => {
            let done = work
                .carry_out(global, fleet, needs, &topology, seen)
                .await?;
            Ok(match done {
                Some(_) => Exit::Ok,
                None => Exit::Incomplete,
            })
        }
    }
}

/// Whether it may begin, and who leads.
fn admitted(work: &Work, seen: &Observation, blockers: Vec<Finding>) -> Result<Topology, CliError> {
    if work.playbook.concerns_cluster() {
        if !blockers.is_empty() {
            return Err(CliError::Preflight(blockers));
        }
        return match decide::bootstrap(&work.cluster, seen, &work.consent) {
            Bootstrap::Proceed(topology) => Ok(topology),
            Bootstrap::Refused(refusals) => Err(CliError::Refused(refusals)),
        };
    }
    let topology = match Topology::of(&work.cluster, seen, &BTreeSet::new()) {
        Ok(topology) => topology,
        Err(error) if asks_for_roles(work) => {
            return Err(CliError::Refused(vec![Refusal {
                host: None,
                reason: error.to_string(),
                way_out: error.hint(),
            }]));
        }
        Err(_) => work.first_topology(),
    };
    let targets = work.targets(&topology);
    let of_targets: Vec<_> = blockers
        .into_iter()
        .filter(|blocker| {
            blocker
                .host
                .as_ref()
                .is_some_and(|host| targets.contains(host))
        })
        // A server that does not answer is no obstacle to a file.
        .filter(|blocker| ["HostUnreachable", "NoRootAccess"].contains(&blocker.code))
        .collect();
    if of_targets.is_empty() {
        Ok(topology)
    } else {
        Err(CliError::Preflight(of_targets))
    }
}

/// Whether any of it depends on who leads.
fn asks_for_roles(work: &Work) -> bool {
    let by_limit = work.selection.limit.as_ref();
    let plays = &work.playbook.plays;
    by_limit.is_some_and(crate::playbook::Pattern::needs_topology)
        || plays.iter().any(|play| play.hosts.needs_topology())
        || work
            .playbook
            .tasks()
            .any(|task| matches!(task.run_on, RunOn::Primary | RunOn::Replicas))
}
