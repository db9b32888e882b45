//! The loop: what is perceived is diagnosed, a change is told, and what the diagnosis asks for is done,
//! one thing at a time. It must never act while somebody else does, and never leave the cluster half
//! changed because it was asked to end.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempt::{Attempt, Attempted, Cure, Standing, first_sign};
use super::lease::Lease;
use super::orders::{Orders, Until, WatchError};
use super::post::Post;
use super::senses::Senses;
use super::tidings::{Tidings, say};
use super::upkeep::{Round, Upkeep};
use crate::decide::{self, Diagnosis, Memory, Verdict};
use crate::execute;
use crate::facts::{Beat, Millis, ServerPulse, Vigil};
use crate::fleet::lock::LockError;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Host, HostName};
use crate::report::{FailoverReport, Sink};

/// How long the first look may take.
const FIRST_LOOK: Duration = Duration::from_secs(3);
/// Between two rounds of upkeep while all is well.
const UPKEEP: Duration = Duration::from_secs(20);
/// The same when something is wrong.
const UPKEEP_TROUBLE: Duration = Duration::from_secs(3);
/// How old a beat may be, in milliseconds, to say who leads now.
const FRESH: Millis = 3000;
/// Before what was refused, or failed, is tried again.
const AGAIN: Duration = Duration::from_secs(3);
/// The same while somebody else is at work on the primary: a switchover takes no longer.
const ASIDE: Duration = Duration::from_millis(500);

/// A switchover that takes longer deserves a second word, with what to do about it.
const LONG: Duration = Duration::from_secs(30);

/// Watches until it is asked to stop. Gives the report of the failover that ended it.
pub async fn run(
    fleet: &Arc<LiveFleet>,
    orders: &Orders,
    sink: Arc<dyn Sink>,
    stop: impl Future<Output = ()>,
) -> Result<Option<Box<FailoverReport>>, WatchError> {
    let hosts = fleet.cluster().hosts.keys().cloned().collect();
    let post = execute::acquire_watch(fleet, "failover --watch", &hosts);
    let post = post.await.map_err(WatchError::Post)?;
    let seen = fleet.look(&hosts, FIRST_LOOK).await;
    if seen.servers().next().is_none() {
        return Err(WatchError::NobodyAnswers);
    }
    let leader = decide::leader(fleet.cluster(), &seen).map_err(WatchError::NoPrimary)?;
    let post = Post::hold(fleet, post, &sink);
    say(
        &*sink,
        &format!("watching {leader} and {} more", hosts.len() - 1),
    );
    let mut watcher = Watcher {
        senses: Senses::begin(fleet, &leader),
        fleet: Arc::clone(fleet),
        orders,
        sink,
        tidings: Tidings::default(),
        trouble: None,
        lease: None,
        memory: None,
        upkeep: None,
        next_upkeep: Instant::now(),
        last_upkeep: 0,
        next_attempt: Instant::now(),
        aside: None,
    };
    let report = watcher.watch(stop).await;
    watcher.leave(post).await;
    Ok(report)
}

/// A watcher at work.
struct Watcher<'a> {
    senses: Senses,
    fleet: Arc<LiveFleet>,
    orders: &'a Orders,
    sink: Arc<dyn Sink>,
    tidings: Tidings,
    /// The first sign of the trouble that the primary is in.
    trouble: Option<Millis>,
    lease: Option<Lease>,
    memory: Option<Memory>,
    upkeep: Option<Upkeep>,
    next_upkeep: Instant,
    /// When a round began last.
    last_upkeep: Millis,
    next_attempt: Instant,
    /// Since when somebody else is at work on a primary that refuses writes.
    aside: Option<Instant>,
}

