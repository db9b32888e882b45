//! The schema and the loader know the same keys and refuse the same mistakes. That the good playbooks of the
//! other tests are good to both, they see to where they load them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::fixture::{keys, refused_by};
use crate::playbook::load::raw::{RawPlay, RawTask};
use crate::playbook::tasks::{
    Assert, CommandArguments, Copy, File, MysqlAdmin, MysqlCanary, MysqlConfig, MysqlQuery,
    MysqlReplica, MysqlSeed, MysqlUser, MysqlVariables, Package, Service, Sysctl, Template, Vip,
    WaitFor,
};
use crate::playbook::{Library, Templates, load, schema, tasks_schema};

#[test]
fn it_has_the_keys_that_are_read() {
    let read: BTreeMap<String, BTreeSet<String>> = [
        ("Assert", keys::<Assert>()),
        ("CommandArguments", keys::<CommandArguments>()),
        ("Copy", keys::<Copy>()),
        ("File", keys::<File>()),
        ("MysqlAdmin", keys::<MysqlAdmin>()),
        ("MysqlCanary", keys::<MysqlCanary>()),
        ("MysqlConfig", keys::<MysqlConfig>()),
        ("MysqlQuery", keys::<MysqlQuery>()),
        ("MysqlReplica", keys::<MysqlReplica>()),
        ("MysqlSeed", keys::<MysqlSeed>()),
        ("MysqlUser", keys::<MysqlUser>()),
        ("MysqlVariables", keys::<MysqlVariables>()),
        ("Package", keys::<Package>()),
        ("Play", keys::<RawPlay>()),
        ("Service", keys::<Service>()),
        ("Sysctl", keys::<Sysctl>()),
        ("Task", keys::<RawTask>()),
        ("Template", keys::<Template>()),
        ("Vip", keys::<Vip>()),
        ("WaitFor", keys::<WaitFor>()),
    ]
    .map(|(name, keys)| (name.to_owned(), keys))
    .into();
    let schema = schema().to_value();
    let described: BTreeMap<String, BTreeSet<String>> = schema["$defs"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, schema)| schema["additionalProperties"] == json!(false))
        .map(|(name, schema)| {
            let properties = schema["properties"].as_object();
            (
                name.clone(),
                properties
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key.clone())
                    .collect(),
            )
        })
        .collect();
    assert_eq!(described, read);
}

/// Everything that is read as a module is one of those that a task has exactly one of.
#[test]
fn it_knows_which_keys_are_modules() {
    let schema = schema().to_value();
    let task = &schema["$defs"]["Task"];
    let modules: BTreeSet<&str> = task["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["required"][0].as_str().unwrap())
        .collect();
    for (key, form) in task["properties"].as_object().unwrap() {
        let is_type = form.to_string().contains("#/$defs/") && !form.to_string().contains("/Task");
        let is_module = modules.contains(key.as_str());
        let is_other = matches!(key.as_str(), "block" | "import_tasks");
        assert_eq!(is_module, is_other || (is_type && key != "run_on"), "{key}");
        let takes_nothing = form.to_string().contains("null");
        assert!(!(is_module && takes_nothing), "{key}: {form}");
    }
}

#[test]
fn the_playbooks_that_come_with_it_are_good() {
    for (name, text) in Library::default().playbooks {
        let schema = if name.starts_with("tasks/") {
            tasks_schema()
        } else {
            schema()
        };
        assert_eq!(refused_by(&schema, &text), None, "{name}");
    }
}

#[test]
fn both_refuse_the_same_mistakes() {
    let play = |more: &str| format!("- {{name: P, hosts: all{more}}}");
    let task = |task: &str| play(&format!(", tasks: [{task}]"));
    for good in [
        play(""),
        play(", serial: 1, become: false, tags: a"),
        task("{command: date, register: now, retries: 2, delay: 500ms, until: result.rc == 0}"),
        task("{shell: {cmd: date, timeout: 5}, when: [true, host.name == 'db1'], loop: [1, 2]}"),
        task("{block: [{assert: {that: true}}], always: [{mysql_query: {query: SELECT 1}}]}"),
        task("{wait_for: {port: 3306}, run_on: each}"),
        task("{sysctl: {name: vm.swappiness, value: 1}}"),
    ] {
        assert!(loads(&good), "{good}");
        assert_eq!(refused_by(&schema(), &good), None, "{good}");
    }
    for wrong in [
        play(", colour: red"),
        "- {hosts: all}".to_owned(),
        play(", serial: -1"),
        play(", become: yes"),
        play(", vars: [a]"),
        task("{name: T}"),
        task("{mysql_seed: }"),
        task("{command: date, shell: date}"),
        task("{command: date, block: []}"),
        task("{command: date, with_items: [1]}"),
        task("{command: date, rescue: []}"),
        task("{command: date, always: []}"),
        task("{command: date, delay: soon, retries: 1}"),
        task("{command: date, loop: 5}"),
        task("{command: {cmd: date, user: me}}"),
        task("{command: 5}"),
        task("{assert: {}}"),
        task("{file: {path: /a, state: gone}}"),
        task("{mysql_query: {query: SELECT 1, write: maybe}}"),
        task("{mysql_admin: {user: me}}"),
        task("{template: {src: a.j2, dest: /a, mode: 644}}"),
        task("{wait_for: {port: 1}, run_on: primaries}"),
    ] {
        assert!(!loads(&wrong), "the loader takes {wrong}");
        let refused = refused_by(&schema(), &wrong);
        assert!(refused.is_some(), "the schema takes {wrong}");
    }
}

fn loads(text: &str) -> bool {
    let mut library = Library::default();
    let playbooks = &mut library.playbooks;
    playbooks.insert("t.yml".to_owned(), text.to_owned());
    let templates = Templates::new(&library).unwrap();
    load(&library, "t.yml", &templates).is_ok()
}

/// A file of tasks is a list of what a play has under `tasks:`.
#[test]
fn both_schemas_describe_the_same_tasks() {
    let task = |schema: schemars::Schema| -> Value { schema.to_value()["$defs"]["Task"].clone() };
    assert_eq!(task(schema()), task(tasks_schema()));
}
