//! Passwords with every awkward character, and the search for them where they must not be: output,
//! command lines, files. Each holds a random word, so that a leak is found in any spelling of quotes.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use hactl::inventory::SecretError;
use secrecy::SecretString;

/// A cluster's passwords.
#[derive(Debug)]
pub(crate) struct Secrets {
    word: String,
    /// How often they were changed.
    changes: u8,
}

impl Secrets {
    pub(crate) fn new() -> Self {
        let mut noise = [0_u8; 4];
        File::open("/dev/urandom")
            .unwrap()
            .read_exact(&mut noise)
            .unwrap();
        Self {
            word: format!("q{:08x}q", u32::from_be_bytes(noise)),
            changes: 0,
        }
    }

    /// Other passwords, of which none may be seen either.
    pub(crate) fn change(&mut self) {
        self.changes += 1;
    }

    /// Name of the environment variable, and password. MariaDB takes 32 characters for replication.
    pub(crate) fn environment(&self) -> [(&'static str, String); 4] {
        let word = match self.changes {
            0 => self.word.clone(),
            changes => format!("{}{changes}", self.word),
        };
        [
            ("REPL_PASSWORD", format!(r#"r'a"s\s $(x) #;{word}"#)),
            (
                "MONITOR_PASSWORD",
                format!(r#"m`'\"%s{word}\'é {{{{ x }}}}:@/"#),
            ),
            ("ADMIN_PASSWORD", format!(r#"-a'"\n $HOME && {word} ?*"#)),
            ("SUDO_PASSWORD", format!(r#"s'"\$ $(x) # {word}"#)),
        ]
    }

    /// The word that no text may hold, for a search on a host.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    #[track_caller]
    pub(crate) fn assert_not_in(&self, place: &str, text: &str) {
        assert!(
            !text.contains(&self.word),
            "a password is in {place}:\n{text}"
        );
    }

    /// Nor in any file of a folder.
    #[track_caller]
    pub(crate) fn assert_not_below(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => self.assert_not_below(&path),
                kind if kind.is_file() => {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    self.assert_not_in(&path.display().to_string(), &text);
                }
                _ => {}
            }
        }
    }

    /// The command line of any process that shows a password: `ps` of this machine, and since hosts
    /// are namespaces on it, of the hosts too.
    pub(crate) fn shown_by_ps(&self) -> Option<String> {
        fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&self.word).then_some(line)
        })
    }
}

/// For runs of the library in this process.
impl hactl::inventory::Secrets for Secrets {
    fn env(&self, name: &str) -> Option<String> {
        let found = self.environment().into_iter().find(|(had, _)| *had == name);
        found.map(|(_, password)| password)
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        panic!("no password of a scenario is in {}", path.display())
    }

    fn command(&self, command: &str) -> Result<SecretString, SecretError> {
        panic!("no password of a scenario comes from {command}")
    }
}
