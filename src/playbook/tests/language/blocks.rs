//! Blocks, rescue, always, handlers after failures, and the hosts that stop.

use insta::assert_snapshot;

use super::Bench;
use crate::fixture::cluster_with;
use crate::mysql::Flavor;

#[test]
fn a_rescued_host_goes_on() {
    let bench = Bench::of(
        "  tasks:
    - block:
        - command: fail db2
        - command: say in block
      rescue:
        - command: say rescued
      always:
        - command: say always
    - command: say after
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: fail db2
    db2: fail db2
    db3: fail db2
    db1: say in block
    db3: say in block
    db2: say rescued
    db1: say always
    db2: say always
    db3: say always
    db1: say after
    db2: say after
    db3: say after
    ");
}

#[test]
fn what_nothing_catches_stops_everybody_after_always_and_handlers() {
    let bench = Bench::of(
        "  tasks:
    - {command: say first, notify: H}
    - block:
        - block:
            - command: fail db2
            - command: never
          always:
            - command: say inner
        - command: never
      always:
        - command: say outer
    - block:
        - command: never
      always:
        - command: never
  handlers:
    - {name: H, command: say handler}
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: say first
    db2: say first
    db3: say first
    db1: fail db2
    db2: fail db2
    db3: fail db2
    db1: say inner
    db2: say inner
    db3: say inner
    db1: say outer
    db2: say outer
    db3: say outer
    db1: say handler
    db2: say handler
    db3: say handler
    failed: db2
    ");
}

#[test]
fn a_failure_in_rescue_is_one() {
    let bench = Bench::of(
        "  tasks:
    - block:
        - command: fail db1
      rescue:
        - command: fail db1
        - command: never
      always:
        - command: say always
    - command: never
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: fail db1
    db2: fail db1
    db3: fail db1
    db1: fail db1
    db1: say always
    db2: say always
    db3: say always
    failed: db1
    ");
}

#[test]
fn a_task_that_cannot_be_begun_is_caught_as_well() {
    let bench = Bench::of(
        "  tasks:
    - block:
        - {command: 'say {{ missing }}', vars: {missing: \"{{ 'x' if host.name != 'db3' else '' }}\"}}
        - {command: \"{{ '' if host.name == 'db3' else 'say more' }}\"}
      rescue:
        - command: say rescued
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: say x
    db2: say x
    db3: say
    db3: the command is empty (Caught)
    db1: say more
    db2: say more
    db3: say rescued
    ");
}

#[test]
fn batches_stop_at_the_first_bad_one_with_the_primary_last() {
    let text = "- name: Play
  hosts: all
  serial: 1
  tasks:
    - {command: fail db3, notify: H}
    - command: say after
  handlers:
    - {name: H, command: say handler}
";
    assert_snapshot!(Bench::new(text).run(), @r"
    db2: fail db3
    db2: say after
    db2: say handler
    db3: fail db3
    failed: db3
    ");
}

/// The first batch of one host is a trial for the half, and the primary comes last of all.
#[test]
fn batches_grow_as_they_are_written() {
    let play = |serial: &str| {
        let text =
            format!("- {{name: Play, hosts: all, serial: {serial}, tasks: [command: say]}}\n");
        let bench = Bench {
            cluster: cluster_with(Flavor::MariaDb, 5, ""),
            ..Bench::new(&text)
        };
        bench.batches()
    };
    assert_eq!(play("[1, 40%]"), ["db2", "db3 db4", "db5 db1"]);
    assert_eq!(play("30%"), ["db2", "db3", "db4", "db5", "db1"]);
    assert_eq!(play("[3]"), ["db2 db3 db4", "db5 db1"]);
    assert_eq!(play("'100%'"), ["db2 db3 db4 db5 db1"]);
}

#[test]
fn each_goes_from_host_to_host() {
    let bench = Bench::of(
        "  tasks:
    - {command: fail db3, run_on: each}
    - command: never
",
    );
    assert_snapshot!(bench.run(), @r"
    db2: fail db3
    db3: fail db3
    failed: db3
    ");
}

/// A handler runs once, at the end of its play, where it was notified; one that another notifies follows.
#[test]
fn handlers_run_once_and_only_where_something_changed() {
    let bench = Bench::of(
        "  tasks:
    - {command: say a, notify: First}
    - {command: say b, changed_when: \"host.name == 'db1'\", notify: [First, Second]}
    - {command: say c, when: \"host.name == 'db2'\", notify: Third}
  handlers:
    - {name: First, command: say first, notify: Third}
    - {name: Second, command: say second}
    - {name: Third, command: say third, changed_when: false, notify: Fourth}
    - {name: Fourth, command: never}
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: say a
    db2: say a
    db3: say a
    db1: say b
    db2: say b
    db3: say b
    db2: say c
    db1: say first
    db2: say first
    db3: say first
    db1: say second
    db1: say third
    db2: say third
    db3: say third
    ");
}
