//! The one door to programs of the outer machine. Every call says what it is for, so that a
//! failure reads as a sentence. It never passes a secret: arguments are visible to everyone.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::LabError;

/// Lines of a failed program that are kept in the error.
const TAIL_LINES: usize = 12;

/// Runs a program and returns what it printed; anything but success is an error.
pub(crate) fn run<I, S>(doing: &str, program: &str, args: I) -> Result<String, LabError>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(args);
    checked(doing, command, "")
}

/// Runs a prepared command with a text on its standard input; anything but success is an error.
pub(crate) fn checked(doing: &str, command: Command, input: &str) -> Result<String, LabError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output(doing, command, input)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LabError::Program {
        program,
        doing: doing.to_owned(),
        status: output.status.to_string(),
        stderr: tail(&String::from_utf8_lossy(&output.stderr), TAIL_LINES),
    })
}

/// Runs a prepared command with a text on its standard input and collects what it says.
pub(crate) fn output(doing: &str, mut command: Command, input: &str) -> Result<Output, LabError> {
    let failed = |program: String| {
        let doing = doing.to_owned();
        move |source| LabError::Start {
            program,
            doing,
            source,
        }
    };
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed(program.clone()))?;
    let stdin = child.stdin.take();
    // Writing and reading at the same time: a program that answers before it has read everything
    // would block otherwise. One that does not read at all is no error (EPIPE).
    thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input.as_bytes())));
        child.wait_with_output().map_err(failed(program))
    })
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_purpose_and_what_was_said() {
        let error = run("greet", "sh", ["-c", "echo nobody there >&2; exit 3"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("could not greet") && text.contains("nobody there"),
            "{text}"
        );
    }

    #[test]
    fn input_larger_than_a_pipe_does_not_block() {
        let input = "x".repeat(1 << 20);
        let got = checked("echo", Command::new("cat"), &input).unwrap();
        assert_eq!(got.len(), input.len());
    }

    #[test]
    fn a_tail_is_at_most_so_many_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a", 2), "a");
    }
}
