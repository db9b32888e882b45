//! The references in the README are what `hactl schema` says, as tables. `make readme` writes them; nothing
//! else in the README is touched.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::Value;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

#[test]
fn the_references_are_what_the_schemas_say() {
    let inventory = schema("inventory");
    let playbook = schema("playbook");
    let modules: Vec<&str> = playbook["$defs"]["Task"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["required"][0].as_str().unwrap())
        .filter(|module| !matches!(*module, "block" | "import_tasks"))
        .collect();
    let is_module = |key: &str| modules.contains(&key);
    let task = &playbook["$defs"]["Task"];
    let tables = [
        (
            "inventory",
            Table::of(&inventory).rows(&inventory, |_| true),
        ),
        (
            "play",
            Table::of(&playbook).rows(&playbook["$defs"]["Play"], |_| true),
        ),
        (
            "task",
            Table::of(&playbook).rows(task, |key| !is_module(key)),
        ),
        ("modules", Table::of(&playbook).rows(task, is_module)),
    ];
    let there = std::fs::read_to_string(README).unwrap();
    let wanted = tables
        .into_iter()
        .fold(there.clone(), |text, (name, table)| {
            put(&text, name, &table)
        });
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(README, wanted).unwrap();
    } else {
        assert!(
            wanted == there,
            "the references in README.md are not what `hactl schema` says: run `make readme`"
        );
    }
}

fn schema(of: &str) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_hactl"))
        .args(["schema", of])
        .output()
        .unwrap();
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The text with this table between its marks.
fn put(text: &str, name: &str, table: &str) -> String {
    let (begin, end) = (
        format!("<!-- generated: {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let (head, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("README.md has no {begin}"));
    let (_, tail) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("README.md has no {end}"));
    format!("{head}{begin}{table}{end}{tail}")
}

/// A table of keys as it grows: what is required first, each by its alphabet.
struct Table<'a> {
    root: &'a Value,
    text: String,
    /// Where the keys of a type have been listed already.
    listed: BTreeMap<String, String>,
}

impl<'a> Table<'a> {
    fn of(root: &'a Value) -> Self {
        Self {
            root,
            text: "| key | what | default |\n|---|---|---|\n".to_owned(),
            listed: BTreeMap::new(),
        }
    }

    fn rows(mut self, object: &'a Value, takes: impl Fn(&str) -> bool) -> String {
        self.keys(object, "", &takes);
        self.text
    }

    fn keys(&mut self, object: &'a Value, above: &str, takes: &dyn Fn(&str) -> bool) {
        let properties = object["properties"].as_object().into_iter().flatten();
        let is_required = |key: &str| {
            let required = object["required"].as_array();
            required.is_some_and(|required| required.iter().any(|name| name == key))
        };
        let mut keys: Vec<_> = properties.filter(|(key, _)| takes(key)).collect();
        keys.sort_by_key(|(key, _)| !is_required(key));
        for (key, form) in keys {
            let path = format!("{above}{key}");
            let default = match &form["default"] {
                Value::Null if is_required(key) => "required".to_owned(),
                Value::Null => String::new(),
                Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            self.key(&path, form, &default);
        }
    }

    /// One key, and those below it unless they have been listed.
    fn key(&mut self, path: &str, form: &'a Value, default: &str) {
        let mut what = form["description"].as_str().unwrap_or_default().to_owned();
        let values = self.values(form);
        if !values.is_empty() {
            let _ = write!(what, " {}", values.join("; "));
        }
        let below = self.below(form);
        let listed = below.and_then(|(name, _)| self.listed.get(name));
        if let Some(first) = listed {
            let _ = write!(what, " As `{first}`.");
        }
        let is_new = listed.is_none();
        // A bar would end the cell.
        let what = what.replace('|', "\\|");
        let _ = writeln!(self.text, "| `{path}` | {what} | {default} |");
        if let Some((name, object)) = below.filter(|_| is_new) {
            self.listed.insert(name.to_owned(), path.to_owned());
            let path = match form["additionalProperties"] {
                Value::Object(_) => format!("{path}.NAME."),
                _ => format!("{path}."),
            };
            self.keys(object, &path, &|_| true);
        }
    }

    /// The words that it can be, each with its meaning.
    fn values(&self, form: &'a Value) -> Vec<String> {
        let words = self.target(form).map_or(form, |(_, target)| target);
        let words = words["oneOf"].as_array().into_iter().flatten();
        words
            .filter_map(|word| {
                let meaning = word["description"].as_str()?.trim_end_matches('.');
                Some(format!(
                    "`{}`: {}",
                    word["const"].as_str()?,
                    in_a_list(meaning)
                ))
            })
            .collect()
    }

    /// The type whose keys are below, itself or by names of its own.
    fn below(&self, form: &'a Value) -> Option<(&'a str, &'a Value)> {
        let named = Some(&form["additionalProperties"]).filter(|form| form.is_object());
        let (name, object) = self.target(named.unwrap_or(form))?;
        match self.target(object) {
            Some(inner) => Some(inner),
            None => object["properties"].is_object().then_some((name, object)),
        }
    }

    /// What a `$ref` names, also as one of two forms.
    fn target(&self, form: &'a Value) -> Option<(&'a str, &'a Value)> {
        let forms = form["anyOf"].as_array().into_iter().flatten();
        let name = std::iter::once(form)
            .chain(forms)
            .find_map(|form| form["$ref"].as_str())?;
        let target = self.root.pointer(name.trim_start_matches('#'))?;
        Some((name, target))
    }
}

/// A sentence as a part of another: small at its beginning, unless that is a name.
fn in_a_list(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    if word.chars().skip(1).any(char::is_uppercase) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}
