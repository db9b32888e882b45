//! Ways to fail, or to seem so, and the name that each must get. It must hold nothing but these rows.

use super::*;

/// The process is gone, or comes back.
pub(super) fn crashes() -> Vec<Row> {
    vec![
        ("all is well", Watch::after(0), "Healthy: healthy"),
        (
            "F01 killed: refused, and no process there",
            Watch::after(20).refuses("db1").process(Process::Gone),
            "DeadPrimary: dead by ProcessGone",
        ),
        (
            "F01 killed, ssh not asked since",
            Watch::after(20).refuses("db1"),
            "SuspectedPrimary: suspected",
        ),
        (
            "stopped in good order: its replicas still receive from it",
            Watch::after(20).refuses("db1").process(Process::Leaving),
            "DeadPrimary: dead by Leaving",
        ),
        (
            "stopped in good order, and waited for where that is preferred",
            Watch::after(9_000)
                .refuses("db1")
                .process(Process::Leaving)
                .prefer(Prefer::InPlace),
            "PrimaryRestarting: suspected",
        ),
        (
            "refused to us alone: its process listens, and its replicas receive",
            Watch::after(9_000).refuses("db1").process(Process::Runs),
            "UnreachablePrimary: never fail over",
        ),
        (
            "its last word to those who are connected",
            Watch::after(20).server(
                "db1",
                ServerPulse::Rejects {
                    since: BEGAN,
                    number: 1053,
                    text: "Server shutdown in progress".to_owned(),
                },
            ),
            "PrimaryShuttingDown: suspected",
        ),
        (
            "F02 killed, being restarted",
            Watch::after(500)
                .refuses("db1")
                .process(Process::Runs)
                .lost_by_replicas(),
            "PrimaryRestarting: suspected",
        ),
        (
            "F02 its recovery takes longer than a silence",
            Watch::after(1600)
                .refuses("db1")
                .process(Process::Runs)
                .lost_by_replicas(),
            "DeadPrimary: dead by Refused",
        ),
        (
            "F02 killed, and waited for where that is preferred",
            Watch::after(9_000)
                .refuses("db1")
                .process(Process::Gone)
                .prefer(Prefer::InPlace),
            "PrimaryRestarting: suspected",
        ),
        (
            "F02 waited for in vain",
            Watch::after(10_000)
                .refuses("db1")
                .process(Process::Gone)
                .prefer(Prefer::InPlace),
            "DeadPrimary: dead by ProcessGone",
        ),
        (
            "F02 not waited for where a promotion is preferred",
            Watch::after(100)
                .refuses("db1")
                .process(Process::Runs)
                .lost_by_replicas()
                .prefer(Prefer::Promote),
            "DeadPrimary: dead by Refused",
        ),
    ]
}

/// Nothing answers, to us or to anybody.
pub(super) fn silences() -> Vec<Row> {
    vec![
        (
            "F03 frozen, too early",
            Watch::after(1400)
                .silent("db1")
                .process(Process::Frozen)
                .nothing_received(),
            "SuspectedPrimary: suspected",
        ),
        (
            "F03 frozen, replicas not sure yet",
            Watch::after(2000)
                .silent("db1")
                .process(Process::Frozen)
                .nothing_received(),
            "SuspectedPrimary: suspected",
        ),
        (
            "F03 frozen, for long enough",
            Watch::after(2300)
                .silent("db1")
                .process(Process::Frozen)
                .nothing_received(),
            "DeadPrimary: dead by Silent",
        ),
        (
            "F04 powered off",
            Watch::after(2300).silent("db1").no_ssh().nothing_received(),
            "DeadPrimary: dead by Silent",
        ),
        (
            "F05 isolated; one replica has noticed, one is not sure yet",
            Watch::after(1600)
                .silent("db1")
                .no_ssh()
                .receiver("db2", ThreadState::Connecting)
                .received("db3", BEGAN + 100),
            "SuspectedPrimary: suspected",
        ),
        (
            "F06 only we are cut off from it",
            Watch::after(5_000).silent("db1").no_ssh(),
            "UnreachablePrimary: never fail over",
        ),
        (
            "F06 one replica still receives",
            Watch::after(5_000)
                .silent("db1")
                .no_ssh()
                .receiver("db2", ThreadState::Connecting),
            "UnreachablePrimary: never fail over",
        ),
    ]
}

/// Replicas fail, or their connections.
pub(super) fn others() -> Vec<Row> {
    vec![
        (
            "F07 replication is cut, the primary answers",
            Watch::after(5_000).lost_by_replicas().nothing_received(),
            "ReplicaConnecting: alive",
        ),
        (
            "F01 a replica was not asked yet",
            Watch::after(0)
                .refuses("db1")
                .lost_by_replicas()
                .server("db2", ServerPulse::Unknown),
            "SuspectedPrimary: suspected",
        ),
        (
            "F01 the replicas know before us",
            Watch::after(300).lost_by_replicas().nothing_received(),
            "Healthy: healthy",
        ),
        (
            "F08 a replica is dead, too",
            Watch::after(2300)
                .silent("db1")
                .no_ssh()
                .silent("db2")
                .received("db3", BEGAN),
            "DeadPrimary: dead by Silent",
        ),
        (
            "F09 all replicas dead, the primary answers",
            Watch::after(5_000).refuses("db2").refuses("db3"),
            "ReplicaUnreachable: alive",
        ),
        (
            "F09 nobody answers: we are cut off",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .silent("db2")
                .silent("db3"),
            "NoWitness: never fail over",
        ),
        (
            "F09 replicas dead, and the primary's process gone for certain",
            Watch::after(100)
                .refuses("db1")
                .process(Process::Gone)
                .silent("db2")
                .silent("db3"),
            "DeadPrimaryAndReplicas: dead by ProcessGone",
        ),
        (
            "F10 receivers stopped by a person, the primary busy",
            Watch::after(60_000)
                .silent("db1")
                .process(Process::Runs)
                .receiver("db2", ThreadState::Stopped)
                .receiver("db3", ThreadState::Stopped),
            "NoWitness: never fail over",
        ),
    ]
}

