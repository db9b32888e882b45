//! Setting and ending maintenance: the same mark on every host that can be reached, so that each watcher
//! sees it wherever it can look. It must never hide that a host was not told.

use crate::decide::{Next, Procedure, Refusal};
use crate::facts::{HostView, Mark, MarkKind, Observation};
use crate::inventory::{Cluster, HostName};
use crate::plan::{Action, FileChange, Look, OnFailure, Outcome, Plan, StagePlan, Step};

const STAGE: &str = "Tell every host";

/// What becomes of maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaintenanceWish {
    /// It begins, with this mark.
    Begin(Mark),
    /// It ends, for this host only, or whatever it is set for.
    End(Option<HostName>),
}

/// The procedure.
#[derive(Clone, Debug)]
pub struct SetMaintenance<'a> {
    cluster: &'a Cluster,
    wish: MaintenanceWish,
    untold: Vec<HostName>,
    done: bool,
}

impl<'a> SetMaintenance<'a> {
    /// Checks that it can be told, and that no other maintenance is overwritten.
    ///
    /// # Errors
    /// Every reason against it, with its way out.
    pub fn new(
        cluster: &'a Cluster,
        seen: &Observation,
        wish: MaintenanceWish,
    ) -> Result<Self, Vec<Refusal>> {
        if seen.all_reached().next().is_none() {
            return Err(vec![Refusal {
                host: None,
                reason: format!(
                    "no host of {} can be reached, so none can be told",
                    cluster.name
                ),
                way_out: "run `hactl status`, which says why".to_owned(),
            }]);
        }
        if let Some(other) = other(seen, &wish) {
            return Err(vec![refusal(other, &wish)]);
        }
        let is_reached = |view: &HostView| matches!(view, HostView::Reached(_));
        let untold = cluster
            .hosts
            .keys()
            .filter(|host| !seen.view(host).is_some_and(is_reached))
            .cloned()
            .collect();
        Ok(Self {
            cluster,
            wish,
            untold,
            done: false,
        })
    }

    /// The hosts that could not be told.
    pub fn untold(&self) -> &[HostName] {
        &self.untold
    }

    fn step(&self, host: &HostName, now: Option<&Mark>) -> Option<Step> {
        let path = MarkKind::Maintenance.path(&self.cluster.name);
        let (action, why) = match (&self.wish, now) {
            (MaintenanceWish::End(_), None) => return None,
            (MaintenanceWish::End(_), Some(mark)) => {
                (Action::RemoveFile { path }, format!("set by {}", mark.by))
            }
            (MaintenanceWish::Begin(wanted), now) => {
                if now.is_some_and(|mark| same(mark, wanted)) {
                    return None;
                }
                let file = FileChange {
                    path,
                    content: content(wanted)?,
                    owner: "root".to_owned(),
                    group: "root".to_owned(),
                    mode: "644".to_owned(),
                    before: now.and_then(content),
                };
                (Action::WriteFile(file), wanted.text.clone())
            }
        };
        Some(Step {
            task: "Maintenance mark".to_owned(),
            host: host.clone(),
            action,
            why,
            on_failure: OnFailure::GoOn,
        })
    }
}

impl Procedure for SetMaintenance<'_> {
    fn heading(&self) -> Plan {
        let name = &self.cluster.name;
        let mut because = Vec::new();
        let intent = match &self.wish {
            MaintenanceWish::Begin(mark) => {
                because.push(format!("reason: {}", mark.text));
                match &mark.host {
                    None => {
                        because.push("no watcher acts on the cluster until it ends".to_owned());
                        format!("begin maintenance of cluster {name}")
                    }
                    Some(host) => {
                        because.push(format!("no watcher acts on {host} until it ends"));
                        format!("begin maintenance of {host} in cluster {name}")
                    }
                }
            }
            MaintenanceWish::End(_) => format!("end maintenance in cluster {name}"),
        };
        if !self.untold.is_empty() {
            let hosts: Vec<_> = self.untold.iter().map(AsRef::as_ref).collect();
            because.push(format!("cannot be told: {}", hosts.join(", ")));
        }
        Plan {
            intent,
            because,
            loses: Vec::new(),
            loss: None,
            stages: Vec::new(),
        }
    }

    fn next(&mut self, seen: &Observation) -> Next {
        let steps: Vec<_> = seen
            .all_reached()
            .filter_map(|(host, reached)| self.step(host, reached.os.marks.maintenance.as_ref()))
            .collect();
        if self.done || steps.is_empty() {
            return Next::Done;
        }
        self.done = true;
        Next::Stage(StagePlan {
            play: STAGE.to_owned(),
            steps,
            look: Look::All,
        })
    }

    fn ended(&mut self, _ended: &[(Step, Outcome)]) {}
}

/// Maintenance of something else, which one file per host cannot hold beside the one that is wished.
fn other<'a>(seen: &'a Observation, wish: &MaintenanceWish) -> Option<&'a Mark> {
    let subject = match wish {
        MaintenanceWish::Begin(mark) => &mark.host,
        MaintenanceWish::End(None) => return None,
        MaintenanceWish::End(host) => host,
    };
    seen.all_reached()
        .filter_map(|(_, reached)| reached.os.marks.maintenance.as_ref())
        .find(|mark| mark.host != *subject)
}

