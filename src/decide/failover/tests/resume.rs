//! The order of the steps, and that a run that was cut anywhere is gone on with by the next (S23).

use super::*;
use crate::inventory::HookPoint;
use crate::plan::Action;

#[test]
fn a_crashed_primary_is_fenced_read_out_and_replaced() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let seen = dead(&cluster, Death::Crash);
    insta::assert_snapshot!(plan(&cluster, &seen, &[]), @r"
fail over from db1 to db2
[Secure]
db1: fence: VIP off, server killed and masked
db2: stop receiving and apply what was received
db3: stop receiving and apply what was received
[Fetch what is missing]
db2: apply the tail of db1's binary log
[Promote]
db2: promote, and prove that it commits
[Open]
db2: turn semi-sync as source on; wait until a replica acknowledges; turn read-only off; add 192.0.2.90/24 to eth0
db3: replicate from db2
[Note the failover]
db1: create /var/lib/hactl/shop/failover.json
db2: create /var/lib/hactl/shop/failover.json
db3: create /var/lib/hactl/shop/failover.json
");
}

#[test]
fn a_silent_primary_is_proven_harmless_by_stopped_receivers() {
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let seen = dead(&cluster, Death::Power);
    insta::assert_snapshot!(plan(&cluster, &seen, &[]), @r"
fail over from db1 to db2
[Secure]
db2: stop receiving and apply what was received
db3: stop receiving and apply what was received
[Promote]
db2: promote, and prove that it commits
[Open]
db2: turn semi-sync as source on; wait until a replica acknowledges; turn read-only off; add 192.0.2.90/24 to eth0
db3: replicate from db2
[Note the failover]
db2: create /var/lib/hactl/shop/failover.json
db3: create /var/lib/hactl/shop/failover.json
");
}

#[test]
fn hooks_run_around_the_fence_and_the_promotion() {
    let mut cluster = fixture::cluster(Flavor::MariaDb, 3);
    for hook in [
        HookPoint::BeforeFence,
        HookPoint::AfterFence,
        HookPoint::BeforePromote,
        HookPoint::AfterPromote,
        HookPoint::Failed,
    ] {
        cluster.hooks.commands.insert(hook, "true".to_owned());
    }
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let done = run(&cluster, &mut failover, &mut seen, &good).expect("an end");
    let hooks: Vec<_> = done.iter().filter(|step| step.contains("hook")).collect();
    assert_eq!(
        hooks,
        [
            "db1: run the hook before_fence",
            "db1: run the hook after_fence",
            "db2: run the hook before_promote",
            "db2: run the hook after_promote"
        ]
    );
    // A hook that says no stops it, and what was stopped is started again.
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let no = |step: &Step| match &step.action {
        Action::RunHook {
            hook: HookPoint::BeforeFence,
        } => fails(),
        _ => Outcome::Changed,
    };
    let refusals = run(&cluster, &mut failover, &mut seen, &no).expect_err("a refusal");
    assert!(refusals[0].reason.contains("before_fence failed"));
    for host in ["db2", "db3"] {
        assert_eq!(seen.replica_mut(host).receiver, ThreadState::Running);
    }
}

/// Every way to be killed: after any number of steps of the whole, with all hosts' steps of a stage in
/// either order. The next run knows only what it sees.
#[test]
fn a_run_that_was_killed_anywhere_is_finished_by_the_next() {
    let mut cuts = 0;
    for flavor in BOTH {
        for hosts in [3, 4] {
            for death in [Death::Crash, Death::Power] {
                for order in [Order::Forwards, Order::Backwards] {
                    let cluster = fixture::cluster(flavor, hosts);
                    let seen = dead(&cluster, death);
                    for cut in 0.. {
                        let (after, finished) = cut_after(&cluster, &seen, cut, order);
                        finish(
                            &cluster,
                            after,
                            &format!("{flavor} {hosts} {death:?} {cut}"),
                        );
                        cuts += 1;
                        if finished {
                            break;
                        }
                    }
                }
            }
        }
    }
    assert!(cuts > 150, "{cuts}");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Forwards,
    Backwards,
}

/// What is seen after so many steps of a failover; and whether that was all of them.
fn cut_after(
    cluster: &Cluster,
    seen: &Observation,
    steps: usize,
    order: Order,
) -> (Observation, bool) {
    let mut failover = begin(cluster, seen, &[]).expect("a failover");
    let mut seen = seen.clone();
    let mut left = steps;
    loop {
        let Next::Stage(mut stage) = failover.next(&seen) else {
            return (seen, true);
        };
        let mut by_host: Vec<_> = stage.by_host().into_values().collect();
        if order == Order::Backwards {
            by_host.reverse();
        }
        let all: Vec<Step> = by_host.into_iter().flatten().cloned().collect();
        stage.steps = all.iter().take(left).cloned().collect();
        seen = predict(cluster, &seen, &stage);
        if all.len() > left {
            return (seen, false);
        }
        left -= all.len();
        let ended: Vec<_> = all
            .into_iter()
            .map(|step| (step, Outcome::Changed))
            .collect();
        failover.ended(&ended);
    }
}

fn finish(cluster: &Cluster, mut seen: Observation, what: &str) {
    let mut failover = match begin(cluster, &seen, &[]) {
        Ok(failover) => failover,
        Err(refusals) => panic!("{what}: {refusals:?}"),
    };
    assert_eq!(failover.leader(), Some(&name("db2")), "{what}");
    run(cluster, &mut failover, &mut seen, &good).unwrap_or_else(|why| panic!("{what}: {why:?}"));
    assert_led_by(cluster, &seen, "db2");
}

#[test]
fn two_that_were_promoted_are_a_matter_for_a_person() {
    let cluster = fixture::cluster(Flavor::MariaDb, 4);
    let mut seen = dead(&cluster, Death::Crash);
    for host in ["db2", "db3"] {
        seen.server_mut(host).replica = None;
    }
    let said = refused(&cluster, &seen, &[]);
    assert!(said.starts_with("db2 and db3 both follow nobody"), "{said}");
}

#[test]
fn one_that_was_promoted_leads_on_even_if_another_is_preferred() {
    let more = "";
    let mut cluster = fixture::cluster_with(Flavor::MySql, 3, more);
    if let Some(host) = cluster.hosts.get_mut(&name("db2")) {
        host.promotion = crate::inventory::Promotion::Prefer;
    }
    let mut seen = dead(&cluster, Death::Crash);
    seen.server_mut("db3").replica = None;
    assert_eq!(leader(&cluster, &seen, &[]), "db3");
    // One that takes writes and lacks what a follower has is no leader; nor may another be.
    applied(&mut seen, "db2", 150);
    seen.server_mut("db3").read_only.read_only = crate::mysql::Switch::Off;
    let said = refused(&cluster, &seen, &[]);
    assert!(said.contains("db3 takes writes"), "{said}");
}

#[test]
fn a_fence_that_fails_falls_back_to_the_proof() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let no_fence = |step: &Step| match &step.action {
        Action::Fence { .. } => fails(),
        _ => Outcome::Changed,
    };
    // The VIP stays there as well: clients would reach both.
    let nothing_works = |step: &Step| match &step.action {
        Action::Fence { .. } | Action::RemoveVip { .. } => fails(),
        _ => Outcome::Changed,
    };
    let refusals = run(&cluster, &mut failover, &mut seen, &nothing_works).expect_err("a refusal");
    assert!(refusals[0].way_out.contains("ip addr del 192.0.2.90/24"));
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let done = run(&cluster, &mut failover, &mut seen, &no_fence).expect("an end");
    let place = |what: &str| done.iter().position(|step| step == what);
    let vip_off = place("db1: remove 192.0.2.90/24 from eth0");
    assert!(vip_off.is_some() && vip_off < place("db2: promote, and prove that it commits"));
    // Under `available` there is no such proof: refused, and the receivers run again.
    let cluster = fixture::cluster_with(Flavor::MariaDb, 3, "durability: available\n");
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let refusals = run(&cluster, &mut failover, &mut seen, &no_fence).expect_err("a refusal");
    assert!(refusals[0].way_out.contains("--allow-unfenced"));
    assert_eq!(seen.replica_mut("db2").receiver, ThreadState::Running);
}

