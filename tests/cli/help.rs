//! The first thing that anybody sees.

use insta::assert_snapshot;

use super::Folder;

#[test]
fn no_arguments() {
    let folder = Folder::good();
    let run = folder.hactl(&[]);
    assert_snapshot!(run, @r#"
exit 2
--- stderr
Declarative high availability for MySQL and MariaDB

Usage: hactl [OPTIONS] <COMMAND>

Commands:
  bootstrap  Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas,
             semi-sync, VIP
  verify     Check everything and change nothing; exits with 3 when something is wrong
  status     Show the cluster as a tree
  help       Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help (see more with '--help')
  -V, --version  Print version

Options of every command:
  -i, --inventory <FILE>      The inventory: what you want, in YAML [env: HACTL_INVENTORY] [default:
                              inventory.yml]
      --output <FORMAT>       What standard output holds [default: human] [possible values: human,
                              json, jsonl]
      --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                              changed key is refused all the same
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
"#);
}

#[test]
fn help() {
    let folder = Folder::good();
    let run = folder.hactl(&["--help"]);
    assert_snapshot!(run, @r#"
exit 0
--- stdout
Declarative high availability for MySQL and MariaDB.

Reads an inventory and works on its hosts over ssh: nothing is installed there but the database
server itself.

Usage: hactl [OPTIONS] <COMMAND>

Commands:
  bootstrap  Bring hosts to what the inventory says: packages, my.cnf, accounts, replicas,
             semi-sync, VIP
  verify     Check everything and change nothing; exits with 3 when something is wrong
  status     Show the cluster as a tree
  help       Print this message or the help of the given subcommand(s)

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

          [default: human]

      --accept-new-host-keys
          Trust and remember the keys of hosts that ssh does not know yet; a changed key is refused
          all the same

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
"#);
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

      --reseed <HOST>
          Drop the databases of this host and load the primary's; may be given several times

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

          [default: human]

      --accept-new-host-keys
          Trust and remember the keys of hosts that ssh does not know yet; a changed key is refused
          all the same

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
  -h, --help             Print help (see more with '--help')

Options of every command:
  -i, --inventory <FILE>      The inventory: what you want, in YAML [env: HACTL_INVENTORY] [default:
                              inventory.yml]
      --output <FORMAT>       What standard output holds [default: human] [possible values: human,
                              json, jsonl]
      --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                              changed key is refused all the same
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
                              json, jsonl]
      --accept-new-host-keys  Trust and remember the keys of hosts that ssh does not know yet; a
                              changed key is refused all the same
  -v, --verbose...            Say more; twice for even more
      --color <WHEN>          When to use colours [default: auto] [possible values: auto, always,
                              never]
"#);
}
