//! `hactl bootstrap`: observe, decide, show, confirm, execute, observe.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::args::{BootstrapArgs, Global, OutputFormat};
use super::findings::count;
use super::plan_view::{self, Detail};
use super::prompt::{Answer, confirm};
use super::screen::{self, print, say, show};
use super::{CliError, Exit, files, session, verify};
use crate::decide::{self, Bootstrap, Consent, Finding, PrimaryBasis, Severity, Topology};
use crate::execute::{self, Context, Journal, Summary};
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::plan::{Action, CheckContext, Plan, check, predict};
use crate::playbook::{self, Playbook, PlaybookError, Templates, Walk, World};
use crate::report::{Event, Sink as _, Tee};

const PLAYBOOK: &str = "bootstrap.yml";

/// Runs the command.
pub(super) async fn run(global: &Global, args: &BootstrapArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global)?;
    let library = files::library(args.playbooks.as_deref(), args.templates.as_deref())?;
    let templates = Templates::new(&library)?;
    let playbook = playbook::load(&library, PLAYBOOK, &templates)?;
    let consent = consent(&cluster, args)?;
    let work = Work {
        cluster,
        templates,
        playbook,
        consent,
    };
    let needs = work.needs()?;

    let fleet = session::connect(global, &work.cluster).await;
    // Without root there is no lock to be had, and the preflight below says so in better words.
    let lock = if args.check || !fleet.is_root_everywhere() {
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
    let mut seen = fleet.observe(needs).await;
    let mut blockers = blockers(&work.cluster, &seen);
    // After the network to a semi-sync replica was away, the first login on the primary may hang for
    // some twenty seconds; those after it do not (tried, 10.11).
    if blockers
        .iter()
        .any(|blocker| blocker.code == "ServerSilent")
    {
        say("a server that runs gave no answer; looking once more");
        seen = fleet.observe(needs).await;
        blockers = self::blockers(&work.cluster, &seen);
    }
    if !blockers.is_empty() {
        return Err(CliError::Preflight(blockers));
    }
    let topology = match decide::bootstrap(&work.cluster, &seen, &work.consent) {
        Bootstrap::Proceed(topology) => topology,
        Bootstrap::Refused(refusals) => return Err(CliError::Refused(refusals)),
    };
    let plan = work.plan(&seen, &topology)?;
    if args.check {
        return Ok(show_check(global, args, &plan));
    }
    if plan.is_empty() {
        say(&format!(
            "Nothing to do: the inventory is true already on {}.",
            count(work.cluster.hosts.len(), "host")
        ));
        return verify::conclude(global, fleet, &seen).await;
    }
    say(&plan_view::render(&plan, detail(args)));
    if !args.yes && confirm("Carry this out?").await? == Answer::No {
        say("nothing was changed");
        return Ok(Exit::Ok);
    }
    work.carry_out(global, fleet, needs, &topology, seen).await
}

/// What must be removed before anything can begin.
fn blockers(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    decide::preflight(cluster, seen)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect()
}

/// Everything that is known before the first connection.
struct Work {
    cluster: Arc<Cluster>,
    templates: Templates,
    playbook: Playbook,
    consent: Consent,
}

impl Work {
    /// What to look at on each host. Works out every task against hosts of which nothing is known, so
    /// that a template with a missing variable is found here.
    fn needs(&self) -> Result<BTreeMap<HostName, Needs>, PlaybookError> {
        let nothing = Observation {
            taken_at: 0,
            hosts: BTreeMap::new(),
        };
        let topology = Topology {
            primary: self.cluster.initial_primary().clone(),
            basis: PrimaryBasis::Inventory,
            sources: BTreeMap::new(),
        };
        let mut walk = self.walk(&topology);
        while walk.next_stage(&nothing)?.is_some() {}
        let world = World {
            cluster: &self.cluster,
            seen: &nothing,
            topology: &topology,
            consent: &self.consent,
        };
        let of = |host| playbook::needs(&self.playbook, &self.templates, world, host, &playbook::Vars::default());
        self.cluster
            .hosts
            .values()
            .map(|host| Ok((host.name.clone(), of(host)?)))
            .collect()
    }

    fn walk<'a>(&'a self, topology: &'a Topology) -> Walk<'a> {
        Walk::new(
            &self.playbook,
            &self.templates,
            &self.cluster,
            topology,
            &self.consent,
        )
    }

