//! A link to one host: connected, proven by a first script, and ready for more.
//!
//! Nothing here retries what may have run. A link that was lost stays lost: connect again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openssh::{ForwardType, Session};
use tokio::io::AsyncReadExt;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout};

use super::channel::{CHANNELS, Channel, Talk, Wire};
use super::control::{ControlFolder, ControlFolderError, StartLock};
use super::error::{Effect, LinkError, LinkFault};
use super::master;
use super::opening::chain;
use super::target::{HostKeys, SshTarget};
use super::transfer::{RemoteReader, RemoteWriter};
use crate::fleet::script::{Script, Stdin};

/// How long the master, a process on this machine, may take to answer.
const MASTER_ANSWERS: Duration = Duration::from_secs(2);

/// How long a warm connection may take to run its first script where somebody is in a hurry.
const WARM: Duration = Duration::from_secs(1);

/// A connection to one host.
///
/// Cheap to use in parallel: up to eight scripts run at once, others wait for their turn. The master
/// behind it stays for a minute after the last use, for the next run.
#[derive(Debug)]
pub struct Link {
    wire: Wire,
    folder: ControlFolder,
    whoami: Whoami,
    /// Remote socket -> local socket.
    forwards: Mutex<BTreeMap<PathBuf, PathBuf>>,
}

/// As whom scripts run, and as whom sshd knows us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whoami {
    /// The login user: a database server sees this one through a forwarded socket.
    pub login_user: String,
    /// The login user's id.
    pub login_uid: u32,
    /// The user id that scripts run with: 0 unless the target says otherwise.
    pub script_uid: u32,
    /// What the host calls itself (`uname -n`).
    pub host_name: String,
}

/// What a script gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 124 also means that its time on the host was over.
    pub status: i32,
    /// Standard output, every byte of it, without the noise of the login shell.
    pub stdout: Vec<u8>,
    /// The end of the standard error output.
    pub stderr: String,
}

impl Output {
    /// Standard output as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Link {
    /// Connects, or takes up the warm connection of an earlier run, and proves it by a first script,
    /// sudo included.
    ///
    /// Each step takes at most `connect_timeout` for each hop and ten seconds for the login. The steps
    /// are: another run's attempt at the same host, a warm connection's answer, the login, the script.
    pub async fn connect(target: &SshTarget, host_keys: HostKeys) -> Result<Self, LinkError> {
        Self::establish(target, host_keys, target.connect_timeout).await
    }

    /// As [`Link::connect`], and all of it within a bound. A warm connection that does not answer in
    /// a second, or half of that, is given up for a new one: it may lead to a host that was restarted since.
    pub async fn connect_within(
        target: &SshTarget,
        host_keys: HostKeys,
        within: Duration,
    ) -> Result<Self, LinkError> {
        let warm = WARM.min(within / 2);
        let late = |_| {
            let fault = LinkFault::TimedOut {
                what: "connecting",
                after: within,
            };
            LinkError::new(target, fault, Effect::None)
        };
        timeout(within, Self::establish(target, host_keys, warm))
            .await
            .map_err(late)?
    }

    async fn establish(
        target: &SshTarget,
        host_keys: HostKeys,
        warm: Duration,
    ) -> Result<Self, LinkError> {
        let fail = |fault| LinkError::new(target, fault, Effect::None);
        target.check().map_err(|error| fail(error.into()))?;
        let unsafe_folder = |error: ControlFolderError| fail(LinkFault::ControlFolder(error));
        let folder = ControlFolder::prepare().map_err(unsafe_folder)?;
        let socket = folder.socket(target, host_keys);
        let after = master::longest(target);
        let turn = StartLock::take(&socket, Instant::now() + after)
            .await
            .map_err(unsafe_folder)?;
        let Some(turn) = turn else {
            let what = "another run's attempt to connect to the same host";
            return Err(fail(LinkFault::TimedOut { what, after }));
        };
        let wire = Wire {
            target: Arc::new(target.clone()),
            session: Arc::new(Session::resume_mux(socket.clone().into(), None)),
            permits: Arc::new(Semaphore::new(CHANNELS)),
        };
        let whoami = if let Some(answer) = Self::take_up(&wire, &socket, warm).await {
            answer
        } else {
            master::start(target, host_keys, &socket).await?;
            ask_who(&wire, after).await
        };
        drop(turn);
        Ok(Self {
            wire,
            folder,
            whoami: whoami?,
            forwards: Mutex::default(),
        })
    }

