//! Who is elected, and why nobody else.

use super::*;
use crate::inventory::{FenceCommand, FenceContract, Promotion};
use crate::mysql::{ServerError, Switch, Version};

fn flags(cluster: &mut Cluster, flags: &[(&str, Promotion)]) {
    for (host, promotion) in flags {
        let host = cluster.hosts.get_mut(&name(host)).expect("a host");
        host.promotion = *promotion;
    }
}

/// Who leads of three replicas that have received so much, with these flags; and whom it fetches from.
fn elected(received_up_to: [u32; 3], promotions: [Promotion; 3]) -> String {
    let mut said = BTreeSet::new();
    for flavor in BOTH {
        let mut cluster = fixture::cluster(flavor, 4);
        let mut seen = dead(&cluster, Death::Power);
        for (index, host) in ["db2", "db3", "db4"].into_iter().enumerate() {
            flags(&mut cluster, &[(host, promotions[index])]);
            received(&mut seen, host, received_up_to[index]);
        }
        let said_here = match begin(&cluster, &seen, &[]) {
            Err(refusals) => refusals[0].reason.clone(),
            Ok(failover) => {
                let plan = foresee(&cluster, &failover, &seen).expect("a plan");
                let fetch = plan.steps().find_map(|step| match &step.action {
                    crate::plan::Action::CatchUp { source, .. } => Some(source.clone()),
                    _ => None,
                });
                let leader = failover.leader().expect("a leader");
                match fetch {
                    None => leader.to_string(),
                    Some(source) => format!("{leader} from {source}"),
                }
            }
        };
        said.insert(said_here);
    }
    assert_eq!(said.len(), 1, "both flavors say the same: {said:?}");
    said.pop_first().expect("one")
}

#[test]
fn the_furthest_wins_and_flags_break_ties_only() {
    use Promotion::{Allow, Avoid, Never, Prefer};
    let rows = [
        ([100, 100, 100], [Allow, Allow, Allow], "db2"),
        ([100, 100, 101], [Allow, Allow, Allow], "db4"),
        ([100, 150, 101], [Allow, Allow, Allow], "db3"),
        // A flag decides between equals, and never makes one win that is behind.
        ([100, 100, 100], [Allow, Prefer, Allow], "db3"),
        ([120, 110, 100], [Allow, Prefer, Allow], "db2"),
        ([100, 100, 100], [Avoid, Allow, Never], "db3"),
        // An avoided or forbidden one that is ahead is fetched from.
        ([150, 110, 120], [Avoid, Allow, Allow], "db4 from db2"),
        ([150, 120, 120], [Never, Allow, Prefer], "db4 from db2"),
        ([150, 120, 150], [Never, Allow, Allow], "db4"),
        // When there is no other, the avoided one leads; the forbidden one never.
        ([150, 120, 100], [Avoid, Never, Never], "db2"),
        ([150, 120, 100], [Never, Avoid, Never], "db3 from db2"),
    ];
    for (received, promotions, expected) in rows {
        assert_eq!(
            elected(received, promotions),
            expected,
            "{received:?} {promotions:?}"
        );
    }
    let nobody = elected([100, 100, 100], [Never, Never, Never]);
    assert!(
        nobody.starts_with("no replica of db1 may be promoted"),
        "{nobody}"
    );
}

type Change = fn(&mut Observation);

/// What makes `db2` unfit, though it is as far as the others, and the word in its reason.
const UNFIT: &[(&str, Change)] = &[
    ("filtered", |seen| {
        let filters = &mut seen.replica_mut("db2").filters;
        filters.push("Replicate_Do_DB = shop".to_owned());
    }),
    ("delayed", |seen| seen.replica_mut("db2").delay_s = 3600),
    ("no binary log", |seen| set(seen, "log_bin", "OFF")),
    ("does not enter its binary log", |seen| {
        set(seen, "log_slave_updates", "OFF");
        set(seen, "log_replica_updates", "OFF");
    }),
    ("other channels", |seen| {
        seen.server_mut("db2").other_channels.push("x".to_owned());
    }),
    ("seed", |seen| {
        seen.server_mut("db2").seeding = crate::mysql::Seeding::Unfinished;
    }),
    ("may not be able to follow", |seen| {
        let version = &mut seen.server_mut("db2").dialect.version;
        *version = Version::new(version.major + 1, 0, 0);
    }),
    ("error 1062", |seen| {
        let status = seen.replica_mut("db2");
        status.applier = ThreadState::Stopped;
        status.last_sql_error = Some(ServerError {
            number: 1062,
            text: "Duplicate entry".to_owned(),
        });
    }),
];

