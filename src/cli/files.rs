//! Reads playbooks and templates from folders, and finds the folder for journals.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::CliError;
use crate::inventory::ClusterName;
use crate::playbook::Library;

/// The built-in library with the user's folders on top.
pub(super) fn library(
    playbooks: Option<&Path>,
    templates: Option<&Path>,
) -> Result<Library, CliError> {
    let mut library = Library::default();
    let texts = |folder: Option<&Path>| folder.map_or_else(|| Ok(BTreeMap::new()), folder_texts);
    library.overlay(texts(playbooks)?, texts(templates)?);
    Ok(library)
}

/// Puts a playbook of a person's own into the library with what lies beside it: other playbooks, `tasks`,
/// `templates`, `files`. Gives the name by which it is loaded; what is no file is taken for a name.
pub(super) fn playbook(library: &mut Library, given: &Path) -> Result<String, CliError> {
    let (true, Some(file)) = (given.is_file(), given.file_name()) else {
        let name = given.to_string_lossy().into_owned();
        let full = format!("{name}.yml");
        let known = library.playbooks.contains_key(&full);
        return Ok(if known { full } else { name });
    };
    let folder = match given.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let below = |name: &str| {
        let folder = folder.join(name);
        if folder.is_dir() {
            folder_texts(&folder)
        } else {
            Ok(BTreeMap::new())
        }
    };
    let mut playbooks = neighbours(folder)?;
    let tasks = below("tasks")?;
    playbooks.extend(
        tasks
            .into_iter()
            .map(|(name, text)| (format!("tasks/{name}"), text)),
    );
    for name in playbooks.keys() {
        let shown = given.with_file_name(name).display().to_string();
        library.paths.insert(name.clone(), shown);
    }
    library.overlay(playbooks, below("templates")?);
    library.files.extend(below("files")?);
    Ok(file.to_string_lossy().into_owned())
}

/// The YAML files of a folder itself.
fn neighbours(folder: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::Unreadable { path, source }
    };
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let path = entry.map_err(unreadable(folder))?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml");
        let (true, Some(name)) = (path.is_file() && is_yaml, path.file_name()) else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        texts.insert(name.to_string_lossy().into_owned(), text);
    }
    Ok(texts)
}

/// Every file below a folder, by its path relative to it.
fn folder_texts(folder: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let mut texts = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let unreadable = |source| CliError::Unreadable {
            path: next.clone(),
            source,
        };
        for entry in fs::read_dir(&next).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|source| CliError::Unreadable {
                path: path.clone(),
                source,
            })?;
            let name = path.strip_prefix(folder).unwrap_or(&path);
            texts.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(texts)
}

/// Where journals are: `~/.local/state/hactl/runs`.
pub(super) fn journals() -> PathBuf {
    state().join("runs")
}

/// Where the reports of a cluster's failovers are: `~/.local/state/hactl/<cluster>`.
pub(super) fn reports(cluster: &ClusterName) -> PathBuf {
    state().join(cluster.to_string())
}

/// Where transactions are saved that only one host has: `~/.local/state/hactl/errant`.
pub(super) fn errant() -> PathBuf {
    state().join("errant")
}

/// `$XDG_STATE_HOME/hactl`, else `~/.local/state/hactl`.
fn state() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let home = || {
        let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        home.join(".local/state")
    };
    state.unwrap_or_else(home).join("hactl")
}
