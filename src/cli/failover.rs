//! `hactl failover`: a new primary for a cluster whose primary is dead, once or for as long as it
//! watches. It must never take a primary that answers for dead: that is what `switchover` is for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::args::{FailoverArgs, Global, OutputFormat};
use super::procedure::{Assent, Led, Performed, Scene, free, lead, lock, reached};
use super::screen::{self, print, say, show};
use super::{CliError, Exit, files, interrupt, session, tree};
use crate::decide::{self, Case, Diagnosis, Failover, Harm, Refusal, Revive, Verdict};
use crate::execute::ClusterLock;
use crate::facts::Observation;
use crate::fleet::lock::Holder;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::plan::{LeadershipRules, StagePlan, Violation};
use crate::report::{FailoverCase, FailoverReport, Moment, Sink};
use crate::watch::{self, Orders, Until};

/// How long a host may take to be connected to; a dead one takes all of it.
const CONNECT: Duration = Duration::from_secs(4);
/// How long a host may take to be looked at.
const LOOK: Duration = Duration::from_secs(3);

/// Runs the command.
pub(super) async fn run(global: &Global, args: &FailoverArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let fleet = Arc::new(session::connect_within(global, &cluster, CONNECT).await);
    if args.watch {
        return watch(global, args, &fleet).await;
    }
    let lock = lock(&fleet, "failover", Assent::from(&args.carry)).await?;
    let result = once(global, args, &fleet, lock.as_ref()).await;
    free(lock).await;
    result
}

/// Watches until it is asked to leave.
async fn watch(
    global: &Global,
    args: &FailoverArgs,
    fleet: &Arc<LiveFleet>,
) -> Result<Exit, CliError> {
    let orders = Orders {
        allowed: allowed(args),
        until: if args.once {
            Until::FailedOver
        } else {
            Until::Stopped
        },
        reports: files::reports(&fleet.cluster().name),
    };
    let heed = interrupt::heed();
    let sink: Arc<dyn Sink> = screen::events(global).into();
    let ended = watch::run(fleet, &orders, sink, heed.asked()).await?;
    if let (Some(report), OutputFormat::Json) = (ended, global.output) {
        print(&serde_json::to_string(&report).unwrap_or_default());
    }
    Ok(Exit::Ok)
}

/// Finds out what the primary is, and acts if it is dead.
async fn once(
    global: &Global,
    args: &FailoverArgs,
    fleet: &Arc<LiveFleet>,
    lock: Option<&ClusterLock>,
) -> Result<Exit, CliError> {
    let cluster = fleet.cluster();
    let hosts: BTreeSet<_> = cluster.hosts.keys().cloned().collect();
    let seen = fleet.look(&hosts, LOOK).await;
    reached(&seen)?;
    let leader = decide::leader(cluster, &seen).map_err(|error| {
        CliError::Refused(vec![Refusal {
            host: None,
            reason: error.to_string(),
            way_out: error.hint(),
        }])
    })?;
    say(&format!("watching {leader} until it is clear what it is"));
    let found = watch::verdict(fleet, &leader).await;
    // What was seen before the verdict is too old to act on.
    let seen = seen.updated(fleet.look(&fleet.connected(), LOOK).await);
    let because = found.diagnosis.grounds();
    let scene = Scene {
        global,
        cluster,
        fleet: fleet.as_ref(),
        lock,
        assent: Assent::from(&args.carry),
        question: &format!("Carry out the failover from {leader}?"),
        zero: found.first_sign,
    };
    let holder = Holder::this_process("failover");
    let is_left = decide::is_left(cluster, &seen, &leader);
    let is_half_open = decide::is_half_open(cluster, &seen, &leader);
    let led = match &found.diagnosis.verdict {
        Verdict::Healthy | Verdict::Trouble(_) if is_half_open => {
            let grounds = vec![format!(
                "{leader} takes writes, and nobody has the writer VIP"
            )];
            let build = |seen: &_| Revive::new(cluster, seen, &leader, grounds.clone());
            lead(&scene, seen.clone(), build, |revive| eyes(revive.rules())).await?
        }
        Verdict::ReadOnlyPrimary if !is_left => {
            let build = |seen: &_| Revive::new(cluster, seen, &leader, because.clone());
            lead(&scene, seen.clone(), build, |revive| eyes(revive.rules())).await?
        }
        Verdict::Dead { .. } | Verdict::ReadOnlyPrimary => {
            let case = Case {
                allowed: allowed(args),
                by: format!("{}, pid {}", holder.who, holder.pid),
                ..Case::new(leader.clone(), because)
            };
            let build = |seen: &_| Failover::of(cluster, seen, case.clone());
            lead(&scene, seen.clone(), build, |failover| {
                eyes(failover.rules())
            })
            .await?
        }
        _ => return Err(CliError::Refused(vec![refusal(&leader, &found.diagnosis)])),
    };
    match led {
        Led::Nothing => Ok(Exit::Ok),
        Led::Performed(performed) => {
            recap(
                global,
                cluster,
                &leader,
                &found.diagnosis,
                &seen,
                &performed,
            );
            performed.conclude()
        }
    }
}

