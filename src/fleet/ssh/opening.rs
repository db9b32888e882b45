//! Opens a channel on a link's connection, as far as the command that was asked for and, where sudo
//! wants a password, as far as root.
//!
//! It must never send anything of a script: nothing may run before the shell is there that was meant.

use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, ChildStderr, ChildStdin, ChildStdout, Session, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::sleep;

use super::channel::{Wire, exit_status};
use super::diagnosis;
use super::error::{Effect, LinkError, LinkFault};
use super::sudo::{self, SudoPassword, TalkEnd};

/// A channel on which nothing was said yet.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) child: Child<Arc<Session>>,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: BufReader<ChildStdout>,
    pub(super) stderr: ChildStderr,
}

impl Wire {
    /// Gives sudo its password, and returns when the shell is there that will run the script.
    ///
    /// In a task of its own: an attempt that is given up half way would leave unknown whether the
    /// password is right.
    pub(super) async fn become_root(
        &self,
        fresh: Fresh,
        password: &SudoPassword,
    ) -> Result<Fresh, LinkError> {
        let nothing_ran = |fault| self.fail(fault, Effect::None);
        let attempt = password.attempt(&self.target.place()).await;
        let attempt = attempt.map_err(nothing_ran)?;
        let (mut fresh, password) = (fresh, password.clone());
        let talk = tokio::spawn(async move {
            let Fresh {
                stdin,
                stdout,
                stderr,
                ..
            } = &mut fresh;
            let heard = password.offer(attempt, stdin, stdout, stderr).await;
            if heard.end == TalkEnd::Root {
                // A channel that broke meanwhile shows in what is read next.
                let line = format!("{}\n", sudo::SCRIPT);
                let _ = stdin.write_all(line.as_bytes()).await;
            }
            (fresh, heard)
        });
        let (fresh, heard) = talk.await.map_err(|error| {
            nothing_ran(LinkFault::Other).saying(format!("becoming root: {error}"))
        })?;
        match heard.end {
            TalkEnd::Root => Ok(fresh),
            TalkEnd::Refused => Err(nothing_ran(LinkFault::SudoPasswordWrong)),
            TalkEnd::Silence => Err(nothing_ran(LinkFault::TimedOut {
                what: "sudo",
                after: sudo::ANSWER,
            })),
            TalkEnd::Closed => {
                drop(fresh.stdin);
                let status = exit_status(self, fresh.child.wait().await).await?;
                let seen = diagnosis::starting(&heard.written, status);
                Err(nothing_ran(seen.fault).saying(seen.line))
            }
        }
    }

    /// Whether the host answers at all on this connection, as the login user.
    pub(super) async fn answers(&self) -> Result<(), LinkError> {
        let Fresh {
            child,
            stdin,
            mut stdout,
            ..
        } = self.open("echo hactl").await?;
        drop(stdin);
        let mut said = Vec::new();
        // A failed read shows as a missing exit status right after.
        let _ = stdout.read_to_end(&mut said).await;
        exit_status(self, child.wait().await).await.map(drop)
    }

    /// Until the channel is open nothing is executed: the master answers only after the host has
    /// confirmed it, and sends the command after that (`mux_session_confirm` in OpenSSH's mux.c). So
    /// failures here have no effect, and a host that has no session free is asked again.
    pub(super) async fn open(&self, command: &str) -> Result<Fresh, LinkError> {
        let mut child = self.exec(command).await?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (
            child.stdin().take(),
            child.stdout().take(),
            child.stderr().take(),
        ) else {
            return Err(self
                .fail(LinkFault::Other, Effect::None)
                .saying("a channel without pipes"));
        };
        Ok(Fresh {
            child,
            stdin,
            stdout: BufReader::new(stdout),
            stderr,
        })
    }

    async fn exec(&self, command: &str) -> Result<Child<Arc<Session>>, LinkError> {
        let mut pause = Duration::from_millis(20);
        loop {
            let opened = Arc::clone(&self.session)
                .arc_raw_command(command)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .await;
            match opened {
                Ok(child) => return Ok(child),
                Err(error) if is_full(&error) => sleep(pause).await,
                Err(openssh::Error::Disconnected) => {
                    return Err(self.fail(LinkFault::Disconnected, Effect::None));
                }
                Err(error) => {
                    return Err(self
                        .fail(mux_fault(&error), Effect::None)
                        .saying(chain(&error)));
                }
            }
            pause = (pause * 2).min(Duration::from_millis(500));
        }
    }
}

/// The host has no session free on this connection. Only the master's words tell.
fn is_full(error: &openssh::Error) -> bool {
    chain(error).contains("Session open refused by peer")
}

pub(super) fn mux_fault(error: &openssh::Error) -> LinkFault {
    match error {
        openssh::Error::Disconnected | openssh::Error::RemoteProcessTerminated => {
            LinkFault::Disconnected
        }
        _ => LinkFault::Other,
    }
}

/// The innermost cause: the outer ones only say that there is one.
pub(super) fn chain(error: &openssh::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
