//! Wrong procedures: the real ones with a stage bent out of shape. Each of them is a mistake that some
//! tool has made, and the oracle, or the second checker, must catch each of them: else they would not
//! catch it in ours either.

use hactl::decide::{Next, Procedure};
use hactl::facts::{HostView, Observation, ServerView};
use hactl::inventory::HostName;
use hactl::mysql::Switch;
use hactl::plan::{Action, LiveVariable, Outcome, Plan, StagePlan, Step};

/// Bends a stage.
pub(crate) type Bend = fn(StagePlan) -> StagePlan;

/// Bends what is seen.
pub(crate) type Lie = fn(&Observation) -> Observation;

/// A procedure that is led astray: by what it is shown, or by what becomes of its stages.
#[derive(Clone, Debug)]
pub(crate) struct Mutant<P> {
    inner: P,
    lie: Lie,
    bend: Bend,
    /// How many stages it may still have: one whose steps are taken away may wait for them for ever.
    stages: usize,
    /// What it believes to have done and what was taken away from it.
    skipped: Vec<Step>,
}

impl<P> Mutant<P> {
    /// Leads a procedure astray.
    pub(crate) fn new(inner: P, lie: Lie, bend: Bend) -> Self {
        Self {
            inner,
            lie,
            bend,
            stages: 20,
            skipped: Vec::new(),
        }
    }
}

/// What is seen, as it is.
pub(crate) fn truth(seen: &Observation) -> Observation {
    seen.clone()
}

/// The stage, as it is.
pub(crate) fn straight(stage: StagePlan) -> StagePlan {
    stage
}

impl<P: Procedure> Procedure for Mutant<P> {
    fn heading(&self) -> Plan {
        self.inner.heading()
    }

    fn next(&mut self, seen: &Observation) -> Next {
        match self.inner.next(&(self.lie)(seen)) {
            Next::Stage(_) if self.stages == 0 => Next::Refused(Vec::new()),
            Next::Stage(stage) => {
                self.stages -= 1;
                let bent = (self.bend)(stage.clone());
                self.skipped = stage.steps;
                self.skipped.retain(|step| !bent.steps.contains(step));
                Next::Stage(bent)
            }
            other => other,
        }
    }

    fn ended(&mut self, ended: &[(Step, Outcome)]) {
        let skipped = self.skipped.drain(..).map(|step| (step, Outcome::Changed));
        let all: Vec<_> = ended.iter().cloned().chain(skipped).collect();
        self.inner.ended(&all);
    }
}

/// Positions are not compared: every replica is as far as `db2`.
pub(crate) fn all_equal(seen: &Observation) -> Observation {
    let mut seen = seen.clone();
    let first = seen.servers().find(|(host, _)| host.as_ref() == "db2");
    let Some(first) = first.map(|(_, facts)| facts.clone()) else {
        return seen;
    };
    for view in seen.hosts.values_mut() {
        let HostView::Reached(reached) = view else {
            continue;
        };
        let ServerView::Up(facts) = &mut reached.server else {
            continue;
        };
        facts.executed = first.executed.clone();
        facts.binlog_state.clone_from(&first.binlog_state);
        facts.binlog_pos.clone_from(&first.binlog_pos);
        facts.slave_pos.clone_from(&first.slave_pos);
    }
    seen
}

/// The failed primary is taken for fenced: its server stopped, its addresses gone.
pub(crate) fn looks_fenced(seen: &Observation) -> Observation {
    let mut seen = seen.clone();
    for (host, view) in &mut seen.hosts {
        if let HostView::Reached(reached) = view
            && host.as_ref() == "db1"
        {
            reached.server = ServerView::Stopped;
            reached.os.addresses.clear();
        }
    }
    seen
}

/// Nobody looks whether the old primary still has the VIP.
pub(crate) fn looks_without_vip(seen: &Observation) -> Observation {
    let mut seen = seen.clone();
    for (host, view) in &mut seen.hosts {
        if let HostView::Reached(reached) = view
            && host.as_ref() == "db1"
        {
            reached.os.addresses.truncate(1);
        }
    }
    seen
}

