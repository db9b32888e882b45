//! Whatever the hosts are like: a bootstrap either says why not, or ends in a cluster on which another
//! finds nothing to do; on the way it drops nobody's data and gives nobody the writer's part twice.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proptest::prelude::*;

use super::{NoPlan, Planned, drifted, plan, steps};
use crate::decide::{Consent, verify};
use crate::facts::{FileFacts, Observation, ServerView, UnitState};
use crate::fixture::{self, Mutate as _, bare, cluster, healthy, name};
use crate::inventory::Cluster;
use crate::mysql::{Flavor, Seeding, Switch, ThreadState};
use crate::plan::{Action, LiveVariable, StagePlan};
use crate::playbook::PlaybookError;

/// Something that is not as it should be on one host.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Uninstalled,
    Stopped,
    Failed,
    Disabled,
    Refuses,
    FilesGone,
    FilesChanged,
    WrongOwner,
    ReadOnly,
    Writable,
    SemiSync(Switch),
    NoAccounts,
    Follows(usize),
    FollowsNobody,
    Empty,
    HalfSeeded,
    HalfSeededEmpty,
    Vip,
    VipElsewhere,
    NoVip,
    ReceiverStopped,
    ApplierStopped,
    OtherUser,
    OldPassword,
    SocketUnit,
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage::*;
    prop_oneof![
        2 => Just(Uninstalled),
        1 => Just(Stopped),
        1 => Just(Failed),
        1 => Just(Disabled),
        1 => Just(Refuses),
        1 => Just(FilesGone),
        1 => Just(FilesChanged),
        1 => Just(WrongOwner),
        2 => Just(ReadOnly),
        2 => Just(Writable),
        1 => Just(SemiSync(Switch::On)),
        1 => Just(SemiSync(Switch::Off)),
        1 => Just(NoAccounts),
        1 => (1..5_usize).prop_map(Follows),
        2 => Just(FollowsNobody),
        2 => Just(Empty),
        2 => Just(HalfSeeded),
        1 => Just(HalfSeededEmpty),
        2 => Just(Vip),
        1 => Just(VipElsewhere),
        1 => Just(NoVip),
        1 => Just(ReceiverStopped),
        1 => Just(ApplierStopped),
        1 => Just(OtherUser),
        1 => Just(OldPassword),
        1 => Just(SocketUnit),
    ]
}

fn inflict(cluster: &Cluster, seen: &mut Observation, host: &str, damage: Damage) {
    let vip: IpAddr = [192, 0, 2, 90].into();
    let dialect = fixture::dialect(cluster.server.flavor);
    let unit = dialect.service_unit();
    let reached = seen.reached_mut(host);
    let mut unit_state = |state| {
        reached
            .os
            .units
            .entry(unit.to_owned())
            .and_modify(|unit| unit.state = state);
    };
    match damage {
        Damage::Uninstalled => {
            reached.server = ServerView::Absent;
            reached.os.packages.clear();
            reached.os.units.clear();
            reached.os.server_program = None;
        }
        Damage::Stopped | Damage::Failed if reached.os.server_program.is_some() => {
            let failed = matches!(damage, Damage::Failed);
            unit_state(if failed {
                UnitState::Failed
            } else {
                UnitState::Inactive
            });
            reached.server = ServerView::Stopped;
        }
        Damage::Disabled => {
            let units = reached.os.units.values_mut();
            units.for_each(|unit| "disabled".clone_into(&mut unit.enablement));
        }
        Damage::Refuses if reached.server.up().is_some() => {
            reached.server = fixture::access_denied();
        }
        Damage::FilesGone => reached
            .os
            .files
            .values_mut()
            .for_each(|file| *file = FileFacts::Absent),
        Damage::FilesChanged => {
            for file in reached.os.files.values_mut() {
                if let FileFacts::Present { content, .. } = file {
                    content.push_str("# by hand\n");
                }
            }
        }
        Damage::WrongOwner => {
            for file in reached.os.files.values_mut() {
                if let FileFacts::Present { owner, mode, .. } = file {
                    (*owner, *mode) = ("nobody".to_owned(), "666".to_owned());
                }
            }
        }
        Damage::Vip => reached.os.addresses.push(fixture::held(vip, "eth0")),
        Damage::VipElsewhere => reached.os.addresses.push(fixture::held(vip, "lo")),
        Damage::NoVip => reached.os.addresses.retain(|held| held.address != vip),
        Damage::SocketUnit => {
            for socket in dialect.socket_units() {
                let enabled = crate::facts::UnitFacts {
                    state: UnitState::Active,
                    enablement: "enabled".to_owned(),
                    ..crate::facts::UnitFacts::unknown()
                };
                reached.os.units.insert((*socket).to_owned(), enabled);
            }
        }
        Damage::OldPassword => reached.os.source_password_sha256 = Some("00".to_owned()),
        _ if reached.server.up().is_some() => inflict_server(cluster, seen, host, damage),
        _ => {}
    }
}

