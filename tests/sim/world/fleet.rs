//! The world as a fleet that procedures can be led on, with a fault at one step, and the executor that
//! leads them: hosts of a stage really run side by side, and a hactl that is killed is a future that is
//! dropped in the middle. No thread, no clock, no sleep.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hactl::decide::Procedure;
use hactl::execute::{Performance, Unsafe, perform};
use hactl::facts::{Needs, Observation};
use hactl::fleet::{Fleet, Progress};
use hactl::inventory::HostName;
use hactl::mysql::ServerFacts;
use hactl::plan::{Action, Outcome, StagePlan, Step, Violation};
use hactl::report::{Event, Sink};

use super::effects::Effect;
use super::{Millis, World};
use crate::oracle;
use crate::prng::Prng;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// The step is not done, and says so.
    NotDone,
    /// It is done, and the answer is lost.
    AnswerLost,
    /// Half of a step that does two things side by side is done, and it says that it failed; of any
    /// other, the answer is lost.
    Halfway(Half),
    /// The same, and hactl is killed before it knows.
    KilledHalfway(Half),
    /// hactl is killed before the step.
    KilledBefore,
    /// hactl is killed after the step, before it knows.
    KilledAfter,
    /// The server of this host is killed before the step.
    ServerDies(u32),
    /// This host loses its power before the step.
    PowerFails(u32),
    /// This host comes back: power, links and server.
    Returns(u32),
}

/// Which half of a demotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// The address is gone, and the server takes writes.
    Address,
    /// The server refuses writes, and the address is there.
    Server,
}

impl Half {
    /// The step that does this half; one without halves as it is.
    fn of(self, step: &Step) -> Step {
        let mut half = step.clone();
        let Action::Demote {
            within,
            vip: Some(vip),
        } = &step.action
        else {
            return half;
        };
        half.action = match self {
            Self::Address => Action::RemoveVip {
                address: vip.clone(),
                interface: String::new(),
            },
            Self::Server => Action::Demote {
                within: *within,
                vip: None,
            },
        };
        half
    }
}

/// An interruption and the step, counted from 0, at which it comes.
pub(crate) type Fault = (usize, Interruption);

/// How a run of hactl ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The procedure ended by itself.
    Performed(Performance),
    /// A stage broke a rule of the second checker.
    Unsafe(Violation),
    /// hactl was killed.
    Killed,
}

/// The fleet.
pub(crate) struct WorldFleet {
    inner: Mutex<Inner>,
}

struct Inner {
    world: World,
    steps: usize,
    faults: BTreeMap<usize, Interruption>,
    killed: bool,
    /// The nearest moment at which a wait ends.
    deadline: Option<Millis>,
    /// Who decides how long each step tarries; without it, nobody does.
    pace: Option<Prng>,
    wrongs: Vec<String>,
    trace: Vec<String>,
}

impl WorldFleet {
    /// A world with faults to come, by the number of the step, through all runs.
    pub(crate) fn new(world: World, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                world,
                steps: 0,
                faults: faults.into_iter().collect(),
                killed: false,
                deadline: None,
                pace: None,
                wrongs: Vec::new(),
                trace: Vec::new(),
            }),
        }
    }

    /// Steps of different hosts mix as these numbers have it.
    pub(crate) fn paced(self, prng: Prng) -> Self {
        self.inner().pace = Some(prng);
        self
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("not poisoned")
    }

    /// The world as it is.
    pub(crate) fn world(&self) -> World {
        self.inner().world.clone()
    }

    /// Changes the world between two runs.
    pub(crate) fn change(&self, change: impl FnOnce(&mut World)) {
        let mut inner = self.inner();
        change(&mut inner.world);
        inner.world.settle();
    }

    /// How many steps were begun.
    pub(crate) fn steps(&self) -> usize {
        self.inner().steps
    }

    /// What the oracle found wrong at any moment.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.inner().wrongs.clone()
    }

    /// What was done, for a person who looks for the reason.
    pub(crate) fn trace(&self) -> String {
        self.inner().trace.join("\n")
    }

    /// A note between what was done.
    pub(crate) fn note(&self, text: String) {
        self.inner().trace.push(text);
    }

    /// One run of hactl: leads a procedure from what is seen now.
    pub(crate) fn lead<P: Procedure>(
        &self,
        procedure: &mut P,
        seen: Observation,
        inspect: impl FnMut(&StagePlan, &Observation) -> Vec<Violation>,
    ) -> Ended {
        self.inner().killed = false;
        let run = async { perform(self, procedure, seen, inspect, &Silent).await };
        match self.drive(run) {
            None => Ended::Killed,
            Some(Ok((performance, _))) => Ended::Performed(performance),
            Some(Err(Unsafe(violation))) => Ended::Unsafe(violation),
        }
    }

    /// Polls to the end, letting time pass where everybody waits; `None` when hactl is killed.
    fn drive<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = {
                let mut inner = self.inner();
                inner.deadline = None;
                inner.world.events
            };
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            let mut inner = self.inner();
            if inner.killed {
                return None;
            }
            if inner.world.events == before
                && let Some(deadline) = inner.deadline
            {
                inner.world.pass(deadline);
            }
        }
    }

    /// Yields as often as the pace has it.
    async fn tarry(&self) {
        let turns = self.inner().pace.as_mut().map_or(0, |prng| prng.below(4));
        for _ in 0..turns {
            // It is on its way: nobody's time runs out meanwhile.
            self.inner().world.events += 1;
            yield_once().await;
        }
    }

    /// Begins a step: what goes wrong before it goes wrong now.
    fn begin(&self) -> Option<Interruption> {
        let mut inner = self.inner();
        let nth = inner.steps;
        inner.steps += 1;
        let due = inner.faults.remove(&nth);
        if let Some(what) = due {
            inner.interrupt(what);
        }
        due
    }
}

