//! The schema and the loader know the same keys, refuse the same mistakes, and mean the same where a key is
//! left out. That every good text of the other tests is good to both, [`super::parse`] sees to.

use serde_json::{Map, Value, json};

use super::super::raw::{
    RawAccount, RawAccounts, RawFailover, RawFence, RawGroup, RawHooks, RawHost, RawInventory,
    RawReplication, RawServer, RawSsh, RawVip, RawWriterVip,
};
use super::*;
use crate::fixture::keys;

fn schema() -> Value {
    Inventory::schema().to_value()
}

#[test]
fn it_has_the_keys_that_are_read() {
    let ansible = super::super::ansible::names().map(str::to_owned).collect();
    let read = BTreeMap::from([
        ("Account", keys::<RawAccount>()),
        ("Accounts", keys::<RawAccounts>()),
        ("Failover", keys::<RawFailover>()),
        ("Fence", keys::<RawFence>()),
        ("Group", keys::<RawGroup>()),
        ("Hooks", keys::<RawHooks>()),
        ("Host", &keys::<RawHost>() | &ansible),
        ("Inventory", keys::<RawInventory>()),
        ("Replication", keys::<RawReplication>()),
        ("Server", keys::<RawServer>()),
        ("Ssh", keys::<RawSsh>()),
        ("Vip", keys::<RawVip>()),
        ("WriterVip", keys::<RawWriterVip>()),
    ]);
    let schema = schema();
    let mut described = closed(schema["$defs"].as_object().unwrap());
    let root = Map::from_iter([("Inventory".to_owned(), schema.clone())]);
    described.append(&mut closed(&root));
    let read: BTreeMap<_, _> = read
        .into_iter()
        .map(|(name, keys)| (name.to_owned(), keys))
        .collect();
    assert_eq!(described, read);
}

/// The keys of every object that takes no others.
fn closed(types: &Map<String, Value>) -> BTreeMap<String, std::collections::BTreeSet<String>> {
    let closed = types
        .iter()
        .filter(|(_, schema)| schema["additionalProperties"] == json!(false));
    let keys = |schema: &Value| {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    closed
        .map(|(name, schema)| (name.clone(), keys(schema)))
        .collect()
}

#[test]
fn both_refuse_the_same_mistakes() {
    let good = format!(
        "{HEAD}vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\n\
         failover: {{fence: {{command: /bin/true}}}}\n{HOSTS}"
    );
    assert!(parse(&good).is_ok());
    let wrong = [
        ("cluster: shop", "cluster: shop\ncolour: red"),
        ("cluster: shop", "cluster: 12"),
        ("cluster: shop\n", ""),
        ("flavor: mariadb", "flavor: postgres"),
        ("flavor: mariadb", "flavour: mariadb"),
        ("flavor: mariadb", "flavor: mariadb, version: 10.11"),
        ("flavor: mariadb", "flavor: mariadb, port: 70000"),
        ("flavor: mariadb", "flavor: mariadb, settings: {a: [1]}"),
        ("user: repl,", "user: repl, privileges: all,"),
        ("user: repl,", ""),
        ("interface: eth0", "device: eth0"),
        ("command: /bin/true", "command: /bin/true, timeout: 10"),
        ("command: /bin/true", "command: /bin/true, contract: mha"),
        ("primary: true", "primary: yes"),
        ("primary: true", "primary: true, promotion: always"),
        ("primary: true", "primary: true, ssh: {pass: x}"),
        ("address: 192.0.2.2", "adress: 192.0.2.2"),
    ];
    for (of, other) in wrong {
        assert!(good.contains(of), "{of}");
        let text = good.replacen(of, other, 1);
        assert!(parse(&text).is_err(), "the loader takes {other}");
        let refused = refused_by(&Inventory::schema(), &text);
        assert!(refused.is_some(), "the schema takes {other}");
    }
}

/// Each default of the schema, written out, changes nothing.
#[test]
fn its_defaults_are_those_that_count() {
    let text = format!(
        "{HEAD}vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\n\
         failover: {{fence: {{command: /bin/true}}}}\n\
         hooks: {{}}\nreplication: {{}}\nssh: {{}}\n{HOSTS}"
    );
    let source = Source::new("inventory.yml", text.as_str());
    let document = crate::yaml::Document::parse(source).unwrap();
    let base: Value = document.deserialize().unwrap();
    let usual = format!("{:?}", parse(&text).unwrap());
    let schema = schema();
    let mut said = Vec::new();
    defaults(&schema, &schema, &base, "", &mut said);
    for (path, default) in &said {
        let mut written = base.clone();
        let (above, key) = path.rsplit_once('/').unwrap();
        written.pointer_mut(above).unwrap()[key] = default.clone();
        let cluster = parse(&written.to_string()).unwrap_or_else(|wrong| panic!("{path}: {wrong}"));
        assert_eq!(format!("{cluster:?}"), usual, "{path}: {default}");
    }
    assert!(said.len() >= 12, "{said:?}");
}

/// A key with nothing behind it: fine where both can do without, wrong to both where they cannot.
#[test]
fn both_take_nothing_for_the_same_keys() {
    let good = format!(
        "{HEAD}vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}, lease: 10s}}\n\
         durability: available\nreplication: {{tls: required}}\nhooks: {{failed: /bin/true}}\n\
         failover: {{prefer: promote, fence: {{command: /bin/true, contract: hactl}}}}\n\
         vars: {{a: 1}}\ngroups: {{a: {{vars: {{b: 1}}}}}}\nssh: {{become: none, user: root}}\n\
         hosts:\n  db1: {{address: 192.0.2.1, primary: true, promotion: allow, settings: {{}}, groups: [a]}}\n  db2: {{address: 192.0.2.2, groups: [a]}}\n"
    );
    let source = Source::new("inventory.yml", good.as_str());
    let document = crate::yaml::Document::parse(source).unwrap();
    let base: Value = document.deserialize().unwrap();
    assert!(parse(&good).is_ok());
    let mut paths = Vec::new();
    every_path(&base, "", &mut paths);
    assert!(paths.len() > 40, "{paths:?}");
    for path in paths {
        let mut emptied = base.clone();
        *emptied.pointer_mut(&path).unwrap() = Value::Null;
        let text = emptied.to_string();
        let refused = refused_by(&Inventory::schema(), &text).is_some();
        assert_eq!(parse(&text).is_err(), refused, "{path}");
    }
}

fn every_path(value: &Value, at: &str, paths: &mut Vec<String>) {
    for (key, below) in value.as_object().into_iter().flatten() {
        paths.push(format!("{at}/{key}"));
        every_path(below, &format!("{at}/{key}"), paths);
    }
}

/// Every default below what the document has, by its path.
fn defaults(
    root: &Value,
    schema: &Value,
    there: &Value,
    at: &str,
    said: &mut Vec<(String, Value)>,
) {
    let schema = target(root, schema);
    for (key, value) in there.as_object().into_iter().flatten() {
        let below = schema["properties"].get(key);
        let below = below.unwrap_or(&schema["additionalProperties"]);
        defaults(root, below, value, &format!("{at}/{key}"), said);
    }
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = below.get("default").filter(|_| there.is_object()) {
            // `primary: false` on the primary would be another inventory.
            if there.get(key).is_none() {
                said.push((format!("{at}/{key}"), default.clone()));
            }
        }
    }
}

/// What a `$ref` names, also as one of two.
fn target<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"]
        .as_str()
        .or(schema["anyOf"][0]["$ref"].as_str());
    name.and_then(|name| root.pointer(name.trim_start_matches('#')))
        .unwrap_or(schema)
}
