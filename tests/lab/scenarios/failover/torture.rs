//! A night in a few minutes: faults by chance, one after the other, on a cluster that clients write
//! to and `hactl failover --watch` looks after. After each, all is made whole again by hactl's own
//! commands, and the judge looks. The first harm ends it, with everything that is needed to
//! understand it. Slowness is no harm: it waits as long as something moves. Run by
//! `make torture SEED=n MINUTES=m SUITE=bookworm|sid`.

use std::env;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hactl_lab::{Health, Host, LabError, Suite, Violation, primary};

use super::arena::{Arena, LIMIT, Listed, Watch};
use super::chance::Chance;
use super::fault::{self, Fault};
use super::tally::Story;

/// However much moves: a cluster that is not well by then goes round in circles.
const MOST: Duration = Duration::from_mins(10);

/// After so many faults `verify` must agree with the judge.
const VERIFIED: usize = 10;

/// How the torture of this run is set.
struct Settings {
    seed: u64,
    time: Duration,
    suite: Suite,
    /// Only faults whose name contains this.
    faults: String,
}

/// Everything that a fault meets.
struct Chamber<'a> {
    arena: &'a Arena,
    settings: &'a Settings,
    watch: Watch<'a>,
    story: Story,
}

/// What one look says.
enum Glance {
    Whole(Health),
    /// Time may heal it; why it is not whole.
    NotYet(String),
    /// Nothing heals it.
    Harmed(String),
}

#[test]
#[ignore = "make torture"]
fn torture() {
    let settings = Settings::from_environment();
    eprintln!("torture of {} with seed {}", settings.suite, settings.seed);
    let arena = Arena::with(settings.suite, "failover: {min_interval: 1s}\n");
    let mut chamber = Chamber {
        arena: &arena,
        settings: &settings,
        watch: arena.watch(),
        story: Story::begin(format!("{}, seed {}", settings.suite, settings.seed)),
    };
    // What a scenario expects without a word, too, must end with all that is known.
    let ended = catch_unwind(AssertUnwindSafe(|| chamber.endure()));
    match ended {
        Ok(Ok(())) => eprintln!("{}", chamber.story),
        Ok(Err(why)) => panic!("{}", chamber.obituary(&why)),
        Err(panicked) => {
            eprintln!("{}", chamber.obituary("the harness gave up, as said above"));
            resume_unwind(panicked);
        }
    }
}

