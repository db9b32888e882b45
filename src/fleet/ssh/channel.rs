//! One channel through a link: a remote shell that has received a script and begun to run it.
//!
//! All that runs on a host goes through here, in one exec. What reaches the host's process list is
//! only the wrapper below; scripts and their secrets travel on standard input.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, ChildStderr, ChildStdin, ChildStdout, Session};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::diagnosis::{self, NO_SUDO};
use super::error::{Effect, LinkError, LinkFault};
use super::opening::{Fresh, chain, mux_fault};
use super::sudo;
use super::target::{Become, SshTarget};
use crate::fleet::script::{BEGIN, Script, Stdin, quote_sh};

/// sshd lets ten sessions through one connection (`MaxSessions`, `sshd_config(5)`); two stay free for
/// another run that shares the master.
pub(super) const CHANNELS: usize = 8;
/// After its time is over, a remote script gets this long to end by itself before it is killed.
const KILL_AFTER: u32 = 5;
/// How much of a login shell's noise is read before it is taken for something else than a shell.
const MOST_NOISE: u64 = 64 * 1024;
/// How much of the end of the standard error output is kept.
const STDERR_KEPT: usize = 64 * 1024;

/// What every channel of a link needs.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) target: Arc<SshTarget>,
    pub(super) session: Arc<Session>,
    pub(super) permits: Arc<Semaphore>,
}

/// What a script says and hears while it runs.
#[derive(Debug, Clone, Copy)]
pub(in crate::fleet) struct Talk {
    /// Where its standard input comes from.
    pub(in crate::fleet) stdin: Stdin,
    /// How long it may run on the host, whatever becomes of us; `None`: as long as the channel.
    pub(in crate::fleet) bound: Option<Duration>,
}

/// A script that has begun.
///
/// Dropping it closes the channel; the remote process is then left to its bound.
#[derive(Debug)]
pub(in crate::fleet) struct Channel {
    wire: Wire,
    child: Child<Arc<Session>>,
    /// Present for [`Stdin::Data`] until it is taken or closed.
    pub(in crate::fleet) stdin: Option<ChildStdin>,
    pub(in crate::fleet) stdout: BufReader<ChildStdout>,
    stderr: Tail,
    _permit: OwnedSemaphorePermit,
}

impl Wire {
    pub(super) fn fail(&self, fault: LinkFault, effect: Effect) -> LinkError {
        LinkError::new(&self.target, fault, effect)
    }

    /// Opens a channel and carries the script over, until the remote shell says that it begins.
    ///
    /// Not bounded in time: the caller does that, and then does not know whether it began.
    pub(super) async fn begin(&self, script: &Script, talk: Talk) -> Result<Channel, LinkError> {
        if script.has_nul() {
            return Err(self
                .fail(LinkFault::Other, Effect::None)
                .saying("the script holds a NUL byte, which no shell can carry"));
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| self.fail(LinkFault::Disconnected, Effect::None))?;
        let mut fresh = self.open(&remote_command(&self.target, talk)).await?;
        if let Some(password) = self.target.password() {
            fresh = self.become_root(fresh, password).await?;
        }
        let Fresh {
            child,
            stdin,
            mut stdout,
            stderr,
        } = fresh;
        let stderr = Tail::keep(stderr);
        let (sent, begun) = tokio::join!(send(stdin, script, talk.stdin), skip_noise(&mut stdout));
        let mut channel = Channel {
            wire: self.clone(),
            child,
            stdin: None,
            stdout,
            stderr,
            _permit: permit,
        };
        match begun {
            Ok(None) => {
                channel.stdin = sent.ok().flatten();
                Ok(channel)
            }
            Ok(Some(noise)) => Err(channel.explain_silence(&noise).await),
            Err(error) => Err(self
                .fail(LinkFault::Disconnected, Effect::Unknown)
                .saying(error.to_string())),
        }
    }
}

impl Channel {
    /// Waits for the end of the script: its exit status and what it left on standard error.
    ///
    /// Standard output must have been read to its end, or the script may never end.
    pub(in crate::fleet) async fn finish(self) -> Result<(i32, String), LinkError> {
        let Self {
            wire,
            child,
            stderr,
            stdin,
            ..
        } = self;
        drop(stdin);
        let status = exit_status(&wire, child.wait().await).await?;
        Ok((status, stderr.text().await))
    }

    pub(in crate::fleet) fn fail(&self, fault: LinkFault, effect: Effect) -> LinkError {
        self.wire.fail(fault, effect)
    }

    /// The shell closed its output before the script began: sudo, the login shell or a lost link.
    async fn explain_silence(self, noise: &str) -> LinkError {
        let wire = self.wire.clone();
        match self.finish().await {
            // Not even the first line ran, so the rest did not either.
            Ok((status, stderr)) => {
                let seen = diagnosis::starting(&format!("{stderr}\n{noise}"), status);
                wire.fail(seen.fault, Effect::None).saying(seen.line)
            }
            Err(error) => error,
        }
    }
}

