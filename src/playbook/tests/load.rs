//! Every mistake that a playbook can have is found at load, at its place, with the way out.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use crate::playbook::{
    Batch, Library, Loop, Pattern, PlaybookError, RunOn, Serial, Templates, load,
};
use crate::yaml::Paint;

fn library(files: &[(&str, &str)]) -> Library {
    let texts = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Library {
        playbooks: texts.collect(),
        templates: BTreeMap::new(),
        files: BTreeMap::new(),
        paths: BTreeMap::new(),
    }
}

fn loaded(files: &[(&str, &str)]) -> Result<crate::playbook::Playbook, PlaybookError> {
    let library = library(files);
    let templates = Templates::new(&library).unwrap();
    load(&library, "site.yml", &templates)
}

/// What is said of one task, given as lines below `tasks:`.
fn mistake(task: &str) -> String {
    let head = "- name: Play\n  hosts: all\n  tasks:\n";
    let tail = "  handlers:\n    - name: Known\n      mysql_canary: {}\n";
    drawn(&format!("{head}{task}{tail}"))
}

fn drawn(text: &str) -> String {
    match loaded(&[("site.yml", text), ("tasks/a.yml", "[]")]) {
        Err(PlaybookError::Invalid(found)) => found.render(Paint::Plain),
        Err(other) => other.to_string(),
        Ok(_) => panic!("nothing is wrong with {text}"),
    }
}

