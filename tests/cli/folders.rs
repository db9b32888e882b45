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
  = help: a task has exactly one of: package, template, service, mysql_admin, mysql_variables, mysql_user, mysql_seed, mysql_replica, mysql_canary, vip, import_tasks
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
      caused by: playbooks/tasks/server.yml:61:3: task "Server configuration" on db1
      caused by: templates/my.cnf.j2, line 1: `nosuch` is undefined
    "#);
}
