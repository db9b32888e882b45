//! Checks of `server` and of the settings, which hosts have as well.
//!
//! It must never let text through that could break out of its line in my.cnf.

use std::collections::BTreeMap;

use super::super::raw::RawServer;
use super::super::settings;
use super::super::{Scalar, ServerSpec};
use super::{Checker, wrong};

/// What both families of servers listen on.
const DEFAULT_PORT: u16 = 3306;

impl Checker<'_> {
    pub(super) fn server(&mut self, raw: RawServer) -> ServerSpec {
        if raw
            .version
            .as_deref()
            .is_some_and(|version| !is_version(version))
        {
            self.value(
                &["server", "version"],
                wrong(
                    "not a version",
                    "one to three numbers",
                    "write \"10.11\" or \"8.4.3\"",
                ),
            );
        }
        for (i, package) in raw.packages.iter().enumerate() {
            if !is_package(package) {
                self.value(
                    &["server", "packages", &i.to_string()],
                    wrong(
                        "not a package's name",
                        "lower-case letters, digits, `+`, `-`, `.`",
                        "write names as apt knows them: mariadb-server",
                    ),
                );
            }
        }
        let port = self
            .port(&["server", "port"], raw.port)
            .unwrap_or(DEFAULT_PORT);
        let settings = self.settings(&["server", "settings"], raw.settings);
        ServerSpec {
            flavor: raw.flavor,
            version: raw.version,
            packages: raw.packages,
            port,
            settings,
        }
    }

    /// A port that can be connected to.
    pub(super) fn port(&mut self, path: &[&str], port: Option<u16>) -> Option<u16> {
        if port == Some(0) {
            self.value(
                path,
                wrong("not a port", "nothing can listen on 0", "write 1 to 65535"),
            );
        }
        port
    }

    /// The settings below a path, by their names with `_`.
    pub(super) fn settings(
        &mut self,
        path: &[&str],
        raw: BTreeMap<String, Scalar>,
    ) -> BTreeMap<String, Scalar> {
        let mut found = BTreeMap::new();
        for (name, value) in raw {
            let place = [path, &[name.as_str()]].concat();
            let canonical = settings::canonical(&name);
            if !settings::is_name(&name) {
                let help = "write the name as my.cnf has it: innodb_buffer_pool_size";
                self.key(
                    &place,
                    wrong("not a setting's name", "not in [a-z0-9_-]", help),
                );
            } else if let Some(owned) = settings::owned_by_hactl(&canonical) {
                let message = format!("`{name}` is set by hactl");
                self.key(&place, wrong(message, owned.reason, owned.instead));
            } else if found.contains_key(&canonical) {
                let message = format!("`{canonical}` is given twice");
                self.key(
                    &place,
                    wrong(
                        message,
                        "`-` and `_` are the same to the server",
                        "keep one",
                    ),
                );
            }
            if matches!(&value, Scalar::Text(text) if text.contains(char::is_control)) {
                let label = "a line break or a control character";
                self.value(
                    &place,
                    wrong("not a setting's value", label, "write one line of text"),
                );
            }
            found.insert(canonical, value);
        }
        found
    }
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() <= 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
}

/// Debian's rule for package names (Policy 5.6.1); it fits those of rpm that matter here.
fn is_package(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}