impl Watcher<'_> {
    async fn watch(&mut self, stop: impl Future<Output = ()>) -> Option<Box<FailoverReport>> {
        let mut stop = pin!(stop);
        loop {
            let vigil = tokio::select! {
                () = &mut stop => return None,
                vigil = self.senses.next() => vigil,
            };
            let leader = self.senses.leader().clone();
            let pulse = vigil.pulses.get(&leader);
            if pulse.is_none_or(|pulse| pulse.server == ServerPulse::Unknown) {
                continue;
            }
            if let Some(memory) = Memory::of(&vigil, &leader) {
                self.memory = Some(memory);
            }
            let diagnosis = decide::diagnose(self.fleet.cluster(), &vigil, &leader);
            // That it refuses writes is told when nobody else turns out to be at work on it.
            if diagnosis.verdict != Verdict::ReadOnlyPrimary {
                self.tidings.diagnosis(&leader, &diagnosis, &*self.sink);
            }
            self.trouble = match diagnosis.verdict {
                Verdict::Healthy | Verdict::Trouble(_) => None,
                // A server that is back and read-only has been out of use since before it answered.
                _ => Some(self.trouble.unwrap_or(first_sign(&vigil, &leader))),
            };
            let report = self.heed(&vigil, &diagnosis).await;
            if report.is_some() && self.orders.until == Until::FailedOver {
                return report;
            }
        }
    }

    /// Does what a diagnosis asks for; a finished failover gives its report.
    async fn heed(&mut self, vigil: &Vigil, diagnosis: &Diagnosis) -> Option<Box<FailoverReport>> {
        match &diagnosis.verdict {
            Verdict::Healthy | Verdict::Trouble(_) => {
                self.senses.calm();
                self.tidings.over(ATTEMPT);
                if self.aside.take().is_some() {
                    let text = format!("{} leads on; watching it as before", self.senses.leader());
                    say(&*self.sink, &text);
                }
                self.hold_lease(vigil);
                self.tend(vigil, diagnosis).await;
                None
            }
            Verdict::Dead { .. } => self.attempt(Cure::FailOver, vigil, diagnosis).await,
            Verdict::ReadOnlyPrimary => self.attempt(Cure::Revive, vigil, diagnosis).await,
            _ => {
                self.senses.hurry();
                None
            }
        }
    }

    async fn attempt(
        &mut self,
        cure: Cure,
        vigil: &Vigil,
        diagnosis: &Diagnosis,
    ) -> Option<Box<FailoverReport>> {
        if Instant::now() < self.next_attempt {
            return None;
        }
        self.end_upkeep().await;
        // Dropping it ends the renewal: from here on the lease runs out.
        self.lease = None;
        let leader = self.senses.leader().clone();
        let began = self.trouble.unwrap_or(first_sign(vigil, &leader));
        let zero = self.senses.clock().instant(began);
        let fleet = Arc::clone(&self.fleet);
        let attempt = Attempt {
            fleet: &fleet,
            sink: &*self.sink,
            allowed: &self.orders.allowed,
            leader: &leader,
            vigil,
            diagnosis,
            memory: self.memory.as_ref(),
            zero,
            reports: &self.orders.reports,
        };
        let (tidings, sink) = (&mut self.tidings, &*self.sink);
        let alone = || tidings.diagnosis(&leader, diagnosis, sink);
        let senses = &mut self.senses;
        let still = || {
            let now = decide::diagnose(fleet.cluster(), &senses.catch_up(), &leader);
            if same_cure(&diagnosis.verdict, &now.verdict) {
                Standing::Holds
            } else {
                Standing::Overtaken
            }
        };
        let attempted = attempt.make(cure, alone, still).await;
        if cure == Cure::Revive
            && let Attempted::Busy(LockError::Held { by, .. }) = &attempted
            && self.aside.get_or_insert_with(Instant::now).elapsed() < LONG
        {
            let text = format!("{leader} refuses writes, and {by} is at work: standing aside");
            self.tidings.once(ATTEMPT, &text, &*self.sink);
            self.next_attempt = Instant::now() + ASIDE;
            return None;
        }
        self.conclude(attempted)
    }

    fn conclude(&mut self, attempted: Attempted) -> Option<Box<FailoverReport>> {
        match attempted {
            Attempted::Led(report, path) => {
                say(&*self.sink, &report.summary());
                if let Some(path) = path {
                    say(&*self.sink, &format!("report: {}", path.display()));
                }
                self.next_upkeep = Instant::now();
                self.next_attempt = Instant::now() + AGAIN;
                if !report.is_finished() {
                    return None;
                }
                if let Some(leads) = &report.leads {
                    if *leads != report.failed {
                        // It may fail as well; how soon that is too soon says the inventory.
                        self.next_attempt = Instant::now();
                        self.tidings.failed_over(&report.failed);
                    }
                    // What was remembered is of another server.
                    (self.memory, self.trouble) = (None, None);
                    self.senses.follow(leads);
                }
                return Some(report);
            }
            Attempted::Leads(leader) => {
                self.follow(&leader);
                return None;
            }
            Attempted::Overtaken => return None,
            Attempted::Nothing => {}
            Attempted::Refused(refusals) => {
                let reasons: Vec<_> = refusals
                    .iter()
                    .map(|refusal| format!("\n  {}\n    hint: {}", refusal.reason, refusal.way_out))
                    .collect();
                let text = format!(
                    "not done, and tried again every {AGAIN:?}:{}",
                    reasons.concat()
                );
                self.tidings.once(ATTEMPT, &text, &*self.sink);
            }
            Attempted::Busy(error) => {
                let text = format!("left alone: {error}; next: {}", error.hint());
                self.tidings.once(ATTEMPT, &text, &*self.sink);
            }
            Attempted::Unsafe(error) => {
                let text = format!("stopped, this is a defect of hactl: {error}");
                self.tidings.once(ATTEMPT, &text, &*self.sink);
            }
        }
        self.next_attempt = Instant::now() + AGAIN;
        None
    }

    fn follow(&mut self, leader: &HostName) {
        let text = format!("{leader} leads now, by somebody else's hand; watching it");
        say(&*self.sink, &text);
        self.lease = None;
        self.aside = None;
        self.tidings.over(ATTEMPT);
        (self.memory, self.trouble) = (None, None);
        self.senses.follow(leader);
        self.next_upkeep = Instant::now();
        // Should it fail, too, nothing that was tried with another one makes it wait.
        self.next_attempt = Instant::now();
    }

    /// Begins a round of upkeep when it is due, and takes up what the last one found.
    async fn tend(&mut self, vigil: &Vigil, diagnosis: &Diagnosis) {
        if let Some(ended) = self.upkeep.take_if(|upkeep| upkeep.has_ended())
            && let Some(round) = ended.round().await
        {
            self.digest(round);
        }
        let pause = match diagnosis.verdict {
            Verdict::Healthy => UPKEEP,
            _ => UPKEEP_TROUBLE,
        };
        // What began meanwhile does not wait as long as what was well; without the VIP no client comes.
        self.next_upkeep = self.next_upkeep.min(Instant::now() + pause);
        if vigil.vip_astray(self.senses.leader()) > Some(self.last_upkeep) {
            self.next_upkeep = Instant::now();
        }
        if self.upkeep.is_some() || Instant::now() < self.next_upkeep {
            return;
        }
        self.next_upkeep = Instant::now() + pause;
        self.last_upkeep = vigil.now;
        let leader = self.senses.leader();
        self.upkeep = Some(Upkeep::begin(&self.fleet, leader, vigil, &self.sink));
    }

    fn digest(&mut self, round: Round) {
        // What is over comes first: a member that is fenced once more was not fenced in between.
        self.tidings.upkeep(round.told.as_deref(), &*self.sink);
        self.tidings.repaired(round.repaired, &*self.sink);
        match round.maintenance {
            Some(text) => self.tidings.once(MAINTENANCE, &text, &*self.sink),
            None => self.tidings.over(MAINTENANCE),
        }
        if let Some(leader) = round.leader {
            self.follow(&leader);
        }
    }

    /// Nothing else may be at work when a change of leadership begins.
    async fn end_upkeep(&mut self) {
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.end().await;
        }
    }

    /// Not while another server leads by what its own and the replicas' answers say: another hactl may have
    /// made it the primary, and an address that is renewed would never leave this one.
    fn hold_lease(&mut self, vigil: &Vigil) {
        let leader = self.senses.leader();
        let host = self.fleet.cluster().host(leader);
        if host.is_some_and(|host| leads_no_more(vigil, host)) {
            self.lease = None;
            self.next_upkeep = Instant::now();
            return;
        }
        if self
            .lease
            .as_ref()
            .is_none_or(|lease| lease.host() != leader)
        {
            self.lease = Lease::hold(&self.fleet, leader, &self.sink);
        }
    }

    /// Leaves the cluster as it is; an address that nobody would renew becomes permanent.
    async fn leave(mut self, post: Post) {
        self.end_upkeep().await;
        if let Some(lease) = self.lease.take() {
            let host = lease.host().clone();
            if let Err(error) = lease.leave(&self.fleet).await {
                say(
                    &*self.sink,
                    &format!(
                        "the writer VIP on {host} could not be made permanent: {error}; it goes when its \
                         lease ends; next: `hactl bootstrap` puts it back"
                    ),
                );
            }
        }
        post.leave().await;
    }
}

