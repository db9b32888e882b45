//! Real servers are held to the list that the simulator's model is held to: the same states, the same
//! actions through the fleet that hactl uses, and the same to be seen afterwards, of every host. Where
//! this fails, either the model does what no server does, or an action does what nobody was told.
//!
//! All cases run on one cluster, which is put in order between them; after that it must look as a new
//! one does, too.

#[path = "../../conformance/mod.rs"]
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hactl::facts::{MarkKind, Observation};
use hactl::fleet::Fleet;
use hactl::mysql::{Flavor, Switch};
use hactl::plan::{Action, LiveVariable, Neighbours, Outcome, Proof};
use hactl_lab::Suite;

use list::cases::{CASES, Case, Does, Given};
use list::sight::{Sight, heading};
use list::steps::{set, step};
use list::{HOSTS, OBSERVED, name};

use crate::cluster::eventually;
use crate::leading::Stage;

crate::on_each_server!(actions_do_what_the_model_says);

/// How long what is seen may take to become what must be seen.
const SOON: Duration = Duration::from_secs(30);
const ROWS: &str = "SELECT COUNT(*) FROM q.t";
/// A cluster in good order that holds no row of a client.
const WELL: [&str; 3] = [
    "db1: writable, follows nobody, asks for acknowledgements, rows: 0, VIP",
    "db2: read-only, follows db1 (receiver runs, applier runs), rows: 0",
    "db3: read-only, follows db1 (receiver runs, applier runs), rows: 0",
];

