//! The journal: one JSON line per event, for whoever asks later what was done. It holds no secret,
//! since events hold none, and only its owner may read it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
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
    /// Creates a new journal below a folder: `<cluster>-<time>-<pid>.jsonl`.
    pub fn create(folder: &Path, cluster: &str) -> Result<Self, JournalError> {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let path = folder.join(format!("{cluster}-{now}-{}.jsonl", std::process::id()));
        let open = || {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            OpenOptions::new()
                .create_new(true)
                .append(true)
                .mode(0o600)
                .open(&path)
        };
        match open() {
            Ok(file) => Ok(Self {
                file: Mutex::new(file),
                path,
            }),
            Err(source) => Err(JournalError { path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
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