impl Chamber<'_> {
    /// Until the time is over, or something is wrong, in words.
    fn endure(&mut self) -> Result<(), String> {
        let mut chance = Chance::new(self.settings.seed);
        let mut health = self.mend()?;
        while self.story.elapsed() < self.settings.time {
            let faults = &self.settings.faults;
            let fault = Fault::draw(&mut chance, faults, &health.primary, &health.replicas);
            let number = self.story.faults() + 1;
            self.story.note(format!("fault {number}: {fault}"));
            let outage = self.suffer(&fault, &health.primary)?;
            let after = self.mend()?;
            self.story.acknowledged = after.acknowledged;
            self.story.note(Whole(&after));
            if fault.kind.leaves_the_writer() && after.primary != health.primary {
                return Err(format!(
                    "{} led and was well, and {} leads: a failover without need",
                    health.primary, after.primary
                ));
            }
            self.story.survived(fault.kind, outage);
            if number.is_multiple_of(VERIFIED) {
                self.verify()?;
            }
            health = after;
        }
        self.verify()
    }

    /// One fault, until clients are answered again. Gives how long they were not.
    fn suffer(&mut self, fault: &Fault, primary: &str) -> Result<Duration, String> {
        let arena = self.arena;
        let writer = arena.write();
        // One that the fault does not part from the old primary.
        let beside = fault.kind.cuts_off_the_primary();
        let beside = beside.then(|| arena.write_beside(primary));
        let struck = Instant::now();
        let ended = fault
            .befall(arena, &mut self.watch)
            .map_err(|error| format!("the lab failed: {error}"))?;
        self.story.watchers += ended;
        self.keep_watch();
        let answered = writer.acknowledged();
        let back = self.in_time(|_| writer.acknowledged() > answered + 20);
        let outage = writer.so_far().outage_since(struck);
        let errors = writer.so_far().errors;
        for writer in beside.into_iter().chain([writer]) {
            arena.stop(writer);
        }
        fault::forget(arena);
        self.story.note(Answered(back, outage));
        if back {
            return Ok(outage);
        }
        Err(format!("clients are not answered any more: {errors:?}"))
    }

    /// A watcher that ended by itself is started anew, as its unit would, and counted.
    fn keep_watch(&mut self) {
        if let Some(code) = self.watch.ended() {
            self.story.watchers += 1;
            let said = self.watch.said();
            let lines: Vec<&str> = said.lines().rev().take(6).collect();
            let lines: Vec<&str> = lines.into_iter().rev().collect();
            self.story.note(format!(
                "  the watcher ended: {code}: {}",
                lines.join(" / ")
            ));
            self.story.watchers += fault::renew(self.arena, &mut self.watch);
        }
    }

    /// Looks until it is so, as long as the watcher has something new to say.
    fn in_time(&mut self, mut so: impl FnMut(&mut Self) -> bool) -> bool {
        let begun = Instant::now();
        let (mut moved, mut said) = (begun, 0);
        loop {
            if so(self) {
                return true;
            }
            self.keep_watch();
            let now = self.watch.said().len();
            if now != said {
                (moved, said) = (Instant::now(), now);
            }
            if moved.elapsed() > LIMIT || begun.elapsed() > MOST {
                return false;
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Makes the cluster whole with hactl's own commands, and says what is wrong when that fails.
    fn mend(&mut self) -> Result<Health, String> {
        let mut last = Err(String::new());
        self.in_time(|chamber| match chamber.glance() {
            Glance::Whole(health) => {
                last = Ok(health);
                true
            }
            Glance::Harmed(why) => {
                last = Err(why);
                true
            }
            Glance::NotYet(why) => {
                last = Err(why);
                false
            }
        });
        last
    }

    /// One look of the judge; what waits for a person to type it is typed.
    fn glance(&mut self) -> Glance {
        let others = self.arena.cluster.lab.hosts().len() - 1;
        match self.arena.glance() {
            Ok(Ok(health)) if health.replicas.len() == others => Glance::Whole(health),
            Ok(Ok(health)) => {
                rejoin_what_is_out(self.arena, &mut self.story);
                Glance::NotYet(format!("not all replicate: {health:?}"))
            }
            Ok(Err(wrong)) if wrong.iter().any(Violation::is_final) => {
                self.story.lost += wrong.iter().map(lost).sum::<usize>();
                Glance::Harmed(Listed(&wrong).to_string())
            }
            Ok(Err(wrong)) => Glance::NotYet(Listed(&wrong).to_string()),
            // A server went while it was looked at.
            Err(error) => Glance::NotYet(error.to_string()),
        }
    }

    /// hactl's exit code says what the judge has seen. A rejoin that was killed before its end is named,
    /// and typed once more.
    fn verify(&mut self) -> Result<(), String> {
        self.arena.restart_all_again();
        let verify = || self.arena.cluster.hactl(&["verify", "--wait", "60s"]);
        let mut run = verify();
        if run.to_string().contains("[Fenced]") {
            for host in self.arena.cluster.lab.hosts() {
                let name = host.name();
                if run.to_string().contains(&format!("`hactl rejoin {name}`")) {
                    let again = self.arena.cluster.hactl(&["rejoin", name, "--yes"]);
                    self.story
                        .note(format!("  verify: rejoin {name}: {}", again.code));
                }
            }
            run = verify();
        }
        match run.code {
            0 => Ok(()),
            _ => Err(format!("the judge finds nothing, and verify does:\n{run}")),
        }
    }

    fn obituary(&self, why: &str) -> String {
        let Self {
            arena,
            settings,
            watch,
            story,
        } = self;
        format!(
            "{why}\n\nthe watcher:\n{}\n\n{}\n\nthe last events:\n{}\n\n{story}\n\n{why}\n\
             evidence: {}\nagain: make torture SEED={} SUITE={} FAULTS=\"{}\"",
            watch.said(),
            arena.cluster.hactl(&["status"]),
            story.last_events(),
            arena.cluster.keep_evidence().display(),
            settings.seed,
            settings.suite,
            settings.faults,
        )
    }
}

fn lost(violation: &Violation) -> usize {
    match violation {
        Violation::Lost { ids, .. } => ids.len(),
        _ => 0,
    }
}

/// A host that is fenced, follows nobody beside the leader, or whose server is down for good stays so until
/// somebody types this.
fn rejoin_what_is_out(arena: &Arena, story: &mut Story) {
    let Some(leader) = primary(&arena.cluster.lab).map(|host| host.name().to_owned()) else {
        return;
    };
    for host in arena.cluster.lab.hosts() {
        let name = host.name();
        if name == leader || !is_out(arena, host).unwrap_or(false) {
            continue;
        }
        let run = arena.cluster.hactl(&["rejoin", name, "--yes"]);
        story.note(format!("  rejoin {name}: {}", run.code));
        // 5: a server that cannot leave its tail behind shows it only once it was started.
        if matches!(run.code, 5 | 6) && run.to_string().contains("--reseed") {
            let run = arena.cluster.hactl(&["rejoin", name, "--reseed", "--yes"]);
            story.note(format!("  rejoin {name} --reseed: {}", run.code));
            story.reseeds += usize::from(run.code == 0);
            told(story, run.code, &run.stderr);
            continue;
        }
        told(story, run.code, &run.stderr);
    }
}

/// The end of what a command said that failed.
fn told(story: &mut Story, code: i32, stderr: &str) {
    let failed = stderr.split_once("error: ").filter(|_| code != 0);
    if let Some((_, why)) = failed {
        story.note(format!("    {}", why.trim().replace('\n', " / ")));
    }
}

fn is_out(arena: &Arena, host: &Host) -> Result<bool, LabError> {
    let unit = arena.unit();
    let client = arena.cluster.lab.suite().flavor().client();
    let script = format!(
        "systemctl is-enabled {unit}; systemctl is-active {unit}; timeout 10 {client} -N -e 'SHOW REPLICA STATUS' | wc -c; \
         timeout 10 {client} -e 'SELECT 1' >/dev/null && echo up"
    );
    let said = host.exec(&script)?.stdout;
    let lines: Vec<&str> = said.lines().collect();
    let is_off = ["masked", "failed", "inactive"];
    Ok(is_off.iter().any(|state| lines.contains(state))
        || (lines.contains(&"0") && lines.contains(&"up")))
}

impl Settings {
    fn from_environment() -> Self {
        let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
        Self {
            seed: number("SEED", 1),
            time: Duration::from_secs(60 * number("MINUTES", 10)),
            suite: env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap()),
            faults: env::var("FAULTS").unwrap_or_default(),
        }
    }
}

/// Whether clients are answered again, and how long they were not.
struct Answered(bool, Duration);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(back, outage) = self;
        let state = if *back {
            "answered again"
        } else {
            "NOT answered"
        };
        write!(
            f,
            "  clients are {state}; without for {} ms",
            outage.as_millis()
        )
    }
}

/// Where the cluster stands after it was made whole.
struct Whole<'a>(&'a Health);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Health {
            primary,
            replicas,
            acknowledged,
            ..
        } = self.0;
        write!(
            f,
            "  whole: {primary} leads {}; {acknowledged} rows acknowledged, none missing",
            replicas.join(" and ")
        )
    }
}