fn set(seen: &mut Observation, variable: &str, value: &str) {
    let variables = &mut seen.server_mut("db2").variables;
    variables.insert(variable.to_owned(), value.to_owned());
}

#[test]
fn the_unfit_are_named_with_the_reason_and_others_lead() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 4);
        for (word, change) in UNFIT {
            let mut seen = dead(&cluster, Death::Crash);
            change(&mut seen);
            let failover = begin(&cluster, &seen, &[]).expect("a failover");
            assert_eq!(failover.leader(), Some(&name("db3")), "{word}");
            let reason = failover
                .passed_over()
                .iter()
                .find(|(host, _)| *host == name("db2"));
            let (_, why) = reason.expect("a reason for db2");
            assert!(why.contains(word) || *word == "error 1062", "{word}: {why}");
        }
    }
}

#[test]
fn a_replica_that_cannot_apply_what_it_has_is_not_elected() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 4);
        let mut seen = dead(&cluster, Death::Power);
        received(&mut seen, "db2", 100);
        let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
        let stuck = |step: &Step| match &step.action {
            crate::plan::Action::Drain { .. } if step.host == name("db2") => fails(),
            _ => Outcome::Changed,
        };
        // Its receiver is stopped, but not by us: nothing that it holds is more than others have.
        seen.replica_mut("db2").receiver = ThreadState::Stopped;
        run(&cluster, &mut failover, &mut seen, &stuck).expect("an end");
        assert_eq!(failover.leader(), Some(&name("db3")));
        // One that holds more than anybody has applied is not left behind without a word.
        let mut seen = dead(&cluster, Death::Power);
        received(&mut seen, "db2", 150);
        seen.replica_mut("db2").receiver = ThreadState::Stopped;
        let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
        let refusals = run(&cluster, &mut failover, &mut seen, &stuck).expect_err("a refusal");
        assert!(refusals[0].reason.contains("has not applied all of it"));
    }
}

/// It is not made to apply what it holds back, where the primary is fenced by a command; that may be what nobody
/// else has all the same.
#[test]
fn what_a_delayed_replica_holds_is_not_left_behind() {
    for flavor in BOTH {
        let mut cluster = fixture::cluster(flavor, 4);
        cluster.failover.fence = Some(FenceCommand {
            command: "off".to_owned(),
            contract: FenceContract::Hactl,
            timeout: std::time::Duration::from_secs(1),
        });
        for (last, is_refused) in [(100, false), (150, true)] {
            let mut seen = dead(&cluster, Death::Power);
            received(&mut seen, "db4", last);
            seen.replica_mut("db4").delay_s = 3600;
            let said = begin(&cluster, &seen, &[]).map(|_| ()).map_err(|refusals| {
                let reasons = refusals.iter().map(|refusal| refusal.reason.clone());
                reasons.collect::<Vec<_>>().join("; ")
            });
            assert_eq!(said.is_err(), is_refused, "{flavor}: {said:?}");
            if let Err(said) = said {
                assert!(said.contains("db4 has received"), "{said}");
            }
        }
    }
}

/// What a replica that follows by position has received shows in no set; its place in the dead server's log
/// says whether others have received as much. That of a receiver that did not run is no sign.
#[test]
fn what_is_received_by_position_is_compared_by_place() {
    let cluster = fixture::cluster(Flavor::MariaDb, 4);
    for (received, is_attached, is_refused) in [
        (500, true, false),
        (501, true, true),
        (499, true, false),
        (500, false, true),
    ] {
        let mut seen = dead(&cluster, Death::Power);
        by_position(&mut seen, "db2", (received, 400));
        for host in ["db3", "db4"] {
            by_position(&mut seen, host, (500, 450));
        }
        let halt = |seen: &mut Observation| {
            seen.replica_mut("db2").receiver = ThreadState::Stopped;
        };
        if !is_attached {
            halt(&mut seen);
        }
        let mut failover = begin(&cluster, &seen, &[]).expect("a failover");
        halt(&mut seen);
        let stuck = |step: &Step| match &step.action {
            crate::plan::Action::Drain { .. } if step.host == name("db2") => fails(),
            _ => Outcome::Changed,
        };
        let end = run(&cluster, &mut failover, &mut seen, &stuck);
        let told = format!("received {received}, attached {is_attached}: {end:?}");
        assert_eq!(end.is_err(), is_refused, "{told}");
        if let Err(refusals) = end {
            assert!(refusals[0].reason.contains("no GTID tells"), "{told}");
            assert!(refusals[0].way_out.contains("let it apply that"), "{told}");
        }
    }
}

