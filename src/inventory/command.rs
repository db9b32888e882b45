//! A shell command whose first line is a password.
//!
//! It must never outlive its deadline, nor leave anything that it started, nor show what was printed.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::SecretString;

use super::secret::{MAX_BYTES, SecretError, one_line};

/// Runs a command in a shell of its own process group, so that a deadline ends all of it.
pub(super) fn run(command: &str, deadline: Duration) -> Result<SecretString, SecretError> {
    let until = Instant::now() + deadline;
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(SecretError::Start)?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // The thread ends with the pipe, which ends with the process group at the latest.
        std::thread::spawn(move || {
            let mut line = Vec::new();
            let mut reader = BufReader::new(stdout).take(MAX_BYTES + 1);
            let read = reader.read_until(b'\n', &mut line);
            // The rest is read and dropped, so that the command does not fail by a closed pipe.
            let _ = io::copy(&mut reader.into_inner(), &mut io::sink());
            // Nobody listens any more after the deadline.
            let _ = sender.send(read.map(|_| line));
        });
    }
    let Some(status) = wait(&mut child, until)? else {
        stop(&mut child);
        return Err(SecretError::TimedOut(deadline));
    };
    if !status.success() {
        return Err(SecretError::Failed(status));
    }
    let Ok(line) = receiver.recv_timeout(until.saturating_duration_since(Instant::now())) else {
        // Something that it left in the background holds the pipe.
        stop(&mut child);
        return Err(SecretError::TimedOut(deadline));
    };
    one_line(
        line.map_err(SecretError::Start)?,
        "the command's first line",
    )
}

/// The exit status, or `None` when the time is over.
fn wait(child: &mut Child, until: Instant) -> Result<Option<ExitStatus>, SecretError> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            Ok(None) if Instant::now() >= until => return Ok(None),
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => {
                stop(child);
                return Err(SecretError::Start(error));
            }
        }
    }
}

/// Ends a command and all that it started. Errors mean that it has ended already.
fn stop(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_stopped_at_its_deadline_with_all_that_it_started() {
        for command in ["sleep 60 & wait", "sleep 60 & echo s3cret"] {
            let begun = Instant::now();
            let error = run(command, Duration::from_millis(200)).unwrap_err();
            assert!(matches!(error, SecretError::TimedOut(_)), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(5));
        }
    }
}