/// `openssh` reports status 127 as an error of its own, and a missing status for a lost connection
/// and a killed shell alike; the master knows which.
pub(super) async fn exit_status(
    wire: &Wire,
    waited: Result<std::process::ExitStatus, openssh::Error>,
) -> Result<i32, LinkError> {
    match waited {
        Ok(status) => Ok(status.code().unwrap_or(-1)),
        Err(openssh::Error::Remote(error)) if error.kind() == io::ErrorKind::NotFound => Ok(127),
        Err(openssh::Error::RemoteProcessTerminated) => match wire.session.check().await {
            Ok(()) => Err(wire.fail(LinkFault::Killed, Effect::Unknown)),
            Err(_) => Err(wire.fail(LinkFault::Disconnected, Effect::Unknown)),
        },
        Err(error) => Err(wire
            .fail(mux_fault(&error), Effect::Unknown)
            .saying(chain(&error))),
    }
}

/// Sends the script; for [`Stdin::Data`] gives back the way for what follows.
async fn send(
    mut stdin: ChildStdin,
    script: &Script,
    mode: Stdin,
) -> io::Result<Option<ChildStdin>> {
    let text = script.wire_text(mode);
    match mode {
        Stdin::Empty => {
            stdin.write_all(text.expose_secret().as_bytes()).await?;
            Ok(None)
        }
        Stdin::Data => {
            use base64::Engine as _;
            let mut line = base64::engine::general_purpose::STANDARD.encode(text.expose_secret());
            line.push('\n');
            let line = SecretString::from(line);
            stdin.write_all(line.expose_secret().as_bytes()).await?;
            Ok(Some(stdin))
        }
    }
}

/// Reads up to the line that says that the script begins; gives the noise when the output ends first.
async fn skip_noise(stdout: &mut BufReader<ChildStdout>) -> io::Result<Option<String>> {
    let mut limited = stdout.take(MOST_NOISE);
    let mut noise = Vec::new();
    // Noise need not end its last line, so the word may stand behind some of it.
    let begin = format!("{BEGIN}\n");
    loop {
        if limited.read_until(b'\n', &mut noise).await? == 0 {
            return Ok(Some(String::from_utf8_lossy(&noise).into_owned()));
        }
        if noise.ends_with(begin.as_bytes()) {
            return Ok(None);
        }
    }
}

/// What sshd hands to the login shell, whichever that is (sh, fish, csh): one `sh -c` with one word.
fn remote_command(target: &SshTarget, talk: Talk) -> String {
    let asks = target.password().is_some();
    let shell = match talk.stdin {
        Stdin::Empty if asks => format!("sh -c {}", quote_sh(&sudo::introduced("exec sh -s"))),
        Stdin::Empty => "sh -s".to_owned(),
        // One line carries the script, so that the rest of the input is left untouched: `read` takes
        // no byte beyond the line (POSIX.1-2017, read), `sh -s` gives no such promise. An unfinished
        // line makes `read` fail. `printf` is built in: its words are in no process list.
        Stdin::Data => {
            let read = "IFS= read -r line && eval \"$(printf %s \"$line\" | base64 -d)\" || exit 1";
            let read = if asks {
                sudo::introduced(read)
            } else {
                read.to_owned()
            };
            format!("sh -c {}", quote_sh(&read))
        }
    };
    let bounded = match talk.bound {
        Some(bound) => {
            let seconds = bound.as_secs() + u64::from(bound.subsec_nanos() > 0);
            format!("timeout -k {KILL_AFTER} {} {shell}", seconds.max(1))
        }
        None => shell,
    };
    // Without a password sudo must not ask. With one, it reads a line and not a byte more: the rest of
    // the input is the script's (`tgetpass` in sudo, which reads byte by byte).
    let sudo = if asks {
        format!("sudo -S -p {}", sudo::PROMPT)
    } else {
        "sudo -n".to_owned()
    };
    let wrapper = match target.become_root {
        Become::Never => format!("exec {bounded}"),
        Become::Sudo => format!(
            "LC_ALL=C; export LC_ALL; if [ \"$(id -u)\" = 0 ]; then exec {bounded}; fi; \
             if command -v sudo >/dev/null; then exec {sudo} {bounded}; fi; \
             echo \"{NO_SUDO}\" >&2; exit 126"
        ),
    };
    format!("exec sh -c {}", quote_sh(&wrapper))
}

/// Reads a stream to its end, always, and keeps the last of it. Stops when dropped.
#[derive(Debug)]
pub(super) struct Tail {
    task: JoinSet<Vec<u8>>,
}

