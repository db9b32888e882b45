//! What cannot mean anything is found before the first connection, at its place.

use insta::assert_snapshot;

use crate::fixture::cluster;
use crate::mysql::Flavor;
use crate::playbook::{Library, PlaybookError, Templates, explained, load};
use crate::yaml::Paint;

/// What is said of tasks below `tasks:` of a play.
fn said(tasks: &str) -> String {
    drawn(&format!("- name: Play\n  hosts: all\n  vars: {{known: 1}}\n  tasks:\n{tasks}"))
}

fn drawn(text: &str) -> String {
    let mut library = Library::default();
    library.playbooks.insert("t.yml".to_owned(), text.to_owned());
    library.playbooks.insert("tasks/l.yml".to_owned(), "- import_tasks: tasks/l.yml\n".to_owned());
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
    assert_snapshot!(said("    - {command: 'a {{ knwon }}', when: nobody > 1}\n"), @"");
}

#[test]
fn hosts_that_are_not_there() {
    assert_snapshot!(drawn("- {name: P, hosts: 'all,!db7'}\n"), @"");
}

#[test]
fn item_without_a_loop_and_result_without_a_judge() {
    assert_snapshot!(said("    - {command: 'a {{ item }}', when: result.rc == 0}\n"), @"");
}

#[test]
fn braces_around_an_expression() {
    assert_snapshot!(said("    - {command: a, when: '{{ known }}'}\n"), @"");
}

#[test]
fn a_template_that_is_not_closed() {
    assert_snapshot!(said("    - command: 'a {{ known '\n"), @"");
}

#[test]
fn a_name_that_is_taken() {
    assert_snapshot!(said("    - {command: a, register: host}\n    - {command: b, vars: {a-b: 1}}\n"), @"");
}

#[test]
fn keys_that_a_block_cannot_have() {
    assert_snapshot!(said("    - {block: [{command: a}], loop: [1], register: x}\n"), @"");
}

#[test]
fn rescue_without_a_block() {
    assert_snapshot!(said("    - {command: a, rescue: [{command: b}]}\n"), @"");
}

#[test]
fn another_user_for_what_root_does() {
    assert_snapshot!(said("    - {become: false, service: {name: a, state: started}}\n"), @"");
}

#[test]
fn judging_what_says_nothing() {
    assert_snapshot!(said("    - {service: {name: a, state: started}, changed_when: false}\n"), @"");
}

#[test]
fn a_pause_for_nothing() {
    assert_snapshot!(said("    - {command: a, delay: 5}\n"), @"");
}

#[test]
fn a_file_that_imports_itself() {
    assert_snapshot!(said("    - import_tasks: tasks/l.yml\n"), @"");
}

#[test]
fn a_wrong_argument_of_a_command() {
    assert_snapshot!(said("    - {command: {cmd: a, create: /b}}\n"), @"");
}

/// What is only sometimes there may be asked for with care.
#[test]
fn care_is_taken_at_its_word() {
    let mut library = Library::default();
    let text = "- {name: P, hosts: all, tasks: [{command: 'a {{ x | default(1) }}', when: y is defined}]}";
    library.playbooks.insert("t.yml".to_owned(), text.to_owned());
    let templates = Templates::new(&library).unwrap();
    let playbook = load(&library, "t.yml", &templates).unwrap();
    explained(&playbook, &cluster(Flavor::MariaDb, 2), &[]).unwrap();
}