/// The stage without some steps.
fn without(mut stage: StagePlan, unwanted: impl Fn(&Action) -> bool) -> StagePlan {
    stage.steps.retain(|step| !unwanted(&step.action));
    stage
}

/// The stage with some steps before all others.
fn first(mut stage: StagePlan, early: impl Fn(&Action) -> bool) -> StagePlan {
    stage.steps.sort_by_key(|step| !early(&step.action));
    stage
}

fn is_writable(action: &Action) -> bool {
    matches!(
        action,
        Action::SetVariable {
            variable: LiveVariable::ReadOnly,
            value: Switch::Off
        }
    )
}

fn is_vip(action: &Action) -> bool {
    matches!(action, Action::AddVip { .. })
}

/// The receiver is not stopped, the relay log not applied.
pub(crate) fn no_drain(stage: StagePlan) -> StagePlan {
    without(stage, |action| matches!(action, Action::Drain { .. }))
}

/// The old primary is left as it is.
pub(crate) fn no_fence(stage: StagePlan) -> StagePlan {
    without(stage, |action| matches!(action, Action::Fence { .. }))
}

/// What is cut off is not kept.
pub(crate) fn nothing_kept(stage: StagePlan) -> StagePlan {
    without(stage, |action| matches!(action, Action::SaveTail { .. }))
}

/// The last rows are not waited for, in any way.
pub(crate) fn no_wait(stage: StagePlan) -> StagePlan {
    without(stage, |action| {
        matches!(action, Action::AwaitPosition { .. } | Action::Drain { .. })
    })
}

/// Clients come before the server takes writes.
pub(crate) fn vip_first(stage: StagePlan) -> StagePlan {
    first(stage, is_vip)
}

/// Clients write before a replica acknowledges: nothing is waited for.
pub(crate) fn no_cover(stage: StagePlan) -> StagePlan {
    without(stage, |action| {
        matches!(
            action,
            Action::AwaitAcker { .. }
                | Action::SetVariable {
                    variable: LiveVariable::SemiSyncSource,
                    ..
                }
        )
    })
}

/// The server takes writes before it waits for acknowledgements.
pub(crate) fn writable_first(stage: StagePlan) -> StagePlan {
    first(stage, |action| is_writable(action) || is_vip(action))
}

/// The old primary keeps the VIP.
pub(crate) fn vip_stays(mut stage: StagePlan) -> StagePlan {
    for step in &mut stage.steps {
        if let Action::Demote { vip, .. } = &mut step.action {
            *vip = None;
        }
    }
    without(stage, |action| matches!(action, Action::RemoveVip { .. }))
}

/// Nobody is promoted, all else is done.
pub(crate) fn no_promotion(stage: StagePlan) -> StagePlan {
    without(stage, |action| matches!(action, Action::Promote { .. }))
}

/// `db2` and `db3` change places: whoever was not elected leads.
pub(crate) fn other_leader(mut stage: StagePlan) -> StagePlan {
    for step in &mut stage.steps {
        swap(&mut step.host);
        match &mut step.action {
            Action::Replicate { source, .. } | Action::CatchUp { source, .. } => swap(source),
            _ => {}
        }
    }
    stage
}

fn swap(host: &mut HostName) {
    let other = match host.as_ref() {
        "db2" => "db3",
        "db3" => "db2",
        _ => return,
    };
    *host = other.parse().expect("a host's name");
}

/// Siblings are sent to the new primary together with its promotion, not after its proof.
pub(crate) fn early_repoint(mut stage: StagePlan) -> StagePlan {
    let promoted = stage
        .steps
        .iter()
        .find(|step| matches!(step.action, Action::Promote { .. }))
        .cloned();
    if let Some(promotion) = promoted {
        let sibling: HostName = if promotion.host.as_ref() == "db2" {
            "db3"
        } else {
            "db2"
        }
        .parse()
        .expect("a host's name");
        let action = Action::Replicate {
            source: promotion.host.clone(),
            differs: Vec::new(),
        };
        let early = Step {
            host: sibling,
            action,
            ..promotion
        };
        stage.steps.insert(0, early);
    }
    stage
}