    /// What a warm connection answers; `None` when there is none, and then its socket is gone.
    async fn take_up(
        wire: &Wire,
        socket: &Path,
        within: Duration,
    ) -> Option<Result<Whoami, LinkError>> {
        if let Ok(Ok(())) = timeout(MASTER_ANSWERS, wire.session.check()).await {
            let answer = if wire.target.password().is_some() {
                // sudo takes its time, and a password is not tried without need: not even for a
                // connection that may lead nowhere.
                match timeout(within, wire.answers()).await {
                    Ok(Ok(())) => ask_who(wire, master::longest(&wire.target)).await,
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(wire.fail(
                        LinkFault::TimedOut {
                            what: "a warm connection",
                            after: within,
                        },
                        Effect::None,
                    )),
                }
            } else {
                ask_who(wire, within).await
            };
            match answer.as_ref().map_err(LinkError::fault) {
                // The host is gone, or came back and does not know this connection.
                Err(LinkFault::Disconnected | LinkFault::TimedOut { .. } | LinkFault::Other) => {}
                _ => return Some(answer),
            }
            // The master takes no more work; what runs through it may end in peace.
            let retired = Session::resume_mux(socket.into(), None);
            let _ = timeout(MASTER_ANSWERS, retired.close()).await;
        }
        let _ = fs::remove_file(socket);
        None
    }

    /// As whom scripts run on this host.
    pub fn whoami(&self) -> &Whoami {
        &self.whoami
    }

    /// The host and port, as messages name them.
    pub fn place(&self) -> String {
        self.wire.target.place()
    }

    /// Runs a script to its end: as root (unless the target says otherwise), `LC_ALL=C`, umask 077,
    /// `/dev/null` as standard input. Any exit status is a result.
    ///
    /// The deadline holds here and on the host: a script that is given up is ended there (TERM, five
    /// seconds later KILL), rounded up to a second. Processes that left its process group stay.
    pub async fn run(&self, script: &Script, deadline: Duration) -> Result<Output, LinkError> {
        self.wire.run(script, deadline).await
    }

    /// Starts a script whose standard output is a stream. It may run for `bound` on the host.
    ///
    /// Returns when it has begun, after the time of a connection at most.
    pub async fn spawn_reader(
        &self,
        script: &Script,
        bound: Duration,
    ) -> Result<RemoteReader, LinkError> {
        let talk = Talk {
            stdin: Stdin::Empty,
            bound: Some(bound),
        };
        self.begin(script, talk).await.map(RemoteReader::new)
    }

    /// Starts a script whose standard input is a stream. It may run for `bound` on the host.
    ///
    /// Returns when it has begun, after the time of a connection at most.
    pub async fn spawn_writer(
        &self,
        script: &Script,
        bound: Duration,
    ) -> Result<RemoteWriter, LinkError> {
        let talk = Talk {
            stdin: Stdin::Data,
            bound: Some(bound),
        };
        self.begin(script, talk).await.map(RemoteWriter::new)
    }

    /// Starts a script, bounded by the time that a connection may take.
    pub(in crate::fleet) async fn begin(
        &self,
        script: &Script,
        talk: Talk,
    ) -> Result<Channel, LinkError> {
        let after = master::longest(&self.wire.target);
        let late = || LinkFault::TimedOut {
            what: "starting a script",
            after,
        };
        timeout(after, self.wire.begin(script, talk))
            .await
            .map_err(|_| self.wire.fail(late(), Effect::Unknown))?
    }

