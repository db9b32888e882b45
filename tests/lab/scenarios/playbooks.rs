//! A playbook of a person's own on real hosts: every module does what it says, a second run finds it done,
//! what fails is rescued, tried again or stops everybody, and a query that only asks cannot write.

use std::fs;
use std::path::Path;

use hactl_lab::Suite;

use crate::cluster::Cluster;

crate::scenarios! { core: ; mariadb: does_what_it_says; matrix: }

const BOOK: &str = r#"
- name: Files and commands
  hosts: all
  vars: {folder: /srv/mine}
  tasks:
    - {name: Folder, file: {path: "{{ folder }}", state: directory, mode: "0750"}, tags: files}
    - {name: Copied, copy: {src: note.txt, dest: "{{ folder }}/note"}, notify: Noted, tags: files}
    - {name: Rendered, template: {src: mine.j2, dest: "{{ folder }}/mine"}, tags: files}
    - {name: Link, file: {path: "{{ folder }}/link", state: link, src: note}, tags: files}
    - {name: Gone, file: {path: "{{ folder }}/old", state: absent}, tags: files}
    - name: Once
      shell: {cmd: id -un > once, chdir: "{{ folder }}", creates: "{{ folder }}/once"}
    - name: Nobody
      command: {argv: [sh, -c, "cat; id -un"], stdin: "a 'b' \"c\"\n"}
      become_user: nobody
      changed_when: false
      register: nobody
    - name: It read what it was given and was nobody
      assert: {that: "nobody.stdout_lines == ['a \\'b\\' \"c\"', 'nobody']", fail_msg: "{{ nobody.stdout }}"}
    - name: Third time
      shell: echo x >>/srv/mine/tries; test "$(wc -l </srv/mine/tries)" -ge 3
      retries: 4
      delay: 200ms
      when: host.name == 'db2' and first is defined
  handlers:
    - {name: Noted, shell: echo noted >>/srv/mine/handled}

- name: Servers
  hosts: all
  tasks:
    - {name: Listens, wait_for: {port: "{{ host.port }}", timeout: 30s}}
    - {name: Ask, mysql_query: {query: SELECT @@hostname AS name}, register: asked}
    - {name: It is this host's, assert: {that: "asked.rows[0].name == facts.hostname"}}
    - block:
        - {name: Make, mysql_query: {query: CREATE DATABASE not_asked_for}}
      rescue:
        - {name: Rescued, command: "touch /srv/mine/rescued", changed_when: false}
    - {name: Write, run_on: primary, mysql_query: {query: CREATE DATABASE IF NOT EXISTS mine, write: on}}
"#;

fn does_what_it_says(suite: Suite) {
    let cluster = Cluster::bootstrapped(suite);
    let folder = tempfile::tempdir().unwrap();
    for below in ["files", "templates"] {
        fs::create_dir(folder.path().join(below)).unwrap();
    }
    let book = folder.path().join("site.yml");
    fs::write(&book, BOOK).unwrap();
    fs::write(folder.path().join("files/note.txt"), "{{ as it is }}\n").unwrap();
    fs::write(
        folder.path().join("templates/mine.j2"),
        "{{ host.name }} of {{ cluster.size }}\n",
    )
    .unwrap();
    let book = book.to_str().unwrap();
    let read = |host: &str, path: &str| {
        let content = cluster.host(host).exec_ok(&format!("cat {path}"));
        content.unwrap().trim().to_owned()
    };

    cluster
        .hactl(&["run", book, "--check", "-e", "first=yes"])
        .exits(0)
        .says("Not known before others have run");
    cluster
        .hactl(&["run", book, "--yes", "-e", "first=yes"])
        .exits(0);
    for host in ["db1", "db2", "db3"] {
        assert_eq!(read(host, "/srv/mine/link"), "{{ as it is }}");
        assert_eq!(read(host, "/srv/mine/mine"), format!("{host} of 3"));
        assert_eq!(read(host, "/srv/mine/once"), "root");
        assert_eq!(read(host, "/srv/mine/handled"), "noted");
        let mode = cluster.host(host).exec_ok("stat -c %a /srv/mine").unwrap();
        assert_eq!(mode.trim(), "750");
        // A query that was not allowed to write did not.
        cluster
            .host(host)
            .exec_ok("test -e /srv/mine/rescued")
            .unwrap();
        cluster.await_answer(host, "SHOW DATABASES LIKE 'not_asked_for'", "");
        cluster.await_answer(host, "SHOW DATABASES LIKE 'mine'", "mine");
    }
    assert_eq!(read("db2", "/srv/mine/tries").lines().count(), 3);

    cluster
        .hactl(&[
            "run",
            book,
            "--check",
            "--tags",
            "files",
            "--detailed-exitcode",
        ])
        .exits(0);
    cluster.hactl(&["run", book, "--yes"]).exits(0);
    assert_eq!(read("db1", "/srv/mine/handled"), "noted");

    // A statement that writes is refused where it would be an errant transaction.
    let wrong = folder.path().join("wrong.yml");
    let text = "- name: Wrong\n  hosts: db2\n  tasks:\n    - mysql_query: {query: CREATE DATABASE a, write: on}\n";
    fs::write(&wrong, text).unwrap();
    cluster
        .hactl(&["run", wrong.to_str().unwrap(), "--yes"])
        .exits(6)
        .says("db2 is a replica and would be written to");

    cluster.hactl(&["run", "rolling-restart", "--yes"]).exits(0);
    cluster.hactl(&["verify"]).exits(0);
    a_server_that_starts_is_not_told_to_stop(&cluster, folder.path());
}

/// One that is told so while it starts may hang for ever: whoever restarts a unit waits for its start.
fn a_server_that_starts_is_not_told_to_stop(cluster: &Cluster, folder: &Path) {
    let book = folder.join("restart.yml");
    let text = "- name: Restart\n  hosts: db2\n  tasks:\n    - service: {name: \"{{ server.unit }}\", state: restarted}\n";
    fs::write(&book, text).unwrap();
    let host = cluster.host("db2");
    let unit = cluster.lab.suite().flavor().unit();
    let starts_slowly = format!(
        "mkdir -p /run/systemd/system/{unit}.d
         printf '[Service]\\nExecStartPost=/bin/sleep 4\\n' >/run/systemd/system/{unit}.d/slow.conf
         systemctl daemon-reload; date +%s; systemctl restart --no-block {unit}"
    );
    let begun = host.exec_ok(&starts_slowly).unwrap();
    cluster
        .hactl(&["run", book.to_str().unwrap(), "--yes"])
        .exits(0);
    let log = format!(
        "rm -r /run/systemd/system/{unit}.d; systemctl daemon-reload
         journalctl --no-pager -o cat --since @{} _PID=1 --unit {unit} | cut -d' ' -f1 | grep -E '^(Stopping|Started)'",
        begun.trim()
    );
    let told = host.exec_ok(&log).unwrap();
    let twice = ["Stopping", "Started", "Stopping", "Started"];
    assert_eq!(told.lines().collect::<Vec<_>>(), twice);
    // The unit that starts replication was told so while it ran for the start before.
    cluster.hactl(&["verify", "--wait", "60s"]).exits(0);
}