fn inflict_server(cluster: &Cluster, seen: &mut Observation, host: &str, damage: Damage) {
    let facts = seen.server_mut(host);
    let all = |facts: &mut crate::mysql::ServerFacts, value| {
        facts.read_only.read_only = value;
        facts.read_only.super_read_only = facts.read_only.super_read_only.map(|_| value);
    };
    match damage {
        Damage::ReadOnly => all(facts, Switch::On),
        Damage::Writable => all(facts, Switch::Off),
        Damage::SemiSync(value) => facts.semi_sync.source_enabled = Some(value),
        Damage::NoAccounts => facts.accounts.clear(),
        Damage::Follows(number) => {
            let source = name(&format!("db{number}"));
            if cluster.host(&source).is_some() && source.as_ref() != host {
                facts.replica = Some(fixture::following(cluster, &source));
            }
        }
        Damage::FollowsNobody => facts.replica = None,
        Damage::Empty => {
            facts.replica = None;
            facts.databases.clear();
        }
        Damage::HalfSeeded => {
            facts.replica = None;
            facts.seeding = Seeding::Unfinished;
        }
        Damage::HalfSeededEmpty => {
            facts.replica = None;
            facts.seeding = Seeding::Unfinished;
            facts.databases.clear();
        }
        Damage::ReceiverStopped | Damage::ApplierStopped | Damage::OtherUser => {
            let Some(status) = &mut facts.replica else {
                return;
            };
            match damage {
                Damage::ReceiverStopped => status.receiver = ThreadState::Stopped,
                Damage::ApplierStopped => status.applier = ThreadState::Stopped,
                _ => "root".clone_into(&mut status.source_user),
            }
        }
        _ => {}
    }
}

/// From what a run starts.
#[derive(Clone, Copy, Debug)]
enum Start {
    Bare,
    /// Runs well, and was never touched by hactl.
    Healthy,
    /// As an earlier run has left it.
    Converged,
}

#[derive(Clone, Debug)]
struct Situation {
    flavor: Flavor,
    hosts: usize,
    start: Start,
    damages: Vec<(usize, Damage)>,
    reseed: Option<usize>,
}

fn situation() -> impl Strategy<Value = Situation> {
    (
        prop_oneof![3 => Just(Flavor::MariaDb), 1 => Just(Flavor::MySql)],
        1..=4_usize,
        prop_oneof![
            Just(Start::Bare),
            Just(Start::Healthy),
            Just(Start::Converged)
        ],
        prop::collection::vec((1..=4_usize, damage()), 0..6),
        prop::option::weighted(0.2, 1..=4_usize),
    )
        .prop_map(|(flavor, hosts, start, damages, reseed)| Situation {
            flavor,
            hosts,
            start,
            damages,
            reseed,
        })
}

impl Situation {
    fn set_up(&self) -> (Cluster, Observation, Consent) {
        let cluster = cluster(self.flavor, self.hosts);
        let nobody = Consent::default();
        let mut seen = match self.start {
            Start::Bare => bare(&cluster),
            Start::Healthy => healthy(&cluster),
            Start::Converged => plan(&cluster, &healthy(&cluster), &nobody).unwrap().after,
        };
        for (host, damage) in &self.damages {
            if *host <= self.hosts {
                inflict(&cluster, &mut seen, &format!("db{host}"), *damage);
            }
        }
        let reseed = self.reseed.filter(|host| *host <= self.hosts);
        let reseed: Vec<String> = reseed.iter().map(|host| format!("db{host}")).collect();
        let reseed: Vec<&str> = reseed.iter().map(String::as_str).collect();
        (cluster, seen, fixture::consent(&reseed))
    }
}

/// The hosts that are loaded over, whatever they hold.
fn overwritten(stages: &[StagePlan]) -> BTreeSet<String> {
    let actions = stages.iter().flat_map(|stage| &stage.steps);
    let into = actions.filter_map(|step| match &step.action {
        Action::Seed { into, emptied } => Some(into.iter().chain(emptied)),
        _ => None,
    });
    into.flatten().map(ToString::to_string).collect()
}

/// The hosts that a plan makes the writer, by an action.
fn given(stages: &[StagePlan], is_it: fn(&Action) -> bool) -> BTreeSet<String> {
    let steps = stages.iter().flat_map(|stage| &stage.steps);
    let given = steps.filter(|step| is_it(&step.action));
    given.map(|step| step.host.to_string()).collect()
}

