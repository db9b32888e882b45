//! Mistakes in accounts, passwords, settings and ssh, as a person sees them.

use insta::assert_snapshot;

use super::{instead, with};

#[test]
fn wrong_passwords() {
    assert_snapshot!(instead("env:REPL_PASSWORD", "s3cret"), @r"
    error: a password is written in the inventory
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: ********}
      |                                       ^^^^^^^^ anyone who reads this file has it
      |
      = help: write where it is: `env:NAME`, `file:PATH` or `cmd:COMMAND`
    ");
    assert_snapshot!(instead("env:REPL_PASSWORD", "env:NONE"), @r#"
    error: the environment variable NONE is not set
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "env:NONE"}
      |                                       ^^^^^^^^^^ no password from here
      |
      = help: set it before running hactl: export NONE=…
    "#);
    assert_snapshot!(instead("env:REPL_PASSWORD", "env:EMPTY"), @r#"
    error: the environment variable EMPTY is empty
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "env:EMPTY"}
      |                                       ^^^^^^^^^^^ no password from here
      |
      = help: put the password there
    "#);
    assert_snapshot!(instead("env:REPL_PASSWORD", "env:TWO_LINES"), @r#"
    error: the environment variable TWO_LINES holds no single line of text
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "env:TWO_LINES"}
      |                                       ^^^^^^^^^^^^^^^ no password from here
      |
      = help: a password is one line of text
    "#);
    assert_snapshot!(instead("env:REPL_PASSWORD", "env:LONG"), @r#"
    error: the replication password is too long
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "env:LONG"}
      |                                       ^^^^^^^^^^ more than 32 characters
      |
      = help: choose a shorter one: replicas can log in with at most 32 characters
    "#);
    assert_snapshot!(instead("env:REPL_PASSWORD", "env:"), @r#"
    error: nothing follows `env:`
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "env:"}
      |                                       ^^^^^^ where is the password?
      |
      = help: write `env:NAME`, `file:PATH` or `cmd:COMMAND`
    "#);
    assert_snapshot!(instead("env:REPL_PASSWORD", "file:open"), @r#"
    error: /etc/hactl/open can be read or changed by others (mode 0644)
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: "file:open"}
      |                                       ^^^^^^^^^^^ no password from here
      |
      = help: run: chmod 600 /etc/hactl/open
    "#);
    assert_snapshot!(instead("\"env:REPL_PASSWORD\"", "5"), @r"
    error: `password` must be text
     --> inventory.yml:4:39
      |
    4 |   replication: {user: repl, password: ********}
      |                                       ^^^^^^^^ found a whole number
    ");
    assert_snapshot!(instead("password: \"env:REPL_PASSWORD\"", "pasword: s3cret"), @r"
    error: unknown key `pasword`
     --> inventory.yml:4:29
      |
    4 |   replication: {user: repl, pasword: ********}
      |                             ^^^^^^^ not a key that belongs here
      |
      = help: did you mean `password`?
    ");
    assert_snapshot!(instead("password: \"env:REPL_PASSWORD\"", "pw: s3cret"), @r"
    error: unknown key `pw`
     --> inventory.yml:4:29
      |
    4 |   replication: {user: repl, pw: ********}
      |                             ^^ not a key that belongs here
      |
      = help: known keys here: user, host, password
    ");
    assert_snapshot!(instead("{user: repl, password: \"env:REPL_PASSWORD\"}", "s3cret"), @r"
    error: `replication` must be keys with values
     --> inventory.yml:4:16
      |
    4 |   replication: ********
      |                ^^^^^^^^ found text
      |
      = help: write `key: value` lines below it, indented, or `{key: value}`
    ");
}

#[test]
fn wrong_accounts() {
    assert_snapshot!(instead("user: repl", "user: root"), @r#"
    error: `root` is the server's own account
     --> inventory.yml:4:23
      |
    4 |   replication: {user: root, password: "env:REPL_PASSWORD"}
      |                       ^^^^ hactl would change its password
      |
      = help: choose a user that hactl may make: hactl
    "#);
    assert_snapshot!(instead("user: repl", "user: monitor"), @r#"
    error: `replication` and `monitor` are one account, 'monitor'@'%'
     --> inventory.yml:5:19
      |
    4 |   replication: {user: monitor, password: "env:REPL_PASSWORD"}
      |                       ------- this one
    5 |   monitor: {user: monitor, password: "env:MONITOR_PASSWORD"}
      |                   ^^^^^^^ the same as
      |
      = help: give each its own user: they have different passwords and privileges
    "#);
    assert_snapshot!(instead("user: repl", "user: \"a'b\", host: \"a b\""), @r#"
    error: not a user's name
     --> inventory.yml:4:23
      |
    4 |   replication: {user: "a'b", host: "a b", password: "env:REPL_PASSWORD"}
      |                       ^^^^^ 1 to 32 letters, digits, `_`, `-`, `.`
      |
      = help: write one like `repl`

    error: not a host that may log in
     --> inventory.yml:4:36
      |
    4 |   replication: {user: "a'b", host: "a b", password: "env:REPL_PASSWORD"}
      |                                    ^^^^^ not a pattern
      |
      = help: write `%`, an address, a pattern like 192.0.2.%, or 192.0.2.0/255.255.255.0
    "#);
}

#[test]
fn wrong_settings() {
    assert_snapshot!(
        instead("flavor: mariadb", "flavor: mariadb, settings: {log-bin: x, rpl_semi_sync_master_enabled: 1, \"A B\": 1, a-b: 1, a_b: 2}"),
        @r#"
    error: `log-bin` is set by hactl
     --> inventory.yml:2:38
      |
    2 | server: {flavor: mariadb, settings: {log-bin: x, rpl_semi_sync_master_enabled: 1, "A B": 1, a-b: 1, a_b: 2}}
      |                                      ^^^^^^^ every host must be able to become the primary
      |
      = help: remove it; hactl sets it on every host

    error: `rpl_semi_sync_master_enabled` is set by hactl
     --> inventory.yml:2:50
      |
    2 | server: {flavor: mariadb, settings: {log-bin: x, rpl_semi_sync_master_enabled: 1, "A B": 1, a-b: 1, a_b: 2}}
      |                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ semi-sync follows the topology and `durability`
      |
      = help: use `durability: lossless` or `available`

    error: not a setting's name
     --> inventory.yml:2:83
      |
    2 | server: {flavor: mariadb, settings: {log-bin: x, rpl_semi_sync_master_enabled: 1, "A B": 1, a-b: 1, a_b: 2}}
      |                                                                                   ^^^^^ not in [a-z0-9_-]
      |
      = help: write the name as my.cnf has it: innodb_buffer_pool_size

    error: `a_b` is given twice
     --> inventory.yml:2:101
      |
    2 | server: {flavor: mariadb, settings: {log-bin: x, rpl_semi_sync_master_enabled: 1, "A B": 1, a-b: 1, a_b: 2}}
      |                                                                                                     ^^^ `-` and `_` are the same to the server
      |
      = help: keep one
    "#
    );
    assert_snapshot!(instead("192.0.2.2", "192.0.2.2, settings: {read_only: true, sql_mode: \"a\\nb\"}"), @r#"
    error: `read_only` is set by hactl
      --> inventory.yml:10:40
       |
    10 |   db2: {address: 192.0.2.2, settings: {read_only: true, sql_mode: "a\nb"}}
       |                                        ^^^^^^^^^ which server may be written to is decided while the cluster runs, never in a file
       |
       = help: remove it; `primary: true` names the first primary, `hactl switchover` moves it

    error: not a setting's value
      --> inventory.yml:10:67
       |
    10 |   db2: {address: 192.0.2.2, settings: {read_only: true, sql_mode: "a\nb"}}
       |                                                                   ^^^^^^ a line break or a control character
       |
       = help: write one line of text
    "#);
}

#[test]
fn wrong_ssh() {
    assert_snapshot!(with("ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: \"\"}\n"), @r#"
    error: not a login name
     --> inventory.yml:7:13
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: ""}
      |             ^^ ssh would not take it
      |
      = help: write a login name: root, admin

    error: not a port
     --> inventory.yml:7:23
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: ""}
      |                       ^ nothing can listen on 0
      |
      = help: write 1 to 65535

    error: not a host to jump over
     --> inventory.yml:7:32
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: ""}
      |                                ^^^^^^^^^^^^^^^^ ssh would not take it
      |
      = help: write `[user@]host[:port]`, several separated by commas

    error: not a time to wait
     --> inventory.yml:7:67
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: ""}
      |                                                                   ^^ 1s to 5m, in whole seconds
      |
      = help: add the unit: 10s

    error: `key` is empty
     --> inventory.yml:7:76
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 10, key: ""}
      |                                                                            ^^ no path
      |
      = help: write the path of a file, or remove the key
    "#);
    assert_snapshot!(with("ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}\n"), @r"
    error: not a login name
     --> inventory.yml:7:13
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}
      |             ^^ ssh would not take it
      |
      = help: write a login name: root, admin

    error: not a port
     --> inventory.yml:7:23
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}
      |                       ^ nothing can listen on 0
      |
      = help: write 1 to 65535

    error: not a host to jump over
     --> inventory.yml:7:32
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}
      |                                ^^^^^^^^^^^^^^^^ ssh would not take it
      |
      = help: write `[user@]host[:port]`, several separated by commas

    error: not a time to wait
     --> inventory.yml:7:67
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}
      |                                                                   ^^ 1s to 5m, in whole seconds
      |
      = help: write 10s, or 1m

    error: `~` cannot be expanded
     --> inventory.yml:7:76
      |
    7 | ssh: {user: -x, port: 0, jump: -oProxyCommand=x, connect_timeout: 9h, key: ~you/x}
      |                                                                            ^^^^^^ HOME is not set, or not you
      |
      = help: write the whole path
    ");
    assert_snapshot!(with("vars: {a-b: 1}\n"), @r"
    error: not a variable's name
     --> inventory.yml:7:8
      |
    7 | vars: {a-b: 1}
      |        ^^^ templates could not name it
      |
      = help: use letters, digits and `_`, and no digit first
    ");
}