#[test]
fn one_that_cannot_be_promoted_gives_way_to_the_next() {
    let cluster = fixture::cluster(Flavor::MySql, 4);
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let not_db2 = |step: &Step| match &step.action {
        Action::Promote { .. } if step.host == name("db2") => fails(),
        _ => Outcome::Changed,
    };
    run(&cluster, &mut failover, &mut seen, &not_db2).expect("an end");
    assert_led_by(&cluster, &seen, "db3");
}

#[test]
fn a_sibling_that_fails_blocks_nobody() {
    let cluster = fixture::cluster(Flavor::MySql, 4);
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let db4 = |step: &Step| match &step.action {
        Action::Drain { .. } | Action::Replicate { .. } if step.host == name("db4") => fails(),
        _ => Outcome::Changed,
    };
    run(&cluster, &mut failover, &mut seen, &db4).expect("an end");
    assert!(seen.server_mut("db2").read_only.is_writable());
    let siblings = seen.replica_mut("db3").source_host.clone();
    assert_eq!(siblings, "192.0.2.2");
}

#[test]
fn without_an_acknowledging_replica_clients_are_not_let_in_unless_permitted() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let nobody = |step: &Step| match &step.action {
        Action::AwaitAcker { .. } => fails(),
        _ => Outcome::Changed,
    };
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
    let refusals = run(&cluster, &mut failover, &mut seen, &nobody).expect_err("a refusal");
    assert!(refusals[0].way_out.contains("--allow-uncovered"));
    assert!(!seen.server_mut("db2").read_only.is_writable());
    let mut seen = dead(&cluster, Death::Crash);
    let mut failover = begin(&cluster, &seen, &[Harm::Uncovered]).expect("a failover");
    run(&cluster, &mut failover, &mut seen, &nobody).expect("an end");
    assert_led_by(&cluster, &seen, "db2");
    let waits = seen.server_mut("db2").semi_sync.source_enabled;
    assert_eq!(waits, Some(crate::mysql::Switch::Off));
}
