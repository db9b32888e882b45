//! Variables by layer, and what the command line picks.

use insta::assert_snapshot;

use super::Bench;
use crate::decide::Consent;
use crate::facts::Observation;
use crate::fixture::{Mutate as _, bare, cluster, healthy, held};
use crate::mysql::Flavor;
use crate::playbook::tests::{NoPlan, plan_part};
use crate::playbook::{Pattern, Selection};

const LAYERS: &str = "- name: Play
  hosts: db2
  vars: {a: play, b: play, c: 'from {{ a }}', list: [1, '{{ b }}']}
  tasks:
    - block:
        - {command: 'say {{ a }} {{ b }} {{ c }} {{ list[1] }} {{ colour }} {{ vars.a }}', vars: {a: task}}
        - {command: 'say {{ a }} {{ item }} {{ d }}', vars: {d: 'd{{ item }}'}, loop: '{{ list }}'}
      vars: {b: block}
";

#[test]
fn later_layers_hide_earlier_ones() {
    assert_snapshot!(Bench::new(LAYERS).run(), @r"
    db2: say task block from play play grey task
    db2: say play 1 d1
    db2: say play play dplay
    ");
    let bench = Bench::new(LAYERS).extra("a", "line").extra("colour", "red");
    assert_snapshot!(bench.run(), @r"
    db2: say line block from line play red line
    db2: say line 1 d1
    db2: say line play dplay
    ");
}

const TAGGED: &str = "- name: One
  hosts: all
  tags: one
  tasks:
    - {name: A, command: say a, tags: [x], notify: H}
    - {name: B, command: say b}
    - {name: C, command: say c, tags: always}
    - {name: D, command: say d, tags: [never, y]}
  handlers:
    - {name: H, command: say handler}
- name: Two
  hosts: db1
  tasks:
    - {name: E, command: say e}
";

fn picked(pick: impl Fn(&mut Bench)) -> String {
    let mut bench = Bench::new(TAGGED);
    bench.selection.limit = Some(Pattern::parse("db1"));
    pick(&mut bench);
    let lines = bench.run().replace("db1: say ", "");
    lines.replace('\n', " ")
}

#[test]
fn tags_pick_tasks() {
    let tags = |tags: &'static str, skip: &'static str| {
        picked(|bench| {
            let set = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
            bench.selection.tags = set(tags);
            bench.selection.skip_tags = set(skip);
        })
    };
    assert_eq!(tags("", ""), "a b c handler e");
    assert_eq!(tags("x", ""), "a c handler");
    // As in Ansible, any tag of a task wakes it, its play's too.
    assert_eq!(tags("one", ""), "a b c d handler");
    assert_eq!(tags("y", ""), "c d");
    assert_eq!(tags("untagged", ""), "c e");
    assert_eq!(tags("", "x"), "b c e");
    assert_eq!(tags("x", "always"), "a handler");
}

#[test]
fn a_run_begins_where_it_is_told_to() {
    let from =
        |name: &'static str| picked(|bench| bench.selection.start_at = Some(name.to_owned()));
    assert_eq!(from("B"), "b c e");
    assert_eq!(from("E"), "e");
}

#[test]
fn a_limit_names_hosts() {
    let mut bench = Bench::new(TAGGED);
    bench.selection.limit = Some(Pattern::parse("replicas,!db3"));
    bench.selection.tags = ["x".to_owned()].into();
    assert_snapshot!(bench.run(), @r"
    db2: say a
    db2: say c
    db2: say handler
    ");
}

/// The rules about a cluster hold for the whole of it: a primary that is set up alone would wait for ever
/// for acknowledgements of replicas that were left out, and an address that a replica left out still
/// holds is not given a second time.
#[test]
fn a_limit_weakens_no_rule() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let only_primary = Selection {
        limit: Some(Pattern::parse("db1")),
        ..Selection::default()
    };
    let unsafe_from =
        |seen: &Observation| match plan_part(&cluster, seen, &Consent::default(), &only_primary) {
            Err(NoPlan::Unsafe(violation)) => violation.to_string(),
            other => panic!("{other:?}"),
        };
    assert_eq!(
        unsafe_from(&bare(&cluster)),
        "db1 would wait for acknowledgements, and no replica follows it"
    );
    let mut seen = healthy(&cluster);
    let vip = cluster.vip.as_ref().unwrap().address;
    seen.reached_mut("db1")
        .os
        .addresses
        .retain(|held| held.address != vip);
    seen.reached_mut("db2").os.addresses.push(held(vip, "eth0"));
    assert_eq!(
        unsafe_from(&seen),
        "db2 still holds the writer VIP that db1 would get"
    );
}
