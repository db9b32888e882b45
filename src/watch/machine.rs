//! Asks one machine over ssh whether the database server's process is there: the second opinion, and
//! what keeps the link warm. Must never wait without a bound, and must never take a process that it
//! could not look for as gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

use super::clock::Clock;
use super::pace::Pace;
use super::sign::{Sign, Told};
use crate::facts::{Process, Unreachable, UnreachableKind};
use crate::fleet::script::Script;
use crate::fleet::{Connection, LiveFleet};
use crate::inventory::HostName;
use crate::observe;

/// How long a script may take on a machine that is in order.
const CALM: Duration = Duration::from_secs(3);
/// The same while hurried: longer than the slowest healthy answer.
const HURRIED: Duration = Duration::from_secs(1);

/// How long dialling a machine anew may take at first.
const DIAL: Duration = Duration::from_secs(2);
/// How often that is doubled at most while it fails.
const DOUBLED: u32 = 2;

/// Looks through the kernel's list of processes without starting one itself: names of both flavors'
/// servers, in our own process namespace (a server in a container is not ours), zombies left out. The
/// state is the word after the last parenthesis of the name in `stat` (proc(5)).
const LOOK: &str = r#"
[ -r /proc/self/stat ] || { echo unknown; exit; }
found=gone
for folder in /proc/[0-9]*; do
    read -r name <"$folder/comm" || continue
    case $name in mariadbd | mysqld) ;; *) continue ;; esac
    [ "$folder/ns/pid" -ef /proc/self/ns/pid ] || continue
    read -r stat <"$folder/stat" || continue
    rest=${stat##*) }
    case $rest in
        Z* | X*) ;;
        T* | t*) found=frozen ;;
        *) [ $found = frozen ] || found=runs ;;
    esac
done 2>/dev/null
echo $found
"#;

/// What one machine is asked with.
pub(super) struct Machine {
    pub(super) host: HostName,
    pub(super) fleet: Arc<LiveFleet>,
    pub(super) clock: Clock,
    pub(super) pace: watch::Receiver<Pace>,
    /// Rung to ask at once.
    pub(super) bell: Arc<Notify>,
    pub(super) signs: mpsc::Sender<Sign>,
    /// How many attempts in a row found no way to the machine.
    pub(super) lost: u32,
}

impl Machine {
    /// Asks for as long as somebody listens.
    pub(super) async fn run(mut self) {
        loop {
            let begun = Instant::now();
            let told = self.ask().await;
            let sign = Sign {
                host: self.host.clone(),
                asked: self.clock.at(begun),
                at: self.clock.now(),
                told,
            };
            if self.signs.send(sign).await.is_err() {
                return;
            }
            let pause = self.pace.borrow_and_update().of_machine(&self.host);
            tokio::select! {
                () = sleep(pause.saturating_sub(begun.elapsed())) => {}
                () = self.bell.notified() => {}
                changed = self.pace.changed() => if changed.is_err() { return },
            }
        }
    }

    /// A link that failed the last time is dialled anew: its machine may be back, or well all along.
    async fn ask(&mut self) -> Told {
        if self.lost > 0
            && let Err(why) = self.fleet.reconnect(&self.host, patience(self.lost)).await
        {
            self.lost = self.lost.saturating_add(1);
            return no_answer(why);
        }
        self.lost = self.lost.max(1);
        let connection = match self.fleet.connection(&self.host) {
            Ok(connection) => connection,
            Err(error) => return Told::MachineSilent(error.to_string()),
        };
        let within = match *self.pace.borrow() {
            Pace::Calm => CALM,
            Pace::Hurried(_) => HURRIED,
        };
        let told = look(&connection, within).await;
        if matches!(told, Told::Machine(_)) {
            self.lost = 0;
        }
        told
    }
}

/// How long to dial after so many failures. A machine that is merely slow would be given up at the same
/// moment for ever: each attempt begins anew, and none would last long enough.
fn patience(lost: u32) -> Duration {
    DIAL * 2_u32.pow(lost.saturating_sub(1).min(DOUBLED))
}

async fn look(connection: &Connection, within: Duration) -> Told {
    match connection.link.run(&Script::new(LOOK), within).await {
        Ok(output) => Told::Machine(process(&output.text())),
        Err(error) => no_answer(observe::unreachable(&error)),
    }
}

fn no_answer(why: Unreachable) -> Told {
    match why.kind {
        UnreachableKind::Network | UnreachableKind::Other => Told::MachineSilent(why.text),
        UnreachableKind::HostKey | UnreachableKind::Authentication | UnreachableKind::Root => {
            Told::MachineRejected(why.text)
        }
    }
}

/// Reads the script's one word.
fn process(said: &str) -> Process {
    match said.trim() {
        "runs" => Process::Runs,
        "frozen" => Process::Frozen,
        "gone" => Process::Gone,
        _ => Process::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_machine_is_given_longer_and_a_lost_one_not_for_ever() {
        let seconds = [1, 2, 3, 4, u32::MAX].map(|lost| patience(lost).as_secs());
        assert_eq!(seconds, [2, 4, 8, 8, 8]);
    }

    #[test]
    fn only_its_own_word_means_gone() {
        assert_eq!(process("gone\n"), Process::Gone);
        assert_eq!(process("runs\n"), Process::Runs);
        assert_eq!(process("frozen\n"), Process::Frozen);
        for other in ["", "unknown\n", "Gone", "bash: read: error\ngone?"] {
            assert_eq!(process(other), Process::Unknown, "{other}");
        }
    }
}
