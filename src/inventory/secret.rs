//! Passwords, from where the inventory says that they are.
//!
//! It must never put a password, or what a command printed, into an error, and must never read a password
//! file that others can read as well.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::command;

/// How long a `cmd:` may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(10);

/// More than any password: what is longer is another file.
pub(super) const MAX_BYTES: u64 = 4096;

/// Where passwords come from: the real places are [`LiveSecrets`], tests bring their own.
pub trait Secrets {
    /// An environment variable; `None` when it is not set or not text.
    fn env(&self, name: &str) -> Option<String>;

    /// The content of a file without the line break at its end.
    ///
    /// # Errors
    /// It cannot be read, or others can.
    fn file(&self, path: &Path) -> Result<SecretString, SecretError>;

    /// The first line that a shell command prints.
    ///
    /// # Errors
    /// It fails, prints nothing, or takes longer than 10 s.
    fn command(&self, command: &str) -> Result<SecretString, SecretError>;
}

/// Why a password could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is missing.
    #[error("the environment variable {name} is not set")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// There is something, and nothing in it.
    #[error("{place} is empty")]
    Empty {
        /// The variable, file or command.
        place: String,
    },
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is a folder, a device or the like.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Others than its owner can read or change the file.
    #[error("{} can be read or changed by others (mode {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no text of one line.
    #[error("{place} holds no single line of text")]
    NotOneLine {
        /// The variable, file or command.
        place: String,
    },
    /// The command could not be started or read.
    #[error("cannot run the command")]
    Start(#[source] io::Error),
    /// The command ended with an error.
    #[error("the command failed ({0})")]
    Failed(std::process::ExitStatus),
    /// The command did not end in time.
    #[error("the command took longer than {} s and was stopped", .0.as_secs())]
    TimedOut(Duration),
}

impl SecretError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoVariable { name } => format!("set it before running hactl: export {name}=…"),
            Self::Empty { .. } => "put the password there".to_owned(),
            Self::File { path, source } if source.kind() == io::ErrorKind::NotFound => {
                format!(
                    "there is no such file; create {}, readable by you alone",
                    path.display()
                )
            }
            Self::File { source, .. } | Self::Start(source) => format!("the system says: {source}"),
            Self::NotAFile { .. } => "name a file with the password in it".to_owned(),
            Self::Exposed { path, .. } => format!("run: chmod 600 {}", shell_word(path)),
            Self::NotOneLine { .. } => "a password is one line of text".to_owned(),
            Self::Failed(_) => "run it by hand to see why".to_owned(),
            Self::TimedOut(_) => {
                "run it by hand: it must print the password without asking anything".to_owned()
            }
        }
    }
}

/// A path that can be pasted into a shell.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+');
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The environment, the files and the shell of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LiveSecrets;

impl Secrets for LiveSecrets {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        let failed = |source| SecretError::File {
            path: path.to_owned(),
            source,
        };
        // Looked at before opening: opening a FIFO would wait for a writer for ever.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(SecretError::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = File::open(path).map_err(failed)?;
        // Asked of the open file, so that it cannot be exchanged in between.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed {
                path: path.to_owned(),
                mode,
            });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        one_line(bytes, &path.display().to_string())
    }

    fn command(&self, line: &str) -> Result<SecretString, SecretError> {
        command::run(line, COMMAND_DEADLINE)
    }
}

/// Exactly one line of text; the line break at its end does not count.
pub(super) fn one_line(bytes: Vec<u8>, place: &str) -> Result<SecretString, SecretError> {
    let wrong = || SecretError::NotOneLine {
        place: place.to_owned(),
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(SecretError::Empty {
            place: place.to_owned(),
        });
    }
    if text.len() as u64 > MAX_BYTES || line.contains(char::is_control) {
        return Err(wrong());
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use secrecy::ExposeSecret;

    use super::*;

    fn file(content: &[u8], mode: u32) -> Result<SecretString, SecretError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        LiveSecrets.file(&path)
    }

    #[test]
    fn a_private_file_gives_its_line() {
        assert_eq!(file(b"s3cret\n", 0o600).unwrap().expose_secret(), "s3cret");
        assert_eq!(
            file(b" s3 cret ", 0o400).unwrap().expose_secret(),
            " s3 cret "
        );
        assert!(matches!(file(b"\n", 0o600), Err(SecretError::Empty { .. })));
        assert!(matches!(
            file(b"a\nb\n", 0o600),
            Err(SecretError::NotOneLine { .. })
        ));
        assert!(matches!(
            file(b"\xff", 0o600),
            Err(SecretError::NotOneLine { .. })
        ));
        assert!(matches!(
            file(&[b'x'; 5000], 0o600),
            Err(SecretError::NotOneLine { .. })
        ));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_way_out() {
        for mode in [0o640, 0o604, 0o620, 0o644] {
            let error = file(b"s3cret\n", mode).unwrap_err();
            assert!(
                error.to_string().contains(&format!("mode {mode:04o}")),
                "{error}"
            );
            assert!(
                error.hint().starts_with("run: chmod 600 /"),
                "{}",
                error.hint()
            );
        }
    }

    #[test]
    fn folders_and_missing_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            LiveSecrets.file(folder.path()),
            Err(SecretError::NotAFile { .. })
        ));
        let missing = LiveSecrets.file(&folder.path().join("none")).unwrap_err();
        assert!(
            missing.hint().starts_with("there is no such file"),
            "{}",
            missing.hint()
        );
    }

    #[test]
    fn a_command_gives_its_first_line_and_errors_never_its_output() {
        let first = LiveSecrets
            .command("printf 'one\\ntwo\\n'; seq 100000")
            .unwrap();
        assert_eq!(first.expose_secret(), "one");
        let failed = LiveSecrets
            .command("echo s3cret; echo s3cret >&2; exit 3")
            .unwrap_err();
        let shown = format!("{failed} {failed:?} {}", failed.hint());
        assert!(
            shown.contains("exit status: 3") && !shown.contains("s3cret"),
            "{shown}"
        );
        assert!(matches!(
            LiveSecrets.command("true"),
            Err(SecretError::Empty { .. })
        ));
    }

    #[test]
    fn a_path_in_a_hint_can_be_pasted() {
        assert_eq!(shell_word(Path::new("/a/b-c")), "/a/b-c");
        assert_eq!(shell_word(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