impl Tail {
    pub(super) fn keep<R>(mut reader: R) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
    {
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut kept = Vec::new();
            let mut chunk = vec![0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut chunk).await {
                kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
                if kept.len() > 2 * STDERR_KEPT {
                    kept.drain(..kept.len() - STDERR_KEPT);
                }
            }
            kept
        });
        Self { task }
    }

    pub(super) async fn text(mut self) -> String {
        let kept = self
            .task
            .join_next()
            .await
            .and_then(Result::ok)
            .unwrap_or_default();
        String::from_utf8_lossy(&kept).replace(sudo::PROMPT, "")
    }
}

/// The standard error of a remote child, for [`Tail`].
const _: fn(ChildStderr) -> Tail = Tail::keep::<ChildStderr>;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio as Pipe};
    use std::time::Duration;

    use base64::Engine as _;
    use secrecy::ExposeSecret;

    use super::{Talk, remote_command};
    use crate::fleet::script::{Script, Stdin};
    use crate::fleet::ssh::{Become, SshTarget, SudoPassword};

    fn as_login() -> SshTarget {
        SshTarget {
            become_root: Become::Never,
            ..SshTarget::new("db1")
        }
    }

    /// What sshd does: the login shell runs the command, our text is its input.
    fn as_sshd(command: &str, input: &[u8]) -> (i32, String) {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    #[test]
    fn a_script_and_its_data_share_one_input() {
        let talk = Talk {
            stdin: Stdin::Data,
            bound: Some(Duration::from_millis(4500)),
        };
        let script = Script::new("echo \"it's\"; read -r first; echo \"<$first>\"; cat; exit 3");
        let line = base64::engine::general_purpose::STANDARD
            .encode(script.wire_text(Stdin::Data).expose_secret());
        let command = remote_command(&as_login(), talk);
        assert!(command.contains("timeout -k 5 5 "), "{command}");
        let seen = as_sshd(&command, format!("{line}\none\ntwo\n").as_bytes());
        assert_eq!(seen, (3, "hactl:begin\nit's\n<one>\ntwo\n".to_owned()));
    }

    #[test]
    fn a_script_cut_before_its_line_ended_runs_nothing() {
        let talk = Talk {
            stdin: Stdin::Data,
            bound: None,
        };
        let line = base64::engine::general_purpose::STANDARD.encode(
            Script::new("echo ran")
                .wire_text(Stdin::Data)
                .expose_secret(),
        );
        let command = remote_command(&as_login(), talk);
        for cut in (0..=line.len()).step_by(7).chain([line.len()]) {
            let (status, seen) = as_sshd(&command, &line.as_bytes()[..cut]);
            assert_eq!((status, seen.as_str()), (1, ""), "cut at {cut}");
        }
    }

    /// A `sudo` as far as its input goes: `line` is what it reads before it becomes the command.
    fn with_sudo(line: &str, talk: Talk, input: &str) -> (i32, String) {
        let target = SshTarget {
            sudo_password: Some(SudoPassword::new("hunter2".into())),
            ..SshTarget::new("db1")
        };
        let command = remote_command(&target, talk);
        assert!(!command.contains("hunter2"), "{command}");
        // What is not to be seen of this machine: whether we are root, and its sudo.
        let fake = format!("id() {{ echo 1000; }}; sudo() {{ {line}; shift 3; \"$@\"; exit; }}; ");
        let inner = command.strip_prefix("exec sh -c ").unwrap();
        let wrapper = as_sshd(&format!("printf %s {inner}"), b"").1;
        let wrapper = wrapper.replace("exec sudo", "sudo");
        as_sshd(&format!("{fake}{wrapper}"), input.as_bytes())
    }

    #[test]
    fn a_password_that_sudo_did_not_want_is_no_command() {
        let script = Script::new("echo ran; read -r first && echo \"<$first>\"");
        for stdin in [Stdin::Empty, Stdin::Data] {
            let talk = Talk { stdin, bound: None };
            let text = script.wire_text(stdin).expose_secret().to_owned();
            let (text, echoed) = match stdin {
                Stdin::Empty => (text, ""),
                Stdin::Data => (
                    base64::engine::general_purpose::STANDARD.encode(text) + "\none\n",
                    "<one>\n",
                ),
            };
            let input = format!("hunter2\nhactl:script\n{text}");
            for line in ["read -r wanted", "true"] {
                let (_, seen) = with_sudo(line, talk, &input);
                let wanted = format!("hactl:root\nhactl:begin\nran\n{echoed}");
                assert_eq!(seen, wanted, "{line} {stdin:?}");
            }
            // Cut before the script: nothing runs.
            assert_eq!(
                with_sudo("true", talk, "hunter2\n"),
                (1, "hactl:root\n".to_owned())
            );
        }
    }
}
