//! The one question that hactl asks.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::CliError;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on.
    Yes,
    /// Leave everything as it is.
    No,
}

/// Asks on the terminal. Without one it refuses: it never waits for an answer that cannot come.
pub(super) async fn confirm(question: &str) -> Result<Answer, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::NoConsent);
    }
    let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let answer = match read.await {
        Ok(Ok(line)) => line,
        Ok(Err(source)) => {
            return Err(CliError::Local {
                what: "read the answer",
                source,
            });
        }
        Err(_) => return Ok(Answer::No),
    };
    Ok(if matches!(answer.trim(), "y" | "Y" | "yes") {
        Answer::Yes
    } else {
        Answer::No
    })
}
