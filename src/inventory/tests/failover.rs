//! `failover`, `hooks` and the VIP's lease: what is wanted, and mistakes as a person sees them.

use std::time::Duration;

use insta::assert_snapshot;

use super::{HEAD, HOSTS, instead, parse, with};
use crate::inventory::{FailoverPolicy, FenceContract, HookPoint, Hooks, Prefer};

#[test]
fn nothing_said_is_the_default() {
    let cluster = parse(&format!("{HEAD}failover: {{}}\nhooks: {{}}\n{HOSTS}")).unwrap();
    assert_eq!(cluster.failover, FailoverPolicy::default());
    assert_eq!(cluster.hooks, Hooks::default());
}

#[test]
fn every_key_counts() {
    let text = format!(
        "{HEAD}\
vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}, lease: 8s}}
failover:
  probe_interval: 2s
  silence: 4s
  prefer: in-place
  in_place_wait: 30s
  min_interval: 2h
  fence: {{command: \"fence $HACTL_HOST\", contract: mha-ip-failover, timeout: 5s}}
hooks: {{before_fence: a, after_fence: b, before_promote: c, after_promote: d, failed: e, timeout: 1s}}
{HOSTS}"
    );
    let cluster = parse(&text).unwrap();
    let policy = cluster.failover;
    assert_eq!(policy.probe_interval, Duration::from_secs(2));
    assert_eq!(policy.silence, Duration::from_secs(4));
    assert_eq!(policy.prefer, Prefer::InPlace);
    assert_eq!(policy.in_place_wait, Duration::from_secs(30));
    assert_eq!(policy.min_interval, Duration::from_hours(2));
    let fence = policy.fence.unwrap();
    assert_eq!(fence.command, "fence $HACTL_HOST");
    assert_eq!(fence.contract, FenceContract::MhaIpFailover);
    assert_eq!(fence.timeout, Duration::from_secs(5));
    let commands: Vec<_> = cluster.hooks.commands.into_iter().collect();
    let wanted = [
        (HookPoint::BeforeFence, "a"),
        (HookPoint::AfterFence, "b"),
        (HookPoint::BeforePromote, "c"),
        (HookPoint::AfterPromote, "d"),
        (HookPoint::Failed, "e"),
    ];
    assert_eq!(
        commands,
        wanted.map(|(hook, command)| (hook, command.to_owned()))
    );
    assert_eq!(cluster.hooks.timeout, Duration::from_secs(1));
    assert_eq!(cluster.vip.unwrap().lease, Some(Duration::from_secs(8)));
}

/// The example's comments, all of a block at once.
#[test]
fn the_examples_blocks_load() {
    let text = include_str!("../../../inventory.example.yml");
    for block in ["replication", "failover", "hooks"] {
        let mut inside = false;
        let mut lines = Vec::new();
        for line in text.lines() {
            inside = line == format!("# {block}:") || (inside && line.starts_with("#  "));
            lines.push(if inside {
                line.strip_prefix("# ").unwrap_or(line)
            } else {
                line
            });
        }
        let cluster = parse(&lines.join("\n")).unwrap();
        match block {
            "replication" => assert!(cluster.replication_tls.is_demanded()),
            "failover" => assert!(cluster.failover.fence.is_some()),
            _ => assert_eq!(cluster.hooks.commands.len(), 5),
        }
    }
}

#[test]
fn wrong_times() {
    assert_snapshot!(with("failover: {probe_interval: 500, silence: 100ms, in_place_wait: 1d, min_interval: 0s}\n"), @r"
    error: `probe_interval` is no span of time
     --> inventory.yml:7:28
      |
    7 | failover: {probe_interval: 500, silence: 100ms, in_place_wait: 1d, min_interval: 0s}
      |                            ^^^ 100ms to 10s
      |
      = help: add the unit: 500ms

    error: `silence` is too short
     --> inventory.yml:7:42
      |
    7 | failover: {probe_interval: 500, silence: 100ms, in_place_wait: 1d, min_interval: 0s}
      |                                          ^^^^^ a packet that is lost and sent again takes up to a second
      |
      = help: write 1s or more

    error: `in_place_wait` is no span of time
     --> inventory.yml:7:64
      |
    7 | failover: {probe_interval: 500, silence: 100ms, in_place_wait: 1d, min_interval: 0s}
      |                                                                ^^ 1s to 10m
      |
      = help: write a number and a unit, such as 10s

    error: `min_interval` is too short
     --> inventory.yml:7:82
      |
    7 | failover: {probe_interval: 500, silence: 100ms, in_place_wait: 1d, min_interval: 0s}
      |                                                                                  ^^ a fault that comes back would move the primary without end
      |
      = help: write 1s or more
    ");
    assert_snapshot!(with("failover: {probe_interval: 10ms, silence: 2m, in_place_wait: 1h, min_interval: 200h}\n"), @r"
    error: `probe_interval` is too short
     --> inventory.yml:7:28
      |
    7 | failover: {probe_interval: 10ms, silence: 2m, in_place_wait: 1h, min_interval: 200h}
      |                            ^^^^ the questions themselves would load the servers
      |
      = help: write 100ms or more

    error: `silence` is too long
     --> inventory.yml:7:43
      |
    7 | failover: {probe_interval: 10ms, silence: 2m, in_place_wait: 1h, min_interval: 200h}
      |                                           ^^ clients cannot write while it is waited for
      |
      = help: write 1m or less

    error: `in_place_wait` is too long
     --> inventory.yml:7:62
      |
    7 | failover: {probe_interval: 10ms, silence: 2m, in_place_wait: 1h, min_interval: 200h}
      |                                                              ^^ clients cannot write while it is waited for
      |
      = help: write 10m or less

    error: `min_interval` is too long
     --> inventory.yml:7:80
      |
    7 | failover: {probe_interval: 10ms, silence: 2m, in_place_wait: 1h, min_interval: 200h}
      |                                                                                ^^^^ a second death within a week would not be acted on
      |
      = help: write 168h or less
    ");
    assert_snapshot!(with("failover: {probe_interval: 1s}\n"), @r"
    error: `silence` of 1500ms is shorter than two of `probe_interval`, 1s
     --> inventory.yml:7:28
      |
    7 | failover: {probe_interval: 1s}
      |                            ^^ one lost answer would count as silence
      |
      = help: write 750ms or less, or add `silence: 2s`
    ");
    assert_snapshot!(with("failover: {silence: 2s, probe_interval: 1200ms}\n"), @r"
    error: `silence` of 2s is shorter than two of `probe_interval`, 1200ms
     --> inventory.yml:7:21
      |
    7 | failover: {silence: 2s, probe_interval: 1200ms}
      |                     ^^ one lost answer would count as silence
      |
      = help: write 2400ms or more
    ");
}

#[test]
fn wrong_programs() {
    assert_snapshot!(with("failover: {fence: {command: \" \", timeout: 10m}}\nhooks: {failed: \"\", timeout: 5}\n"), @r#"
    error: not a command
     --> inventory.yml:7:29
      |
    7 | failover: {fence: {command: " ", timeout: 10m}}
      |                             ^^^ `/bin/sh -c` could not run it
      |
      = help: write a command line, such as /usr/local/bin/fence, or remove the key

    error: `timeout` is too long
     --> inventory.yml:7:43
      |
    7 | failover: {fence: {command: " ", timeout: 10m}}
      |                                           ^^^ clients cannot write while it is waited for
      |
      = help: write 5m or less

    error: not a command
     --> inventory.yml:8:17
      |
    8 | hooks: {failed: "", timeout: 5}
      |                 ^^ `/bin/sh -c` could not run it
      |
      = help: write a command line, such as /usr/local/bin/fence, or remove the key

    error: `timeout` is no span of time
     --> inventory.yml:8:30
      |
    8 | hooks: {failed: "", timeout: 5}
      |                              ^ 100ms to 5m
      |
      = help: add the unit: 5s
    "#);
    assert_snapshot!(with("failover: {fence: {command: x, contract: mha}}\n"), @r"
    error: `contract` must be one of hactl, mha-shutdown, mha-ip-failover
     --> inventory.yml:7:42
      |
    7 | failover: {fence: {command: x, contract: mha}}
      |                                          ^^^ not one of them
    ");
    assert_snapshot!(with("failover: {fence: /usr/bin/x}\n"), @r"
    error: `fence` must be keys with values
     --> inventory.yml:7:19
      |
    7 | failover: {fence: /usr/bin/x}
      |                   ^^^^^^^^^^ found text
      |
      = help: write `key: value` lines below it, indented, or `{key: value}`
    ");
    assert_snapshot!(with("hooks: {after_fail: x}\n"), @r"
    error: unknown key `after_fail`
     --> inventory.yml:7:9
      |
    7 | hooks: {after_fail: x}
      |         ^^^^^^^^^^ not a key that belongs here
      |
      = help: known keys here: before_fence, after_fence, before_promote, after_promote, failed, timeout
    ");
    assert_snapshot!(with("failover: {prefer: slowest}\n"), @r"
    error: `prefer` must be one of fastest, in-place, promote
     --> inventory.yml:7:20
      |
    7 | failover: {prefer: slowest}
      |                    ^^^^^^^ not one of them
    ");
}

#[test]
fn wrong_leases() {
    let lease = |text| {
        instead(
            "interface: eth0}}",
            &format!("interface: eth0}}, lease: {text}}}"),
        )
    };
    assert_snapshot!(lease("10"), @r"
    error: `lease` is no span of time
     --> inventory.yml:7:65
      |
    7 | vip: {writer: {address: 192.0.2.90/24, interface: eth0}, lease: 10}
      |                                                                 ^^ 3s to 10m
      |
      = help: add the unit: 10s
    ");
    assert_snapshot!(lease("2s"), @r"
    error: `lease` is too short
     --> inventory.yml:7:65
      |
    7 | vip: {writer: {address: 192.0.2.90/24, interface: eth0}, lease: 2s}
      |                                                                 ^^ one slow renewal would take the address off a healthy primary
      |
      = help: write 3s or more
    ");
    assert_snapshot!(lease("3500ms"), @r"
    error: `lease` is not in whole seconds
     --> inventory.yml:7:65
      |
    7 | vip: {writer: {address: 192.0.2.90/24, interface: eth0}, lease: 3500ms}
      |                                                                 ^^^^^^ the kernel counts seconds
      |
      = help: write 4s
    ");
    assert_snapshot!(instead("interface: eth0}}", "interface: eth0}, lease: 7s}\nfailover: {probe_interval: 2s, silence: 4s}"), @r"
    error: `lease` of 7s is shorter than four of `failover.probe_interval`, 2s
     --> inventory.yml:7:65
      |
    7 | vip: {writer: {address: 192.0.2.90/24, interface: eth0}, lease: 7s}
      |                                                                 ^^ a renewal that is late once would take the address off a healthy primary
      |
      = help: write 8s or more
    ");
}