#[test]
fn an_unknown_key_of_a_task() {
    assert_snapshot!(mistake("    - name: T\n      mysql_admin: {}\n      wen: primary\n"), @r#"
error: unknown key `wen`
 --> playbooks/site.yml:6:7
  |
6 |       wen: primary
  |       ^^^ not a key that belongs here
  |
  = help: did you mean `when`?
"#);
}

#[test]
fn an_unknown_module() {
    assert_snapshot!(mistake("    - {name: T, mysql_sed: {}}\n"), @r#"
error: unknown key `mysql_sed`
 --> playbooks/site.yml:4:17
  |
4 |     - {name: T, mysql_sed: {}}
  |                 ^^^^^^^^^ not a key that belongs here
  |
  = help: did you mean `mysql_seed`?
"#);
}

#[test]
fn a_wrong_argument() {
    assert_snapshot!(mistake("    - service: {name: a.service, state: runing}\n"), @r#"
error: `state` must be one of started, stopped, restarted, units_reloaded
 --> playbooks/site.yml:4:41
  |
4 |     - service: {name: a.service, state: runing}
  |                                         ^^^^^^ not one of them
"#);
}

#[test]
fn an_unknown_argument() {
    assert_snapshot!(mistake("    - template: {src: a, dest: /a, owner: root, modus: '0600'}\n"), @r#"
error: unknown key `modus`
 --> playbooks/site.yml:4:49
  |
4 |     - template: {src: a, dest: /a, owner: root, modus: '0600'}
  |                                                 ^^^^^ not a key that belongs here
  |
  = help: known keys here: src, dest, owner, group, mode
"#);
}

#[test]
fn a_missing_argument() {
    assert_snapshot!(mistake("    - template: {src: a}\n"), @r#"
error: `template` has no `dest`
 --> playbooks/site.yml:4:7
  |
4 |     - template: {src: a}
  |       ^^^^^^^^ `dest` belongs in here
  |
  = help: add `dest: …`
"#);
}

#[test]
fn two_modules() {
    assert_snapshot!(mistake("    - name: T\n      mysql_admin: {}\n      mysql_seed: {}\n"), @r#"
error: a task with two modules
 --> playbooks/site.yml:4:7
  |
4 |     - name: T
  |       ^^^^
  |
  = help: a task has exactly one of: package, template, copy, file, service, sysctl, command, shell, wait_for, assert, mysql_config, mysql_admin, mysql_variables, mysql_user, mysql_query, mysql_seed, mysql_replica, mysql_canary, vip, import_tasks, block
"#);
}

#[test]
fn no_module() {
    assert_snapshot!(mistake("    - name: T\n      run_on: primary\n"), @r#"
error: a task without a module
 --> playbooks/site.yml:4:7
  |
4 |     - name: T
  |       ^^^^
  |
  = help: a task has exactly one of: package, template, copy, file, service, sysctl, command, shell, wait_for, assert, mysql_config, mysql_admin, mysql_variables, mysql_user, mysql_query, mysql_seed, mysql_replica, mysql_canary, vip, import_tasks, block
"#);
}

#[test]
fn an_unknown_handler() {
    assert_snapshot!(mistake("    - {mysql_admin: {}, notify: Unknown}\n"), @r#"
error: no handler `Unknown` in this play
 --> playbooks/site.yml:1:3
  |
1 | - name: Play
  |   ^^^^ notified by the task at playbooks/site.yml:4:7
  |
  = help: the play's handlers are: Known
"#);
}

#[test]
fn an_expression_that_is_none() {
    assert_snapshot!(mistake("    - {mysql_admin: {}, when: 'a ==='}\n"), @r#"
error: `a ===`, line 1: unexpected `=`
 --> playbooks/site.yml:4:31
  |
4 |     - {mysql_admin: {}, when: 'a ==='}
  |                               ^^^^^^^
"#);
}

#[test]
fn an_unknown_part_of_the_hosts() {
    assert_snapshot!(mistake("    - {mysql_admin: {}, run_on: master}\n"), @r#"
error: `run_on` must be one of all, each, primary, replicas
 --> playbooks/site.yml:4:33
  |
4 |     - {mysql_admin: {}, run_on: master}
  |                                 ^^^^^^ not one of them
"#);
}

#[test]
fn no_hosts_at_a_time() {
    assert_snapshot!(drawn("- {name: Play, hosts: all, serial: 0}\n"), @r#"
error: no hosts at a time
 --> playbooks/site.yml:1:36
  |
1 | - {name: Play, hosts: all, serial: 0}
  |                                    ^
  |
  = help: write `serial: 1` or leave it out
"#);
}

#[test]
fn sizes_that_are_none() {
    let serial = |value: &str| drawn(&format!("- {{name: Play, hosts: all, serial: {value}}}\n"));
    assert_snapshot!(serial("[1, -2, 101%, 0%, '{{ n }}']"), @r"
    error: fewer than no hosts at a time
     --> playbooks/site.yml:1:40
      |
    1 | - {name: Play, hosts: all, serial: [1, -2, 101%, 0%, '{{ n }}']}
      |                                        ^^
      |
      = help: write `serial: 1` or leave it out

    error: more than all of the hosts
     --> playbooks/site.yml:1:44
      |
    1 | - {name: Play, hosts: all, serial: [1, -2, 101%, 0%, '{{ n }}']}
      |                                            ^^^^
      |
      = help: write 100% at most, or leave `serial` out

    error: no hosts at a time
     --> playbooks/site.yml:1:50
      |
    1 | - {name: Play, hosts: all, serial: [1, -2, 101%, 0%, '{{ n }}']}
      |                                                  ^^
      |
      = help: write `serial: 1` or leave it out

    error: not a number of hosts
     --> playbooks/site.yml:1:54
      |
    1 | - {name: Play, hosts: all, serial: [1, -2, 101%, 0%, '{{ n }}']}
      |                                                      ^^^^^^^^^
      |
      = help: write a number (`2`), a part of the hosts (`30%`) or a list of these (`[1, 50%]`)
    ");
    assert_snapshot!(serial("[]"), @r"
    error: a list of no batches
     --> playbooks/site.yml:1:36
      |
    1 | - {name: Play, hosts: all, serial: []}
      |                                    ^^
      |
      = help: write a size in it (`[1, 50%]`), or leave `serial` out
    ");
    assert_snapshot!(serial("-1"), @r"
    error: fewer than no hosts at a time
     --> playbooks/site.yml:1:36
      |
    1 | - {name: Play, hosts: all, serial: -1}
      |                                    ^^
      |
      = help: write `serial: 1` or leave it out
    ");
    assert_snapshot!(serial("{a: 1}"), @r"
    error: `serial` must be a number, a percentage or a list of these
     --> playbooks/site.yml:1:36
      |
    1 | - {name: Play, hosts: all, serial: {a: 1}}
      |                                    ^^^^^^ found keys with values
    ");
    assert_snapshot!(serial("[[1]]"), @r"
    error: `serial` must be text or a number
     --> playbooks/site.yml:1:37
      |
    1 | - {name: Play, hosts: all, serial: [[1]]}
      |                                     ^^^ found a list
    ");
    assert_snapshot!(serial("0.5"), @r"
    error: `serial` must be a number, a percentage or a list of these
     --> playbooks/site.yml:1:36
      |
    1 | - {name: Play, hosts: all, serial: 0.5}
      |                                    ^^^ found a number with a fraction
    ");
}

#[test]
fn a_missing_file_of_tasks() {
    assert_snapshot!(mistake("    - import_tasks: tasks/b.yml\n"), @r#"
no playbook `tasks/b.yml`; there are: site.yml, tasks/a.yml
"#);
}

#[test]
fn a_missing_playbook() {
    let said = match load(&library(&[("a.yml", "[]")]), "site.yml", &templates()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it is not there"),
    };
    assert_snapshot!(said, @r#"
no playbook `site.yml`; there are: a.yml
"#);
}

fn templates() -> Templates {
    Templates::new(&Library::default()).unwrap()
}

#[test]
fn a_playbook_is_read_as_it_is_written() {
    let text = "- name: Play\n  hosts: 'all,!db3'\n  serial: 2\n  tasks:\n    \
                - {import_tasks: tasks/a.yml}\n    \
                - {name: T, run_on: primary, mysql_user: {account: '{{ item }}'}, loop: [admin], notify: H}\n  \
                handlers:\n    - {name: H, mysql_canary: {}}\n";
    let tasks = "- {name: A, mysql_admin: {}, when: replicas}\n- mysql_seed: {}\n";
    let playbook = loaded(&[("site.yml", text), ("tasks/a.yml", tasks)]).unwrap();
    let [play] = playbook.plays.as_slice() else {
        panic!("{playbook:?}")
    };
    assert_eq!(play.hosts, Pattern::parse("all,!db3"));
    assert_eq!(play.serial, Serial::Batches(vec![Batch::Hosts(2)]));
    let [a, seed, t] = play.tasks.as_slice() else {
        panic!("{play:?}")
    };
    assert_eq!(a.place.to_string(), "playbooks/tasks/a.yml:1:3");
    assert_eq!(a.when, ["replicas"]);
    // A task without a name goes by its place.
    assert_eq!(seed.name, "playbooks/tasks/a.yml:2:3");
    assert_eq!(
        (t.run_on, &t.items),
        (RunOn::Primary, &Loop::Items(vec!["admin".into()]))
    );
    assert_eq!(t.notify, ["H"]);
}