impl Inner {
    fn interrupt(&mut self, what: Interruption) {
        self.trace.push(format!("  !! {what:?}"));
        match what {
            Interruption::NotDone
            | Interruption::AnswerLost
            | Interruption::KilledAfter
            | Interruption::Halfway(_)
            | Interruption::KilledHalfway(_) => {}
            Interruption::KilledBefore => self.killed = true,
            Interruption::ServerDies(host) => self.world.at_mut(host).server.crash(),
            Interruption::PowerFails(host) => self.world.at_mut(host).power_off(),
            Interruption::Returns(host) => {
                let machine = self.world.at_mut(host);
                machine.power_on();
                machine.start();
                self.world.heal();
            }
        }
        self.world.settle();
    }

    fn judge(&mut self, when: &str) {
        if let Some(wrong) = oracle::moment(&self.world) {
            self.wrongs.push(format!("{when}: {wrong}"));
        }
    }

    /// Carries out a step once more; the client writes before and after.
    fn attempt(&mut self, step: &Step, is_first: bool) -> Effect {
        if is_first {
            self.world.write();
        }
        let before = self.world.events;
        let effect = self.world.carry_out(step);
        if matches!(effect, Effect::Waits(_)) {
            // To look is no event.
            self.world.events = before;
            return effect;
        }
        if let Effect::Ended(outcome) = &effect {
            let told = format!("{}: {} -> {outcome:?}", step.host, step.action);
            self.trace.push(told);
        }
        if let Some(wrong) = oracle::after(&self.world, step) {
            self.wrongs.push(wrong);
        }
        self.judge(&format!("after {} on {}", step.action, step.host));
        self.world.write();
        self.judge(&format!("writing after {} on {}", step.action, step.host));
        effect
    }
}

impl Fleet for WorldFleet {
    async fn observe(&self, _: &BTreeMap<HostName, Needs>) -> Observation {
        self.inner().world.seen_whole()
    }

    async fn look(&self, hosts: &BTreeSet<HostName>, _: Duration) -> Observation {
        self.inner().world.seen(hosts)
    }

    async fn ask(
        &self,
        hosts: &BTreeSet<HostName>,
        within: Duration,
    ) -> BTreeMap<HostName, ServerFacts> {
        let seen = self.look(hosts, within).await;
        seen.servers()
            .map(|(host, facts)| (host.clone(), facts.clone()))
            .collect()
    }

    async fn apply(&self, step: &Step, _: &dyn Progress) -> Outcome {
        self.tarry().await;
        let fault = self.begin();
        match fault {
            Some(Interruption::KilledBefore) => return std::future::pending().await,
            Some(Interruption::NotDone) => {
                return Outcome::Failed {
                    error: "planted".to_owned(),
                    hint: None,
                };
            }
            _ => {}
        }
        let done = match fault {
            Some(Interruption::Halfway(half) | Interruption::KilledHalfway(half)) => half.of(step),
            _ => step.clone(),
        };
        let is_half = done != *step;
        let step = &done;
        let mut until = None;
        let outcome = loop {
            if self.inner().killed {
                return std::future::pending().await;
            }
            let effect = self.inner().attempt(step, until.is_none());
            match effect {
                Effect::Ended(outcome) => break outcome,
                Effect::Waits(within) => {
                    let mut inner = self.inner();
                    let end = *until.get_or_insert(inner.world.now + within);
                    if inner.world.now >= end {
                        inner
                            .trace
                            .push(format!("{}: {}: in vain", step.host, step.action));
                        break Outcome::Failed {
                            error: "it did not come in time".to_owned(),
                            hint: None,
                        };
                    }
                    inner.deadline = Some(inner.deadline.map_or(end, |other| other.min(end)));
                }
            }
            yield_once().await;
        };
        match fault {
            Some(Interruption::Halfway(_)) if is_half => Outcome::Failed {
                error: "planted".to_owned(),
                hint: None,
            },
            Some(Interruption::AnswerLost | Interruption::Halfway(_)) => Outcome::Unknown {
                error: "planted".to_owned(),
            },
            Some(Interruption::KilledAfter | Interruption::KilledHalfway(_)) => {
                self.inner().killed = true;
                std::future::pending().await
            }
            _ => outcome,
        }
    }
}

/// Lets the others go on.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

struct Silent;

impl Sink for Silent {
    fn event(&self, _: &Event) {}
}
