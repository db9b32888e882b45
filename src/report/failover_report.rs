//! What is kept of a failover: why it was begun, where each millisecond went, what was given up, and
//! what failed. Data for programs, and the same as text for a person. It must never hold a secret: no
//! step does, and hooks' output is the hooks' affair.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::Span;
use super::failover_text;
use crate::decide::Refusal;
use crate::facts::Observation;
use crate::fleet::lock::Holder;
use crate::inventory::{ClusterName, HostName};
use crate::mysql::Switch;
use crate::plan::{Action, DataLoss, LiveVariable, Plan};

/// One failover, or the attempt at one.
#[derive(Clone, Debug, Serialize)]
pub struct FailoverReport {
    /// The cluster.
    pub cluster: ClusterName,
    /// Who led it: user, machine and process of the controller.
    pub by: String,
    /// When the first sign of trouble was seen, by the controller's clock (RFC 3339).
    pub first_sign: String,
    /// The verdict's name.
    pub code: String,
    /// The decisive facts, and who was elected, and who was not and why.
    pub because: Vec<String>,
    /// The primary that failed.
    pub failed: HostName,
    /// Who leads now, if anybody.
    pub leads: Option<HostName>,
    /// What is lost, as far as is known at the end; `None` where nothing could be.
    pub loss: Option<DataLoss>,
    /// Moments before the first step, in milliseconds since the first sign of trouble.
    pub moments: Vec<Moment>,
    /// Every step, in the same milliseconds.
    pub steps: Vec<Span>,
    /// What hooks and fences printed, in order.
    pub outputs: Vec<String>,
    /// Milliseconds since the first sign of trouble until the end.
    pub milliseconds: u64,
    /// Milliseconds since the first sign of trouble until clients could write: the end of the last
    /// step of those that open the new primary to them.
    pub writable_after: Option<u64>,
    /// Why it was not finished; empty when it was.
    pub refused: Vec<Refusal>,
    /// What each server had executed, as seen before the first step.
    pub positions_before: BTreeMap<HostName, String>,
    /// The same, as seen after the last.
    pub positions_after: BTreeMap<HostName, String>,
}

/// Something that happened at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Milliseconds since the first sign of trouble.
    pub at: u64,
    /// What, for a person.
    pub what: String,
}

/// A report that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write the report {path}")]
pub struct ReportError {
    /// Where it should be.
    path: PathBuf,
    /// Why not.
    source: std::io::Error,
}

/// What a report is made of.
#[derive(Debug)]
pub struct FailoverCase<'a> {
    /// The cluster.
    pub cluster: &'a ClusterName,
    /// The primary that failed.
    pub failed: &'a HostName,
    /// The verdict's name.
    pub code: &'a str,
    /// What happened before the first step, in milliseconds since the first sign of trouble.
    pub moments: Vec<Moment>,
    /// The plan, with its reasons and what is lost as they are known at the end.
    pub plan: &'a Plan,
    /// The steps in time.
    pub steps: Vec<Span>,
    /// What hooks and fences printed.
    pub outputs: Vec<String>,
    /// Why it was not finished.
    pub refused: Vec<Refusal>,
    /// Milliseconds since the first sign of trouble until now.
    pub milliseconds: u64,
    /// What was seen before the first step.
    pub before: &'a Observation,
    /// What was seen last.
    pub after: &'a Observation,
}

impl FailoverReport {
    /// The report of a failover that has just ended.
    pub fn new(case: FailoverCase<'_>) -> Self {
        let opened = || {
            let steps = case.steps.iter();
            steps.filter(|span| opens(&span.step.action) && span.is_good())
        };
        let since = i64::try_from(case.milliseconds).unwrap_or(i64::MAX);
        let first_sign = jiff::Timestamp::now() - jiff::SignedDuration::from_millis(since);
        let Holder { who, pid, .. } = Holder::this_process("failover");
        Self {
            cluster: case.cluster.clone(),
            by: format!("{who}, pid {pid}"),
            first_sign: first_sign.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            code: case.code.to_owned(),
            because: case.plan.because.clone(),
            failed: case.failed.clone(),
            leads: opened().next().map(|span| span.step.host.clone()),
            loss: case.plan.loss.clone(),
            writable_after: opened().filter_map(|span| span.ended).max(),
            moments: case.moments,
            steps: case.steps,
            outputs: case.outputs,
            milliseconds: case.milliseconds,
            refused: case.refused,
            positions_before: positions(case.before),
            positions_after: positions(case.after),
        }
    }

