//! Ansible's words for how a host is reached.

use std::path::PathBuf;

use insta::assert_snapshot;

use super::{HEAD, instead, parse, with};
use crate::inventory::{Become, Inventory};

/// Host by host, both ways to write it give one cluster: the value, the overlay over what is said for all, and
/// what is derived from the address.
#[test]
fn ansibles_words_mean_the_own_ones() {
    let all = "ssh: {user: admin, port: 2222, become: sudo}\n";
    let own = "\
hosts:
  db1: {address: 192.0.2.1, primary: true}
  db2: {address: db2.example.com, port: 3307, ssh: {port: 2201, user: ops, key: keys/id, become: none}}
  db3: {address: 192.0.2.3, ssh: {jump: a@b, user: me, become: sudo}}
";
    let ansibles = "\
hosts:
  db1: {ansible_host: 192.0.2.1, primary: true}
  db2:
    ansible_port: 2201
    ansible_user: ops
    ansible_host: db2.example.com
    ansible_become: false
    ansible_ssh_private_key_file: keys/id
    port: 3307
  db3: {ansible_host: 192.0.2.3, ssh: {jump: a@b}, ansible_user: me, ansible_become: 'yes'}
";
    let theirs = parse(&format!("{HEAD}{all}{ansibles}")).unwrap();
    assert_eq!(
        theirs.hosts,
        parse(&format!("{HEAD}{all}{own}")).unwrap().hosts
    );
    let db2 = &theirs.hosts["db2"];
    assert_eq!((db2.port, db2.ssh.port), (3307, Some(2201)));
    assert_eq!(db2.ssh.key, Some(PathBuf::from("/etc/hactl/keys/id")));
    assert_eq!(db2.ssh.become_root, Become::Never);
    // The servers find each other where ssh finds them.
    assert_eq!(db2.address, db2.ssh.address);
    assert_eq!(theirs.hosts["db3"].ssh.become_root, Become::Sudo);
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.2:22"), @r"
    error: not a host's address
      --> inventory.yml:10:23
       |
    10 |   db2: {ansible_host: 192.0.2.2:22}
       |                       ^^^^^^^^^^^^ expected one address
       |
       = help: write the port apart, as `port: …` (ssh's as `ssh: {port: …}`)
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.2, ansible_port: x"), @r"
    error: `port` must be a whole number from 0 to 65535
      --> inventory.yml:10:48
       |
    10 |   db2: {ansible_host: 192.0.2.2, ansible_port: x}
       |                                                ^ found text
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.2, ansible_port: 0, ansible_user: -l"), @r"
    error: not a port
      --> inventory.yml:10:48
       |
    10 |   db2: {ansible_host: 192.0.2.2, ansible_port: 0, ansible_user: -l}
       |                                                ^ nothing can listen on 0
       |
       = help: write 1 to 65535

    error: not a login name
      --> inventory.yml:10:65
       |
    10 |   db2: {ansible_host: 192.0.2.2, ansible_port: 0, ansible_user: -l}
       |                                                                 ^^ ssh would not take it
       |
       = help: write a login name: root, admin
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.2, ansible_become: su"), @r"
    error: `ansible_become` must be true or false
      --> inventory.yml:10:50
       |
    10 |   db2: {ansible_host: 192.0.2.2, ansible_become: su}
       |                                                  ^^
       |
       = help: write true to become root by sudo, or remove the line
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.2, ansible_user: a, ssh: admin"), @r"
    error: `ssh` must be keys with values
      --> inventory.yml:10:56
       |
    10 |   db2: {ansible_host: 192.0.2.2, ansible_user: a, ssh: admin}
       |                                                        ^^^^^ found text
       |
       = help: write `key: value` lines below it, indented, or `{key: value}`
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_host: 192.0.2.1"), @r"
    error: db1 and db2 have one address
      --> inventory.yml:10:23
       |
     9 |   db1: {address: 192.0.2.1, primary: true}
       |                  --------- this one
    10 |   db2: {ansible_host: 192.0.2.1}
       |                       ^^^^^^^^^ the same as
       |
       = help: give each host its own address
    ");
    assert_snapshot!(instead("address: 192.0.2.2", "ansible_user: a"), @r"
    error: `db2` has no `address`
      --> inventory.yml:10:3
       |
    10 |   db2: {ansible_user: a}
       |   ^^^ `address` belongs in here
       |
       = help: add `address: …`
    ");
}

#[test]
fn both_names_are_one_too_many() {
    assert_snapshot!(instead("address: 192.0.2.2", "address: 192.0.2.2, ansible_host: 192.0.2.2"), @r"
    error: `ansible_host` beside `address: …` at db2
      --> inventory.yml:10:29
       |
    10 |   db2: {address: 192.0.2.2, ansible_host: 192.0.2.2}
       |         -------             ^^^^^^^^^^^^ another name for `address: …`
       |         |
       |         the same is said here
       |
       = help: keep `address: …` and remove `ansible_host`; where ssh takes another way than the servers, say so in ~/.ssh/config (`HostName`)
    ");
    assert_snapshot!(
        instead("address: 192.0.2.2", "ansible_port: 22, ansible_become: true, address: 192.0.2.2, ssh: {port: 22, become: sudo}"),
        @r"
    error: `ansible_port` beside `ssh: {port: …}` at db2
      --> inventory.yml:10:9
       |
    10 |   db2: {ansible_port: 22, ansible_become: true, address: 192.0.2.2, ssh: {port: 22, become: sudo}}
       |         ^^^^^^^^^^^^ another name for `ssh: {port: …}`                    ---- the same is said here
       |
       = help: keep `ssh: {port: …}` and remove `ansible_port`

    error: `ansible_become` beside `ssh: {become: …}` at db2
      --> inventory.yml:10:27
       |
    10 |   db2: {ansible_port: 22, ansible_become: true, address: 192.0.2.2, ssh: {port: 22, become: sudo}}
       |                           ^^^^^^^^^^^^^^ another name for `ssh: {become: …}`        ------ the same is said here
       |
       = help: keep `ssh: {become: …}` and remove `ansible_become`
    "
    );
}

#[test]
fn a_word_without_a_counterpart() {
    assert_snapshot!(instead("address: 192.0.2.2", "address: 192.0.2.2, ansible_connection: ssh"), @r"
    error: unknown key `ansible_connection`
      --> inventory.yml:10:29
       |
    10 |   db2: {address: 192.0.2.2, ansible_connection: ssh}
       |                             ^^^^^^^^^^^^^^^^^^ not one of Ansible's keys that hactl knows
       |
       = help: accepted at a host are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, ansible_become
    ");
    assert_snapshot!(
        instead("address: 192.0.2.2", "address: 192.0.2.2, ansible_become_user: root, ansible_become_password: s3cret, ansible_ssh_pass: s3cret"),
        @r#"
    error: unknown key `ansible_become_user`
      --> inventory.yml:10:29
       |
    10 |   db2: {address: 192.0.2.2, ansible_become_user: root, ansible_become_password: ********, ansible_ssh_pass: ********}
       |                             ^^^^^^^^^^^^^^^^^^^ not one of Ansible's keys that hactl knows
       |
       = help: accepted at a host are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, ansible_become

    error: unknown key `ansible_become_password`
      --> inventory.yml:10:56
       |
    10 |   db2: {address: 192.0.2.2, ansible_become_user: root, ansible_become_password: ********, ansible_ssh_pass: ********}
       |                                                        ^^^^^^^^^^^^^^^^^^^^^^^ not one of Ansible's keys that hactl knows
       |
       = help: sudo's password is named, never written: `ssh: {become: sudo, become_password: "env:NAME"}`, or -K; accepted at a host are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, ansible_become

    error: unknown key `ansible_ssh_pass`
      --> inventory.yml:10:91
       |
    10 |   db2: {address: 192.0.2.2, ansible_become_user: root, ansible_become_password: ********, ansible_ssh_pass: ********}
       |                                                                                           ^^^^^^^^^^^^^^^^ not one of Ansible's keys that hactl knows
       |
       = help: hactl logs in by key or agent, never by password; accepted at a host are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, ansible_become
    "#
    );
}

/// In Ansible they are variables, and often a group's. Here they would be variables that nobody reads.
#[test]
fn a_word_where_it_would_mean_nothing() {
    assert_snapshot!(with("ansible_user: a\nvars: {ansible_become: true, ansible_x: 1}\n"), @r"
    error: `ansible_user` means nothing here
     --> inventory.yml:7:1
      |
    7 | ansible_user: a
      | ^^^^^^^^^^^^ hactl reads it at a host only
      |
      = help: write it below each host; for all hosts: `ssh: {user: …}` at the top

    error: `ansible_become` means nothing here
     --> inventory.yml:8:8
      |
    8 | vars: {ansible_become: true, ansible_x: 1}
      |        ^^^^^^^^^^^^^^ hactl reads it at a host only
      |
      = help: write it below each host; for all hosts: `ssh: {become: …}` at the top

    error: unknown key `ansible_x`
     --> inventory.yml:8:30
      |
    8 | vars: {ansible_become: true, ansible_x: 1}
      |                              ^^^^^^^^^ not one of Ansible's keys that hactl knows
      |
      = help: accepted at a host are ansible_host, ansible_port, ansible_user, ansible_ssh_private_key_file, ansible_become
    ");
    let text = instead(
        "address: 192.0.2.2}",
        "address: 192.0.2.2, ssh: {ansible_port: 1}, vars: {ansible_host: 192.0.2.9}, groups: [g]}\ngroups: {g: {vars: {ansible_ssh_private_key_file: id}}}\nx:",
    );
    assert_snapshot!(text, @r"
    error: `ansible_port` means nothing here
      --> inventory.yml:10:35
       |
    10 |   db2: {address: 192.0.2.2, ssh: {ansible_port: 1}, vars: {ansible_host: 192.0.2.9}, groups: [g]}
       |                                   ^^^^^^^^^^^^ hactl reads it at a host only
       |
       = help: write it below each host; for all hosts: `ssh: {port: …}` at the top

    error: `ansible_host` means nothing here
      --> inventory.yml:10:60
       |
    10 |   db2: {address: 192.0.2.2, ssh: {ansible_port: 1}, vars: {ansible_host: 192.0.2.9}, groups: [g]}
       |                                                            ^^^^^^^^^^^^ hactl reads it at a host only
       |
       = help: write it below each host

    error: `ansible_ssh_private_key_file` means nothing here
      --> inventory.yml:11:21
       |
    11 | groups: {g: {vars: {ansible_ssh_private_key_file: id}}}
       |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ hactl reads it at a host only
       |
       = help: write it below each host; for all hosts: `ssh: {key: …}` at the top
    ");
}

#[test]
fn an_editor_offers_them() {
    let schema = Inventory::schema().to_value();
    let host = &schema["$defs"]["Host"];
    let port = &host["properties"]["ansible_port"];
    assert_eq!(port["type"], serde_json::json!(["integer", "null"]));
    let required = host["oneOf"].to_string();
    assert!(required.contains("ansible_host"), "{required}");
    assert_eq!(host["required"], serde_json::Value::Null);
}
