//! The texts of playbooks and templates: those that the binary carries, overlaid by the user's own.
//! It holds texts only; the command line reads the folders.

use std::collections::BTreeMap;

/// Playbooks and templates by file name.
#[derive(Clone, Debug)]
pub struct Library {
    /// `bootstrap.yml` and others.
    pub playbooks: BTreeMap<String, String>,
    /// `my.cnf.j2` and others; `/` separates folders.
    pub templates: BTreeMap<String, String>,
    /// Files that are copied as they are.
    pub files: BTreeMap<String, String>,
    /// What a person calls a playbook of their own, where that is not its name below `playbooks/`.
    pub paths: BTreeMap<String, String>,
}

macro_rules! carried {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        BTreeMap::from([$((
            $name.to_owned(),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $folder, "/", $name)).to_owned(),
        )),+])
    };
}

impl Default for Library {
    /// What the binary carries.
    fn default() -> Self {
        Self {
            playbooks: carried!("playbooks": "bootstrap.yml", "tasks/server.yml"),
            templates: carried!(
                "templates":
                "my.cnf.j2",
                "mariadb/my.cnf.j2",
                "mariadb/start-replication.service.j2",
                "mariadb/start-replication.sh.j2",
                "mysql/my.cnf.j2",
                "purge-relay-logs.sh.j2",
                "systemd/purge-relay-logs.service.j2",
                "systemd/purge-relay-logs.timer.j2",
                "systemd/restart.conf.j2",
            ),
            files: BTreeMap::new(),
            paths: BTreeMap::new(),
        }
    }
}

impl Library {
    /// What messages call a playbook.
    pub fn shown(&self, name: &str) -> String {
        match self.paths.get(name) {
            Some(path) => path.clone(),
            None => format!("playbooks/{name}"),
        }
    }

    /// Replaces texts of the same name, and adds the others.
    pub fn overlay(
        &mut self,
        playbooks: BTreeMap<String, String>,
        templates: BTreeMap<String, String>,
    ) {
        self.playbooks.extend(playbooks);
        self.templates.extend(templates);
    }
}
