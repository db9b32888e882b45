//! Becomes root by a sudo that wants a password: the talk before a script, and what is known of the
//! password.
//!
//! A wrong password is a strike against the account: after a few, many hosts lock it. So it is tried
//! once on one host before it is tried on others, never again where it was refused, and an attempt is
//! waited for even when nobody wants its result any more. The script follows only when the shell that
//! will run it has begun: sudo must never take lines of it for further passwords. The password travels
//! on standard input alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssh::{ChildStderr, ChildStdin, ChildStdout};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use super::diagnosis;
use super::error::LinkFault;

/// What sudo asks with. It is taken out of what scripts leave on standard error.
pub(super) const PROMPT: &str = "hactl:password:";
/// The line by which the shell that sudo started says that it is there.
const ROOT: &str = "hactl:root";
/// The line after which the script begins. Before it may be the password, where sudo did not want it.
pub(super) const SCRIPT: &str = "hactl:script";

/// How long sudo may take to answer: a refusal is delayed by some seconds, a directory may be slow.
pub(super) const ANSWER: Duration = Duration::from_mins(1);
/// How long the first attempt is waited for before another host is tried beside it.
const TURN: Duration = Duration::from_secs(10);
/// How much of the login shell's noise is read.
const MOST_NOISE: u64 = 64 * 1024;

/// The password that sudo wants, and what became of it so far. Clones share that.
#[derive(Debug, Clone)]
pub struct SudoPassword {
    secret: SecretString,
    known: Arc<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Held by the first attempt, until it is known whether the password is right anywhere.
    first: Arc<tokio::sync::Mutex<()>>,
    /// By the host's place.
    answers: Mutex<BTreeMap<String, Answer>>,
}

/// What a host made of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    Refused,
    /// It was not asked for, which says nothing of other hosts.
    Unwanted,
}

/// The leave to try the password once on a host.
#[derive(Debug)]
pub(super) struct Attempt {
    known: Arc<Known>,
    place: String,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl PartialEq for SudoPassword {
    fn eq(&self, other: &Self) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl Eq for SudoPassword {}

impl SudoPassword {
    /// One that nothing is known of.
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            known: Arc::default(),
        }
    }

    /// The one of `others` that is the same, else itself, which is then one of them.
    #[must_use]
    pub fn shared(own: Self, others: &mut Vec<Self>) -> Self {
        if let Some(same) = others.iter().find(|other| **other == own) {
            return same.clone();
        }
        others.push(own.clone());
        own
    }

    /// Waits until it may be tried at a place; refuses where that would be one wrong password more.
    pub(super) async fn attempt(&self, place: &str) -> Result<Attempt, LinkFault> {
        let turn = if self.known.is_accepted() {
            None
        } else {
            let first = Arc::clone(&self.known.first);
            // One host that hangs must not keep all others from being reached.
            timeout(TURN, first.lock_owned()).await.ok()
        };
        let by = {
            let answers = self.known.answers();
            let elsewhere = || {
                answers
                    .iter()
                    .find(|(_, answer)| **answer == Answer::Refused)
            };
            match answers.get(place) {
                Some(Answer::Refused) => return Err(LinkFault::SudoPasswordWrong),
                Some(Answer::Accepted | Answer::Unwanted) => None,
                None if answers.values().any(|answer| *answer == Answer::Accepted) => None,
                None => elsewhere().map(|(by, _)| by.clone()),
            }
        };
        if let Some(by) = by {
            return Err(LinkFault::SudoPasswordUntried { by });
        }
        Ok(Attempt {
            known: Arc::clone(&self.known),
            place: place.to_owned(),
            _turn: turn.filter(|_| !self.known.is_accepted()),
        })
    }

    /// Offers the password and listens until the shell is there, or will not be.
    pub(super) async fn offer(
        &self,
        attempt: Attempt,
        stdin: &mut ChildStdin,
        stdout: &mut BufReader<ChildStdout>,
        stderr: &mut ChildStderr,
    ) -> Heard {
        let mut line = self.secret.expose_secret().to_owned();
        line.push('\n');
        let line = SecretString::from(line);
        // A channel that is closed already shows in what is read.
        let _ = stdin.write_all(line.expose_secret().as_bytes()).await;
        let heard = timeout(ANSWER, listen(stdout, stderr)).await;
        let heard = heard.unwrap_or_else(|_| Heard {
            written: String::new(),
            asked: false,
            end: TalkEnd::Silence,
        });
        match heard.end {
            TalkEnd::Root if heard.asked => attempt.answered(Answer::Accepted),
            // Or its question comes late: then the next script will tell.
            TalkEnd::Root => attempt.answered(Answer::Unwanted),
            TalkEnd::Refused => attempt.answered(Answer::Refused),
            // Where sudo gives one try only.
            TalkEnd::Closed if is_refusal(&heard.written) => attempt.answered(Answer::Refused),
            TalkEnd::Closed | TalkEnd::Silence => {}
        }
        heard
    }
}

impl Known {
    fn answers(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_accepted(&self) -> bool {
        let answers = self.answers();
        answers.values().any(|answer| *answer == Answer::Accepted)
    }
}

impl Attempt {
    pub(super) fn answered(self, answer: Answer) {
        self.known.answers().insert(self.place, answer);
    }
}

/// How the talk with sudo ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TalkEnd {
    /// The shell is there.
    Root,
    /// sudo asks once more.
    Refused,
    /// The output ended: sudo, or the login shell, is gone.
    Closed,
    /// No answer.
    Silence,
}

