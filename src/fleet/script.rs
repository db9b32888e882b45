//! A POSIX shell script for a host, built from text, quoted words and secrets.
//!
//! A script travels on the standard input of a remote shell, never in an argument vector, so it may
//! hold secrets; what a person or a log sees of it ([`fmt::Debug`], [`fmt::Display`]) never does.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What a script may look like to the remote shell once all of it has arrived.
///
/// The order of the pieces is the order of the lines.
#[derive(Clone, Default)]
pub struct Script {
    pieces: Vec<Piece>,
}

#[derive(Clone)]
enum Piece {
    /// Lines to be shown as they are.
    Text(String),
    /// `NAME='value'`, shown as `NAME=[REDACTED]`.
    Secret { name: String, value: SecretString },
}

/// How a script gets its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fleet) enum Stdin {
    /// Commands in the script read `/dev/null`; they cannot eat the rest of the script.
    Empty,
    /// Commands in the script read what follows the script on the channel.
    Data,
}

/// The line that the remote shell prints when all of a script has arrived and it is about to run.
///
/// Whatever comes before it on the standard output is noise of the login shell (`.bashrc`), and when
/// it never comes, nothing of the script ran.
pub(in crate::fleet) const BEGIN: &str = "hactl:begin";

/// Where root finds its commands; logins through `ssh host command` often lack the sbin folders.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Script {
    /// A script that begins with these lines. They may be empty.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().line(text)
    }

    /// Adds lines as they are. They must be whole commands: a here-document or a quote that is
    /// opened must be closed before the next piece.
    #[must_use]
    pub fn line(mut self, text: impl Into<String>) -> Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    /// Adds one command, each word quoted.
    #[must_use]
    pub fn command<I, W>(self, words: I) -> Self
    where
        I: IntoIterator<Item = W>,
        W: AsRef<str>,
    {
        let quoted: Vec<String> = words
            .into_iter()
            .map(|word| quote_sh(word.as_ref()))
            .collect();
        self.line(quoted.join(" "))
    }

    /// Sets a shell variable. `name` must be a name of the shell's (`[A-Za-z_][A-Za-z0-9_]*`).
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.line(format!("{name}={}", quote_sh(value)))
    }

    /// Sets a shell variable to a secret, which [`fmt::Debug`] and [`fmt::Display`] hide.
    ///
    /// Use it with commands built into the shell (`printf`) and redirections only: as an argument of
    /// any other command the value would show in `ps`.
    #[must_use]
    pub fn set_secret(mut self, name: &str, value: &SecretString) -> Self {
        self.pieces.push(Piece::Secret {
            name: name.to_owned(),
            value: value.clone(),
        });
        self
    }

    /// True when the script holds a NUL byte, which no shell can carry: such a script is refused.
    pub(in crate::fleet) fn has_nul(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Text(text) => text.contains('\0'),
            Piece::Secret { value, .. } => value.expose_secret().contains('\0'),
        })
    }

    /// The whole text for the remote shell, secrets included.
    ///
    /// The body is a function, so that a shell which reads its script from a pipe has read all of it
    /// before the first command runs: a connection that breaks in the middle leaves an unfinished
    /// function, and nothing happens.
    pub(in crate::fleet) fn wire_text(&self, stdin: Stdin) -> SecretString {
        let mut text =
            format!("umask 077\nLC_ALL=C\nPATH={PATH}\nexport LC_ALL PATH\nhactl() {{\n:\n");
        for piece in &self.pieces {
            match piece {
                Piece::Text(lines) => text.push_str(lines),
                Piece::Secret { name, value } => {
                    text.push_str(name);
                    text.push('=');
                    text.push_str(&quote_sh(value.expose_secret()));
                }
            }
            text.push('\n');
        }
        let redirect = match stdin {
            Stdin::Empty => " </dev/null",
            Stdin::Data => "",
        };
        text.push_str("}\necho ");
        text.push_str(BEGIN);
        text.push_str("; hactl");
        text.push_str(redirect);
        text.push_str("; exit $?\n");
        SecretString::from(text)
    }
}

impl fmt::Display for Script {
    /// The lines as written, secrets hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => writeln!(f, "{text}")?,
                Piece::Secret { name, .. } => writeln!(f, "{name}=[REDACTED]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script").field(&self.to_string()).finish()
    }
}

/// One word for a POSIX shell, whatever is in it but NUL.
///
/// Plain words stay as they are, for the sake of the reader; all others are put in single quotes, in
/// which nothing has a meaning but the single quote (POSIX.1-2017, Shell Command Language, 2.2.2).
///
/// ```
/// assert_eq!(hactl::fleet::script::quote_sh("/etc/my.cnf"), "/etc/my.cnf");
/// assert_eq!(hactl::fleet::script::quote_sh("it's"), r"'it'\''s'");
/// ```
pub fn quote_sh(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use secrecy::{ExposeSecret, SecretString};

    use super::{Script, Stdin, quote_sh};

    fn sh(text: &str) -> (i32, Vec<u8>) {
        let output = Command::new("sh")
            .arg("-c")
            .arg(text)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (output.status.code().unwrap(), output.stdout)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_shell_reads_back_what_was_quoted(word in "[^\\x00]{0,40}") {
            let (status, seen) = sh(&format!("printf %s {}", quote_sh(&word)));
            prop_assert_eq!(status, 0);
            prop_assert_eq!(seen, word.into_bytes());
        }

        #[test]
        fn awkward_words_survive(word in r#"['"\\$`!#&*? \n\t;|<>(){}=~-]{0,12}"#) {
            let (status, seen) = sh(&format!("printf %s {}", quote_sh(&word)));
            prop_assert_eq!(status, 0);
            prop_assert_eq!(seen, word.into_bytes());
        }
    }

    #[test]
    fn neither_debug_nor_display_shows_a_secret() {
        let secret = SecretString::from("hunter2");
        let script = Script::new("set -u").set_secret("PASSWORD", &secret);
        let shown = format!("{script:?} {script}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("PASSWORD=[REDACTED]"), "{shown}");
        assert!(
            script
                .wire_text(Stdin::Empty)
                .expose_secret()
                .contains("PASSWORD=hunter2")
        );
    }

    #[test]
    fn a_script_cut_anywhere_runs_nothing() {
        let script = Script::new("echo ran").command(["echo", "ran too"]);
        let whole = script.wire_text(Stdin::Empty).expose_secret().to_owned();
        assert_eq!(sh(&whole), (0, b"hactl:begin\nran\nran too\n".to_vec()));
        // The final line ends in `; exit $?`: up to there, a cut must never reach the function.
        let safe = whole.find("; hactl").unwrap();
        for cut in 0..=safe {
            let (_, seen) = sh(&whole[..cut]);
            assert!(
                !String::from_utf8_lossy(&seen).contains("ran"),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn an_empty_script_is_no_error() {
        assert_eq!(
            sh(Script::default().wire_text(Stdin::Empty).expose_secret()).0,
            0
        );
    }
}
