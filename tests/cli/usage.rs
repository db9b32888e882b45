//! A command line that is wrong: exit 2, and nothing was looked at.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use super::Folder;

#[test]
fn unknown_flag() {
    let folder = Folder::good();
    let run = folder.hactl(&["--nosuch"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: unexpected argument '--nosuch' found

Usage: hactl [OPTIONS] <COMMAND>

For more information, try '--help'.
"#);
}

#[test]
fn unknown_command() {
    let folder = Folder::good();
    let run = folder.hactl(&["verfy"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: unrecognized subcommand 'verfy'

  tip: a similar subcommand exists: 'verify'

Usage: hactl [OPTIONS] <COMMAND>

For more information, try '--help'.
"#);
}

#[test]
fn a_duration_without_a_unit() {
    let folder = Folder::good();
    let run = folder.hactl(&["verify", "--wait", "5"]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    error: invalid value '5' for '--wait <DURATION>': write a number and a unit: 500ms, 30s, 5m, 1h

    For more information, try '--help'.
    ");
}

#[test]
fn detailed_exit_codes_belong_to_check() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--detailed-exitcode"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: the following required arguments were not provided:
  --check

Usage: hactl bootstrap --check --detailed-exitcode

For more information, try '--help'.
"#);
}

#[test]
fn a_host_that_is_not_there() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--check", "--reseed", "nosuch"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: no host `nosuch` in the inventory
hint: host names are the keys under `hosts:`
"#);
}

#[test]
fn a_host_name_that_cannot_be() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--check", "--reseed", "-x"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: unexpected argument '-x' found

Usage: hactl bootstrap [OPTIONS]

For more information, try '--help'.
"#);
}

#[test]
fn a_host_that_nobody_knows() {
    let folder = Folder::good();
    let run = folder.hactl(&["switchover", "--to", "db9"]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    error: no host `db9` in the inventory
    hint: host names are the keys under `hosts:`
    ");
}

#[test]
fn a_wait_without_unit() {
    let folder = Folder::good();
    let run = folder.hactl(&["switchover", "--max-wait", "10"]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    error: invalid value '10' for '--max-wait <DURATION>': write a number and a unit: 500ms, 30s, 5m, 1h

    For more information, try '--help'.
    ");
}

#[test]
fn a_rejoin_of_nobody() {
    let folder = Folder::good();
    let run = folder.hactl(&["rejoin"]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <HOST>

    Usage: hactl rejoin <HOST>

    For more information, try '--help'.
    ");
}

#[test]
fn half_a_maintenance() {
    let folder = Folder::good();
    let run = folder.hactl(&["maintenance", "pause"]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    error: invalid value 'pause' for '<STATE>'
      [possible values: on, off]

    For more information, try '--help'.
    ");
}

#[test]
fn a_password_is_asked_for_and_nobody_is_there() {
    let folder = Folder::instead(&[("{port: 1}", "{port: 1, become: sudo}")]);
    let run = folder.hactl(&["verify", "-K"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: -K asks for a password, and there is no terminal to ask on
hint: name it in the inventory: `ssh: {become_password: "env:NAME"}`
"#);
}

#[test]
fn a_password_is_asked_for_and_nothing_wants_it() {
    let run = Folder::good().hactl(&["verify", "-K"]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
error: -K asks for sudo's password, and no host is reached by sudo
hint: set `ssh: {user: NAME, become: sudo}` in the inventory, or leave -K out
"#);
}

/// On a terminal, which must not show the password, and must show what is typed afterwards.
#[test]
fn a_password_that_is_typed_is_not_shown() {
    let folder = Folder::instead(&[("{port: 1}", "{port: 1, become: sudo}")]);
    let hactl = env!("CARGO_BIN_EXE_hactl");
    let mut terminal = Command::new("script")
        .args(["-qec", &format!("{hactl} status -K; stty -a"), "/dev/null"])
        .current_dir(folder.0.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.0.path())
        .envs([("REPL", "a"), ("MONITOR", "b"), ("ADMIN", "c")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = terminal.stdout.take().unwrap();
    let mut shown = Vec::new();
    let mut byte = [0];
    while !shown.ends_with(b"sudo password on db1: ") && screen.read(&mut byte).unwrap() > 0 {
        shown.push(byte[0]);
    }
    let mut keys = terminal.stdin.take().unwrap();
    keys.write_all(b"hunter2\n").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    drop(keys);
    terminal.wait().unwrap();
    let shown = String::from_utf8_lossy(&shown);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("Connection refused"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
}
