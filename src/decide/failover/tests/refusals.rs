//! What forbids a failover, each with its way out, and the flag that permits the harm.

use super::*;
use crate::facts::MarkKind;
use crate::inventory::{FenceCommand, FenceContract};
use crate::mysql::{Switch, WaitPoint};
use crate::plan::{Action, FenceMethod};

#[test]
fn who_answers_is_alive() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let said = refused(&cluster, &healthy(&cluster), &[]);
    assert!(said.contains("db1 answers and takes writes"), "{said}");
    assert!(said.contains("hactl switchover"), "{said}");
    // Too many connections, access denied: a server says so (S14).
    for number in [1040, 1045] {
        let mut seen = dead(&cluster, Death::Crash);
        seen.reached_mut("db1").server = fixture::refused(number);
        let said = refused(&cluster, &seen, &[]);
        assert!(said.contains("db1 is alive"), "{said}");
    }
    // One that is shutting down says so, and serves nobody any more.
    let mut seen = dead(&cluster, Death::Crash);
    seen.reached_mut("db1").server = fixture::refused(1053);
    assert_eq!(leader(&cluster, &seen, &[]), "db2");
    // One that is up and refuses writes does not serve: it is fenced and replaced (S25).
    let mut seen = healthy(&cluster);
    seen.server_mut("db1").read_only.read_only = Switch::On;
    assert_eq!(leader(&cluster, &seen, &[]), "db2");
}

/// A stranger that happens to have everything is no promotion that has begun: who is alive stays alive.
#[test]
fn a_stranger_does_not_make_a_live_primary_dead() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 4);
        let mut seen = healthy(&cluster);
        seen.server_mut("db4").replica = None;
        let said = refused(&cluster, &seen, &[]);
        assert!(said.contains("db1 answers and takes writes"), "{said}");
        seen.server_mut("db4").read_only.read_only = Switch::Off;
        let said = refused(&cluster, &seen, &[]);
        assert!(said.contains("db1 answers and takes writes"), "{said}");
        // One that was proven to commit leads: whoever comes back is fenced.
        proven(&mut seen, "db4");
        assert_eq!(leader(&cluster, &seen, &[]), "db4");
    }
}

#[test]
fn a_replica_is_never_failed_over_from() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    let mut seen = dead(&cluster, Death::Crash);
    proven(&mut seen, "db2");
    let whole = healthy(&cluster);
    seen.hosts
        .insert(name("db1"), whole.hosts[&name("db3")].clone());
    seen.server_mut("db1").replica = Some(fixture::following(&cluster, &name("db2")));
    let said = refused(&cluster, &seen, &[]);
    assert!(said.starts_with("db1 is up and a replica of"), "{said}");
}

#[test]
fn maintenance_of_the_cluster_or_the_primary_forbids_it() {
    let cluster = fixture::cluster(Flavor::MariaDb, 3);
    for (host, way_out) in [
        (None, "`hactl maintenance off`"),
        (Some("db1"), "`hactl maintenance off db1`"),
    ] {
        let mut seen = dead(&cluster, Death::Power);
        seen.reached_mut("db3").os.marks.maintenance = Some(mark(0, host));
        let said = refused(&cluster, &seen, &[]);
        assert!(said.contains("kernel update"), "{said}");
        assert!(said.contains(way_out), "{said}");
    }
    // Of a replica: it is not elected.
    let mut seen = dead(&cluster, Death::Power);
    seen.reached_mut("db2").os.marks.maintenance = Some(mark(0, Some("db2")));
    assert_eq!(leader(&cluster, &seen, &[]), "db3");
    assert!(!MarkKind::Maintenance.file_name().is_empty());
}

#[test]
fn a_second_failover_keeps_its_distance_unless_told() {
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let mut seen = dead(&cluster, Death::Crash);
    let now = seen.taken_at;
    for (at, is_refused) in [
        (now - 60, true),
        (now - 3599, true),
        (now - 3600, false),
        (now + 100, true),
    ] {
        seen.reached_mut("db3").os.marks.failover = Some(mark(at, Some("db3")));
        let refusals = begin(&cluster, &seen, &[]).err();
        assert_eq!(refusals.is_some(), is_refused, "{at}");
        assert!(begin(&cluster, &seen, &[Harm::IgnoreLast]).is_ok());
    }
    let said = {
        seen.reached_mut("db3").os.marks.failover = Some(mark(now - 60, None));
        refused(&cluster, &seen, &[])
    };
    assert!(said.contains("60 s ago"), "{said}");
    assert!(said.contains("--ignore-last"), "{said}");
    // A promotion that was proven is finished, however young the mark.
    proven(&mut seen, "db2");
    assert_eq!(leader(&cluster, &seen, &[]), "db2");
}

#[test]
fn a_silent_primary_needs_a_fence_or_a_proof() {
    let available = fixture::cluster_with(Flavor::MariaDb, 3, "durability: available\n");
    let seen = dead(&available, Death::Power);
    let said = refused(&available, &seen, &[]);
    assert!(said.contains("durability is available"), "{said}");
    assert!(said.contains("--allow-unfenced"), "{said}");
    // Permitted, the VIP is added only if nobody answers for it.
    let failover = begin(&available, &seen, &[Harm::Unfenced]).expect("a failover");
    let steps = foresee(&available, &failover, &seen).expect("a plan");
    let asks = steps.steps().any(|step| {
        matches!(
            step.action,
            Action::AddVip {
                neighbours: crate::plan::Neighbours::Ask,
                ..
            }
        )
    });
    assert!(asks);
    // With a command, the command.
    let mut fenced = available;
    fenced.failover.fence = Some(FenceCommand {
        command: "power-off".to_owned(),
        contract: FenceContract::Hactl,
        timeout: std::time::Duration::from_secs(5),
    });
    let failover = begin(&fenced, &seen, &[]).expect("a failover");
    let steps = foresee(&fenced, &failover, &seen).expect("a plan");
    let command = Action::Fence {
        method: FenceMethod::Command,
    };
    assert!(steps.steps().any(|step| step.action == command));
}

