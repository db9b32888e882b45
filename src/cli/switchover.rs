//! `hactl switchover`: the planned move of the writer. What it says at the end is how long writers waited,
//! as far as this machine can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::args::{Global, OutputFormat, SwitchoverArgs};
use super::procedure::{Assent, Led, Performed, Scene, free, lead, lock, reached};
use super::screen::{say, show};
use super::{CliError, Exit, session, tree};
use crate::decide::{Switchover, SwitchoverLimits};
use crate::execute::ClusterLock;
use crate::facts::Observation;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::mysql::Switch;
use crate::plan::{Action, LeadershipRules, LiveVariable, OldPrimary, StagePlan, Violation};
use crate::report::Span;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &SwitchoverArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    if let Some(host) = &args.to {
        session::known(&cluster, host)?;
    }
    let fleet = session::connect(global, &cluster).await;
    let lock = lock(&fleet, "switchover", Assent::from(&args.carry)).await?;
    let result = under_lock(global, args, &cluster, &fleet, lock.as_ref()).await;
    free(lock).await;
    result
}

async fn under_lock(
    global: &Global,
    args: &SwitchoverArgs,
    cluster: &Cluster,
    fleet: &LiveFleet,
    lock: Option<&ClusterLock>,
) -> Result<Exit, CliError> {
    let seen = fleet.observe(&BTreeMap::new()).await;
    reached(&seen)?;
    let limits = SwitchoverLimits {
        max_wait: args.max_wait,
    };
    let build = |seen: &_| Switchover::new(cluster, seen, args.to.as_ref(), limits);
    let first = build(&seen).map_err(CliError::Refused)?;
    let (old, target) = (first.old_primary().cloned(), first.target().clone());
    let scene = Scene {
        global,
        cluster,
        fleet,
        lock,
        assent: Assent::from(&args.carry),
        question: &format!("Make {target} the primary?"),
        zero: Instant::now(),
    };
    let rules = |switchover: &Switchover<'_>| eyes(cluster, switchover);
    match lead(&scene, seen, build, rules).await? {
        Led::Nothing => Ok(Exit::Ok),
        Led::Performed(performed) => {
            recap(global, cluster, &performed, old.as_ref(), &target);
            performed.conclude()
        }
    }
}

/// The second pair of eyes on each stage of one run.
fn eyes<'a>(
    cluster: &'a Cluster,
    switchover: &Switchover<'_>,
) -> impl FnMut(&StagePlan, &Observation) -> Vec<Violation> + use<'a> {
    let replaced = switchover.old_primary().unwrap_or(switchover.target());
    let none = BTreeSet::new();
    let mut rules = LeadershipRules::new(cluster, replaced.clone(), OldPrimary::Demoted, none);
    move |stage, seen| rules.violations(stage, seen)
}

fn recap(
    global: &Global,
    cluster: &Cluster,
    performed: &Performed,
    old: Option<&HostName>,
    target: &HostName,
) {
    let blocked = match blocked(&performed.spans) {
        Some(milliseconds) => format!("writes were blocked for {milliseconds} ms"),
        None if performed.spans.iter().any(|span| cuts(&span.step.action)) => {
            "WRITES ARE STILL BLOCKED".to_owned()
        }
        None => "writes were not interrupted".to_owned(),
    };
    let took = performed.took;
    let leads = if performed.performance.is_finished() {
        match old {
            Some(old) => format!("{target} leads, {old} did"),
            None => format!("{target} leads"),
        }
    } else {
        "the writer was not moved as planned".to_owned()
    };
    say(&format!("\n{leads}; {blocked}, {took} ms in all"));
    performed.print_document(global);
    if global.output == OutputFormat::Human {
        show(tree::render(cluster, &performed.seen).trim_end());
    }
}

/// From the first step that keeps writers out to the last that lets them in; `None` when none of both.
fn blocked(spans: &[Span]) -> Option<u64> {
    let from = spans
        .iter()
        .find(|span| cuts(&span.step.action) && span.outcome.is_some())?
        .begun;
    spans
        .iter()
        .filter(|span| opens(&span.step.action) && span.is_good())
        .filter_map(|span| span.ended)
        .max()
        .map(|until| until.saturating_sub(from))
}

