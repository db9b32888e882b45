//! Faults of the server's semi-sync: who is let in again, and who acknowledges once more.

use super::*;

#[test]
fn a_replica_that_has_what_commits_wait_for_acknowledges_it_once_more() {
    let attach = "attach by position, which acknowledges all that it has";
    let both = vec![
        format!("db2: {attach}"),
        "db2: replicate from db1".to_owned(),
    ];
    let nothing = (Vec::new(), Vec::new());
    for flavor in BOTH {
        let cluster = cluster(flavor, 3);
        let after = |seconds, change: fn(&mut Observation)| {
            let mut seen = healthy(&cluster);
            seen.server_mut("db1").unacknowledged = Some(Duration::from_secs(seconds));
            change(&mut seen);
            found(&cluster, &seen)
        };
        let lost = match flavor {
            Flavor::MariaDb => (both.clone(), vec!["AcknowledgementLost"]),
            // It does not show that it has what waits.
            Flavor::MySql => nothing.clone(),
        };
        assert_eq!(after(3, |_| {}), lost);
        assert_eq!(after(2, |_| {}), nothing);
        // Nobody has it: whoever acknowledged it would lie.
        let lacks = after(3, |seen| {
            let led = seen.server_mut("db1");
            let next = match led.dialect.flavor {
                Flavor::MariaDb => format!("0-{}-101", led.server_id),
                Flavor::MySql => format!("{}:1-101", led.server_uuid.clone().unwrap_or_default()),
            };
            led.executed = GtidSet::parse(led.dialect.flavor, &next).unwrap();
        });
        assert_eq!(lacks, nothing);
        // With its applier stopped its relay log would be thrown away.
        let (steps, _) = after(3, |seen| {
            seen.replica_mut("db2").applier = ThreadState::Stopped;
            seen.replica_mut("db3").receiver = ThreadState::Connecting;
        });
        assert!(
            !steps.iter().any(|step| step.ends_with(attach)),
            "{steps:?}"
        );
    }
}

#[test]
fn where_the_next_commit_gets_through_one_is_made() {
    let cluster = cluster(Flavor::MySql, 3);
    let mut seen = healthy(&cluster);
    let led = seen.server_mut("db1");
    led.unacknowledged = Some(Duration::from_secs(3));
    let next = format!("{}:1-101", led.server_uuid.clone().unwrap_or_default());
    let has_it = GtidSet::parse(Flavor::MySql, &next).unwrap();
    seen.server_mut("db2").executed = has_it;
    let steps = vec!["db1: write a row and read it on db2".to_owned()];
    let (found, told) = found(&cluster, &seen);
    assert_eq!(found, steps);
    assert!(told.contains(&"AcknowledgementLost"), "{told:?}");
}

#[test]
fn a_replica_that_an_ending_dump_thread_keeps_out_fetches_anew() {
    let cluster = cluster(Flavor::MariaDb, 3);
    let anew =
        ["db2: fetch under another server id for a moment, then under its own".to_owned()].to_vec();
    for (ending, clients, expected) in [
        (Some(10), 0, (anew, vec!["DumpThreadStuck"])),
        // It may yet end; another is attached, and wakes it.
        (Some(9), 0, (Vec::new(), Vec::new())),
        (Some(10), 1, (Vec::new(), Vec::new())),
        (None, 0, (Vec::new(), Vec::new())),
    ] {
        let mut seen = healthy(&cluster);
        let led = seen.server_mut("db1");
        led.ending_dump = ending.map(Duration::from_secs);
        led.semi_sync.clients = clients;
        assert_eq!(found(&cluster, &seen), expected, "{ending:?} {clients}");
    }
    // One whose applier stands still would lose what it has not applied.
    let mut seen = healthy(&cluster);
    let led = seen.server_mut("db1");
    led.ending_dump = Some(Duration::from_secs(10));
    led.semi_sync.clients = 0;
    seen.replica_mut("db2").applier = ThreadState::Stopped;
    let (steps, _) = found(&cluster, &seen);
    assert!(
        steps.iter().all(|step| !step.starts_with("db2: fetch")),
        "{steps:?}"
    );
    assert!(
        steps.iter().any(|step| step.starts_with("db3: fetch")),
        "{steps:?}"
    );
}