/// The second pair of eyes on each stage of one run.
fn eyes(mut rules: LeadershipRules<'_>) -> impl FnMut(&StagePlan, &Observation) -> Vec<Violation> {
    move |stage, seen| rules.violations(stage, seen)
}

/// Why a primary that is not dead for certain is left alone.
fn refusal(leader: &HostName, diagnosis: &Diagnosis) -> Refusal {
    let because = diagnosis.because.join("; ");
    let (reason, way_out) = match diagnosis.verdict {
        Verdict::Healthy | Verdict::Trouble(_) => (
            format!("{leader} is alive: it answers"),
            "move the writer with `hactl switchover`; see what is wrong with `hactl verify`"
                .to_owned(),
        ),
        _ => (
            format!(
                "{leader} is not dead for certain ({}): {because}",
                diagnosis.code
            ),
            format!(
                "run the command again; if {leader} is known to be dead, make it so: power its machine \
                 off, then run it again"
            ),
        ),
    };
    Refusal {
        host: Some(leader.clone()),
        reason,
        way_out,
    }
}

/// Writes the report and prints what matters of it.
fn recap(
    global: &Global,
    cluster: &Cluster,
    leader: &HostName,
    diagnosis: &Diagnosis,
    before: &Observation,
    performed: &Performed,
) {
    let report = FailoverReport::new(FailoverCase {
        cluster: &cluster.name,
        failed: leader,
        code: diagnosis.code,
        moments: vec![Moment {
            at: 0,
            what: "first sign of trouble seen by this command".to_owned(),
        }],
        plan: &performed.plan,
        steps: performed.spans.clone(),
        outputs: performed.outputs.clone(),
        refused: performed.performance.refused.clone(),
        milliseconds: performed.took,
        before,
        after: &performed.seen,
    });
    say(&format!("\n{}", report.summary()));
    match report.write(&files::reports(&cluster.name)) {
        Ok(path) => say(&format!("report: {}", path.display())),
        Err(error) => say(&format!("warning: {error}")),
    }
    match global.output {
        OutputFormat::Human => show(tree::render(cluster, &performed.seen).trim_end()),
        OutputFormat::Json => print(&serde_json::to_string(&report).unwrap_or_default()),
        OutputFormat::Jsonl | OutputFormat::Junit => {}
    }
}

/// The harms that the person permits.
fn allowed(args: &FailoverArgs) -> BTreeSet<Harm> {
    [
        (args.allow_unfenced, Harm::Unfenced),
        (args.allow_uncovered, Harm::Uncovered),
        (args.ignore_last, Harm::IgnoreLast),
        (args.allow_unseen_replica, Harm::UnseenReplica),
    ]
    .into_iter()
    .filter_map(|(given, harm)| given.then_some(harm))
    .collect()
}