    pub(in crate::fleet) fn fail(&self, fault: LinkFault, effect: Effect) -> LinkError {
        self.wire.fail(fault, effect)
    }

    /// Makes a Unix socket of the host reachable here, and returns the local one, which only we can
    /// open. The server behind it sees a connection of the login user's ([`Whoami::login_uid`]).
    ///
    /// Asked twice for one socket, it gives the same answer. It goes with the link. Whether anything
    /// listens on the host shows only when the socket is used.
    pub async fn forward_socket(&self, remote: &Path) -> Result<PathBuf, LinkError> {
        let mut forwards = self.forwards.lock().await;
        if let Some(local) = forwards.get(remote) {
            return Ok(local.clone());
        }
        let local = self.folder.forward();
        let asked =
            self.wire
                .session
                .request_port_forward(ForwardType::Local, local.as_path(), remote);
        match timeout(MASTER_ANSWERS, asked).await {
            Ok(Ok(())) => {
                forwards.insert(remote.to_owned(), local.clone());
                Ok(local)
            }
            Ok(Err(openssh::Error::Disconnected)) => {
                Err(self.fail(LinkFault::Disconnected, Effect::None))
            }
            Ok(Err(error)) => Err(self
                .fail(LinkFault::Other, Effect::None)
                .saying(chain(&error))),
            Err(_) => {
                let fault = LinkFault::TimedOut {
                    what: "forwarding",
                    after: MASTER_ANSWERS,
                };
                Err(self.fail(fault, Effect::None))
            }
        }
    }

    /// Takes the forwards back. The master stays warm.
    ///
    /// A link that is only dropped removes the sockets, and their listeners end with the master.
    pub async fn close(self) {
        let forwards = std::mem::take(&mut *self.forwards.lock().await);
        for (remote, local) in forwards {
            let ask = self.wire.session.close_port_forward(
                ForwardType::Local,
                local.as_path(),
                remote.as_path(),
            );
            // Nothing hangs on it: the socket's file goes in any case.
            let _ = timeout(MASTER_ANSWERS, ask).await;
            let _ = fs::remove_file(local);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for local in self.forwards.get_mut().values() {
            let _ = fs::remove_file(local);
        }
    }
}

impl Wire {
    async fn run(&self, script: &Script, deadline: Duration) -> Result<Output, LinkError> {
        let talk = Talk {
            stdin: Stdin::Empty,
            bound: Some(deadline),
        };
        let whole = async {
            let mut channel = self.begin(script, talk).await?;
            let mut stdout = Vec::new();
            // A failed read shows as a missing exit status right after.
            let _ = channel.stdout.read_to_end(&mut stdout).await;
            let (status, stderr) = channel.finish().await?;
            Ok(Output {
                status,
                stdout,
                stderr,
            })
        };
        let late = || LinkFault::TimedOut {
            what: "the script",
            after: deadline,
        };
        timeout(deadline, whole)
            .await
            .map_err(|_| self.fail(late(), Effect::Unknown))?
    }
}

async fn ask_who(wire: &Wire, deadline: Duration) -> Result<Whoami, LinkError> {
    let script = Script::new(
        "uid=$(id -u); echo \"${SUDO_UID:-$uid}\"; echo \"$uid\"; echo \"${SUDO_USER:-$(id -un)}\"; uname -n",
    );
    let output = wire.run(&script, deadline).await?;
    let text = output.text();
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (login_uid, script_uid) = (next().parse(), next().parse());
    let (Ok(login_uid), Ok(script_uid)) = (login_uid, script_uid) else {
        let fault = LinkFault::ShellRefused {
            status: output.status,
        };
        return Err(wire.fail(fault, Effect::None).saying(output.stderr));
    };
    let (login_user, host_name) = (next().to_owned(), next().to_owned());
    Ok(Whoami {
        login_user,
        login_uid,
        script_uid,
        host_name,
    })
}
