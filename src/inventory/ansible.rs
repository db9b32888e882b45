//! Ansible's words for how a host is reached, as other names of hactl's own keys.
//!
//! They are moved in the tree, before anything is read from it: what is wrong with a value is said once,
//! in one way, at the place where it was written. They must never be accepted and then mean nothing.

use schemars::Schema;
use serde_json::{Value as Json, json};

use crate::yaml::{Diagnostic, Diagnostics, Document, Map, Node, Value};

/// How every one of Ansible's own variables begins.
const PREFIX: &str = "ansible_";

/// One of Ansible's words.
struct Word {
    /// As Ansible has it.
    name: &'static str,
    /// hactl's own key, from the host on.
    own: &'static [&'static str],
    /// What it is, for the schema.
    about: &'static str,
}

/// Those that have a counterpart. There is no other user than root to become, so no `ansible_become_user`.
const WORDS: [Word; 5] = [
    Word {
        name: "ansible_host",
        own: &["address"],
        about: "Another name for `address`: ssh goes there, and the other servers replicate from it. Where ssh \
                takes another way, that belongs into ~/.ssh/config (`HostName`), or into `ssh: {jump: …}`.",
    },
    Word {
        name: "ansible_port",
        own: &["ssh", "port"],
        about: "Another name for `ssh: {port: …}`: sshd's port, not the server's.",
    },
    Word {
        name: "ansible_user",
        own: &["ssh", "user"],
        about: "Another name for `ssh: {user: …}`.",
    },
    Word {
        name: "ansible_ssh_private_key_file",
        own: &["ssh", "key"],
        about: "Another name for `ssh: {key: …}`.",
    },
    Word {
        name: "ansible_become",
        own: &["ssh", "become"],
        about: "Another name for `ssh: {become: …}`: true is `sudo`, false is `none`.",
    },
];

/// Ansible's words.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|word| word.name)
}

impl Word {
    /// The own key as a person writes it.
    fn own_text(&self) -> String {
        match self.own {
            [key] => format!("`{key}: …`"),
            path => format!("`{}: {{{}: …}}`", path[0], path[1..].join(".")),
        }
    }
}

/// Turns Ansible's words into hactl's own.
///
/// # Errors
/// A word without a counterpart, one that stands beside its counterpart, and one where it would be a
/// variable that nobody reads.
pub(super) fn translate(document: &mut Document) -> Result<(), Diagnostics> {
    let mut wrong = misplaced(document);
    let mut moves: Vec<(Vec<String>, &Word)> = Vec::new();
    for (host, key) in hosts_keys(document) {
        let path = ["hosts", host.as_str(), key.as_str()];
        let Some(word) = WORDS.iter().find(|word| word.name == key) else {
            wrong.push(unknown(document, &path));
            continue;
        };
        let own = [&path[..2], word.own].concat();
        if document.node(&own).is_some() {
            wrong.push(given_twice(document, &path, &own, word));
        } else if word.own == ["ssh", "become"] && means_sudo(document.node(&path)).is_none() {
            let at = document.at(&path);
            let diagnostic = document.error(at, "`ansible_become` must be true or false");
            wrong.push(diagnostic.help("write true to become root by sudo, or remove the line"));
        } else {
            moves.push((path.map(str::to_owned).to_vec(), word));
        }
    }
    if !wrong.is_empty() {
        wrong.sort_by_key(Diagnostic::span);
        return Err(wrong.into_iter().collect());
    }
    for (path, word) in moves {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let (["ssh", "become"], Some(sudo)) = (word.own, means_sudo(document.node(&path))) {
            document.set_text(&path, if sudo { "sudo" } else { "none" });
        }
        document.move_key(&path, &[&path[..2], word.own].concat());
    }
    Ok(())
}

/// Host and key of each of Ansible's words at a host, in the order of the file.
fn hosts_keys(document: &Document) -> Vec<(String, String)> {
    let hosts = document.node(&["hosts"]).and_then(Node::as_map);
    let of_host = |host: &crate::yaml::Entry| {
        let keys = host.value.as_map().into_iter().flat_map(Map::iter);
        let ours = keys.filter(|entry| entry.key.starts_with(PREFIX));
        ours.map(|entry| (host.key.clone(), entry.key.clone()))
            .collect::<Vec<_>>()
    };
    hosts
        .into_iter()
        .flat_map(Map::iter)
        .flat_map(of_host)
        .collect()
}