/// What was heard until then, noise of the login shell included.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) written: String,
    /// Whether sudo has asked for the password.
    asked: bool,
    pub(super) end: TalkEnd,
}

async fn listen(stdout: &mut BufReader<ChildStdout>, stderr: &mut ChildStderr) -> Heard {
    let root = format!("{ROOT}\n");
    let mut stdout = stdout.take(MOST_NOISE);
    let (mut noise, mut words) = (Vec::new(), Vec::new());
    let mut chunk = [0; 1024];
    let mut more_words = true;
    let end = loop {
        tokio::select! {
            // sudo asks before it begins anything.
            biased;
            read = stderr.read(&mut chunk), if more_words => {
                let count = read.unwrap_or_default();
                more_words = count > 0;
                words.extend_from_slice(chunk.get(..count).unwrap_or_default());
                if questions(&words) > 1 {
                    break TalkEnd::Refused;
                }
            }
            // What a read that is given up has taken stands in `noise`.
            read = stdout.read_until(b'\n', &mut noise) => match read {
                Ok(0) | Err(_) => break TalkEnd::Closed,
                Ok(_) if noise.ends_with(root.as_bytes()) => break TalkEnd::Root,
                Ok(_) => {}
            },
        }
    };
    if end == TalkEnd::Closed {
        // A failed read leaves what was read, and there is no more.
        let _ = stderr.read_to_end(&mut words).await;
    }
    let asked = questions(&words) > 0;
    let written = [words, b"\n".to_vec(), noise].concat();
    Heard {
        written: String::from_utf8_lossy(&written).replace(PROMPT, ""),
        asked,
        end,
    }
}

fn is_refusal(written: &str) -> bool {
    diagnosis::starting(written, 1).fault == LinkFault::SudoPasswordWrong
}

/// How often sudo has asked.
fn questions(words: &[u8]) -> usize {
    String::from_utf8_lossy(words).matches(PROMPT).count()
}

/// What runs in place of `shell` until it is there: says so, and skips what sudo has left of the talk.
/// `read` takes no byte beyond the line (POSIX.1-2017, read).
pub(super) fn introduced(shell: &str) -> String {
    format!(
        "echo {ROOT}; while IFS= read -r line || exit 1; do [ \"$line\" = {SCRIPT} ] && break; done; {shell}"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use secrecy::SecretString;

    use super::super::error::LinkFault;
    use super::{Answer, SudoPassword, questions};

    fn password(text: &str) -> SudoPassword {
        SudoPassword::new(SecretString::from(text))
    }

    #[tokio::test]
    async fn a_password_refused_on_one_host_is_tried_on_no_other() {
        let password = password("wrong");
        let tries = Arc::new(AtomicUsize::new(0));
        let mut hosts = tokio::task::JoinSet::new();
        for host in 0..10 {
            let (password, tries) = (password.clone(), Arc::clone(&tries));
            hosts.spawn(async move {
                let attempt = password.attempt(&format!("db{host}")).await?;
                tries.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
                attempt.answered(Answer::Refused);
                Err::<(), _>(LinkFault::SudoPasswordWrong)
            });
        }
        let faults = hosts.join_all().await;
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        let untried = |fault: &&Result<(), LinkFault>| matches!(fault, Err(LinkFault::SudoPasswordUntried { by }) if by.starts_with("db"));
        assert_eq!(faults.iter().filter(untried).count(), 9);
    }

    #[tokio::test]
    async fn where_it_was_refused_it_is_never_tried_again_and_elsewhere_it_is() {
        let password = password("right on db1");
        let attempt = password.attempt("db1").await.unwrap();
        attempt.answered(Answer::Accepted);
        let attempt = password.attempt("db2").await.unwrap();
        attempt.answered(Answer::Refused);
        for _ in 0..3 {
            let again = password.attempt("db2").await.unwrap_err();
            assert_eq!(again, LinkFault::SudoPasswordWrong);
        }
        // It is right somewhere, so db2 is the odd one.
        assert!(password.attempt("db3").await.is_ok());
        assert!(password.attempt("db1").await.is_ok());
    }

    #[tokio::test]
    async fn once_accepted_nobody_waits() {
        let password = password("right");
        let attempt = password.attempt("db1").await.unwrap();
        attempt.answered(Answer::Accepted);
        let both = (
            password.attempt("db1").await.unwrap(),
            password.attempt("db2").await.unwrap(),
        );
        drop(both);
    }

    #[tokio::test]
    async fn hosts_with_one_password_share_what_is_known_of_it() {
        let mut known = Vec::new();
        let [one, same, other] =
            ["a", "a", "b"].map(|text| SudoPassword::shared(password(text), &mut known));
        one.attempt("db1").await.unwrap().answered(Answer::Refused);
        assert!(same.attempt("db2").await.is_err());
        assert!(other.attempt("db3").await.is_ok());
        assert!(!format!("{:?}", password("hunter2")).contains("hunter2"));
    }

    #[tokio::test]
    async fn a_host_that_wants_none_proves_nothing() {
        let password = password("wrong");
        let attempt = password.attempt("db3").await.unwrap();
        attempt.answered(Answer::Unwanted);
        let attempt = password.attempt("db1").await.unwrap();
        attempt.answered(Answer::Refused);
        assert!(password.attempt("db2").await.is_err());
        assert!(password.attempt("db3").await.is_ok());
    }

    #[test]
    fn questions_are_counted_among_other_words() {
        assert_eq!(questions(b"the usual lecture\nhactl:password:"), 1);
        assert_eq!(
            questions(b"hactl:password:Sorry, try again.\nhactl:password:"),
            2
        );
    }
}
