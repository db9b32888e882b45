//! What cannot mean anything is found before the first connection, at its place.

use insta::assert_snapshot;

use crate::fixture::cluster;
use crate::mysql::Flavor;
use crate::playbook::{Library, PlaybookError, Templates, explained, load};
use crate::yaml::Paint;

/// What is said of tasks below `tasks:` of a play.
fn said(tasks: &str) -> String {
    drawn(&format!(
        "- name: Play\n  hosts: all\n  vars: {{known: 1}}\n  tasks:\n{tasks}"
    ))
}

fn drawn(text: &str) -> String {
    let mut library = Library::default();
    library
        .playbooks
        .insert("t.yml".to_owned(), text.to_owned());
    library.playbooks.insert(
        "tasks/l.yml".to_owned(),
        "- import_tasks: tasks/l.yml\n".to_owned(),
    );
    let templates = Templates::new(&library).unwrap();
    let found = load(&library, "t.yml", &templates)
        .and_then(|playbook| explained(&playbook, &cluster(Flavor::MariaDb, 2), &[]));
    match found {
        Err(PlaybookError::Invalid(found)) => found.render(Paint::Plain),
        other => panic!("{other:?} of {text}"),
    }
}

#[test]
fn a_variable_that_nobody_sets() {
    assert_snapshot!(said("    - {command: 'a {{ knwon }}', when: nobody > 1}\n"), @r#"
error: nothing is called `knwon`
 --> playbooks/t.yml:5:17
  |
5 |     - {command: 'a {{ knwon }}', when: nobody > 1}
  |                 ^^^^^^^^^^^^^^^
  |
  = help: did you mean `known`?

error: nothing is called `nobody`
 --> playbooks/t.yml:5:40
  |
5 |     - {command: 'a {{ knwon }}', when: nobody > 1}
  |                                        ^^^^^^^^^^
  |
  = help: set it under `vars:`, by `register:` of an earlier task, in the inventory, or with -e nobody=…
"#);
}

#[test]
fn hosts_that_are_not_there() {
    assert_snapshot!(drawn("- {name: P, hosts: 'all,!db7'}\n"), @r#"
error: no host or group `db7` in the inventory
 --> playbooks/t.yml:1:20
  |
1 | - {name: P, hosts: 'all,!db7'}
  |                    ^^^^^^^^^^
  |
  = help: there are: all, primary, replicas, serving, joining, db1, db2
"#);
}

#[test]
fn item_without_a_loop_and_result_without_a_judge() {
    assert_snapshot!(said("    - {command: 'a {{ item }}', when: result.rc == 0}\n"), @r#"
error: `item` exists in a task with `loop` only
 --> playbooks/t.yml:5:17
  |
5 |     - {command: 'a {{ item }}', when: result.rc == 0}
  |                 ^^^^^^^^^^^^^^

error: `result` exists in `until`, `changed_when` and `failed_when` only
 --> playbooks/t.yml:5:39
  |
5 |     - {command: 'a {{ item }}', when: result.rc == 0}
  |                                       ^^^^^^^^^^^^^^
  |
  = help: keep a task's result for later tasks by `register: NAME`
"#);
}

#[test]
fn braces_around_an_expression() {
    assert_snapshot!(said("    - {command: a, when: '{{ known }}'}\n"), @r#"
error: an expression has no braces
 --> playbooks/t.yml:5:26
  |
5 |     - {command: a, when: '{{ known }}'}
  |                          ^^^^^^^^^^^^^
  |
  = help: write it without the braces: when: known
"#);
}

#[test]
fn a_template_that_is_not_closed() {
    assert_snapshot!(said("    - command: 'a {{ known '\n"), @r#"
error: `a {{ known `, line 1: unexpected end of input, expected end of variable block
 --> playbooks/t.yml:5:16
  |
5 |     - command: 'a {{ known '
  |                ^^^^^^^^^^^^^
"#);
}

#[test]
fn a_name_that_is_taken() {
    assert_snapshot!(said("    - {command: a, register: host}\n    - {command: b, vars: {a-b: 1}}\n"), @r#"
error: `host` is a name of hactl's own
 --> playbooks/t.yml:5:30
  |
5 |     - {command: a, register: host}
  |                              ^^^^
  |
  = help: choose another; taken are: accounts, cluster, durability, facts, host, item, primary, replicas, result, server, settings, vars, vip

error: not a variable's name
 --> playbooks/t.yml:6:27
  |
6 |     - {command: b, vars: {a-b: 1}}
  |                           ^^^
  |
  = help: use letters, digits and `_`, and no digit first
"#);
}

#[test]
fn keys_that_a_block_cannot_have() {
    assert_snapshot!(said("    - {block: [{command: a}], loop: [1], register: x}\n"), @r#"
error: `block` takes no `loop`
 --> playbooks/t.yml:5:31
  |
5 |     - {block: [{command: a}], loop: [1], register: x}
  |                               ^^^^
  |
  = help: put it on each of the tasks that it is meant for

error: `block` takes no `register`
 --> playbooks/t.yml:5:42
  |
5 |     - {block: [{command: a}], loop: [1], register: x}
  |                                          ^^^^^^^^
  |
  = help: put it on each of the tasks that it is meant for
"#);
}

#[test]
fn rescue_without_a_block() {
    assert_snapshot!(said("    - {command: a, rescue: [{command: b}]}\n"), @r#"
error: `rescue` without a `block`
 --> playbooks/t.yml:5:20
  |
5 |     - {command: a, rescue: [{command: b}]}
  |                    ^^^^^^
  |
  = help: put the tasks that it is for under `block:`
"#);
}

#[test]
fn another_user_for_what_root_does() {
    assert_snapshot!(said("    - {become: false, service: {name: a, state: started}}\n"), @r#"
error: this module works as root
 --> playbooks/t.yml:5:8
  |
5 |     - {become: false, service: {name: a, state: started}}
  |        ^^^^^^
  |
  = help: only command and shell run as another user; leave it out here, and off the block and the play
"#);
}

#[test]
fn judging_what_says_nothing() {
    assert_snapshot!(said("    - {service: {name: a, state: started}, changed_when: false}\n"), @r#"
error: `changed_when` belongs to another module
 --> playbooks/t.yml:5:44
  |
5 |     - {service: {name: a, state: started}, changed_when: false}
  |                                            ^^^^^^^^^^^^
  |
  = help: it judges what a command or a query said; other modules know by themselves
"#);
}

#[test]
fn a_pause_for_nothing() {
    assert_snapshot!(said("    - {command: a, delay: 5}\n"), @r#"
error: a pause before what is never tried again
 --> playbooks/t.yml:5:20
  |
5 |     - {command: a, delay: 5}
  |                    ^^^^^
  |
  = help: say how often: `retries: 3`, or until when: `until: …`
"#);
}

#[test]
fn a_file_that_imports_itself() {
    assert_snapshot!(said("    - import_tasks: tasks/l.yml\n"), @r#"
error: this file imports itself
 --> playbooks/tasks/l.yml:1:17
  |
1 | - import_tasks: tasks/l.yml
  |                 ^^^^^^^^^^^
"#);
}

#[test]
fn a_wrong_argument_of_a_command() {
    assert_snapshot!(said("    - {command: {cmd: a, create: /b}}\n"), @r#"
error: unknown key `create`
 --> playbooks/t.yml:5:26
  |
5 |     - {command: {cmd: a, create: /b}}
  |                          ^^^^^^ not a key that belongs here
  |
  = help: did you mean `creates`?
"#);
}

/// What is only sometimes there may be asked for with care.
#[test]
fn care_is_taken_at_its_word() {
    let mut library = Library::default();
    let text =
        "- {name: P, hosts: all, tasks: [{command: 'a {{ x | default(1) }}', when: y is defined}]}";
    library
        .playbooks
        .insert("t.yml".to_owned(), text.to_owned());
    let templates = Templates::new(&library).unwrap();
    let playbook = load(&library, "t.yml", &templates).unwrap();
    explained(&playbook, &cluster(Flavor::MariaDb, 2), &[]).unwrap();
}
