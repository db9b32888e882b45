//! Asks one machine over ssh whether the database server's process is there and listens: the second
//! opinion, and what keeps the link warm. Must never wait without a bound, must never take a process
//! that it could not look for as gone, nor one that does not listen yet as leaving.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

use super::clock::Clock;
use super::dial::Dial;
use super::pace::Pace;
use super::sign::{Sign, Told};
use crate::facts::{Process, Unreachable, UnreachableKind, VipPresence};
use crate::fleet::script::Script;
use crate::fleet::{Connection, LiveFleet};
use crate::inventory::HostName;
use crate::observe;

/// How long a script may take on a machine that is in order.
const CALM: Duration = Duration::from_secs(3);
/// The same while hurried: longer than the slowest healthy answer.
const HURRIED: Duration = Duration::from_secs(1);

/// Looks through the kernel's list of processes without starting one itself: names of both flavors'
/// servers, in our own process namespace (a server in a container is not ours), zombies left out. The
/// state is the word after the last parenthesis of the name in `stat`, its start the twentieth from there
/// on (proc(5)). Sockets that listen come first in the kernel's list, with the state 0A. An address of its
/// own is a leaf of its routes (`|-- 192.0.2.90`) with a line `/32 host LOCAL` below.
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
        *) [ $found = frozen ] || { found=runs; running=$folder; begun=$rest; } ;;
    esac
done 2>/dev/null
if [ $found = runs ]; then
    set -- $begun
    shift 19
    ear=deaf
    for list in tcp tcp6; do
        [ -r "$running/net/$list" ] || { [ $list = tcp6 ] || ear=unknown; continue; }
        while read -r _ place _ state _; do
            case $state:$place in
            0A:*:"$port") ear=listens; break ;;
            0A:* | st:*) ;;
            *) break ;;
            esac
        done <"$running/net/$list"
    done 2>/dev/null
    echo "runs $ear ${running#/proc/}.$1"
else
    echo $found
fi
[ -n "$vip" ] && [ -r /proc/net/fib_trie ] || exit 0
held=absent
while read -r mark word kind; do
    case $mark:$kind in
    "|--":*) place=$word ;;
    /32:LOCAL) [ "$place" != "$vip" ] || { held=held; break; } ;;
    esac
done </proc/net/fib_trie
echo "vip $held"
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
    /// The server's port.
    pub(super) port: u16,
    /// The writer VIP, if there is one that is looked for.
    pub(super) vip: Option<Ipv4Addr>,
    /// Whether the latest attempt found no way to the machine.
    pub(super) lost: bool,
    /// How long dialling it anew may take.
    pub(super) dial: Dial,
    /// The process that was last seen to listen.
    pub(super) listener: Option<String>,
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
        if self.lost {
            let begun = Instant::now();
            let dialled = self.fleet.reconnect(&self.host, self.dial.limit()).await;
            if let Err(why) = dialled {
                self.dial.failed(begun.elapsed());
                return no_answer(why);
            }
        }
        self.lost = true;
        let connection = match self.fleet.connection(&self.host) {
            Ok(connection) => connection,
            Err(error) => return Told::MachineSilent(error.to_string()),
        };
        let within = match *self.pace.borrow() {
            Pace::Calm => CALM,
            Pace::Hurried(_) => HURRIED,
        };
        let told = self.look(&connection, within).await;
        self.lost = !matches!(told, Told::Machine { .. });
        if !self.lost {
            self.dial = Dial::new();
        }
        told
    }

    async fn look(&mut self, connection: &Connection, within: Duration) -> Told {
        let script = Script::default()
            .set("port", &format!("{:04X}", self.port))
            .set(
                "vip",
                &self.vip.map_or_else(String::new, |vip| vip.to_string()),
            )
            .line(LOOK);
        match connection.link.run(&script, within).await {
            Ok(output) => {
                let said = output.text();
                Told::Machine {
                    process: process(said.lines().next().unwrap_or_default(), &mut self.listener),
                    vip: vip(&said),
                }
            }
            Err(error) => no_answer(observe::unreachable(&error)),
        }
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

fn vip(said: &str) -> VipPresence {
    match said.lines().nth(1) {
        Some("vip held") => VipPresence::Held,
        Some("vip absent") => VipPresence::Absent,
        _ => VipPresence::Unknown,
    }
}

/// Reads the script's first line, and remembers who listens. A server closes its ears only once: who has
/// listened and does so no more is shutting down, who never did may be starting.
fn process(said: &str, listener: &mut Option<String>) -> Process {
    let words: Vec<_> = said.split_whitespace().collect();
    match words.as_slice() {
        ["runs", "listens", id] => {
            *listener = Some((*id).to_owned());
            Process::Runs
        }
        ["runs", "deaf", id] if listener.as_deref() == Some(*id) => Process::Leaving,
        ["runs", "deaf" | "unknown", _] => Process::Runs,
        ["frozen"] => Process::Frozen,
        ["gone"] => Process::Gone,
        _ => Process::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_word_means_gone() {
        let process = |said| process(said, &mut None);
        assert_eq!(process("gone\n"), Process::Gone);
        assert_eq!(process("runs listens 12.345\n"), Process::Runs);
        assert_eq!(process("frozen\n"), Process::Frozen);
        for other in ["", "unknown\n", "Gone", "runs", "bash: read: error\ngone?"] {
            assert_eq!(process(other), Process::Unknown, "{other}");
        }
    }

    #[test]
    fn only_the_second_line_speaks_of_the_vip() {
        assert_eq!(vip("gone\nvip held\n"), VipPresence::Held);
        assert_eq!(vip("runs deaf 1.2\nvip absent\n"), VipPresence::Absent);
        for other in [
            "",
            "gone\n",
            "vip held\n",
            "gone\nvip\n",
            "gone\n\nvip absent\n",
        ] {
            assert_eq!(vip(other), VipPresence::Unknown, "{other}");
        }
    }

    #[test]
    fn only_who_has_listened_leaves() {
        let mut listener = None;
        let mut says = |said| process(said, &mut listener);
        // Never seen before: it may be reading its log after a crash.
        assert_eq!(says("runs deaf 12.345\n"), Process::Runs);
        assert_eq!(says("runs listens 12.345\n"), Process::Runs);
        assert_eq!(says("runs unknown 12.345\n"), Process::Runs);
        assert_eq!(says("runs deaf 12.345\n"), Process::Leaving);
        assert_eq!(says("gone\n"), Process::Gone);
        // The same number, begun at another time, is another process: it starts.
        assert_eq!(says("runs deaf 12.999\n"), Process::Runs);
    }
}