const ATTEMPT: &str = "attempt";
const MAINTENANCE: &str = "maintenance";

/// Whether another server takes writes and follows nobody, and nobody follows this one. A former primary
/// that came back is such a server, too; but then the replicas are with this one.
fn leads_no_more(vigil: &Vigil, leader: &Host) -> bool {
    // Older ones are of servers that may have been fenced, or repointed, since.
    let fresh = |beat: &&Beat| vigil.now.saturating_sub(beat.at) <= FRESH;
    let others = vigil
        .pulses
        .iter()
        .filter(|(host, _)| **host != leader.name);
    let beats = others
        .filter_map(|(_, pulse)| pulse.last.as_ref())
        .filter(fresh);
    let (replicas, free): (Vec<_>, Vec<_>) = beats.partition(|beat| beat.replica.is_some());
    let address = leader.address.to_string();
    let is_followed = replicas
        .iter()
        .filter_map(|beat| beat.replica.as_ref())
        .any(|status| status.source_host == address && status.source_port == leader.port);
    !is_followed && free.iter().any(|beat| beat.read_only.is_writable())
}

/// Whether two verdicts ask for the same.
fn same_cure(one: &Verdict, other: &Verdict) -> bool {
    matches!(
        (one, other),
        (Verdict::Dead { .. }, Verdict::Dead { .. })
            | (Verdict::ReadOnlyPrimary, Verdict::ReadOnlyPrimary)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, name};
    use crate::mysql::{Flavor, Switch};

    #[test]
    fn a_former_primary_that_takes_writes_ends_no_lease() {
        let cluster = fixture::cluster(Flavor::MariaDb, 3);
        let leads_no_more = |vigil: &Vigil| leads_no_more(vigil, &cluster.hosts[&name("db1")]);
        let mut vigil = fixture::vigil(&cluster, 0);
        assert!(!leads_no_more(&vigil));
        let beat = |vigil: &mut Vigil, host: &str, change: fn(&mut Beat)| {
            let pulse = vigil.pulses.get_mut(&name(host)).unwrap();
            change(pulse.last.as_mut().unwrap());
        };
        beat(&mut vigil, "db2", |beat| {
            beat.replica = None;
            beat.read_only.read_only = Switch::Off;
            beat.read_only.super_read_only = Some(Switch::Off);
        });
        assert!(!leads_no_more(&vigil), "db3 still follows db1");
        beat(&mut vigil, "db3", |beat| {
            let status = beat.replica.as_mut().unwrap();
            "db2".clone_into(&mut status.source_host);
        });
        assert!(leads_no_more(&vigil));
        vigil.now += FRESH + 1;
        assert!(!leads_no_more(&vigil), "nobody knows any more");
    }
}