#[test]
fn what_is_remembered_can_undo_the_proof() {
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let seen = dead(&cluster, Death::Power);
    let both = ["db2", "db3"];
    let of = |memory| Failover::of(&cluster, &seen, case(&[], Some(memory)));
    assert!(of(memory(Flavor::MySql, &both)).is_ok());
    let lacks: [fn(&mut Memory); 3] = [
        |memory| memory.semi_sync.source_active = Some(Switch::Off),
        |memory| memory.semi_sync.wait_point = Some(WaitPoint::AfterCommit),
        |memory| memory.semi_sync.timeout_ms = Some(10_000),
    ];
    for change in lacks {
        let mut memory = memory(Flavor::MySql, &both);
        change(&mut memory);
        let refusals = of(memory).expect_err("a refusal");
        assert!(refusals[0].reason.contains("semi-sync was not so"));
    }
}

#[test]
fn an_unseen_replica_may_be_ahead() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 4);
        // Its host is away, or its server does not answer.
        for view in ["away", "stopped"] {
            let mut seen = dead(&cluster, Death::Power);
            match view {
                "away" => lose(&mut seen, "db4"),
                _ => seen.reached_mut("db4").server = ServerView::Stopped,
            }
            let harms = [Harm::Unfenced];
            let said = refused(&cluster, &seen, &harms);
            assert!(said.contains("db4 cannot be asked"), "{said}");
            assert!(said.contains("--allow-unseen-replica"), "{said}");
            let permitted = [Harm::Unfenced, Harm::UnseenReplica];
            assert_eq!(leader(&cluster, &seen, &permitted), "db2");
            // It did not acknowledge when the primary last answered.
            let known = memory(flavor, &["db2", "db3"]);
            assert!(Failover::of(&cluster, &seen, case(&harms, Some(known))).is_ok());
            let known = memory(flavor, &["db2", "db4"]);
            assert!(Failover::of(&cluster, &seen, case(&harms, Some(known))).is_err());
        }
        // The dead server's own log has everything, if it can be read.
        let mut seen = dead(&cluster, Death::Crash);
        lose(&mut seen, "db4");
        assert_eq!(leader(&cluster, &seen, &[]), "db2");
        let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
        let unread = |step: &Step| match &step.action {
            Action::Salvage { .. } => fails(),
            _ => Outcome::Changed,
        };
        let refusals = run(&cluster, &mut failover, &mut seen, &unread).expect_err("a refusal");
        assert!(refusals[0].reason.contains("db4 cannot be asked"));
    }
}

#[test]
fn lossless_without_anybody_to_acknowledge_is_refused() {
    let cluster = fixture::cluster_with(Flavor::MariaDb, 2, "durability: lossless\n");
    let seen = dead(&cluster, Death::Crash);
    let said = refused(&cluster, &seen, &[]);
    assert!(said.contains("--allow-uncovered"), "{said}");
    assert_eq!(leader(&cluster, &seen, &[Harm::Uncovered]), "db2");
    let available = fixture::cluster(Flavor::MariaDb, 2);
    assert_eq!(leader(&available, &seen, &[]), "db2");
}

/// Nobody would acknowledge: a replica that cannot apply what it has cannot be repointed.
#[test]
fn a_replica_with_a_broken_applier_covers_nobody() {
    for flavor in [Flavor::MariaDb, Flavor::MySql] {
        let cluster = fixture::cluster(flavor, 3);
        let mut seen = dead(&cluster, Death::Crash);
        let status = seen.server_mut("db2").replica.as_mut().expect("a replica");
        status.applier = crate::mysql::ThreadState::Stopped;
        status.last_sql_error = Some(crate::mysql::ServerError {
            number: 1950,
            text: "out of order".to_owned(),
        });
        let said = refused(&cluster, &seen, &[]);
        assert!(
            said.contains("no replica is left that would acknowledge to db3"),
            "{said}"
        );
        assert!(said.contains("bring db2 back"), "{said}");
        let refusals = Failover::of(&cluster, &seen, case(&[Harm::Uncovered], None));
        assert!(refusals.is_ok(), "{refusals:?}");
    }
}

/// It may be alive and take writes: its word that it has no connection left is no word about `db1`.
#[test]
fn nobody_is_promoted_beside_a_server_that_feeds_a_replica_and_cannot_be_asked() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 3);
        for server in [fixture::refused(1040), ServerView::Stopped] {
            let mut seen = dead(&cluster, Death::Crash);
            seen.server_mut("db3").replica = Some(fixture::following(&cluster, &name("db2")));
            seen.reached_mut("db2").server = server;
            let harms = [Harm::Uncovered, Harm::UnseenReplica, Harm::IgnoreLast];
            let said = refused(&cluster, &seen, &harms);
            assert!(
                said.starts_with("db3 follows db2, not db1; db2 cannot be asked"),
                "{said}"
            );
            // It fetched from db2 what it lacked, and the run was killed after that.
            seen.replica_mut("db3").receiver = ThreadState::Stopped;
            assert_eq!(leader(&cluster, &seen, &harms), "db3");
        }
    }
}