/// Findings that no prediction of a whole run may have.
const GONE: [&str; 11] = [
    "ServerAbsent",
    "DeadPrimary",
    "DeadReplica",
    "PrimaryIsReadOnly",
    "ReplicaIsWritable",
    "NotReplicating",
    "ConnectedToWrongPrimary",
    "HalfSeeded",
    "ReplicaWaitsForAcks",
    "VipMissing",
    "VipOnReplica",
];

fn holds(situation: &Situation) -> Result<(), TestCaseError> {
    let (cluster, seen, consent) = situation.set_up();
    let planned = match plan(&cluster, &seen, &consent) {
        Ok(planned) => planned,
        Err(NoPlan::Unsafe(violation)) => {
            return Err(TestCaseError::fail(format!("an unsafe stage: {violation}")));
        }
        Err(NoPlan::Refused(refusals)) => {
            prop_assert!(refusals.iter().all(|refusal| !refusal.way_out.is_empty()));
            return Ok(());
        }
        Err(NoPlan::Task(error)) => {
            // Only of what shows itself when a stopped or closed server has been opened.
            let seeding = "Replicas have the primary's data";
            let refused = matches!(&error, PlaybookError::Task { task, .. } if task == seeding);
            prop_assert!(refused, "{error:?}");
            return Ok(());
        }
    };
    let holders = seen
        .servers()
        .filter(|(_, facts)| !facts.databases.is_empty() && facts.seeding == Seeding::None)
        .filter(|(host, _)| !consent.reseed.contains(*host));
    let lost = overwritten(&planned.stages);
    for (host, _) in holders {
        prop_assert!(
            !lost.contains(host.as_ref()),
            "{host} is loaded over: {:?}",
            steps(&planned.stages)
        );
    }
    let primary = BTreeSet::from([planned.topology.primary.to_string()]);
    let vips = given(&planned.stages, |action| {
        matches!(action, Action::AddVip { .. })
    });
    let writable = given(&planned.stages, |action| {
        let variable = LiveVariable::ReadOnly;
        *action
            == Action::SetVariable {
                variable,
                value: Switch::Off,
            }
    });
    prop_assert!(vips.is_subset(&primary) && writable.is_subset(&primary));

    let verdict = verify::verify(&cluster, &planned.after, &verify::Drift::new());
    let wrong: Vec<_> = verdict
        .findings()
        .into_iter()
        .filter(|finding| GONE.contains(&finding.code))
        .collect();
    prop_assert!(
        wrong.is_empty(),
        "{wrong:#?} after {:#?}",
        steps(&planned.stages)
    );
    files_agree(&cluster, &seen, &planned)?;
    let again = plan(&cluster, &planned.after, &Consent::default());
    let again = again.map_err(|no| TestCaseError::fail(format!("a second run: {no:?}")))?;
    prop_assert_eq!(&again.topology.primary, &planned.topology.primary);
    prop_assert_eq!(
        steps(&again.stages),
        Vec::<String>::new(),
        "after {:#?}",
        steps(&planned.stages)
    );
    Ok(())
}

/// What a look finds of the files is what the run writes, and nothing is left of it.
fn files_agree(
    cluster: &Cluster,
    seen: &Observation,
    planned: &Planned,
) -> Result<(), TestCaseError> {
    let steps = planned.stages.iter().flat_map(|stage| &stage.steps);
    let written: BTreeSet<String> = steps
        .filter_map(|step| match &step.action {
            Action::WriteFile(file) => Some(format!("{}: {}", step.host, file.path)),
            Action::Configure(config) => Some(format!("{}: {}", step.host, config.file.path)),
            _ => None,
        })
        .collect();
    for file in drifted(cluster, seen, &planned.topology) {
        prop_assert!(
            written.contains(&file),
            "{file} is not written: {written:?}"
        );
    }
    let left = drifted(cluster, &planned.after, &planned.topology);
    prop_assert_eq!(left, Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_second_run_finds_nothing_to_do(situation in situation()) {
        holds(&situation)?;
    }
}

/// The starting points themselves, undamaged.
#[test]
fn each_start_converges() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        for start in [Start::Bare, Start::Healthy, Start::Converged] {
            let situation = Situation {
                flavor,
                hosts: 3,
                start,
                damages: Vec::new(),
                reseed: None,
            };
            holds(&situation).unwrap();
            let (cluster, seen, nobody) = situation.set_up();
            let planned = plan(&cluster, &seen, &nobody).unwrap();
            match start {
                Start::Converged => assert!(planned.stages.is_empty(), "{:?}", planned.stages),
                Start::Bare | Start::Healthy => assert!(!planned.stages.is_empty()),
            }
        }
    }
}
