//! The first thing that anybody sees.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn no_arguments() {
    let folder = Folder::good();
    let run = folder.hactl(&[]);
    assert_snapshot!(run, @r"
    exit 2
    --- stderr
    Declarative high availability for MySQL and MariaDB

    Usage: hactl [OPTIONS] <COMMAND>

    Commands:
      bootstrap    Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas,
                   semi-sync, VIP
      run          Carry out a playbook of your own against the inventory
      verify       Check everything and change nothing; exits with 3 when something is wrong
      status       Show the cluster as a tree
      switchover   Move the writer to another server, planned: nothing is lost, and what cannot be
                   finished is undone
      failover     Give a cluster whose primary is dead a new one; with --watch stay and do so by itself
      rejoin       Bring a failed or diverged former primary back as a replica
      maintenance  Keep watchers from acting on the cluster, or on one host, while somebody works on it
      schema       Print the JSON Schema of inventories or playbooks, for editors
      completions  Print what a shell needs to complete this command line
      man          Write the manual pages into a folder, or print the first of them
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Options of every command:
      -i, --inventory <FILE>      The inventory: what you want, in YAML [env: HACTL_INVENTORY] [default:
                                  inventory.yml]
          --output <FORMAT>       What standard output holds [default: human] [possible values: human,
                                  json, jsonl, junit]
          --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                                  changed key is refused all the same
      -K, --ask-become-pass       Ask for the password that sudo wants on the hosts, in place of
                                  `ssh.become_password`
      -v, --verbose...            Say more; twice for even more
          --color <WHEN>          When to use colours [default: auto] [possible values: auto, always,
                                  never]

    Exit codes:
      0    done, nothing to do, healthy
      1    failed before any change
      2    the command line is wrong
      3    verify found something; or --check --detailed-exitcode and changes are pending
      4    a host was unreachable, and nothing worse
      5    failed or incomplete after changes began
      6    refused by a safety rule, or another hactl is at work
      130  interrupted
    ");
}

