//! Reading an inventory file.
//!
//! It must never return a cluster with anything wrong in it, and never stop at the first mistake where it
//! can find the others as well.

use std::io;
use std::path::{Path, PathBuf};

use super::raw::RawInventory;
use super::{Cluster, LiveSecrets, Secrets, ansible, check};
use crate::yaml::{self, Diagnostic, Diagnostics, Document, Node, Paint, Source, Span};

/// The way from a file to a [`Cluster`].
#[derive(Debug)]
pub struct Inventory;

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// The file cannot be read.
    #[error("cannot read the inventory {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is in another encoding, or no text at all. Nothing of it is shown: what cannot be read
    /// cannot be searched for secrets.
    #[error("the inventory {}:{line} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is not text, from 1.
        line: usize,
    },
    /// Something in it is wrong.
    #[error("{}", summary(.0))]
    Invalid(Diagnostics),
}

/// The form of a diagnostic for what has no place in a file.
fn with_help(message: &str, hint: Option<String>) -> String {
    let help = hint
        .map(|hint| format!("\n  |\n  = help: {hint}"))
        .unwrap_or_default();
    format!("error: {message}{help}")
}

fn summary(found: &Diagnostics) -> String {
    match found.len() {
        1 => found.to_string(),
        many => format!("the inventory has {many} mistakes\n{found}"),
    }
}

impl InventoryError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("name the inventory with `-i FILE` or HACTL_INVENTORY=FILE".to_owned())
            }
            Self::Unreadable { .. } => {
                Some("or name another one with `-i FILE` or HACTL_INVENTORY=FILE".to_owned())
            }
            Self::NotText { .. } => Some("save it as UTF-8; is it the right file?".to_owned()),
            // Each mistake has its own.
            Self::Invalid(_) => None,
        }
    }

    /// The whole of it for a person: every mistake with its line and caret, or the reason and the hint.
    pub fn render(&self, paint: Paint) -> String {
        match self {
            Self::Invalid(diagnostics) => diagnostics.render(paint),
            Self::NotText { .. } => with_help(&self.to_string(), self.hint()),
            Self::Unreadable { source, .. } => with_help(&format!("{self}: {source}"), self.hint()),
        }
    }
}

impl Inventory {
    /// Reads a file, with passwords from this machine's environment, files and commands. A `cmd:` may take
    /// up to 10 s; within an async program call this where blocking is allowed.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong: all of it, as far as it can be told apart.
    pub fn load(path: &Path) -> Result<Cluster, InventoryError> {
        Self::load_with(path, &LiveSecrets)
    }

    /// As [`Inventory::load`], with passwords from elsewhere.
    ///
    /// # Errors
    /// As [`Inventory::load`].
    pub fn load_with(path: &Path, secrets: &dyn Secrets) -> Result<Cluster, InventoryError> {
        let unreadable = |source| InventoryError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let name = path.display().to_string();
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.split(|byte| *byte == b'\n').count();
            InventoryError::NotText {
                path: path.to_owned(),
                line,
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(Source::new(name, text), folder, secrets).map_err(InventoryError::Invalid)
    }

    /// Checks a text; relative paths in it count from `folder`.
    ///
    /// # Errors
    /// All that is wrong with it, as far as it can be told apart.
    pub fn parse(
        source: Source,
        folder: &Path,
        secrets: &dyn Secrets,
    ) -> Result<Cluster, Diagnostics> {
        if source.is_blank() {
            return Err(blank(source).into());
        }
        let mut document = Document::parse(source)?;
        hide_accounts(&mut document);
        ansible::translate(&mut document)?;
        let raw: RawInventory = document.deserialize()?;
        check::check(&document, raw, folder, secrets)
    }

    /// The JSON Schema of an inventory file, for editors.
    pub fn schema() -> schemars::Schema {
        yaml::schema::<RawInventory>()
    }
}

fn blank(source: Source) -> Diagnostic {
    Diagnostic::new(source.into(), Span::default(), "the inventory is empty").help(
        "write at least `cluster:`, `server:`, `accounts:` and `hosts:`; \
         inventory.example.yml has every key explained",
    )
}

/// Someone may write the password where the account belongs, or under a key that does not exist.
fn hide_accounts(document: &mut Document) {
    let mut paths: Vec<Vec<String>> = Vec::new();
    let accounts = document.node(&["accounts"]).and_then(Node::as_map);
    for account in accounts.into_iter().flatten() {
        let path = vec!["accounts".to_owned(), account.key.clone()];
        match account.value.as_map() {
            None => paths.push(path),
            Some(keys) => paths.extend(
                keys.iter()
                    .filter(|entry| !matches!(entry.key.as_str(), "user" | "host"))
                    .map(|entry| [path.as_slice(), std::slice::from_ref(&entry.key)].concat()),
            ),
        }
    }
    for path in &paths {
        document.hide(&path.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
