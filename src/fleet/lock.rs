//! A lock on a host that lives exactly as long as the process that holds it.
//!
//! It is a `flock` held by a remote shell on one of our channels: when our end goes away, however it
//! goes, its input ends and the lock is free; the warm ssh master does not keep it. Where not even the end
//! of a connection gets through, it is a lease that runs out. It must never be taken on trust:
//! [`HostLock::check`] asks the far end.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

pub use super::holder::Holder;
use super::script::{Script, Stdin};
use super::ssh::{Channel, Effect, Link, LinkError, LinkFault, Talk};

/// In a folder that only root can make: in the world-writable `/run/lock` anybody could make the file
/// first and hold the lock for ever.
const FOLDER: &str = "/run/hactl";

/// How long the host may take to say whether the lock is free: it never waits for it.
const VERDICT: Duration = Duration::from_secs(10);
/// How long a lock is held after the last sign of life of its holder's.
const LEASE: Duration = Duration::from_secs(15);
/// How often the holder gives one.
const BEAT: Duration = Duration::from_secs(4);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{place}: the lock `{name}` is held by {by}")]
    Held {
        /// The host.
        place: String,
        /// The lock.
        name: String,
        /// What the lock file says of its holder.
        by: String,
        /// The process on the host that holds it.
        remote_pid: Option<u32>,
    },
    /// The host cannot lock.
    #[error("{place}: cannot lock `{name}`: {text}")]
    Failed {
        /// The host.
        place: String,
        /// The lock.
        name: String,
        /// What the host said.
        text: String,
    },
    /// It was held and is no more.
    #[error("{place}: the lock `{name}` was lost")]
    Lost {
        /// The host.
        place: String,
        /// The lock.
        name: String,
    },
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl LockError {
    /// What a person should do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Held {
                remote_pid: Some(pid),
                ..
            } => format!(
                "wait until it is done; if that controller is dead for certain, `kill {pid}` on the host frees the lock"
            ),
            Self::Held { .. } => "wait until it is done".into(),
            Self::Failed { .. } => {
                format!(
                    "`flock` (util-linux) and {FOLDER} are needed there, as root: a login user who is not root needs `ssh: become: sudo` in the inventory"
                )
            }
            Self::Lost { .. } => "observe again: somebody else may have acted since".into(),
            Self::Link(error) => error.hint(),
        }
    }
}

/// A lock that is held. Dropping it frees it; [`HostLock::release`] also waits until it is free.
#[derive(Debug)]
pub struct HostLock {
    name: String,
    place: String,
    /// Each is answered when the host has said that the lock is still held.
    checks: mpsc::UnboundedSender<oneshot::Sender<()>>,
    /// Keeps it, and ends with this.
    keeper: JoinSet<()>,
}

/// A question to the host that is on its way.
#[derive(Debug)]
pub struct PendingCheck {
    answer: oneshot::Receiver<()>,
    lost: LockError,
}

/// The lock's file on a host.
pub(crate) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}.lock")
}

/// The name of the lock for changing the server that listens on a port. It is the server's, not the
/// cluster's: two inventories may give the same servers two names.
pub fn change_name(port: u16) -> String {
    format!("server-{port}")
}

/// The name of the lock that whoever watches a server holds on its host.
pub fn watch_name(port: u16) -> String {
    format!("server-{port}.watch")
}

impl Link {
    /// Takes the lock `name` (letters, digits, `-`, `_`, `.`) of this host, or says who has it. It does not wait.
    pub async fn lock(&self, name: &str, holder: &Holder) -> Result<HostLock, LockError> {
        let (place, name) = (self.place(), name.to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            let text = "a lock's name has letters, digits, `-`, `_` and `.` only".to_owned();
            return Err(LockError::Failed { place, name, text });
        }
        let talk = Talk {
            stdin: Stdin::Data,
            bound: None,
        };
        let mut channel = self.begin(&script(&name, holder), talk).await?;
        let after = VERDICT;
        let Ok(verdict) = timeout(after, line(&mut channel)).await else {
            let fault = LinkFault::TimedOut {
                what: "taking a lock",
                after,
            };
            return Err(self.fail(fault, Effect::Unknown).into());
        };
        match verdict.as_deref() {
            Some("locked") => Ok(HostLock::keep(name, place, channel)),
            Some("held") => {
                let remote_pid = line(&mut channel).await.and_then(|pid| pid.parse().ok());
                let by = line(&mut channel).await.filter(|by| !by.is_empty());
                let by = by.unwrap_or_else(|| "somebody who has not yet written a name".into());
                Err(LockError::Held {
                    place,
                    name,
                    by,
                    remote_pid,
                })
            }
            _ => {
                let (status, stderr) = channel.finish().await?;
                let text = format!("{} (status {status})", stderr.trim());
                Err(LockError::Failed { place, name, text })
            }
        }
    }
}