/// Words where they mean nothing: at the top, at a group, below `ssh`, and as variables, where Ansible has them.
fn misplaced(document: &Document) -> Vec<Diagnostic> {
    let mut maps: Vec<Vec<&str>> = vec![vec![], vec!["ssh"], vec!["vars"]];
    for (list, inner) in [("groups", ["", "vars"]), ("hosts", ["ssh", "vars"])] {
        let entries = document.node(&[list]).and_then(Node::as_map);
        for entry in entries.into_iter().flat_map(Map::iter) {
            let below = |inner: &'static str| -> Vec<&str> {
                let path = [list, entry.key.as_str(), inner];
                path.into_iter().filter(|step| !step.is_empty()).collect()
            };
            maps.extend(inner.map(below));
        }
    }
    let mut wrong = Vec::new();
    for map in &maps {
        let keys = document.node(map).and_then(Node::as_map);
        for entry in keys.into_iter().flat_map(Map::iter) {
            if !entry.key.starts_with(PREFIX) {
                continue;
            }
            let path = [map.as_slice(), &[entry.key.as_str()]].concat();
            let Some(word) = WORDS.iter().find(|word| word.name == entry.key) else {
                wrong.push(unknown(document, &path));
                continue;
            };
            let everywhere = match word.own {
                ["ssh", ..] => format!("; for all hosts: {} at the top", word.own_text()),
                _ => String::new(),
            };
            let message = format!("`{}` means nothing here", word.name);
            let diagnostic = document.error(document.key_at(&path), message);
            wrong.push(
                diagnostic
                    .label("hactl reads it at a host only")
                    .help(format!("write it below each host{everywhere}")),
            );
        }
    }
    wrong
}

fn unknown(document: &Document, path: &[&str]) -> Diagnostic {
    let name = path.last().copied().unwrap_or_default();
    let names = WORDS.map(|word| word.name).join(", ");
    let instead = if name.contains("become_pass") {
        "sudo's password is named, never written: `ssh: {become: sudo, become_password: \"env:NAME\"}`, or -K; "
    } else if name.contains("pass") {
        "hactl logs in by key or agent, never by password; "
    } else {
        ""
    };
    document
        .error(document.key_at(path), format!("unknown key `{name}`"))
        .label("not one of Ansible's keys that hactl knows")
        .help(format!("{instead}accepted at a host are {names}"))
}

fn given_twice(document: &Document, path: &[&str], own: &[&str], word: &Word) -> Diagnostic {
    let (name, text) = (word.name, word.own_text());
    let way = match word.own {
        ["address"] => {
            "; where ssh takes another way than the servers, say so in ~/.ssh/config (`HostName`)"
        }
        _ => "",
    };
    document
        .error(
            document.key_at(path),
            format!("`{name}` beside {text} at {}", path[1]),
        )
        .label(format!("another name for {text}"))
        .related(document.key_at(own), "the same is said here")
        .help(format!("keep {text} and remove `{name}`{way}"))
}

/// What Ansible takes for yes and no.
fn means_sudo(node: Option<&Node>) -> Option<bool> {
    let node = node?;
    if let Value::Bool(value) = node.value() {
        return Some(*value);
    }
    match node.text()?.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Adds the words to a host's schema; one of the names of the address must be there.
pub(super) fn describe(schema: &mut Schema) {
    let Some(host) = schema.as_object_mut() else {
        return;
    };
    if let Some(Json::Array(required)) = host.get_mut("required") {
        required.retain(|key| key != "address");
        if required.is_empty() {
            host.remove("required");
        }
    }
    let named = |name: &str| json!({"required": [name]});
    host.insert(
        "oneOf".to_owned(),
        json!([named("address"), named("ansible_host")]),
    );
    let Some(Json::Object(properties)) = host.get_mut("properties") else {
        return;
    };
    for word in &WORDS {
        let kind = match word.name {
            "ansible_host" => json!("string"),
            "ansible_port" => json!(["integer", "null"]),
            "ansible_become" => json!(["boolean", "string", "integer"]),
            _ => json!(["string", "null"]),
        };
        let property = json!({"type": kind, "description": word.about});
        properties.insert(word.name.to_owned(), property);
    }
}
