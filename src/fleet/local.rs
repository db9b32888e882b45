//! Commands that the inventory names and that run on this machine: hooks, fence programs.
//!
//! They never outlive their deadline, nor leave anything running that they started, and they never get
//! a password of the cluster's, not even one that is in our own environment.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

/// How much of the end of a command's output is kept, in bytes.
const KEPT: usize = 8 * 1024;
/// How many lines of it are shown.
const SHOWN: usize = 8;
/// How long a command that has ended may leave its output open to something in the background.
const LINGER: Duration = Duration::from_millis(200);

/// A command line for `/bin/sh -c`.
#[derive(Debug, Clone)]
pub struct LocalCommand {
    text: String,
    environment: BTreeMap<&'static str, String>,
    timeout: Duration,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOutput {
    /// Its exit status; 128 and the signal's number when a signal ended it.
    pub status: i32,
    /// The last lines of what it wrote to both its outputs.
    pub lines: Vec<String>,
}

/// Why there is no exit status.
#[derive(Debug, Error)]
pub enum LocalError {
    /// There is no shell, no memory, or the like.
    #[error("cannot start a shell: {0}")]
    Start(#[from] io::Error),
    /// It took too long, and was killed with all that it had started.
    #[error("killed after {after:?}{}", said(.lines))]
    TimedOut {
        /// Its bound.
        after: Duration,
        /// The last lines that it wrote.
        lines: Vec<String>,
    },
}

fn said(lines: &[String]) -> String {
    match lines.last() {
        Some(line) => format!("; its last words: {line}"),
        None => String::new(),
    }
}

impl LocalCommand {
    /// A command that may run for so long.
    pub fn new(text: impl Into<String>, timeout: Duration) -> Self {
        Self {
            text: text.into(),
            environment: BTreeMap::new(),
            timeout,
        }
    }

    /// Adds a variable to its environment. Never a secret: other users may read environments.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.insert(name, value.into());
        self
    }

    /// Runs it to its end. `secrets` are kept out of what it inherits, and out of what it is said to
    /// have written.
    ///
    /// Dropping the future ends the command, too.
    pub async fn run(&self, secrets: &[&SecretString]) -> Result<LocalOutput, LocalError> {
        let until = Instant::now() + self.timeout;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &self.text])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        for (name, value) in std::env::vars_os() {
            let is_secret = |secret: &&SecretString| value == secret.expose_secret();
            if secrets.iter().any(is_secret) {
                command.env_remove(name);
            }
        }
        let mut child = command.envs(&self.environment).spawn()?;
        let group = Group::of(&child);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut kept = (Vec::new(), Vec::new());
        let status = {
            let reading = async {
                tokio::join!(keep(stdout, &mut kept.0), keep(stderr, &mut kept.1));
            };
            tokio::pin!(reading);
            let mut is_read = false;
            let both = async {
                loop {
                    tokio::select! {
                        status = child.wait() => break status,
                        () = &mut reading, if !is_read => is_read = true,
                    }
                }
            };
            let ended = timeout_at(until, both).await;
            if ended.is_ok() && !is_read {
                let _ = tokio::time::timeout(LINGER, reading).await;
            }
            ended
        };
        // Whatever it left in the background ends here.
        drop(group);
        let lines = without(secrets, last_lines(&kept.0, &kept.1));
        match status {
            Ok(status) => Ok(LocalOutput {
                status: code(status?),
                lines,
            }),
            Err(_) => Err(LocalError::TimedOut {
                after: self.timeout,
                lines,
            }),
        }
    }
}

/// A process group that is killed when this goes.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // An error means that nothing of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// Reads to the end and keeps the last of it; cancelling it loses nothing that was read.
async fn keep(reader: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut reader) = reader else { return };
    let mut chunk = vec![0; 4096];
    while let Ok(count @ 1..) = reader.read(&mut chunk).await {
        kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
}

fn last_lines(stdout: &[u8], stderr: &[u8]) -> Vec<String> {
    let text = [
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr),
    ]
    .join("\n");
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.replace(char::is_control, " ").trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(SHOWN)..].to_vec()
}

/// Lines without the secrets that a command found elsewhere and printed.
fn without(secrets: &[&SecretString], lines: Vec<String>) -> Vec<String> {
    let secrets: Vec<_> = secrets
        .iter()
        .map(|secret| secret.expose_secret())
        .collect();
    let hide = |line: String| {
        let real = secrets.iter().filter(|secret| !secret.is_empty());
        real.fold(line, |line, secret| line.replace(*secret, "***"))
    };
    lines.into_iter().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> LocalCommand {
        LocalCommand::new(text, Duration::from_secs(5))
    }

    #[tokio::test]
    async fn what_it_says_and_how_it_ends_are_kept() {
        let command =
            command("echo \"$HACTL_HOST\"; echo why >&2; exit 10").with("HACTL_HOST", "db1");
        let output = command.run(&[]).await.unwrap();
        assert_eq!(output.status, 10);
        assert_eq!(output.lines, ["db1", "why"]);
    }

    #[tokio::test]
    async fn only_the_end_of_a_long_output_is_kept() {
        let output = command("seq 100000").run(&[]).await.unwrap();
        assert_eq!(output.lines.len(), SHOWN);
        assert_eq!(output.lines.last().unwrap(), "100000");
    }

    #[tokio::test]
    async fn a_command_is_killed_at_its_deadline_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        for text in ["sleep 0.7; touch $MARK", "(sleep 0.7; touch $MARK) & wait"] {
            let begun = Instant::now();
            let error =
                LocalCommand::new(format!("echo begun; {text}"), Duration::from_millis(200))
                    .with("MARK", mark.to_string_lossy())
                    .run(&[])
                    .await
                    .unwrap_err();
            assert!(
                error.to_string().contains("its last words: begun"),
                "{error}"
            );
            assert!(begun.elapsed() < Duration::from_millis(650));
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(!mark.exists());
    }

    #[tokio::test]
    async fn what_runs_on_in_the_background_does_not_hold_it_up() {
        let begun = Instant::now();
        let output = command("sleep 4 & echo done").run(&[]).await.unwrap();
        assert_eq!((output.status, output.lines), (0, vec!["done".to_owned()]));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn a_secret_that_it_prints_is_hidden() {
        let secret = SecretString::from("s3cr3t");
        let said = command("echo --password=s3cr3t; echo s3cr3t >&2; exit 1");
        let output = said.run(&[&secret, &SecretString::from("")]).await.unwrap();
        assert_eq!(output.lines, ["--password=***", "***"]);
    }

    #[tokio::test]
    async fn a_secret_of_our_own_environment_is_not_handed_on() {
        // PATH stands in for the variable that holds a password.
        let path = std::env::var("PATH").unwrap();
        let shown = command("/usr/bin/env")
            .run(&[&path.clone().into()])
            .await
            .unwrap();
        let inherited = format!("PATH={path}");
        assert!(!shown.lines.contains(&inherited), "{:?}", shown.lines);
    }
}
