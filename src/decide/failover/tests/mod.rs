//! Failovers on small changes to a healthy cluster that `db1` led: what is refused, who is elected, in
//! which order, and that a run that was killed anywhere is gone on with.

mod election;
mod loss;
mod refusals;
mod resume;
mod revive;

use std::collections::BTreeSet;

use super::*;
use crate::decide::{Harm, Next, Procedure as _, Refusal, foresee};
use crate::facts::{HostView, Mark, Observation, ServerView, UnreachableKind};
use crate::fixture::{self, Mutate as _, healthy, name};
use crate::inventory::Cluster;
use crate::mysql::{BinlogName, Flavor, GtidSet, Positioning, ThreadState};
use crate::plan::{Outcome, StagePlan, Step, predict};

pub(super) const BOTH: [Flavor; 2] = [Flavor::MariaDb, Flavor::MySql];

/// How `db1` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Its process is gone; its host answers.
    Crash,
    /// Nothing answers.
    Power,
}

/// A cluster whose primary has just died; its replicas have noticed.
pub(super) fn dead(cluster: &Cluster, death: Death) -> Observation {
    let mut seen = fixture::dead_primary(cluster);
    if death == Death::Power {
        lose(&mut seen, "db1");
    }
    seen
}

/// What a person or a watcher left on a server.
pub(super) fn mark(at: i64, host: Option<&str>) -> Mark {
    Mark {
        at,
        by: "root@control".to_owned(),
        host: host.map(name),
        text: "kernel update".to_owned(),
    }
}

/// A host answers no more.
pub(super) fn lose(seen: &mut Observation, host: &str) {
    let view = fixture::unreachable(UnreachableKind::Network);
    seen.hosts.insert(name(host), view);
}

/// The GTID set of everything that `db1` wrote up to a number.
pub(super) fn written(flavor: Flavor, last: u32) -> GtidSet {
    let text = match flavor {
        Flavor::MariaDb => format!("0-{}-{last}", server_id(1)),
        Flavor::MySql => format!("{}:1-{last}", uuid(1)),
    };
    GtidSet::parse(flavor, &text).expect("a GTID set")
}

pub(super) fn server_id(host: u8) -> u32 {
    let cluster = fixture::cluster(Flavor::MariaDb, 5);
    cluster.hosts[&name(&format!("db{host}"))].server_id
}

pub(super) fn uuid(host: u8) -> String {
    let number = server_id(host);
    format!("00000000-0000-0000-0000-0000{number:08x}")
}

/// What was received, applied or not.
pub(super) fn received(seen: &mut Observation, host: &str, last: u32) {
    let flavor = seen.server(&name(host)).expect("up").dialect.flavor;
    seen.replica_mut(host).retrieved = Some(written(flavor, last));
}

/// It goes on from a place in `db1`'s log and has received and applied up to these; its GTIDs tell nothing of
/// what it received.
pub(super) fn by_position(seen: &mut Observation, host: &str, (received, applied): (u64, u64)) {
    let status = seen.replica_mut(host);
    let log: Option<BinlogName> = Some("binlog.000007".parse().expect("a log's name"));
    status.using_gtid = Positioning::File;
    status.retrieved = Some(GtidSet::empty(Flavor::MariaDb));
    (status.read_source_log, status.read_source_pos) = (log.clone(), received);
    (status.exec_source_log, status.exec_source_pos) = (log, applied);
}

/// What was applied.
pub(super) fn applied(seen: &mut Observation, host: &str, last: u32) {
    let facts = seen.server_mut(host);
    facts.executed = written(facts.dialect.flavor, last);
    facts.binlog_state = facts.binlog_state.as_ref().map(|_| {
        let text = format!("0-{}-{last}", server_id(1));
        text.parse().expect("a binlog state")
    });
}

/// It follows nobody any more, and has written a row since.
pub(super) fn proven(seen: &mut Observation, host: &str) {
    let facts = seen.server_mut(host);
    facts.replica = None;
    let flavor = facts.dialect.flavor;
    let number: u8 = host.trim_start_matches("db").parse().expect("a number");
    let own = match flavor {
        Flavor::MariaDb => format!("0-{}-101", server_id(number)),
        Flavor::MySql => format!("{}:1", uuid(number)),
    };
    let own = GtidSet::parse(flavor, &own).expect("a GTID set");
    facts.executed = facts.executed.union(&own).expect("one history");
    facts.binlog_state = facts.binlog_state.as_ref().map(|state| {
        let state = format!("{state},{own}");
        state.parse().expect("a binlog state")
    });
}

pub(super) fn allow(harms: &[Harm]) -> BTreeSet<Harm> {
    harms.iter().copied().collect()
}

pub(super) fn begin<'a>(
    cluster: &'a Cluster,
    seen: &Observation,
    harms: &[Harm],
) -> Result<Failover<'a>, Vec<Refusal>> {
    let because = vec!["db1 is dead".to_owned()];
    Failover::new(cluster, seen, &name("db1"), allow(harms), because)
}

