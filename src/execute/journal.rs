//! The journal: one JSON line per event, for whoever asks later what was done. It holds no secret,
//! since events hold none, and only its owner may read it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use thiserror::Error;

use crate::report::{Event, Sink};

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

/// A journal that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write the journal {path}: {source}")]
pub struct JournalError {
    /// Where it should be.
    path: PathBuf,
    /// Why not.
    source: std::io::Error,
}

impl Journal {
    /// Creates a new journal below a folder: `<cluster>-<time>-<pid>.jsonl`, with a number before the dot
    /// when this process has begun another one within the same second.
    pub fn create(folder: &Path, cluster: &str) -> Result<Self, JournalError> {
        let failed = |path: &Path, source| JournalError {
            path: path.to_owned(),
            source,
        };
        let mut make = DirBuilder::new();
        make.recursive(true).mode(0o700);
        make.create(folder)
            .map_err(|source| failed(folder, source))?;
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let name = format!("{cluster}-{now}-{}", std::process::id());
        let mut path = folder.join(format!("{name}.jsonl"));
        let mut number = 1;
        loop {
            match open_new(&path) {
                Ok(file) => {
                    let file = Mutex::new(file);
                    return Ok(Self { path, file });
                }
                Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                    number += 1;
                    path = folder.join(format!("{name}-{number}.jsonl"));
                }
                Err(source) => return Err(failed(&path, source)),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open_new(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).append(true).mode(0o600).open(path)
}

impl Sink for Journal {
    fn event(&self, event: &Event) {
        // What was done is asked later, not how fast it went: a seed may take days.
        if matches!(event, Event::Copying { .. }) {
            return;
        }
        let Ok(mut file) = self.file.lock() else {
            return;
        };
        let line = serde_json::json!({ "at": jiff::Timestamp::now().to_string(), "event": event });
        // A full disk on this machine must not stop the work in the middle.
        let _ = writeln!(file, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bootstrap begins a second one when it had to make its login first; a watcher may repair twice.
    #[test]
    fn one_process_may_begin_several_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let journals = [(); 3].map(|()| Journal::create(folder.path(), "shop").unwrap());
        for journal in &journals {
            assert!(journal.path().is_file(), "{journal:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_where_the_folder_should_be_is_an_error() {
        let folder = tempfile::NamedTempFile::new().unwrap();
        let error = Journal::create(folder.path(), "shop").unwrap_err();
        assert_eq!(error.path, folder.path());
    }
}
