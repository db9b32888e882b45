//! What a person picked of a playbook on the command line: hosts, tags, a task to begin at, variables.
//! What names nothing is refused: a tag with a slip in it must not quietly do nothing.

use std::fs;
use std::path::Path;

use super::CliError;
use super::args::PlaybookPart;
use crate::inventory::Cluster;
use crate::playbook::{Pattern, Playbook, Selection, Vars, refused_name};
use crate::yaml::{Diagnostics, Document, Source, closest};

/// The selection, checked against the playbook and the inventory.
pub(super) fn selection(
    part: &PlaybookPart,
    playbook: &Playbook,
    cluster: &Cluster,
) -> Result<Selection, CliError> {
    let selection = Selection {
        limit: part.limit.as_deref().map(Pattern::parse),
        tags: part.tags.iter().cloned().collect(),
        skip_tags: part.skip_tags.iter().cloned().collect(),
        start_at: part.start_at.clone(),
    };
    if let Some(limit) = &selection.limit
        && let Some(word) = limit.unknown_words(cluster).first()
    {
        let hosts: Vec<&str> = cluster.hosts.keys().map(AsRef::as_ref).collect();
        return Err(CliError::NotThere {
            message: format!("--limit: no host or group `{word}` in the inventory"),
            hint: format!(
                "there are: all, primary, replicas, {}, and the groups of these",
                hosts.join(", ")
            ),
        });
    }
    if let Some(tag) = selection.unknown_tags(playbook).first() {
        let mut tags: Vec<&str> = playbook
            .tasks()
            .flat_map(|task| task.tags.iter().map(String::as_str))
            .collect();
        tags.sort_unstable();
        tags.dedup();
        let hint = match tags.as_slice() {
            [] => "no task of this playbook has a tag".to_owned(),
            tags => format!("there are: {}", tags.join(", ")),
        };
        return Err(CliError::NotThere {
            message: format!("no task has the tag `{tag}`"),
            hint,
        });
    }
    if let Some(name) = &selection.start_at {
        let names = || {
            let plays = playbook.plays.iter();
            plays.flat_map(|play| play.tasks.iter().map(|task| task.name.as_str()))
        };
        if !names().any(|known| known == name) {
            return Err(CliError::NotThere {
                message: format!("--start-at: no task `{name}` in this playbook"),
                hint: match closest(name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "--list-tasks shows their names".to_owned(),
                },
            });
        }
    }
    Ok(selection)
}

/// The variables of the command line, the later of two with the same name.
pub(super) fn variables(given: &[String]) -> Result<Vars, CliError> {
    let mut all: Vec<(String, serde_json::Value)> = Vec::new();
    for text in given {
        let vars = one(text)?;
        for (name, value) in vars.0 {
            if let Some((message, hint)) = refused_name(&name) {
                return Err(CliError::NotThere {
                    message: format!("-e {name}: {message}"),
                    hint,
                });
            }
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        }
    }
    Ok(Vars(all))
}

fn one(text: &str) -> Result<Vars, CliError> {
    if let Some(path) = text.strip_prefix('@') {
        let path = Path::new(path);
        let content = fs::read_to_string(path).map_err(|source| CliError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        return map(&path.display().to_string(), &content);
    }
    if text.trim_start().starts_with('{') {
        return map("-e", text);
    }
    match text.split_once('=') {
        // As in Ansible a value on the command line is text, whatever it looks like.
        Some((name, value)) => Ok(Vars(vec![(name.trim().to_owned(), value.into())])),
        None => Err(CliError::NotThere {
            message: format!("-e `{text}` sets nothing"),
            hint: "write -e name=text, -e '{name: value}', or -e @FILE".to_owned(),
        }),
    }
}

fn map(name: &str, text: &str) -> Result<Vars, CliError> {
    Document::parse(Source::new(name, text))
        .and_then(|document| document.deserialize())
        .map_err(|wrong| CliError::Variables(Diagnostics::from(wrong)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_as_text_as_yaml_and_hide_earlier_ones() {
        let given = ["a=1", "{b: 2, c: [x]}", "a=x=y"].map(ToOwned::to_owned);
        let vars = variables(&given).unwrap();
        let shown: Vec<String> = vars.0.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        assert_eq!(shown, ["b: 2", "c: [\"x\"]", "a: \"x=y\""]);
    }

    #[test]
    fn what_sets_nothing_is_refused() {
        for (given, said) in [
            ("a", "sets nothing"),
            ("host=x", "a name of hactl's own"),
            ("a-b=x", "not a variable's name"),
            ("{a: ", "-e:1"),
            ("@/nowhere/at/all", "cannot read"),
        ] {
            let error = variables(&[given.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(said), "{given}: {error}");
        }
    }
}
