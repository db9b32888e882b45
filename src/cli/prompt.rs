//! The questions that hactl asks: whether to go on, and for a password that was promised by -K.
//!
//! It must never wait for an answer that cannot come, and never show a password or keep the terminal
//! from showing what is typed after it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};

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
    let answer = line().await?;
    Ok(if matches!(answer.trim(), "y" | "Y" | "yes") {
        Answer::Yes
    } else {
        Answer::No
    })
}

/// Asks for a password on the terminal, which does not show it meanwhile.
pub(super) async fn password(question: &str) -> Result<SecretString, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::NotThere {
            message: "-K asks for a password, and there is no terminal to ask on".to_owned(),
            hint: "name it in the inventory: `ssh: {become_password: \"env:NAME\"}`".to_owned(),
        });
    }
    let silence = Silence::begin()?;
    let _ = write!(anstream::stderr().lock(), "{question}");
    let typed = line().await;
    drop(silence);
    let typed = SecretString::from(typed?);
    let password = SecretString::from(typed.expose_secret().trim_end_matches(['\r', '\n']));
    if password.expose_secret().is_empty() {
        return Err(CliError::NotThere {
            message: "no password was given".to_owned(),
            hint: "leave -K out where sudo wants none".to_owned(),
        });
    }
    Ok(password)
}

/// While it lives, the terminal does not show what is typed. An interrupt drops it, too.
struct Silence(Termios);

impl Silence {
    fn begin() -> Result<Self, CliError> {
        let stdin = std::io::stdin();
        let failed = |error: rustix::io::Errno| CliError::Local {
            what: "keep the terminal from showing a password",
            source: error.into(),
        };
        let before = tcgetattr(&stdin).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        silent.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&stdin, OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // Nobody is left to tell; `stty sane` helps.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// One line of standard input; empty at its end.
async fn line() -> Result<String, CliError> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    match read.await {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(source)) => Err(CliError::Local {
            what: "read the answer",
            source,
        }),
        Err(_) => Ok(String::new()),
    }
}
