//! A playbook from its text to its end, for the commands that carry one out: observe, decide, show,
//! confirm, execute, observe. What differs between them is who says that it may begin, and what is
//! said when it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::args::{Global, OutputFormat, PlaybookPart, Show};
use super::findings::count;
use super::plan_view::{self, Detail};
use super::prompt::{Answer, confirm};
use super::screen::{self, print, say, show};
use super::{CliError, Exit, files, picked};
use crate::decide::{self, Consent, PrimaryBasis, Topology};
use crate::execute::{self, Context, Journal, Summary};
use crate::facts::{Needs, Observation};
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::plan::{Action, CheckContext, Plan, check, predict};
use crate::playbook::{
    self, Library, Playbook, PlaybookError, Selection, Templates, Undecided, Vars, Walk, World,
};
use crate::report::{Event, Sink as _, Tee};

/// Everything that is known before the first connection.
pub(super) struct Work {
    pub(super) cluster: Arc<Cluster>,
    pub(super) templates: Templates,
    pub(super) playbook: Playbook,
    pub(super) consent: Consent,
    pub(super) selection: Selection,
    pub(super) extra: Vars,
    /// What it is for: `bootstrap cluster shop`.
    pub(super) intent: String,
}

/// A plan, and what it cannot say yet.
#[derive(Debug, Serialize)]
pub(super) struct Draft {
    #[serde(flatten)]
    pub(super) plan: Plan,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) undecided: Vec<Undecided>,
}

/// What came of showing a plan.
pub(super) enum Shown {
    /// The command is over.
    Over(Exit),
    /// There is nothing to do.
    Nothing,
    /// Somebody said yes.
    Agreed,
}

impl Work {
    /// Loads a playbook and all that belongs to it; everything that is wrong with it is found here.
    pub(super) fn load(
        cluster: Arc<Cluster>,
        library: &Library,
        name: &str,
        part: &PlaybookPart,
        reseed: &[HostName],
        intent: String,
    ) -> Result<Self, CliError> {
        let templates = Templates::new(library)?;
        let playbook = playbook::load(library, name, &templates)?;
        let extra = picked::variables(&part.extra_vars)?;
        let names: Vec<String> = extra.0.iter().map(|(name, _)| name.clone()).collect();
        playbook::explained(&playbook, &cluster, &names)?;
        let selection = picked::selection(part, &playbook, &cluster)?;
        let consent = consent(&cluster, reseed)?;
        Ok(Self {
            cluster,
            templates,
            playbook,
            consent,
            selection,
            extra,
            intent,
        })
    }

    /// What to look at on each host. Works out every task against hosts of which nothing is known, so
    /// that a template with a missing variable is found here.
    pub(super) fn needs(&self) -> Result<BTreeMap<HostName, Needs>, PlaybookError> {
        let nothing = Observation {
            taken_at: 0,
            hosts: BTreeMap::new(),
        };
        let topology = self.first_topology();
        let mut walk = self.walk(&topology);
        while walk.next_stage(&nothing)?.is_some() {}
        let world = World {
            cluster: &self.cluster,
            seen: &nothing,
            topology: &topology,
            consent: &self.consent,
        };
        let of = |host| playbook::needs(&self.playbook, &self.templates, world, host, &self.extra);
        self.cluster
            .hosts
            .values()
            .map(|host| Ok((host.name.clone(), of(host)?)))
            .collect()
    }

    /// The shape that the inventory names, for when nobody was asked.
    pub(super) fn first_topology(&self) -> Topology {
        Topology {
            primary: self.cluster.initial_primary().clone(),
            basis: PrimaryBasis::Inventory,
            sources: BTreeMap::new(),
        }
    }

    pub(super) fn walk<'a>(&'a self, topology: &'a Topology) -> Walk<'a> {
        Walk::new(
            &self.playbook,
            &self.templates,
            &self.cluster,
            topology,
            &self.consent,
        )
        .with(&self.selection, &self.extra)
    }