impl HostLock {
    fn keep(name: String, place: String, channel: Channel) -> Self {
        let (checks, taken) = mpsc::unbounded_channel();
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(channel, taken));
        Self {
            name,
            place,
            checks,
            keeper,
        }
    }

    fn lost(&self) -> LockError {
        LockError::Lost {
            place: self.place.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether it is known to have been lost: the host fell silent for too long, or ended it.
    pub fn is_over(&self) -> bool {
        self.checks.is_closed()
    }

    /// Sends a question to the host: is the lock still held?
    pub fn begin_check(&self) -> PendingCheck {
        let (asker, answer) = oneshot::channel();
        // A keeper that has ended drops it, which is the answer.
        let _ = self.checks.send(asker);
        PendingCheck {
            answer,
            lost: self.lost(),
        }
    }

    /// Asks the host whether the lock is still held.
    pub async fn check(&self, within: Duration) -> Result<(), LockError> {
        self.begin_check().end(Instant::now() + within).await
    }

    /// Frees the lock and waits until it is free on the host.
    pub async fn release(self, within: Duration) -> Result<(), LockError> {
        let lost = self.lost();
        let Self {
            checks, mut keeper, ..
        } = self;
        drop(checks);
        match timeout(within, keeper.join_next()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(lost),
        }
    }
}

impl PendingCheck {
    /// Waits for the answer; none in time is "lost".
    pub async fn end(self, until: Instant) -> Result<(), LockError> {
        match timeout_at(until, self.answer).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.lost),
        }
    }
}

/// Renews the lock until nobody wants it any more, then frees it. When the host falls silent, the lock
/// is over: by then it has been freed there, or the host is gone.
async fn keep(mut channel: Channel, mut checks: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let mut beats = 0_u64;
    loop {
        let asker = match timeout(BEAT, checks.recv()).await {
            Ok(Some(asker)) => Some(asker),
            Ok(None) => break,
            Err(_) => None,
        };
        beats += 1;
        match timeout(LEASE, echo(&mut channel, beats)).await {
            Ok(Some(())) => {}
            _ => return,
        }
        if let Some(asker) = asker {
            // Whoever asked may have stopped waiting.
            let _ = asker.send(());
        }
    }
    drop(channel.stdin.take());
    let mut rest = Vec::new();
    // Its end is all that matters.
    let _ = channel.stdout.read_to_end(&mut rest).await;
    let _ = channel.finish().await;
}

/// Sends a line that the far end must send back.
async fn echo(channel: &mut Channel, beat: u64) -> Option<()> {
    let sent = format!("beat {beat}");
    let stdin = channel.stdin.as_mut()?;
    stdin.write_all(format!("{sent}\n").as_bytes()).await.ok()?;
    (line(channel).await? == sent).then_some(())
}

/// The holder writes its name only after it got the lock. The pid in the file is the one to kill: the
/// lock is the shell's alone, what it starts gets none of it. A line must come in time, or it ends: a
/// controller that lost its power closes no connection.
fn script(name: &str, holder: &Holder) -> Script {
    let lease = LEASE.as_secs();
    Script::default()
        .set("file", &path(name))
        .set("holder", &holder.line())
        .line(format!("mkdir -p {FOLDER} && exec 9>>\"$file\" || exit 73"))
        .line("flock -n -E 75 9; got=$?")
        .line("if [ $got = 75 ]; then echo held; head -n 2 \"$file\"; exit 75; fi")
        .line("[ $got = 0 ] || exit 74")
        .line("printf '%s\\n' $$ \"$holder\" >\"$file\" || exit 73")
        .line("echo locked")
        .line("one='IFS= read -r line && printf \"%s\\n\" \"$line\"'")
        .line(format!(
            "while line=$(exec timeout {lease} sh -c \"$one\" 9>&-); do printf '%s\\n' \"$line\"; done"
        ))
}

async fn line(channel: &mut Channel) -> Option<String> {
    let mut text = String::new();
    match channel.stdout.read_line(&mut text).await {
        Ok(1..) => Some(text.trim_end().to_owned()),
        _ => None,
    }
}
