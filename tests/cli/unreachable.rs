//! A host on which nothing listens: exit 4, and the same words everywhere.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn bootstrap_check() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--check"]);
    assert_snapshot!(run, @r#"
exit 4
--- stderr
error: cannot begin: 1 obstacle must be removed first; nothing was changed
  db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
    hint: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
"#);
}

#[test]
fn bootstrap() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--yes"]);
    assert_snapshot!(run, @r#"
exit 4
--- stderr
error: cannot begin: 1 obstacle must be removed first; nothing was changed
  db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
    hint: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
"#);
}

#[test]
fn verify() {
    let folder = Folder::good();
    let run = folder.hactl(&["verify"]);
    assert_snapshot!(run, @r#"
exit 4
--- stdout
error db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
    next: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
shop: 1 error, no warnings; 37 checks on 0 of 1 hosts
"#);
}

#[test]
fn verify_for_programs() {
    let folder = Folder::good();
    let run = folder.hactl(&["verify", "--output", "json"]);
    assert_snapshot!(run, @r#"
exit 4
--- stdout
{"cluster":"shop","healthy":false,"checks":37,"findings":[{"code":"HostUnreachable","severity":"error","host":"db1","message":"127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused`","next":"the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory"}]}
"#);
}

#[test]
fn status() {
    let folder = Folder::good();
    let run = folder.hactl(&["status"]);
    assert_snapshot!(run, @r#"
exit 4
--- stdout
shop (mariadb, available)
db1 127.0.0.1:3306 primary: unreachable: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused`
"#);
}

#[test]
fn switchover() {
    let folder = Folder::good();
    let run = folder.hactl(&["switchover", "--yes"]);
    assert_snapshot!(run, @r"
    exit 4
    --- stderr
    error: cannot begin: 1 obstacle must be removed first; nothing was changed
      db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
        hint: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
    ");
}

#[test]
fn rejoin() {
    let folder = Folder::good();
    let run = folder.hactl(&["rejoin", "db1", "--yes"]);
    assert_snapshot!(run, @r"
    exit 4
    --- stderr
    error: cannot begin: 1 obstacle must be removed first; nothing was changed
      db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
        hint: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
    ");
}

#[test]
fn maintenance() {
    let folder = Folder::good();
    let run = folder.hactl(&["maintenance", "on", "--reason", "new disks"]);
    assert_snapshot!(run, @r"
    exit 4
    --- stderr
    error: cannot begin: 1 obstacle must be removed first; nothing was changed
      db1: 127.0.0.1:1: the connection was refused: `ssh: connect to host 127.0.0.1 port 1: Connection refused` [HostUnreachable]
        hint: the host answers, but no sshd listens on that port: start it (`systemctl start ssh`) or set `ssh: {port: …}` in the inventory
    ");
}
