//! `command` and `shell`: a user's own command. What it does is not known beforehand, so it is done on
//! every run unless `creates` or `removes` says what it leaves behind; `changed_when` and `failed_when`
//! judge what it said. Its words are seen in `ps`: what must not be belongs into `stdin`.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::facts::{Needs, PathFacts};
use crate::plan::{self, Action, Invocation};
use crate::playbook::arguments::{Span, Text};
use crate::playbook::{Change, Scope, TaskError};

/// Arguments of `command`: a text, or these. No shell looks at the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct Command(#[schemars(schema_with = "text_or_arguments")] pub Arguments);

/// Arguments of `shell`: a text, or these. The text is for `/bin/sh`.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct Shell(#[schemars(schema_with = "text_or_arguments")] pub Arguments);

/// Arguments of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CommandArguments")]
pub struct Arguments {
    /// The command as a text; for `command` it is taken apart at white space, quotes hold words together.
    pub cmd: Option<Text>,
    /// The command as words; for `command` only.
    pub argv: Option<Vec<Text>>,
    /// The folder to run it in.
    pub chdir: Option<Text>,
    /// It is not run where this path exists.
    pub creates: Option<Text>,
    /// It is not run where this path does not exist.
    pub removes: Option<Text>,
    /// What it reads.
    pub stdin: Option<Text>,
    /// How long it may take.
    #[schemars(extend("default" = "5m"))]
    pub timeout: Option<Span>,
}

const TIMEOUT: Duration = Duration::from_mins(5);

fn text_or_arguments(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"anyOf": [{"type": "string"}, generator.subschema_for::<Arguments>()]})
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap).map(Self)
    }
}

impl<'de> Deserialize<'de> for Shell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap).map(Self)
    }
}

struct TextOrMap;

impl<'de> Visitor<'de> for TextOrMap {
    type Value = Arguments;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a command as text, or keys with values")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Arguments, E> {
        Ok(Arguments {
            cmd: Some(Text(text.to_owned())),
            ..Arguments::default()
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Arguments, A::Error> {
        Arguments::deserialize(MapAccessDeserializer::new(map))
    }
}

impl Command {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        self.0.needs(scope)
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        self.0.diff(scope, |text| {
            let words = words(text)?;
            Ok(Invocation::Words(words))
        })
    }
}

impl Shell {
    pub(super) fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        self.0.needs(scope)
    }

    pub(super) fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        if self.0.argv.is_some() {
            let why = "`shell` takes a text; `argv` is for `command`";
            return Err(TaskError::Arguments(why.to_owned()));
        }
        self.0
            .diff(scope, |text| Ok(Invocation::Shell(text.to_owned())))
    }
}

impl Arguments {
    fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        let mut paths = std::collections::BTreeSet::new();
        paths.extend(scope.render_some(self.creates.as_ref())?);
        paths.extend(scope.render_some(self.removes.as_ref())?);
        paths.remove("");
        Ok(Needs {
            paths,
            ..Needs::default()
        })
    }

    fn diff(
        &self,
        scope: &Scope<'_>,
        of_text: impl Fn(&str) -> Result<Invocation, TaskError>,
    ) -> Result<Vec<Change>, TaskError> {
        let invocation = match (&self.cmd, &self.argv) {
            (Some(text), None) => of_text(&scope.render(text)?)?,
            (None, Some(words)) => {
                let words: Result<Vec<_>, _> =
                    words.iter().map(|word| scope.render(word)).collect();
                Invocation::Words(words?)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(TaskError::Arguments(
                    "it needs a command: a text, `cmd`, or `argv`".to_owned(),
                ));
            }
        };
        let is_empty = match &invocation {
            Invocation::Words(words) => words.first().is_none_or(String::is_empty),
            Invocation::Shell(text) => text.trim().is_empty(),
        };
        if is_empty {
            return Err(TaskError::Arguments("the command is empty".to_owned()));
        }
        let mut why = "done on every run".to_owned();
        if let Some(path) = path(scope, self.creates.as_ref())? {
            if exists(scope, &path) {
                return Ok(Vec::new());
            }
            why = format!("{path} does not exist");
        }
        if let Some(path) = path(scope, self.removes.as_ref())? {
            if !exists(scope, &path) {
                return Ok(Vec::new());
            }
            why = format!("{path} exists");
        }
        let command = plan::Command {
            invocation,
            folder: path(scope, self.chdir.as_ref())?,
            user: scope.run_as.clone(),
            input: scope.render_some(self.stdin.as_ref())?,
            leaves: path(scope, self.creates.as_ref())?,
            takes: path(scope, self.removes.as_ref())?,
            within: self.timeout.map_or(TIMEOUT, |span| span.0),
        };
        Ok(vec![Change::new(Action::Run(command), why)])
    }
}

fn path(scope: &Scope<'_>, text: Option<&Text>) -> Result<Option<String>, TaskError> {
    let path = scope.render_some(text)?;
    match &path {
        Some(path) if !path.starts_with('/') => Err(TaskError::Arguments(format!(
            "`{path}` is not an absolute path"
        ))),
        _ => Ok(path),
    }
}

fn exists(scope: &Scope<'_>, path: &str) -> bool {
    let seen = scope.os().and_then(|os| os.paths.get(path));
    seen.is_some_and(|facts| *facts != PathFacts::Absent)
}

/// Takes a text apart as a shell would, without any of a shell's other meanings.
fn words(text: &str) -> Result<Vec<String>, TaskError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            quote @ ('\'' | '"') => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some(end) if end == quote => break,
                        Some('\\') if quote == '"' => word.extend(letters.next()),
                        Some(letter) => word.push(letter),
                        None => {
                            let why = format!("a quote {quote} is never closed");
                            return Err(TaskError::Arguments(why));
                        }
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_as_a_shell_would() {
        for (text, expected) in [
            ("", &[][..]),
            ("a  b\n c", &["a", "b", "c"]),
            ("a 'b c' \"d \\\" e\" f\\ g", &["a", "b c", "d \" e", "f g"]),
            ("a '' $(b) | c", &["a", "", "$(b)", "|", "c"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
        assert!(words("a 'b").is_err());
    }
}