/// Somebody began to give the primary's place to another (S23).
pub(super) fn begun() -> Vec<Row> {
    vec![
        (
            "S23 the one who failed over was killed when all were drained",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .receiver("db2", ThreadState::Stopped)
                .receiver("db3", ThreadState::Stopped),
            "ReplacedPrimary: dead by Replaced",
        ),
        (
            "S13 the same where commits wait for nobody: it may be busy, and only we are cut off",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .available()
                .receiver("db2", ThreadState::Stopped)
                .receiver("db3", ThreadState::Stopped),
            "NoWitness: never fail over",
        ),
        (
            "S23 the same when one was promoted",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .follows_nobody("db2")
                .receiver("db3", ThreadState::Stopped),
            "ReplacedPrimary: dead by Replaced",
        ),
        (
            "one was promoted, and another still follows",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .follows_nobody("db2")
                .received("db3", BEGAN + 59_900),
            "UnreachablePrimary: never fail over",
        ),
        (
            "a host that never joined is nobody's successor",
            Watch::after(60_000)
                .silent("db1")
                .no_ssh()
                .follows_nobody("db2")
                .silent("db3"),
            "NoWitness: never fail over",
        ),
    ]
}

/// The server or the watcher has trouble, and nobody is dead.
pub(super) fn alive() -> Vec<Row> {
    vec![
        (
            "F11 too many connections",
            Watch::after(60_000).lost_by_replicas().server(
                "db1",
                ServerPulse::Rejects {
                    since: BEGAN,
                    number: 1040,
                    text: "Too many connections".to_owned(),
                },
            ),
            "PrimaryRejectsLogin: alive",
        ),
        (
            "F12 the monitor's password is wrong",
            Watch::after(60_000).server(
                "db1",
                ServerPulse::Rejects {
                    since: BEGAN,
                    number: 1045,
                    text: "Access denied".to_owned(),
                },
            ),
            "PrimaryRejectsLogin: alive",
        ),
        (
            "F13 its disk stalls: it answers, commits wait",
            Watch::after(5_000).waiting(7).change(|watch| {
                let beat = watch.pulse("db1").last.as_mut().expect("a beat");
                beat.semi_sync.clients = 0;
            }),
            "SemiSyncBlocked: alive",
        ),
        (
            "the acknowledgement was lost with a connection: all attached, and commits wait",
            Watch::after(5_000).waiting(7).change(|watch| {
                let beat = watch.pulse("db1").last.as_mut().expect("a beat");
                beat.stuck = Some(BEGAN);
            }),
            "SemiSyncBlocked: alive",
        ),
        (
            "F09 its replicas lost their power, and it counts them still",
            Watch::after(5_000).silent("db2").silent("db3").waiting(7),
            "SemiSyncBlocked: alive",
        ),
        (
            "F07 replication alone is cut",
            Watch::after(5_000).lost_by_replicas().waiting(7),
            "SemiSyncBlocked: alive",
        ),
        (
            "one replica is away, and commits wait for the other for a moment",
            Watch::after(5_000).silent("db2").waiting(7),
            "ReplicaUnreachable: alive",
        ),
        (
            "F16 it flaps: back within its deadline",
            Watch::after(1_000)
                .silent("db1")
                .process(Process::Runs)
                .nothing_received(),
            "SuspectedPrimary: suspected",
        ),
        (
            "F17 a good answer that is too old is a silence",
            Watch::after(2300)
                .server("db1", ServerPulse::Answers { at: BEGAN })
                .nothing_received(),
            "DeadPrimary: dead by Silent",
        ),
        (
            "refused, ssh silent, lost by all replicas",
            Watch::after(100).refuses("db1").no_ssh().lost_by_replicas(),
            "DeadPrimary: dead by Refused",
        ),
        (
            "refused to us only: a replica receives",
            Watch::after(5_000).refuses("db1").no_ssh(),
            "UnreachablePrimary: never fail over",
        ),
        (
            "S25 up and read-only",
            Watch::after(0).change(|watch| {
                let beat = watch.pulse("db1").last.as_mut().expect("a beat");
                beat.read_only.read_only = Switch::On;
            }),
            "PrimaryIsReadOnly: read-only",
        ),
        (
            "nothing has ended yet",
            Watch::after(0).server("db1", ServerPulse::Unknown),
            "NotYetSeen: suspected",
        ),
    ]
}