fn actions_do_what_the_model_says(suite: Suite) {
    let bench = Bench(Stage::set(suite));
    let mut wrong = Vec::new();
    for case in CASES.iter().filter(|case| is_possible(case, suite)) {
        bench.assert_well(case, &wrong);
        wrong.extend(bench.replay(case));
        bench.put_in_order(case);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// `MariaDB` 10.5 takes the option that should cut a tail off, and commits the tail all the same: then the
/// host is reseeded.
fn is_possible(case: &Case, suite: Suite) -> bool {
    let rewinds = case.does.iter().any(|does| matches!(does, Does::Rewind(_)));
    !(rewinds && suite == Suite::Bullseye)
}

/// The cluster on which the cases are tried.
struct Bench(Stage);

impl Bench {
    fn flavor(&self) -> Flavor {
        self.0.fleet.cluster().server.flavor
    }

    fn observe(&self) -> Observation {
        let needs = BTreeMap::new();
        self.0.runtime.block_on(self.0.fleet.observe(&needs))
    }

    fn sql(&self, host: u32, text: &str) -> String {
        let host = self.0.cluster.host(name(host).as_ref());
        host.sql(text).unwrap().trim().to_owned()
    }

    /// Client rows that can be read where the server answers.
    fn rows(&self, seen: &Observation) -> BTreeMap<u32, usize> {
        let up = HOSTS
            .into_iter()
            .filter(|host| seen.server(&name(*host)).is_some());
        up.map(|host| (host, self.sql(host, ROWS).parse().unwrap()))
            .collect()
    }

    fn with_sight<T>(&self, last: &Outcome, judge: impl Fn(&Sight<'_>) -> T) -> T {
        let seen = self.observe();
        judge(&Sight {
            cluster: self.0.fleet.cluster(),
            seen: &seen,
            rows: self.rows(&seen),
            last,
        })
    }

    /// Brings the hosts into the state of a case, does what it does, and says what is wrong then.
    fn replay(&self, case: &Case) -> Option<String> {
        let mut written = Written::default();
        for given in case.given {
            self.prepare(*given, &mut written);
        }
        let mut last = Outcome::Already;
        for does in case.does {
            let step = step(*does, &self.observe());
            last = self.0.act(step.host.as_ref(), step.action);
        }
        let flavor = self.flavor();
        let wanted = observed(case, flavor);
        let (mut wrong, mut lines) = (Vec::new(), Vec::new());
        let agrees = eventually(SOON, || {
            (wrong, lines) =
                self.with_sight(&last, |sight| (sight.wrong(case, flavor), sight.lines()));
            wrong.is_empty() && lines == wanted
        });
        (!agrees).then(|| {
            format!(
                "{}: the last action ended with {last:?}; {wrong:?}\nthe model: {wanted:#?}\nhere: {lines:#?}",
                case.name
            )
        })
    }

    fn prepare(&self, given: Given, written: &mut Written) {
        match given {
            Given::Rows(count) => {
                for _ in 0..count {
                    written.rows += 1;
                    self.sql(1, &format!("INSERT INTO q.t VALUES ({})", written.rows));
                }
                for replica in [2, 3] {
                    if !written.deaf.contains(&replica) {
                        self.0.cluster.await_received(name(replica).as_ref());
                    }
                }
            }
            Given::Waiting => {
                written.rows += 1;
                self.0.begin_to_write("db1", written.rows);
                let waits = |seen: &Observation| {
                    let facts = seen.server(&name(1));
                    facts.is_some_and(|facts| facts.semi_sync.waiting_sessions > 0)
                };
                assert!(
                    eventually(SOON, || waits(&self.observe())),
                    "no commit waits"
                );
            }
            Given::ApplierStopped(host) => drop(self.sql(host, "STOP REPLICA SQL_THREAD")),
            Given::ReceiverStopped(host) => {
                written.deaf.insert(host);
                self.sql(host, "STOP REPLICA IO_THREAD");
            }
            Given::BothStopped(host) => {
                written.deaf.insert(host);
                self.sql(host, "STOP REPLICA");
            }
            Given::Killed(host) => self.0.kill(name(host).as_ref()),
        }
    }

    #[track_caller]
    fn does(&self, host: u32, action: Action) {
        let what = action.to_string();
        let outcome = self.0.act(name(host).as_ref(), action);
        assert!(outcome.is_good(), "db{host}: {what}: {outcome:?}");
    }

    fn follow(&self, host: u32, source: u32) {
        let (source, differs) = (name(source), Vec::new());
        self.does(host, Action::Replicate { source, differs });
    }

    /// `db1` leads again and has everything, the others follow it, and no row of a client is left.
    fn put_in_order(&self, case: &Case) {
        let unit = self.0.cluster.lab.suite().flavor().unit();
        let cluster = self.0.fleet.cluster();
        let unmask = format!("systemctl unmask --runtime {unit}");
        self.0.cluster.host("db1").exec_ok(&unmask).unwrap();
        self.does(1, Action::Unfence);
        let path = MarkKind::Fenced.path(&cluster.name);
        self.does(1, Action::RemoveFile { path });
        for host in HOSTS {
            self.does(host, set(LiveVariable::SemiSyncSource, Switch::Off));
        }
        let promoted = case.does.iter().rev().find_map(|does| match does {
            Does::Promote(host) | Does::PromoteFollowed(host) => Some(*host),
            _ => None,
        });
        if let Some(leader) = promoted {
            self.give_back(leader);
        }
        for replica in [2, 3] {
            self.follow(replica, 1);
        }
        self.does(1, set(LiveVariable::SemiSyncSource, Switch::On));
        self.does(1, set(LiveVariable::ReadOnly, Switch::Off));
        self.does(
            1,
            Action::AddVip {
                address: cluster.vip.as_ref().unwrap().to_string(),
                interface: self.0.cluster.lab.interface().to_owned(),
                neighbours: Neighbours::Known,
                lease: None,
            },
        );
        self.sql(1, "DELETE FROM q.t");
    }

    /// What another host was promoted for goes back to `db1`.
    fn give_back(&self, leader: u32) {
        self.does(leader, set(LiveVariable::ReadOnly, Switch::On));
        self.follow(1, leader);
        let position = self
            .observe()
            .server(&name(leader))
            .unwrap()
            .executed
            .clone();
        let within = SOON;
        self.does(1, Action::AwaitPosition { position, within });
        self.does(
            1,
            Action::Promote {
                within,
                proof: Proof::OwnRow,
            },
        );
    }

    /// Nothing that went before shows any more. `wrong` is what was found so far.
    #[track_caller]
    fn assert_well(&self, case: &Case, wrong: &[String]) {
        let mut hosts = String::new();
        let is_well = eventually(SOON, || {
            hosts = self.with_sight(&Outcome::Already, |sight| sight.lines().join("\n"));
            hosts == WELL.join("\n")
        });
        assert!(
            is_well,
            "{}\n\nbefore `{}`:\n{hosts}",
            wrong.join("\n\n"),
            case.name
        );
    }
}

/// What clients have written so far.
#[derive(Default)]
struct Written {
    rows: u32,
    /// Replicas that receive nothing any more.
    deaf: BTreeSet<u32>,
}

/// What `observed.txt` says of a case.
fn observed(case: &Case, flavor: Flavor) -> Vec<String> {
    let heading = heading(case, flavor);
    let lines = OBSERVED.lines().skip_while(|line| *line != heading);
    let hosts = lines.skip(1).take_while(|line| !line.is_empty());
    hosts.map(str::to_owned).collect()
}
