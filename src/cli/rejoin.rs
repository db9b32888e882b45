//! `hactl rejoin`: a failed or diverged former primary comes back as a replica. It never gives up data
//! that was not given up by `--reseed`, and shows what it gave up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::args::{Global, OutputFormat, RejoinArgs};
use super::procedure::{Assent, Led, Performed, Scene, free, lead, lock, reached};
use super::saved_log::saved;
use super::screen::{say, show};
use super::{CliError, Exit, files, session, tree};
use crate::decide::{Consent, Refusal, Rejoin};
use crate::execute::ClusterLock;
use crate::facts::Observation;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::mysql::Tail;
use crate::plan::{Action, CheckContext, Outcome, StagePlan, check};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &RejoinArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    session::known(&cluster, &args.host)?;
    let fleet = session::connect(global, &cluster).await;
    let lock = lock(&fleet, "rejoin", Assent::from(&args.carry)).await?;
    let result = under_lock(global, args, &cluster, &fleet, lock.as_ref()).await;
    free(lock).await;
    result
}

async fn under_lock(
    global: &Global,
    args: &RejoinArgs,
    cluster: &Cluster,
    fleet: &LiveFleet,
    lock: Option<&ClusterLock>,
) -> Result<Exit, CliError> {
    let seen = fleet.observe(&BTreeMap::new()).await;
    reached(&seen)?;
    let mut consent = Consent::default();
    if args.reseed {
        consent.reseed.insert(args.host.clone());
    }
    let folder = files::errant().display().to_string();
    let build = |seen: &_| Rejoin::new(cluster, seen, &args.host, &consent, &folder);
    let first = build(&seen).map_err(CliError::Refused)?;
    let leader = first.leader().clone();
    let tail = if first.cuts_off(&seen) {
        look_at_tail(fleet, &args.host, &leader).await?
    } else {
        Tail::default()
    };
    let build = |seen: &_| build(seen).map(|rejoin| rejoin.with_tail(&tail));
    let scene = Scene {
        global,
        cluster,
        fleet,
        lock,
        assent: Assent::from(&args.carry),
        question: &format!("Make {} a replica of {leader}?", args.host),
        zero: Instant::now(),
    };
    // The one server that leads stays it: the rules are those of any other repair.
    let rules = |_: &Rejoin<'_>| {
        |stage: &StagePlan, seen: &Observation| {
            let context = CheckContext {
                primary: &leader,
                consent: &consent.reseed,
                seen,
            };
            check(stage, &context)
        }
    };
    match lead(&scene, seen, build, rules).await? {
        Led::Nothing => Ok(Exit::Ok),
        Led::Performed(performed) => {
            recap(global, cluster, &leader, &performed);
            performed.conclude()
        }
    }
}

/// What the stopped server's log holds and the leader lacks. What cannot be read is not cut off.
async fn look_at_tail(
    fleet: &LiveFleet,
    host: &HostName,
    leader: &HostName,
) -> Result<Tail, CliError> {
    fleet.tail(host, leader).await.map_err(|error| {
        let hint = error.hint();
        let way_out = hint.unwrap_or_else(|| "remove the cause, then run again".to_owned());
        CliError::Refused(vec![Refusal::on(host, error.to_string(), way_out)])
    })
}

fn recap(global: &Global, cluster: &Cluster, leader: &HostName, performed: &Performed) {
    for span in performed.spans.iter().filter(|span| span.is_good()) {
        match &span.step.action {
            Action::SaveErrant { path, .. } => {
                say(&saved("what only it had is kept in", Path::new(path)));
            }
            // Where there is no tail there is no file.
            Action::SaveTail { path, .. } if span.outcome == Some(Outcome::Changed) => {
                say(&saved(
                    "what was cut off is kept as SQL in",
                    Path::new(path),
                ));
                say(&format!(
                    "hold it against the rows of {leader} before you run any of it"
                ));
            }
            _ => {}
        }
    }
    performed.print_document(global);
    if global.output == OutputFormat::Human {
        show(tree::render(cluster, &performed.seen).trim_end());
    }
}
