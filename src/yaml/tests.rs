//! Tests of the room as its users see it: texts in, typed values or drawn messages out.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    flavor: Option<Choice>,
    #[serde(default)]
    hosts: BTreeMap<String, Host>,
    #[serde(default)]
    list: Vec<u16>,
    #[serde(default)]
    password: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Apple,
    Pear,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Host {
    address: String,
    #[serde(default)]
    primary: bool,
    #[serde(default)]
    port: Option<u16>,
}

fn parse(text: &str) -> Result<Document, Diagnostic> {
    Document::parse(Source::new("x.yml", text))
}

/// The message for a text that is wrong.
fn drawn(text: &str) -> String {
    let diagnostic = match parse(text) {
        Err(diagnostic) => diagnostic,
        Ok(document) => document
            .deserialize::<File>()
            .expect_err("this text is wrong"),
    };
    diagnostic.render(Paint::Plain)
}

#[test]
fn typed_values_come_out() {
    let document =
        parse("name: ä\nflavor: pear\nhosts:\n  a: {address: '1', port: 7}\nlist:\n- 1\n- 2\n")
            .unwrap();
    let file: File = document.deserialize().unwrap();
    assert_eq!(file.name.as_deref(), Some("ä"));
    assert_eq!(file.flavor, Some(Choice::Pear));
    assert_eq!(
        file.hosts["a"],
        Host {
            address: "1".into(),
            primary: false,
            port: Some(7)
        }
    );
    assert_eq!(file.list, [1, 2]);
    let host: Host = document
        .deserialize_node(document.node(&["hosts", "a"]).unwrap())
        .unwrap();
    assert_eq!(host, file.hosts["a"]);
}

#[test]
fn every_place_is_found() {
    let text = "é: 1\nhosts:\r\n  db1:\n    address: \"a\" # ü\n    mode: 0644\n  db2: {address: b}\nl: [x, yy]\nb: |\n  q\n  r\nn:\n";
    let document = parse(text).unwrap();
    let at = |path: &[&str]| {
        let span = document.at(path);
        &text[span.start..span.end]
    };
    let key_at = |path: &[&str]| {
        let span = document.key_at(path);
        &text[span.start..span.end]
    };
    assert_eq!(at(&["hosts", "db1", "address"]), "\"a\"");
    assert_eq!(at(&["hosts", "db1"]), "address");
    assert_eq!(at(&["hosts", "db2"]), "{address: b}");
    assert_eq!(at(&["hosts", "db2", "address"]), "b");
    assert_eq!(at(&["l", "1"]), "yy");
    assert_eq!(at(&["b"]), "q\n  r");
    assert_eq!(at(&["n"]), "n");
    assert_eq!(at(&["hosts", "db1", "none", "such"]), "db1");
    assert_eq!(key_at(&["hosts", "db1"]), "db1");
    assert_eq!(key_at(&["l", "1"]), "yy");
    let mode = document.node(&["hosts", "db1", "mode"]).unwrap();
    assert_eq!((mode.text(), mode.as_str()), (Some("0644"), Some("0644")));
}