    /// Whether it came to its end.
    pub fn is_finished(&self) -> bool {
        self.refused.is_empty()
    }

    /// The steps that took longest, longest first, at most so many.
    pub fn slowest(&self, count: usize) -> Vec<&Span> {
        let took = |span: &Span| span.ended.map_or(0, |ended| ended - span.begun);
        let mut spans: Vec<&Span> = self.steps.iter().collect();
        spans.sort_by_key(|span| std::cmp::Reverse(took(span)));
        spans.truncate(count);
        spans
    }

    /// The whole report as text.
    pub fn text(&self) -> String {
        failover_text::render(self)
    }

    /// The few lines that are printed at the end.
    pub fn summary(&self) -> String {
        failover_text::summary(self)
    }

    /// Writes `failover-<time>.json` and `.txt` into a folder, readable by their owner only, and gives
    /// the path of the text.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReportError> {
        let stamp: String = self
            .first_sign
            .chars()
            .filter(|c| !matches!(c, '-' | ':'))
            .collect();
        let name = format!("failover-{stamp}");
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        create(folder, &format!("{name}.json"), &json)?;
        create(folder, &format!("{name}.txt"), &self.text())
    }
}

/// What each server that answered had executed.
fn positions(seen: &Observation) -> BTreeMap<HostName, String> {
    seen.servers()
        .map(|(host, facts)| (host.clone(), facts.executed.to_string()))
        .collect()
}

/// Whether a step lets clients write.
fn opens(action: &Action) -> bool {
    let writable = LiveVariable::ReadOnly;
    match action {
        Action::AddVip { .. } => true,
        Action::SetVariable { variable, value } => *variable == writable && *value == Switch::Off,
        _ => false,
    }
}

fn create(folder: &Path, name: &str, text: &str) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    let write = || {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())
    };
    match write() {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError { path, source }),
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! A report, as a failover leaves it.
    use super::*;
    use crate::fixture::name;
    use crate::plan::{Action, OnFailure, Outcome, Receiving, Step};

    pub(crate) fn span(host: &str, action: Action, begun: u64, ended: Option<u64>) -> Span {
        Span {
            begun,
            ended,
            step: Step {
                task: "Secure".to_owned(),
                host: name(host),
                action,
                why: "it is elected".to_owned(),
                on_failure: OnFailure::Stop,
            },
            outcome: ended.map(|_| Outcome::Changed),
        }
    }

    pub(crate) fn report() -> FailoverReport {
        FailoverReport {
            cluster: "shop".parse().unwrap(),
            by: "root@control, pid 7".to_owned(),
            first_sign: "2026-01-02T03:04:05.006Z".to_owned(),
            code: "DeadPrimary".to_owned(),
            because: vec!["refused by db1:3306".to_owned()],
            failed: name("db1"),
            leads: Some(name("db2")),
            loss: Some(DataLoss::Nothing {
                because: "the log was read".to_owned(),
            }),
            moments: vec![Moment {
                at: 30,
                what: "taken for dead".to_owned(),
            }],
            steps: vec![
                span(
                    "db2",
                    Action::Drain {
                        at_boot: Receiving::Held,
                    },
                    80,
                    Some(100),
                ),
                span(
                    "db2",
                    Action::Promote {
                        within: std::time::Duration::from_secs(1),
                        proof: crate::plan::Proof::OwnRow,
                    },
                    100,
                    Some(190),
                ),
            ],
            outputs: Vec::new(),
            milliseconds: 240,
            writable_after: Some(200),
            refused: Vec::new(),
            positions_before: [(name("db2"), "0-1-10".to_owned())].into(),
            positions_after: [(name("db2"), "0-2-11".to_owned())].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("shop");
        let path = samples::report().write(&inner).unwrap();
        assert_eq!(
            path.file_name().unwrap(),
            "failover-20260102T030405.006Z.txt"
        );
        let json = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["leads"], "db2");
        assert_eq!(value["steps"][1]["begun"], 100);
        for file in std::fs::read_dir(&inner).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = samples::report().write(&file.join("shop")).unwrap_err();
        assert!(error.to_string().contains("shop/failover-"), "{error}");
    }

    #[test]
    fn the_slowest_come_first() {
        let report = samples::report();
        let slowest = report.slowest(1);
        assert_eq!(slowest[0].begun, 100);
    }
}
