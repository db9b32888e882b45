//! Results: registered, judged, waited for, and unknown in a plan.

use insta::assert_snapshot;

use super::Bench;

#[test]
fn later_tasks_rest_on_results() {
    let bench = Bench::of(
        "  tasks:
    - {command: 'say {{ host.name }}', register: who, changed_when: false}
    - {command: 'fail db1', register: went, failed_when: false}
    - {command: 'say is {{ who.stdout }}', when: [who is not changed, \"who.stdout_lines == ['db2']\"]}
    - {command: say bad, when: went.rc != 0}
    - {command: say skipped, when: host.name == 'db1', register: some}
    - {command: say then, when: some is skipped}
    - {command: 'say {{ item }}', loop: [x, y], register: all}
    - {command: 'say {{ item.item }} said {{ item.stdout }}', loop: '{{ all.results }}', when: host.name == 'db1'}
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: say db1
    db2: say db2
    db3: say db3
    db1: fail db1
    db2: fail db1
    db3: fail db1
    db2: say is db2
    db1: say bad
    db1: say skipped
    db2: say then
    db3: say then
    db1: say x
    db1: say y
    db2: say x
    db2: say y
    db3: say x
    db3: say y
    db1: say x said x
    db1: say y said y
    ");
}

#[test]
fn a_task_is_tried_again_where_it_has_to_be() {
    let bench = Bench::of(
        "  tasks:
    - {command: third, retries: 2, delay: 1, when: host.name != 'db3', register: r}
    - {command: 'say {{ r.rc }}', when: r is not skipped}
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: third
    db2: third
    wait 1s
    db1: third
    db2: third
    wait 1s
    db1: third
    db2: third
    db1: say 0
    db2: say 0
    ");
}

#[test]
fn what_never_comes_true_is_a_failure() {
    let bench = Bench::of(
        "  tasks:
    - {command: say no, until: result.stdout == 'yes', retries: 1, delay: 500ms, when: host.name == 'db2'}
    - command: never
",
    );
    assert_snapshot!(bench.run(), @r"
    db2: say no
    wait 500ms
    db2: say no
    failed: db2
    ");
}

/// Only those items are tried again that are not as they should be.
#[test]
fn a_loop_tries_its_bad_items_again() {
    let bench = Bench::of(
        "  tasks:
    - {command: '{{ item }}', loop: [say a, third], retries: 2, delay: 1s, run_on: primary}
",
    );
    assert_snapshot!(bench.run(), @r"
    db1: say a
    db1: third
    wait 1s
    db1: third
    wait 1s
    db1: third
    ");
}

#[test]
fn a_plan_says_what_it_cannot_know() {
    let bench = Bench::of(
        "  tasks:
    - {name: Ask, run_on: primary, command: say hello, register: r}
    - {name: Act, run_on: primary, command: 'say {{ r.stdout }}'}
    - {name: Mind, run_on: primary, command: say x, when: r.rc == 0, register: s}
    - {name: Third, run_on: primary, vars: {v: '{{ s.rc }}'}, command: 'say {{ v }}'}
    - {name: Clear, run_on: primary, command: say y, when: host.name == 'db1'}
",
    );
    assert_snapshot!(bench.plan(), @r"
    db1: run `say hello`
    db1: run `say y`
    db1: Act rests on r
    db1: Mind rests on r
    db1: Third rests on s
    ");
}

#[test]
fn creates_and_removes() {
    let bench = Bench::of(
        "  tasks:
    - {run_on: primary, command: {cmd: say made, creates: /a}}
    - {run_on: primary, command: {cmd: say again, creates: /a}}
    - {run_on: primary, command: {cmd: say gone, removes: /a}}
    - {run_on: primary, command: {cmd: say never, removes: /a}}
",
    );
    assert_snapshot!(bench.plan(), @r"
    db1: run `say made`
    db1: run `say gone`
    ");
}