#[test]
fn help() {
    let folder = Folder::good();
    let run = folder.hactl(&["--help"]);
    assert_snapshot!(run, @r"
    exit 0
    --- stdout
    Declarative high availability for MySQL and MariaDB.

    Reads an inventory and works on its hosts over ssh: nothing is installed there but the database
    server itself.

    Usage: hactl [OPTIONS] <COMMAND>

    Commands:
      bootstrap    Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas,
                   semi-sync, VIP
      run          Carry out a playbook of your own against the inventory
      verify       Check everything and change nothing; exits with 3 when something is wrong
      status       Show the cluster as a tree
      switchover   Move the writer to another server, planned: nothing is lost, and what cannot be
                   finished is undone
      failover     Give a cluster whose primary is dead a new one; with --watch stay and do so by itself
      rejoin       Bring a failed or diverged former primary back as a replica
      maintenance  Keep watchers from acting on the cluster, or on one host, while somebody works on it
      schema       Print the JSON Schema of inventories or playbooks, for editors
      completions  Print what a shell needs to complete this command line
      man          Write the manual pages into a folder, or print the first of them
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Options of every command:
      -i, --inventory <FILE>
              The inventory: what you want, in YAML

              [env: HACTL_INVENTORY]
              [default: inventory.yml]

          --output <FORMAT>
              What standard output holds

              Possible values:
              - human: For a person
              - json:  One JSON document at the end
              - jsonl: One JSON object per event
              - junit: For CI, of `verify` alone: XML with a test case for each check and host

              [default: human]

          --accept-new-host-keys
              Trust and remember the keys of hosts that ssh does not know yet; a changed key is refused
              all the same

      -K, --ask-become-pass
              Ask for the password that sudo wants on the hosts, in place of `ssh.become_password`

      -v, --verbose...
              Say more; twice for even more

          --color <WHEN>
              When to use colours

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never

              [default: auto]

    Exit codes:
      0    done, nothing to do, healthy
      1    failed before any change
      2    the command line is wrong
      3    verify found something; or --check --detailed-exitcode and changes are pending
      4    a host was unreachable, and nothing worse
      5    failed or incomplete after changes began
      6    refused by a safety rule, or another hactl is at work
      130  interrupted
    ");
}

#[test]
fn version() {
    let folder = Folder::good();
    let run = folder.hactl(&["--version"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
hactl 0.1.0
"#);
}

#[test]
fn bootstrap_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["bootstrap", "--help"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas, semi-sync, VIP

Looks first, shows the plan and asks. Run again, it changes what differs and nothing else; a host
added to the inventory is added to the cluster. No data is dropped without --reseed.

Usage: hactl bootstrap [OPTIONS]

Options:
      --check
          Show the plan and stop; nothing is changed

      --diff
          Show in the plan what changes inside files

  -y, --yes
          Carry the plan out without asking

      --detailed-exitcode
          With --check: exit with 3 when something would change

      --list-tasks
          List the tasks and stop; no host is asked

      --list-hosts
          List the hosts of each play and stop; hosts are only asked where a play names roles

      --reseed <HOST>
          Drop the databases of this host and load the primary's; may be given several times

      --limit <PATTERN>
          Act on these hosts only: names, groups, `replicas`, `db*`, `a,b`, `!a`; all are looked at

      --tags <TAGS>
          Only tasks with one of these tags

      --skip-tags <TAGS>
          No tasks with one of these tags

      --start-at <TASK>
          Begin at the task of this name

  -e, --extra-vars <VARS>
          A variable as NAME=TEXT, several as {name: value} or as @FILE; hides all others of its
          name

      --playbooks <DIR>
          Playbooks that replace or add to the built-in ones

      --templates <DIR>
          Templates that replace or add to the built-in ones

  -h, --help
          Print help (see a summary with '-h')

Options of every command:
  -i, --inventory <FILE>
          The inventory: what you want, in YAML

          [env: HACTL_INVENTORY]
          [default: inventory.yml]

      --output <FORMAT>
          What standard output holds

          Possible values:
          - human: For a person
          - json:  One JSON document at the end
          - jsonl: One JSON object per event
          - junit: For CI, of `verify` alone: XML with a test case for each check and host

          [default: human]

      --accept-new-host-keys
          Trust and remember the keys of hosts that ssh does not know yet; a changed key is refused
          all the same

  -K, --ask-become-pass
          Ask for the password that sudo wants on the hosts, in place of `ssh.become_password`

  -v, --verbose...
          Say more; twice for even more

      --color <WHEN>
          When to use colours

          Possible values:
          - auto:   On a terminal, unless `NO_COLOR` is set
          - always: Always
          - never:  Never

          [default: auto]
"#);
}

#[test]
fn verify_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["verify", "-h"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Check everything and change nothing; exits with 3 when something is wrong

Usage: hactl verify [OPTIONS]

Options:
      --wait <DURATION>  Look again until all is well, for at most this long: 30s, 5m
      --fix              Show the plan by which `bootstrap` would repair what it can; nothing is
                         changed
      --playbooks <DIR>  The playbooks that bootstrap is run with
      --templates <DIR>  The templates that bootstrap is run with: files are compared with what they
                         render
  -h, --help             Print help (see more with '--help')

Options of every command:
  -i, --inventory <FILE>      The inventory: what you want, in YAML [env: HACTL_INVENTORY] [default:
                              inventory.yml]
      --output <FORMAT>       What standard output holds [default: human] [possible values: human,
                              json, jsonl, junit]
      --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                              changed key is refused all the same
  -K, --ask-become-pass       Ask for the password that sudo wants on the hosts, in place of
                              `ssh.become_password`
  -v, --verbose...            Say more; twice for even more
      --color <WHEN>          When to use colours [default: auto] [possible values: auto, always,
                              never]
"#);
}

#[test]
fn status_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["status", "-h"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Show the cluster as a tree

Usage: hactl status [OPTIONS]

Options:
  -h, --help  Print help (see more with '--help')

Options of every command:
  -i, --inventory <FILE>      The inventory: what you want, in YAML [env: HACTL_INVENTORY] [default:
                              inventory.yml]
      --output <FORMAT>       What standard output holds [default: human] [possible values: human,
                              json, jsonl, junit]
      --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                              changed key is refused all the same
  -K, --ask-become-pass       Ask for the password that sudo wants on the hosts, in place of
                              `ssh.become_password`
  -v, --verbose...            Say more; twice for even more
      --color <WHEN>          When to use colours [default: auto] [possible values: auto, always,
                              never]
"#);
}

#[test]
fn switchover_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["switchover", "--help"]);
    assert_snapshot!(own_part(&run), @r"
    exit 0
    --- stdout
    Move the writer to another server, planned: nothing is lost, and what cannot be finished is undone

    Checks first that the new primary is fit and close behind. Then clients are cut off, the old primary
    stops taking writes, the new one applies the last of them, is promoted and gets the VIP; the old one
    becomes its replica. Whatever fails before the promotion is undone: the old primary takes writes
    again.

    Usage: hactl switchover [OPTIONS]

    Options:
          --to <HOST>
              The new primary [default: the best of the replicas]

          --max-wait <DURATION>
              How long clients may wait for the old primary to stop, and for the new one to have
              everything; undone when that is not enough

              [default: 10s]

          --check
              Show the plan and the reasons, and stop; nothing is changed

      -y, --yes
              Carry the plan out without asking

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn rejoin_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["rejoin", "--help"]);
    assert_snapshot!(own_part(&run), @r"
    exit 0
    --- stdout
    Bring a failed or diverged former primary back as a replica

    If it has nothing that the present primary lacks, it follows it. If it has, the transactions are
    shown and saved as SQL to a file; where the server can, a tail that no replica acknowledged is cut
    off. Otherwise its databases are only replaced with --reseed.

    Usage: hactl rejoin [OPTIONS] <HOST>

    Arguments:
      <HOST>
              The host that comes back

    Options:
          --reseed
              Its databases may be dropped and replaced by the primary's, where nothing less helps

          --check
              Show the plan and the reasons, and stop; nothing is changed

      -y, --yes
              Carry the plan out without asking

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn maintenance_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["maintenance", "--help"]);
    assert_snapshot!(own_part(&run), @r"
    exit 0
    --- stdout
    Keep watchers from acting on the cluster, or on one host, while somebody works on it

    Written to every host that can be reached, so that every watcher sees it. It outlives reboots and
    lasts until it is turned off. Commands that a person runs are not held back, except `failover`.

    Usage: hactl maintenance [OPTIONS] <STATE> [HOST]

    Arguments:
      <STATE>
              Whether it begins or ends

              Possible values:
              - on:  It begins
              - off: It ends

      [HOST]
              One host only [default: the whole cluster]

    Options:
          --reason <TEXT>
              Why, for whoever asks later

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn schema_help() {
    let folder = Folder::good();
    let run = folder.hactl(&["schema", "--help"]);
    assert_snapshot!(own_part(&run), @r"
    exit 0
    --- stdout
    Print the JSON Schema of inventories or playbooks, for editors

    `hactl schema inventory >inventory.schema.json`, and `# yaml-language-server:
    $schema=inventory.schema.json` as the first line of the inventory.

    Usage: hactl schema [OPTIONS] <WHAT>

    Arguments:
      <WHAT>
              Of what

              Possible values:
              - inventory: The inventory
              - playbook:  A playbook: a list of plays
              - tasks:     A file for `import_tasks`: a list of tasks

    Options:
      -h, --help
              Print help (see a summary with '-h')
    ");
}

/// Without the options of every command, which others show.
fn own_part(run: &str) -> &str {
    run.split("Options of every command:").next().unwrap()
}

/// What the README tells people to type is what the commands take.
#[test]
fn the_readme_names_flags_that_exist() {
    let folder = Folder::good();
    let readme = include_str!("../../README.md");
    let mut seen = 0;
    for command in readme.split(['`', '\n', '|']) {
        let mut words = command.trim().trim_start_matches("$ ").split_whitespace();
        if words.next() != Some("hactl") {
            continue;
        }
        let words: Vec<_> = words.take_while(|word| *word != "#").collect();
        let Some(name) = words.first().filter(|name| !name.starts_with('-')) else {
            continue;
        };
        let help = folder.hactl(&[*name, "--help"]);
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(
                help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
                "{command}: {flag}"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} flags");
}