#[test]
fn wrong_keys() {
    assert_snapshot!(drawn("hosts:\n  db1: {adress: x}\n"), @r"
    error: unknown key `adress`
     --> x.yml:2:9
      |
    2 |   db1: {adress: x}
      |         ^^^^^^ not a key that belongs here
      |
      = help: did you mean `address`?
    ");
    assert_snapshot!(drawn("wombat: 1\n"), @r"
    error: unknown key `wombat`
     --> x.yml:1:1
      |
    1 | wombat: 1
      | ^^^^^^ not a key that belongs here
      |
      = help: known keys here: name, flavor, hosts, list, password
    ");
    assert_snapshot!(drawn("hosts:\n  db1:\n    port: 1\n"), @r"
    error: `db1` has no `address`
     --> x.yml:2:3
      |
    2 |   db1:
      |   ^^^ `address` belongs in here
      |
      = help: add `address: …`
    ");
    assert_snapshot!(drawn("a: 1\nb:\n  a: 1\na: 2\n"), @r"
    error: `a` is written twice
     --> x.yml:4:1
      |
    1 | a: 1
      | - first here
    ...
    4 | a: 2
      | ^ again here
      |
      = help: keep one of the two; the later one would silently win
    ");
}

#[test]
fn wrong_types() {
    assert_snapshot!(drawn("hosts:\n  db1: {address: x, port: thirty}\n"), @r"
    error: `port` must be a whole number from 0 to 65535
     --> x.yml:2:27
      |
    2 |   db1: {address: x, port: thirty}
      |                           ^^^^^^ found text
    ");
    assert_snapshot!(drawn("hosts:\n  db1: {address: x, port: 70000}\n"), @r"
    error: `port` must be a whole number from 0 to 65535
     --> x.yml:2:27
      |
    2 |   db1: {address: x, port: 70000}
      |                           ^^^^^ found a whole number
    ");
    assert_snapshot!(drawn("name: 10.10\n"), @r#"
    error: `name` must be text
     --> x.yml:1:7
      |
    1 | name: 10.10
      |       ^^^^^ found a number with a fraction
      |
      = help: put it in quotes: "10.10"
    "#);
    assert_snapshot!(drawn("hosts: {db1: {address: x, primary: yes}}\n"), @r"
    error: `primary` must be true or false
     --> x.yml:1:36
      |
    1 | hosts: {db1: {address: x, primary: yes}}
      |                                    ^^^ found text
      |
      = help: write `true`, without quotes
    ");
    assert_snapshot!(drawn("hosts: [db1, db2]\n"), @r"
    error: `hosts` must be keys with values
     --> x.yml:1:8
      |
    1 | hosts: [db1, db2]
      |        ^^^^^^^^^^ found a list
      |
      = help: write `key: value` lines below it, indented, or `{key: value}`
    ");
    assert_snapshot!(drawn("flavor: aple\n"), @r"
    error: `flavor` must be one of apple, pear
     --> x.yml:1:9
      |
    1 | flavor: aple
      |         ^^^^ not one of them
      |
      = help: did you mean `apple`?
    ");
    assert_snapshot!(drawn("list: [1, 2, x]\n"), @r"
    error: `list` must be a whole number from 0 to 65535
     --> x.yml:1:14
      |
    1 | list: [1, 2, x]
      |              ^ found text
    ");
    assert_snapshot!(drawn("[mysqld]\nport\n"), @r"
    error: this is not valid YAML
     --> x.yml:2:1
      |
    2 | port
      | ^ nothing may follow the value that ended above
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    ");
    assert_snapshot!(drawn("hello"), @r"
    error: this must be keys with values
     --> x.yml:1:1
      |
    1 | hello
      | ^^^^^ found text
      |
      = help: write `key: value` lines below it, indented, or `{key: value}`
    ");
}

#[test]
fn not_a_document() {
    assert_snapshot!(drawn("# nothing\n"), @r"
    error: the file says nothing
     --> x.yml:1:10
      |
    1 | # nothing
      |          ^ nothing but comments up to here
    ");
    assert_snapshot!(drawn("a: 1\n---\nb: 1\n"), @r"
    error: a second document in one file
     --> x.yml:2:1
      |
    2 | ---
      | ^^^ it starts here
      |
      = help: remove this `---`, or move what follows into a file of its own
    ");
    assert_snapshot!(drawn("hosts:\n\tdb1: 1\n"), @r"
    error: this is not valid YAML
     --> x.yml:2:1
      |
    2 |     db1: 1
      | ^^^^ a tab
      |
      = help: indent with spaces: YAML allows no tabs there
    ");
    assert_snapshot!(drawn("a: b: c\n"), @r"
    error: this is not valid YAML
     --> x.yml:1:5
      |
    1 | a: b: c
      |     ^ mapping values are not allowed in this context
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    ");
    assert_snapshot!(drawn("a: {b: 1\n"), @r"
    error: this is not valid YAML
     --> x.yml:1:9
      |
    1 | a: {b: 1
      |         ^ while parsing a flow mapping, did not find expected ',' or '}'
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    ");
    assert_snapshot!(drawn("a: \"b\n"), @r#"
    error: this is not valid YAML
     --> x.yml:1:4
      |
    1 | a: "b
      |    ^ while scanning a quoted scalar, found unexpected end of stream
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    "#);
    assert_snapshot!(drawn("a: &x 1\nb: *x\n"), @r"
    error: aliases are not supported
     --> x.yml:2:4
      |
    2 | b: *x
      |    ^^ an alias
      |
      = help: write the value out here once more, or put it in quotes if it is text
    ");
    assert_snapshot!(drawn("a: {x: 1}\nb:\n  <<: {}\n"), @r"
    error: merge keys are not supported
     --> x.yml:3:3
      |
    3 |   <<: {}
      |   ^^ a merge key
      |
      = help: write the merged keys out here
    ");
    assert_snapshot!(drawn("a: !vault x\n"), @r"
    error: tags are not supported
     --> x.yml:1:4
      |
    1 | a: !vault x
      |    ^^^^^^^^ this value has a tag (`!…`)
      |
      = help: remove the tag; if the value is text that starts with `!`, put it in quotes
    ");
    assert_snapshot!(drawn("a: {{ b }}\n"), @r"
    error: a list or a map cannot be a key
     --> x.yml:1:5
      |
    1 | a: {{ b }}
      |     ^^ expected text
      |
      = help: text with `{` or `[` in it, such as `{{ … }}`, needs quotes
    ");
    assert_snapshot!(drawn(&"[".repeat(100)), @r"
    error: nested too deeply
     --> x.yml:1:66
      |
    1 | [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
      |                                                                  ^ level 65
    ");
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    for open in ["[", "{a: ", "- ", "? "] {
        assert!(parse(&open.repeat(100_000)).is_err(), "{open}");
    }
}

#[test]
fn secrets_are_masked() {
    assert_snapshot!(drawn("{name: x, password: 's3cret', port: 1}\n"), @r"
    error: unknown key `port`
     --> x.yml:1:31
      |
    1 | {name: x, password: ********, port: 1}
      |                               ^^^^ not a key that belongs here
      |
      = help: known keys here: name, flavor, hosts, list, password
    ");
    assert_snapshot!(drawn("password: [s3cret]\n"), @r"
    error: `password` must be text
     --> x.yml:1:11
      |
    1 | password: [********]
      |           ^^^^^^^^^^ found a list
    ");
    assert_snapshot!(drawn("password: s3cret: x\n"), @r"
    error: this is not valid YAML
     --> x.yml:1:11
      |
    1 | password: ********
      |           ^^^^^^^^ mapping values are not allowed in this context
      |
      = help: look for a missing colon, quote or bracket here or in the line above; keys of one level start in one column, and text with `: ` or ` #` in it needs quotes
    ");
    let mut document = parse("password: s3cret\naccounts: {admin: s3cret}").unwrap();
    document.hide(&["accounts", "admin"]);
    let shown = format!("{document:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn one_line_and_colors() {
    let diagnostic = parse("a: 1\na: 2").unwrap_err();
    assert_eq!(diagnostic.to_string(), "x.yml:2:1: `a` is written twice");
    assert!(diagnostic.render(Paint::Colored).contains('\u{1b}'));
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"(?s)([a-z]{1,3}: |- |\n|  |[\[\]{},"'|>#&*!%@`?:-]|é|\t|\r|.){0,60}"#) {
        if let Err(diagnostic) = parse(&text).and_then(|d| d.deserialize::<File>()) {
            prop_assert!(diagnostic.render(Paint::Plain).contains("x.yml:"));
        }
    }

    /// Wherever the file breaks, what follows a password's key is not shown.
    #[test]
    fn no_message_shows_a_secret(
        before in "(a: [a-z]{1,3}\n|hosts:\n){0,2}",
        shape in prop::sample::select(vec![
            "password: §", "password: '§", "password: [§", "password: §: §", "x: {password: §, ",
            "password:\n  §: 1\n  §: 2", "password: |\n  §\n  §", "password: \"§\n  §", "PASSWORD = §",
            "password: §\npassword: §", "password: {§: §}", "password: !§ §", "password: *§",
            "name: {password: §}", "name: [\"password=§\"]", "list: \"my_password: §\"",
        ]),
        after in r"(\nname: [a-z]|\n[a-z]|\]|\}|\t: ){0,2}",
    ) {
        let text = format!("{before}{}{after}", shape.replace('§', "h7nter2"));
        if let Err(diagnostic) = parse(&text).and_then(|d| d.deserialize::<File>()) {
            let shown = format!("{} {diagnostic} {diagnostic:?}", diagnostic.render(Paint::Plain));
            prop_assert!(!shown.contains("h7nter2"), "{text}\n{shown}");
        }
    }
}