    /// The hosts that any play acts on.
    pub(super) fn targets(&self, topology: &Topology) -> BTreeSet<HostName> {
        let meant = |host: &crate::inventory::Host| {
            let limit = self.selection.limit.as_ref();
            let plays = &self.playbook.plays;
            limit.is_none_or(|limit| limit.matches(host, topology))
                && plays.iter().any(|play| play.hosts.matches(host, topology))
        };
        let hosts = self.cluster.hosts.values();
        hosts
            .filter(|host| meant(host))
            .map(|host| host.name.clone())
            .collect()
    }

    /// The whole plan: the same walk as the run, on predictions instead of observations.
    pub(super) fn draft(&self, seen: &Observation, topology: &Topology) -> Result<Draft, CliError> {
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
            stages.push(decide::with_reserve(stage, seen));
        }
        let primary = &topology.primary;
        let mut because = vec![match topology.basis {
            PrimaryBasis::Replication => {
                format!("primary: {primary}, since others replicate from it")
            }
            PrimaryBasis::Alone => {
                format!("primary: {primary}, which leads without a replica")
            }
            PrimaryBasis::Inventory => format!("primary: {primary}, as the inventory says"),
        }];
        because.extend(decide::reservations(topology, seen, &self.consent));
        let loses = stages
            .iter()
            .flat_map(|stage| &stage.steps)
            .filter_map(|step| loss(&step.action, seen));
        Ok(Draft {
            undecided: walk.undecided().to_vec(),
            plan: Plan {
                intent: self.intent.clone(),
                because,
                loses: loses.collect(),
                loss: None,
                stages,
            },
        })
    }

    /// Shows a plan, and asks where there is something to ask.
    pub(super) async fn present(
        &self,
        global: &Global,
        args: &Show,
        draft: &Draft,
    ) -> Result<Shown, CliError> {
        if args.check {
            return Ok(Shown::Over(show_check(global, args, draft)));
        }
        if draft.plan.is_empty() {
            return Ok(Shown::Nothing);
        }
        say(&text(draft, args));
        if !args.yes && confirm("Carry this out?").await? == Answer::No {
            say("nothing was changed");
            return Ok(Shown::Over(Exit::Ok));
        }
        Ok(Shown::Agreed)
    }

    /// Carries it out. `None` when it did not get to its end; what there is to say was said.
    pub(super) async fn carry_out(
        &self,
        global: &Global,
        fleet: &LiveFleet,
        needs: &BTreeMap<HostName, Needs>,
        topology: &Topology,
        seen: Observation,
    ) -> Result<Option<Observation>, CliError> {
        let journal = Journal::create(&files::journals(), self.cluster.name.as_ref())?;
        let screen = screen::events(global);
        let sink = Tee(vec![&journal, screen.as_ref()]);
        sink.event(&Event::Started {
            intent: self.intent.clone(),
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
        if summary.is_good() {
            return Ok(Some(seen));
        }
        say(&format!(
            "hint: run the command again, it looks first and goes on from there; what was done: {}",
            journal.display()
        ));
        Ok(None)
    }
}

fn consent(cluster: &Cluster, reseed: &[HostName]) -> Result<Consent, CliError> {
    let reseed: BTreeSet<_> = reseed.iter().cloned().collect();
    match reseed.iter().find(|host| cluster.host(host).is_none()) {
        Some(unknown) => Err(CliError::NoSuchHost(unknown.to_string())),
        None => Ok(Consent { reseed }),
    }
}

fn text(draft: &Draft, args: &Show) -> String {
    let detail = if args.diff {
        Detail::Diffs
    } else {
        Detail::Steps
    };
    let mut text = plan_view::render(&draft.plan, detail);
    text.push_str(&plan_view::undecided(&draft.undecided));
    text
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

fn show_check(global: &Global, args: &Show, draft: &Draft) -> Exit {
    match global.output {
        OutputFormat::Human if draft.plan.is_empty() => show("Nothing to do."),
        OutputFormat::Human => show(&text(draft, args)),
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Junit => {
            print(&serde_json::to_string(draft).unwrap_or_default());
        }
    }
    if args.detailed_exitcode && !draft.plan.is_empty() {
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
