//! An inventory that cannot be used: exit 1, the place and the way out.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn a_missing_inventory() {
    let folder = Folder::without_inventory();
    let run = folder.hactl(&["verify"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: cannot read the inventory inventory.yml: No such file or directory (os error 2)
  |
  = help: name the inventory with `-i FILE` or HACTL_INVENTORY=FILE
"#);
}

#[test]
fn another_missing_inventory() {
    let folder = Folder::good();
    let run = folder.hactl(&["-i", "nosuch.yml", "status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: cannot read the inventory nosuch.yml: No such file or directory (os error 2)
  |
  = help: name the inventory with `-i FILE` or HACTL_INVENTORY=FILE
"#);
}

#[test]
fn an_empty_inventory() {
    let folder = Folder::with("");
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: the inventory is empty
 --> inventory.yml:1:1
  |
1 |
  | ^
  |
  = help: write at least `cluster:`, `server:`, `accounts:` and `hosts:`; inventory.example.yml has every key explained
"#);
}

#[test]
fn an_unknown_key() {
    let folder = Folder::instead(&[("server: {", "serfer: {")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: unknown key `serfer`
 --> inventory.yml:2:1
  |
2 | serfer: {flavor: mariadb}
  | ^^^^^^ not a key that belongs here
  |
  = help: did you mean `server`?
"#);
}

#[test]
fn an_unknown_flavor() {
    let folder = Folder::instead(&[("mariadb", "oracle")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: `flavor` must be one of mariadb, mysql
 --> inventory.yml:2:18
  |
2 | server: {flavor: oracle}
  |                  ^^^^^^ not one of them
"#);
}

#[test]
fn no_primary() {
    let folder = Folder::instead(&[(", primary: true", "")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: no host is the primary
 --> inventory.yml:7:1
  |
7 | hosts:
  | ^^^^^ none of these has `primary: true`
  |
  = help: write `primary: true` at the host that has the data, or at any one of new hosts
"#);
}

#[test]
fn a_password_in_the_file() {
    let folder = Folder::instead(&[("env:REPL", "hunter2")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: a password is written in the inventory
 --> inventory.yml:4:39
  |
4 |   replication: {user: repl, password: ********}
  |                                       ^^^^^^^^ anyone who reads this file has it
  |
  = help: write where it is: `env:NAME`, `file:PATH` or `cmd:COMMAND`
"#);
}

#[test]
fn a_missing_secret() {
    let folder = Folder::instead(&[("env:REPL", "env:NOPE")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: the environment variable NOPE is not set
 --> inventory.yml:4:39
  |
4 |   replication: {user: repl, password: "env:NOPE"}
  |                                       ^^^^^^^^^^ no password from here
  |
  = help: set it before running hactl: export NOPE=…
"#);
}

#[test]
fn two_mistakes() {
    let folder = Folder::instead(&[("mariadb", "oracle"), ("127.0.0.1", "127.0.0.1/8")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: `flavor` must be one of mariadb, mysql
 --> inventory.yml:2:18
  |
2 | server: {flavor: oracle}
  |                  ^^^^^^ not one of them
"#);
}

#[test]
fn a_password_for_sudo_that_is_written() {
    let written = "ssh: {user: ops, become: sudo, become_password: hunter2}\nhosts:";
    let folder = Folder::instead(&[("hosts:", written)]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: a password is written in the inventory
 --> inventory.yml:7:49
  |
7 | ssh: {user: ops, become: sudo, become_password: ********}
  |                                                 ^^^^^^^^ anyone who reads this file has it
  |
  = help: write where it is: `env:NAME`, `file:PATH` or `cmd:COMMAND`
"#);
}

#[test]
fn a_password_for_sudo_where_there_is_none() {
    let folder = Folder::instead(&[("{port: 1}", "{port: 1, become_password: \"env:REPL\"}")]);
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 1
--- stderr
error: a password for sudo, and no sudo
 --> inventory.yml:8:76
  |
8 |   db1: {address: 127.0.0.1, primary: true, ssh: {port: 1, become_password: "env:REPL"}}
  |                                                                            ^^^^^^^^^^ never asked for
  |
  = help: write `become: sudo` beside it, or remove it
"#);
}