fn refusal(other: &Mark, wish: &MaintenanceWish) -> Refusal {
    let subject = match &other.host {
        None => "the whole cluster".to_owned(),
        Some(host) => host.to_string(),
    };
    let way_out = match (wish, &other.host) {
        (MaintenanceWish::End(_), None) => "`hactl maintenance off` ends that".to_owned(),
        (MaintenanceWish::End(_), Some(host)) => {
            format!("`hactl maintenance off {host}` ends that")
        }
        (MaintenanceWish::Begin(_), _) => {
            "end it by `hactl maintenance off`, then set it for the whole cluster by `hactl \
             maintenance on` if more than one host is worked on"
                .to_owned()
        }
    };
    Refusal {
        host: other.host.clone(),
        reason: format!(
            "{subject} is in maintenance already: {} (set by {})",
            other.text, other.by
        ),
        way_out,
    }
}

/// Whether nothing needs to be written: who said it first, and when, is kept.
fn same(now: &Mark, wanted: &Mark) -> bool {
    now.host == wanted.host && now.text == wanted.text
}

/// The file's text.
fn content(mark: &Mark) -> Option<String> {
    serde_json::to_string(mark).ok().map(|json| json + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::foresee;
    use crate::facts::UnreachableKind;
    use crate::fixture::{cluster, healthy, name, unreachable};
    use crate::mysql::Flavor;
    use crate::plan::predict;

    fn mark(host: Option<&str>) -> Mark {
        Mark {
            at: 1000,
            by: "me@here, process 7".to_owned(),
            host: host.map(name),
            text: "new disks".to_owned(),
        }
    }

    fn after(cluster: &Cluster, seen: &Observation, wish: MaintenanceWish) -> Observation {
        let procedure = SetMaintenance::new(cluster, seen, wish).unwrap();
        let plan = foresee(cluster, &procedure, seen).unwrap();
        plan.stages
            .iter()
            .fold(seen.clone(), |seen, stage| predict(cluster, &seen, stage))
    }

    fn marks(seen: &Observation) -> Vec<(&str, Option<&Mark>)> {
        seen.all_reached()
            .map(|(host, reached)| (host.as_ref(), reached.os.marks.maintenance.as_ref()))
            .collect()
    }

    #[test]
    fn every_reached_host_is_told_once_and_others_are_named() {
        let cluster = cluster(Flavor::MariaDb, 3);
        let mut seen = healthy(&cluster);
        seen.hosts
            .insert(name("db3"), unreachable(UnreachableKind::Network));
        let begin = MaintenanceWish::Begin(mark(Some("db1")));
        let procedure = SetMaintenance::new(&cluster, &seen, begin.clone()).unwrap();
        assert_eq!(procedure.untold(), [name("db3")]);
        let told = after(&cluster, &seen, begin.clone());
        let wanted = mark(Some("db1"));
        assert_eq!(
            marks(&told),
            [("db1", Some(&wanted)), ("db2", Some(&wanted))]
        );
        // Again changes nothing, and who came first is kept.
        let later = MaintenanceWish::Begin(Mark {
            at: 2000,
            by: "you@there".to_owned(),
            ..wanted
        });
        assert_eq!(marks(&after(&cluster, &told, later)), marks(&told));
        let ended = after(&cluster, &told, MaintenanceWish::End(None));
        assert_eq!(marks(&ended), [("db1", None), ("db2", None)]);
        assert_eq!(
            marks(&after(&cluster, &ended, MaintenanceWish::End(None))),
            marks(&ended)
        );
    }

    #[test]
    fn one_maintenance_is_not_taken_for_another() {
        let cluster = cluster(Flavor::MariaDb, 3);
        let told = after(
            &cluster,
            &healthy(&cluster),
            MaintenanceWish::Begin(mark(Some("db1"))),
        );
        for wish in [
            MaintenanceWish::Begin(mark(None)),
            MaintenanceWish::Begin(mark(Some("db2"))),
            MaintenanceWish::End(Some(name("db2"))),
        ] {
            let refusals = SetMaintenance::new(&cluster, &told, wish).unwrap_err();
            assert!(
                refusals[0]
                    .reason
                    .starts_with("db1 is in maintenance already")
            );
        }
        let ended = after(&cluster, &told, MaintenanceWish::End(Some(name("db1"))));
        assert!(marks(&ended).iter().all(|(_, mark)| mark.is_none()));
    }

    #[test]
    fn nobody_to_tell_is_a_refusal() {
        let cluster = cluster(Flavor::MariaDb, 2);
        let mut seen = healthy(&cluster);
        for view in seen.hosts.values_mut() {
            *view = unreachable(UnreachableKind::Network);
        }
        assert!(SetMaintenance::new(&cluster, &seen, MaintenanceWish::End(None)).is_err());
    }
}