#[test]
fn replicas_that_diverged_are_a_matter_for_a_person() {
    // Each has what the other lacks, written by neither of them.
    let cluster = fixture::cluster(Flavor::MySql, 3);
    let mut seen = dead(&cluster, Death::Power);
    let other = "11111111-1111-1111-1111-111111111111";
    let sets = [("db2", format!("{other}:1-5")), ("db3", uuid(1) + ":1-200")];
    for (host, more) in sets {
        let facts = seen.server_mut(host);
        let more = GtidSet::parse(Flavor::MySql, &more).expect("a GTID set");
        facts.executed = facts.executed.union(&more).expect("one flavor");
    }
    let said = refused(&cluster, &seen, &[]);
    assert!(said.starts_with("db2 and db3 have diverged"), "{said}");
    assert!(said.contains(other) && said.contains("101-200"), "{said}");
}

/// What a replica wrote itself is never replicated silently, and does not make it win (S22).
#[test]
fn errant_transactions_disqualify_and_keep_a_replica_apart() {
    for flavor in BOTH {
        let cluster = fixture::cluster(flavor, 4);
        let mut seen = dead(&cluster, Death::Crash);
        let facts = seen.server_mut("db2");
        let (own, state) = match flavor {
            Flavor::MariaDb => (
                format!("0-{}-101", server_id(2)),
                Some(format!("0-{}-100,0-{}-101", server_id(1), server_id(2))),
            ),
            Flavor::MySql => (format!("{}:1-100,{}:1-3", uuid(1), uuid(2)), None),
        };
        facts.executed = GtidSet::parse(flavor, &own).expect("a GTID set");
        if let Some(state) = state {
            facts.binlog_state = Some(state.parse().expect("a binlog state"));
        }
        let failover = begin(&cluster, &seen, &[]).expect("a failover");
        assert_eq!(failover.leader(), Some(&name("db3")), "{flavor}");
        let said = &failover.left_out()[&name("db2")];
        assert!(
            said.contains("errant") && said.contains("hactl rejoin db2"),
            "{said}"
        );
        let plan = foresee(&cluster, &failover, &seen).expect("a plan");
        let repointed = plan.steps().any(|step| {
            step.host == name("db2") && matches!(step.action, crate::plan::Action::Replicate { .. })
        });
        assert!(!repointed, "{flavor}");
    }
}

/// `SET gtid_next` names any writer. Under a name that nobody bears it is errant, unless the source sent
/// it: then the sibling merely lacks it, and whoever has it leads (S22).
#[test]
fn a_transaction_under_an_invented_name_is_errant_unless_it_was_sent() {
    let cluster = fixture::cluster(Flavor::MySql, 4);
    let invented = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
    let with = GtidSet::parse(Flavor::MySql, &format!("{}:1-100,{invented}:1", uuid(1)))
        .expect("a GTID set");
    let mut seen = dead(&cluster, Death::Crash);
    for host in ["db2", "db3", "db4"] {
        seen.replica_mut(host).source_uuid = Some(uuid(1));
        received(&mut seen, host, 100);
        applied(&mut seen, host, 100);
    }
    seen.server_mut("db2").executed = with.clone();
    let failover = begin(&cluster, &seen, &[]).expect("a failover");
    assert_eq!(failover.leader(), Some(&name("db3")));
    let said = &failover.left_out()[&name("db2")];
    assert!(said.contains("errant") && said.contains(invented), "{said}");

    seen.replica_mut("db2").retrieved = Some(with);
    let failover = begin(&cluster, &seen, &[]).expect("a failover");
    assert_eq!(failover.leader(), Some(&name("db2")));
}

#[test]
fn a_second_writable_server_forbids_it() {
    let cluster = fixture::cluster(Flavor::MariaDb, 4);
    let mut seen = dead(&cluster, Death::Crash);
    seen.server_mut("db4").read_only.read_only = Switch::Off;
    let said = refused(&cluster, &seen, &[]);
    assert!(said.starts_with("db4 takes writes"), "{said}");
}

#[test]
fn a_chain_below_a_replica_stays_where_it_is() {
    let cluster = fixture::cluster(Flavor::MariaDb, 4);
    let mut seen = dead(&cluster, Death::Crash);
    let status = fixture::following(&cluster, &name("db3"));
    seen.server_mut("db4").replica = Some(status);
    let plan = plan(&cluster, &seen, &[]);
    assert!(plan.starts_with("fail over from db1 to db2"), "{plan}");
    assert!(!plan.contains("db4: stop receiving"), "{plan}");
    assert!(!plan.contains("db4: replicate"), "{plan}");
}