/// The reasons why a failover is refused, as one text.
pub(super) fn refused(cluster: &Cluster, seen: &Observation, harms: &[Harm]) -> String {
    match begin(cluster, seen, harms) {
        Ok(failover) => panic!("not refused: {:?} leads", failover.leader()),
        Err(refusals) => refusals
            .iter()
            .map(|refusal| format!("{}; {}", refusal.reason, refusal.way_out))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

pub(super) fn leader(cluster: &Cluster, seen: &Observation, harms: &[Harm]) -> String {
    let failover = begin(cluster, seen, harms).expect("a failover");
    failover.leader().expect("a leader").to_string()
}

/// What a watcher remembers of `db1`, which had written 100 transactions.
pub(super) fn memory(flavor: Flavor, acking: &[&str]) -> Memory {
    let cluster = fixture::cluster(flavor, 3);
    let mut semi_sync = healthy(&cluster).server_mut("db1").semi_sync.clone();
    semi_sync.clients = u32::try_from(acking.len()).expect("few");
    Memory {
        at: 5000,
        executed: written(flavor, 100),
        semi_sync,
        acking: acking.iter().map(|host| name(host)).collect(),
    }
}

/// A case of `db1`, 740 ms after it was last heard.
pub(super) fn case(harms: &[Harm], memory: Option<Memory>) -> Case {
    let mut case = Case::new(name("db1"), vec!["db1 is dead".to_owned()]);
    case.allowed = allow(harms);
    case.now = memory.as_ref().map_or(0, |memory| memory.at + 740);
    case.memory = memory;
    case
}

/// Every step of the whole plan: `stage | host: action`.
pub(super) fn plan(cluster: &Cluster, seen: &Observation, harms: &[Harm]) -> String {
    let failover = begin(cluster, seen, harms).expect("a failover");
    let plan = foresee(cluster, &failover, seen).expect("a plan");
    let mut lines = vec![plan.intent];
    for stage in &plan.stages {
        lines.push(format!("[{}]", stage.play));
        for (host, steps) in stage.by_host() {
            let steps: Vec<_> = steps.iter().map(|step| step.action.to_string()).collect();
            lines.push(format!("{host}: {}", steps.join("; ")));
        }
    }
    lines.join("\n")
}

/// How one step ends.
pub(super) type Fate<'f> = &'f dyn Fn(&Step) -> Outcome;

pub(super) fn good(_: &Step) -> Outcome {
    Outcome::Changed
}

pub(super) fn fails() -> Outcome {
    Outcome::Failed {
        error: "it failed".to_owned(),
        hint: None,
    }
}

/// Carries a failover out on predictions, each stage inspected. Steps that do not end well change
/// nothing, and end their host's part of the stage.
pub(super) fn run(
    cluster: &Cluster,
    failover: &mut Failover<'_>,
    seen: &mut Observation,
    fate: Fate<'_>,
) -> Result<Vec<String>, Vec<Refusal>> {
    let mut rules = failover.rules();
    let mut done = Vec::new();
    for _ in 0..20 {
        let stage = match failover.next(seen) {
            Next::Done => return Ok(done),
            Next::Refused(refusals) => return Err(refusals),
            Next::Stage(stage) => stage,
        };
        assert_eq!(rules.violations(&stage, seen), Vec::new(), "{stage:?}");
        let ended = play(&stage, fate);
        *seen = predict(cluster, seen, &good_part(&stage, &ended));
        done.extend(ended.iter().map(|(step, outcome)| {
            let sign = if outcome.is_good() { "" } else { " FAILED" };
            format!("{}: {}{sign}", step.host, step.action)
        }));
        failover.ended(&ended);
    }
    panic!("it does not come to an end: {done:#?}");
}

/// How each step of a stage ends; a host's steps stop at its first failure.
pub(super) fn play(stage: &StagePlan, fate: Fate<'_>) -> Vec<(Step, Outcome)> {
    let mut ended = Vec::new();
    for steps in stage.by_host().values() {
        for step in steps {
            let outcome = fate(step);
            let is_good = outcome.is_good();
            ended.push(((*step).clone(), outcome));
            if !is_good {
                break;
            }
        }
    }
    ended
}

pub(super) fn good_part(stage: &StagePlan, ended: &[(Step, Outcome)]) -> StagePlan {
    let good = ended.iter().filter(|(_, outcome)| outcome.is_good());
    StagePlan {
        steps: good.map(|(step, _)| step.clone()).collect(),
        ..stage.clone()
    }
}

/// One leads, takes writes, has the VIP alone, and every other replica that is seen follows it.
pub(super) fn assert_led_by(cluster: &Cluster, seen: &Observation, leader: &str) {
    let vip = cluster.vip.as_ref().expect("a VIP").address;
    for (host, view) in &seen.hosts {
        let HostView::Reached(reached) = view else {
            continue;
        };
        let leads = *host == name(leader);
        assert_eq!(reached.os.has_address(vip), leads, "{host} and the VIP");
        let Some(facts) = reached.server.up() else {
            continue;
        };
        assert_eq!(facts.read_only.is_writable(), leads, "{host} and writes");
        assert_eq!(facts.replica.is_none(), leads, "{host} and replication");
        if let Some(status) = &facts.replica {
            let source = cluster.host(&name(leader)).expect("a host");
            assert_eq!(status.source_host, source.address.to_string(), "{host}");
            assert_eq!(status.receiver, ThreadState::Running, "{host}");
        }
    }
}
