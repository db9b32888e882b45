//! A lock on a host that lives exactly as long as the process that holds it.
//!
//! It is a `flock` held by a remote `cat` on one of our channels: when our end goes away, however it
//! goes, its input ends and the lock is free; the warm ssh master does not keep it. It must never be
//! taken on trust: [`HostLock::check`] asks the far end.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::script::{Script, Stdin};
use super::ssh::{Channel, Effect, Link, LinkError, LinkFault, Talk};

/// In a folder that only root can make: in the world-writable `/run/lock` anybody could make the file
/// first and hold the lock for ever.
const FOLDER: &str = "/run/hactl";

/// How long the host may take to say whether the lock is free: it never waits for it.
const VERDICT: Duration = Duration::from_secs(10);

/// Who holds a lock, as the lock file says it to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `user@controller`.
    pub who: String,
    /// Process id on the controller.
    pub pid: u32,
    /// Since when, as text (RFC 3339).
    pub since: String,
    /// What it does, without secrets: `bootstrap shop`.
    pub command: String,
}

impl Holder {
    /// This process, now. `command` must not hold a secret: it is written to the host.
    pub fn this_process(command: impl Into<String>) -> Self {
        let user = std::env::var("USER")
            .unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()));
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            who: format!("{user}@{host}"),
            pid: std::process::id(),
            since: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            command: command.into(),
        }
    }

    fn line(&self) -> String {
        let Self {
            who,
            pid,
            since,
            command,
        } = self;
        format!("{who}, pid {pid}, since {since}: {command}").replace(char::is_control, " ")
    }
}

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
    channel: Channel,
    beats: u64,
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
            Some("locked") => Ok(HostLock {
                name,
                place,
                channel,
                beats: 0,
            }),
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
    /// Asks the far end whether the lock is still held, by a line that its `cat` must send back.
    pub async fn check(&mut self, deadline: Duration) -> Result<(), LockError> {
        self.beats += 1;
        let sent = format!("beat {}", self.beats);
        let echo = async {
            let stdin = self.channel.stdin.as_mut()?;
            stdin.write_all(format!("{sent}\n").as_bytes()).await.ok()?;
            line(&mut self.channel).await
        };
        match timeout(deadline, echo).await {
            Ok(Some(back)) if back == sent => Ok(()),
            _ => Err(LockError::Lost {
                place: self.place.clone(),
                name: self.name.clone(),
            }),
        }
    }

    /// Frees the lock and waits until it is free on the host.
    pub async fn release(mut self, deadline: Duration) -> Result<(), LockError> {
        drop(self.channel.stdin.take());
        let lost = LockError::Lost {
            place: self.place,
            name: self.name,
        };
        let end = async {
            let mut rest = Vec::new();
            let _ = self.channel.stdout.read_to_end(&mut rest).await;
            self.channel.finish().await
        };
        match timeout(deadline, end).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(lost),
        }
    }
}

/// The holder writes its name only after it got the lock. `cat` takes the shell's place, so the pid
/// in the file is the one to kill.
fn script(name: &str, holder: &Holder) -> Script {
    Script::default()
        .set("file", &format!("{FOLDER}/{name}.lock"))
        .set("holder", &holder.line())
        .line(format!("mkdir -p {FOLDER} && exec 9>>\"$file\" || exit 73"))
        .line("flock -n -E 75 9; got=$?")
        .line("if [ $got = 75 ]; then echo held; head -n 2 \"$file\"; exit 75; fi")
        .line("[ $got = 0 ] || exit 74")
        .line("printf '%s\\n' $$ \"$holder\" >\"$file\" || exit 73")
        .line("echo locked")
        .line("exec cat")
}

async fn line(channel: &mut Channel) -> Option<String> {
    let mut text = String::new();
    match channel.stdout.read_line(&mut text).await {
        Ok(1..) => Some(text.trim_end().to_owned()),
        _ => None,
    }
}
