//! Playbooks and templates of the user's own, found wrong before any host is touched.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn a_missing_folder() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--check", "--playbooks", "nosuch"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: cannot read nosuch
  caused by: No such file or directory (os error 2)
hint: name a folder that exists and can be read
"#);
}

#[test]
fn a_wrong_playbook() {
    let folder = Folder::good().and("mine/bootstrap.yml", "- name: Mine\n  hosts: all\n  tasks:\n    - name: Both\n      package: {name: a}\n      vip: {state: present}\n      notify: Nobody\n");
    let run = folder.hactl(&["bootstrap", "--check", "--playbooks", "mine"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: a task with two modules
 --> playbooks/bootstrap.yml:4:7
  |
4 |     - name: Both
  |       ^^^^
  |
  = help: a task has exactly one of: package, template, copy, file, service, sysctl, command, shell, wait_for, assert, mysql_config, mysql_admin, mysql_variables, mysql_user, mysql_query, mysql_seed, mysql_replica, mysql_canary, vip, import_tasks, block
"#);
}

#[test]
fn a_wrong_template() {
    let folder = Folder::good().and("mine/my.cnf.j2", "read_only = {{ nosuch.key }}\n");
    let run = folder.hactl(&["bootstrap", "--check", "--templates", "mine"]);
    assert_snapshot!(run, @r#"
    exit 1
    --- stderr
    error: the playbook cannot be used
      caused by: playbooks/tasks/server.yml:62:3: task "Server configuration" on db1
      caused by: templates/my.cnf.j2, line 1: `nosuch` is undefined
    "#);
}

const BOOK: &str = "- name: Mine
  hosts: all
  tasks:
    - {name: Note, copy: {content: \"{{ note }}\", dest: /srv/note}, tags: [notes]}
    - {import_tasks: tasks/more.yml}
";

fn with_book() -> Folder {
    Folder::good().and("book/site.yml", BOOK).and(
        "book/tasks/more.yml",
        "- {name: More, command: date, register: d, when: nosuch}\n",
    )
}

#[test]
fn a_playbook_of_ones_own_is_wrong_at_its_place() {
    let folder = with_book();
    let run = folder.hactl(&["run", "book/site.yml", "--check", "-e", "note=x"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: nothing is called `nosuch`
 --> book/tasks/more.yml:1:50
  |
1 | - {name: More, command: date, register: d, when: nosuch}
  |                                                  ^^^^^^
  |
  = help: set it under `vars:`, by `register:` of an earlier task, in the inventory, or with -e nosuch=…
"#);
}

#[test]
fn tasks_and_hosts_are_listed_without_a_connection() {
    let folder = with_book().and("book/tasks/more.yml", "- {name: More, command: date}\n");
    let run = folder.hactl(&["run", "book/site.yml", "--list-tasks", "-e", "note=x"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Mine (hosts: all)
  Note  [notes]
  More
"#);
    let run = folder.hactl(&[
        "run",
        "book/site.yml",
        "--list-hosts",
        "-e",
        "note=x",
        "--limit",
        "!db1",
    ]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Mine (hosts: all): none
"#);
}

#[test]
fn what_is_picked_and_not_there_is_refused() {
    let folder = with_book().and("book/tasks/more.yml", "[]\n");
    for (picked, said) in [
        (
            ["--limit", "db1,nosuch"],
            "no host or group `nosuch` in the inventory",
        ),
        (["--tags", "note"], "no task has the tag `note`"),
        (["--start-at", "Notes"], "no task `Notes` in this playbook"),
        (["-e", "host=x"], "a name of hactl's own"),
    ] {
        let words = ["run", "book/site.yml", "--check", "-e", "note=x"];
        let run = folder.hactl(&[&words[..], &picked].concat());
        assert!(run.starts_with("exit 2") && run.contains(said), "{run}");
    }
    let run = folder.hactl(&["run", "nosuch", "--check"]);
    assert!(
        run.contains("no playbook `nosuch`; there are: add-host.yml, "),
        "{run}"
    );
}