    /// The whole plan: the same walk as the run, on predictions instead of observations.
    fn plan(&self, seen: &Observation, topology: &Topology) -> Result<Plan, CliError> {
        let mut walk = self.walk(topology);
        let mut expected = seen.clone();
        let mut stages = Vec::new();
        while let Some(stage) = walk.next_stage(&expected)? {
            let context = CheckContext {
                primary: &topology.primary,
                consent: &self.consent.reseed,
                seen: &expected,
            };
            if let Some(violation) = check(&stage, &context).into_iter().next() {
                return Err(CliError::Unsafe(violation));
            }
            expected = predict(&self.cluster, &expected, &stage);
            stages.push(stage);
        }
        let primary = &topology.primary;
        let because = vec![match topology.basis {
            PrimaryBasis::Replication => {
                format!("primary: {primary}, since others replicate from it")
            }
            PrimaryBasis::Alone => {
                format!("primary: {primary}, which leads without a replica")
            }
            PrimaryBasis::Inventory => format!("primary: {primary}, as the inventory says"),
        }];
        let loses = stages
            .iter()
            .flat_map(|stage| &stage.steps)
            .filter_map(|step| loss(&step.action, seen));
        Ok(Plan {
            intent: format!("bootstrap cluster {}", self.cluster.name),
            because,
            loses: loses.collect(),
            stages,
        })
    }

    async fn carry_out(
        &self,
        global: &Global,
        fleet: &LiveFleet,
        needs: &BTreeMap<HostName, Needs>,
        topology: &Topology,
        seen: Observation,
    ) -> Result<Exit, CliError> {
        let journal = Journal::create(&files::journals(), self.cluster.name.as_ref())?;
        let screen = screen::events(global);
        let sink = Tee(vec![&journal, screen.as_ref()]);
        sink.event(&Event::Started {
            intent: format!("bootstrap cluster {}", self.cluster.name),
        });
        let context = Context {
            cluster: &self.cluster,
            topology,
            consent: &self.consent,
            needs,
        };
        let run = execute::run(fleet, self.walk(topology), &context, seen, &sink).await;
        let journal = journal.path().to_owned();
        let summary = run.map_err(|source| CliError::Stopped {
            source,
            journal: journal.clone(),
        })?;
        let seen = fleet.observe(needs).await;
        recap(&self.cluster, topology, &summary);
        if !summary.is_good() {
            say(&format!(
                "hint: run the command again, it looks first and goes on from there; what was done: {}",
                journal.display()
            ));
            return Ok(Exit::Incomplete);
        }
        match verify::conclude(global, fleet, &seen).await? {
            Exit::Findings => Ok(Exit::Incomplete),
            exit => Ok(exit),
        }
    }
}

fn consent(cluster: &Cluster, args: &BootstrapArgs) -> Result<Consent, CliError> {
    let reseed: BTreeSet<_> = args.reseed.iter().cloned().collect();
    match reseed.iter().find(|host| cluster.host(host).is_none()) {
        Some(unknown) => Err(CliError::NoSuchHost(unknown.to_string())),
        None => Ok(Consent { reseed }),
    }
}

fn detail(args: &BootstrapArgs) -> Detail {
    if args.diff {
        Detail::Diffs
    } else {
        Detail::Steps
    }
}

fn loss(action: &Action, seen: &Observation) -> Option<String> {
    let Action::Seed { emptied, .. } = action else {
        return None;
    };
    let lost: Vec<_> = emptied
        .iter()
        .filter_map(|host| Some((host, seen.server(host)?)))
        .map(|(host, facts)| format!("on {host}: {}", facts.databases.join(", ")))
        .collect();
    (!lost.is_empty()).then(|| format!("the databases {}", lost.join("; ")))
}

fn show_check(global: &Global, args: &BootstrapArgs, plan: &Plan) -> Exit {
    match global.output {
        OutputFormat::Human if plan.is_empty() => show("Nothing to do."),
        OutputFormat::Human => show(&plan_view::render(plan, detail(args))),
        OutputFormat::Json | OutputFormat::Jsonl => {
            print(&serde_json::to_string(plan).unwrap_or_default());
        }
    }
    if args.detailed_exitcode && !plan.is_empty() {
        Exit::Findings
    } else {
        Exit::Ok
    }
}

/// Ansible's recap, which people look for.
fn recap(cluster: &Cluster, topology: &Topology, summary: &Summary) {
    let mut table = super::table::table(&["HOST", "ROLE", "CHANGED", "RESULT"]);
    for host in cluster.hosts.keys() {
        let changed = summary.changed.get(host).copied().unwrap_or_default();
        let result = if summary.failed.contains_key(host) {
            "failed"
        } else {
            "ok"
        };
        table.add_row([
            host.to_string(),
            topology.role(host).to_string(),
            changed.to_string(),
            result.to_owned(),
        ]);
    }
    say(&format!(
        "\n{table}\n{} on {} of {} hosts",
        count(summary.changes(), "change"),
        summary.changed.len(),
        cluster.hosts.len()
    ));
}