fn cuts(action: &Action) -> bool {
    matches!(action, Action::RemoveVip { .. } | Action::Demote { .. })
}

fn opens(action: &Action) -> bool {
    matches!(
        action,
        Action::AddVip { .. }
            | Action::SetVariable {
                variable: LiveVariable::ReadOnly,
                value: Switch::Off
            }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Next, Procedure as _};
    use crate::fixture::{cluster, healthy, name};
    use crate::mysql::Flavor;
    use crate::plan::{Neighbours, OnFailure, Outcome, Step, predict};

    fn span(action: Action, begun: u64, outcome: Outcome) -> Span {
        Span {
            begun,
            ended: Some(begun + 10),
            step: Step {
                task: String::new(),
                host: name("db1"),
                action,
                why: String::new(),
                on_failure: OnFailure::Stop,
            },
            outcome: Some(outcome),
        }
    }

    fn vip() -> Action {
        Action::AddVip {
            address: "192.0.2.90/24".to_owned(),
            interface: "eth0".to_owned(),
            neighbours: Neighbours::Known,
            lease: None,
        }
    }

    fn demote() -> Action {
        Action::Demote {
            within: std::time::Duration::from_secs(1),
            vip: None,
        }
    }

    fn failed() -> Outcome {
        Outcome::Failed {
            error: "no".to_owned(),
            hint: None,
        }
    }

    #[test]
    fn writers_wait_from_the_cut_to_the_vip() {
        let writable = Action::SetVariable {
            variable: LiveVariable::ReadOnly,
            value: Switch::Off,
        };
        let spans = [
            span(demote(), 5, Outcome::Changed),
            span(
                Action::Promote {
                    within: std::time::Duration::from_secs(1),
                    proof: crate::plan::Proof::OwnRow,
                },
                20,
                Outcome::Changed,
            ),
            span(writable, 40, Outcome::Changed),
            span(vip(), 60, Outcome::Changed),
        ];
        assert_eq!(blocked(&spans), Some(65));
    }

    #[test]
    fn a_door_that_did_not_open_does_not_count() {
        assert_eq!(
            blocked(&[
                span(demote(), 5, Outcome::Changed),
                span(vip(), 60, failed())
            ]),
            None
        );
        assert_eq!(blocked(&[span(vip(), 60, Outcome::Changed)]), None);
    }

    /// Every way through a switchover keeps the rules: to its end, and back from each step that fails.
    #[test]
    fn the_second_checker_agrees_with_every_way_through() {
        for flavor in [Flavor::MariaDb, Flavor::MySql] {
            let cluster = cluster(flavor, 3);
            for failing in 0.. {
                let mut seen = healthy(&cluster);
                let limits = SwitchoverLimits::default();
                let mut switchover = Switchover::new(&cluster, &seen, None, limits).unwrap();
                let mut inspect = eyes(&cluster, &switchover);
                let mut begun = 0;
                while let Next::Stage(stage) = switchover.next(&seen) {
                    assert_eq!(
                        inspect(&stage, &seen),
                        [],
                        "step {failing} fails: {stage:?}"
                    );
                    let mut done = stage.clone();
                    let mut ended = Vec::new();
                    let mut broken = BTreeSet::new();
                    done.steps.retain(|step| {
                        if broken.contains(&step.host) {
                            return false;
                        }
                        begun += 1;
                        let outcome = if begun == failing + 1 {
                            broken.insert(step.host.clone());
                            failed()
                        } else {
                            Outcome::Changed
                        };
                        let is_good = outcome.is_good();
                        ended.push((step.clone(), outcome));
                        is_good
                    });
                    seen = predict(&cluster, &seen, &done);
                    switchover.ended(&ended);
                    assert!(begun < 100, "it does not end");
                }
                if failing >= begun {
                    assert!(failing > 8, "only {failing} steps were tried");
                    break;
                }
            }
        }
    }
}
