//! Rows for both flavors: what is changed in a healthy cluster, and the codes that must be found.

use std::time::Duration;

use super::{Case, account, case, error, set};
use crate::facts::{
    Mark, Observation, RootAccess, ServerView, UnitFacts, UnitState, UnreachableKind,
};
use crate::fixture::{self, Mutate as _, name, unreachable};
use crate::mysql::{
    AccountName, Barrier, Flavor, Positioning, Privilege, Seeding, Switch, ThreadState, Version,
    WaitPoint,
};

const TIMER: &str = "hactl-purge-relay-logs.timer";

/// A unit of db2, of which nobody knew before.
pub(super) fn unit(seen: &mut Observation, name: &str, state: UnitState, enablement: &str) {
    let facts = UnitFacts {
        state,
        enablement: enablement.to_owned(),
        ..UnitFacts::unknown()
    };
    let units = &mut seen.reached_mut("db2").os.units;
    units.insert(name.to_owned(), facts);
}

/// The replication account is refused there.
fn refuse(seen: &mut Observation, from: &str, to: &str) {
    let logins = &mut seen.reached_mut(from).logins;
    let check = logins.iter_mut().find(|check| check.to == name(to));
    check.unwrap().refused = Some("access denied".to_owned());
}

/// The unit of db2's server.
fn server_unit(seen: &mut Observation, enablement: &str) {
    let name = seen.server_mut("db2").dialect.service_unit();
    unit(seen, name, UnitState::Active, enablement);
}

/// Hosts, servers, their identity and their settings.
/// SHA-256 of the fixture's replication password, "one".
const ONE: &str = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";

pub(super) const SERVERS: &[Case] = &[
    case("nothing", |_| {}, &[]),
    case(
        "units as bootstrap leaves them",
        |seen| {
            unit(seen, TIMER, UnitState::Active, "enabled");
            unit(
                seen,
                "hactl-start-replication.service",
                UnitState::Active,
                "enabled",
            );
            unit(seen, "mariadb.socket", UnitState::Inactive, "disabled");
            unit(seen, "mariadb-extra.socket", UnitState::NotFound, "");
        },
        &[],
    ),
    case(
        "a timer that does not start at boot",
        |seen| unit(seen, TIMER, UnitState::Active, "disabled"),
        &["RelayLogsNotPurged"],
    ),
    case(
        "a timer that is stopped",
        |seen| unit(seen, TIMER, UnitState::Inactive, "enabled"),
        &["RelayLogsNotPurged"],
    ),
    case(
        "a server that does not start at boot",
        |seen| server_unit(seen, "disabled"),
        &["NotEnabled"],
    ),
    case(
        "a server that runs and was masked",
        |seen| server_unit(seen, "masked"),
        &["Fenced"],
    ),
    case(
        "a fenced server, its unit masked",
        |seen| {
            server_unit(seen, "masked");
            let reached = seen.reached_mut("db2");
            reached.server = ServerView::Stopped;
            reached.os.marks.fenced = Some(Mark {
                at: 1,
                by: "ops@c1 pid 7".to_owned(),
                host: None,
                text: "server killed".to_owned(),
            });
        },
        &["Fenced"],
    ),
    case(
        "a host is away",
        |seen| {
            seen.hosts
                .insert(name("db2"), unreachable(UnreachableKind::Network));
        },
        &["HostUnreachable"],
    ),
    case(
        "a host has another key",
        |seen| {
            seen.hosts
                .insert(name("db2"), unreachable(UnreachableKind::HostKey));
        },
        &["HostKeyNotTrusted"],
    ),
    case(
        "a host refuses the login",
        |seen| {
            seen.hosts
                .insert(name("db2"), unreachable(UnreachableKind::Authentication));
        },
        &["LoginRefused"],
    ),
    case(
        "a host has no root for us",
        |seen| {
            seen.hosts
                .insert(name("db2"), unreachable(UnreachableKind::Root));
        },
        &["NoRootAccess"],
    ),
    case(
        "a host cannot be used",
        |seen| {
            seen.hosts
                .insert(name("db2"), unreachable(UnreachableKind::Other));
        },
        &["HostUnusable"],
    ),
    case(
        "a login that does not become root",
        |seen| seen.reached_mut("db2").os.login.root = RootAccess::None,
        &["NoRootAccess"],
    ),
    case(
        "a replica without a server",
        |seen| seen.reached_mut("db2").server = ServerView::Absent,
        &["ServerAbsent"],
    ),
    case(
        "a stopped replica",
        |seen| seen.reached_mut("db2").server = ServerView::Stopped,
        &["DeadReplica"],
    ),
    case(
        "a stopped primary",
        |seen| seen.reached_mut("db1").server = ServerView::Stopped,
        &["DeadPrimary"],
    ),
    case(
        "a server that refuses us",
        |seen| seen.reached_mut("db2").server = fixture::access_denied(),
        &["ServerRefuses"],
    ),
    case(
        "a server without a connection left",
        |seen| seen.reached_mut("db2").server = fixture::refused(1040),
        &["ServerSilent"],
    ),
    case(
        "a replica of an older release",
        |seen| {
            // One that has the same privileges.
            let version = &mut seen.server_mut("db1").dialect.version;
            *version = Version::new(version.major, version.minor + 1, 0);
        },
        &["ReplicaOlderThanPrimary", "ReplicaOlderThanPrimary"],
    ),
    case(
        "a replica of a newer release, which may lead the others",
        |seen| {
            let version = &mut seen.server_mut("db2").dialect.version;
            *version = Version::new(version.major, version.minor + 1, 0);
        },
        &["CandidateNewerThanOthers"],
    ),
    case(
        "a replica of an older patch, which is fine",
        |seen| seen.server_mut("db2").dialect.version.patch = 0,
        &[],
    ),
    case(
        "an id that is not the inventory's",
        |seen| seen.server_mut("db2").server_id = 7,
        &["ServerIdDiffers"],
    ),
    case(
        "two servers of one id",
        |seen| seen.server_mut("db2").server_id = seen.server_mut("db3").server_id,
        &["ServerIdDiffers", "DuplicateServerId"],
    ),
    case(
        "two servers of one UUID",
        |seen| {
            for host in ["db2", "db3"] {
                seen.server_mut(host).server_uuid = Some("a-copy".to_owned());
            }
        },
        &["DuplicateServerUuid"],
    ),
    case(
        "no binary log",
        |seen| set(seen, "db2", "log_bin", "OFF"),
        &["BinaryLogOff"],
    ),
    case(
        "a binary log of statements",
        |seen| set(seen, "db1", "binlog_format", "MIXED"),
        &["BinaryLogNotRow"],
    ),
    case(
        "a lazy binary log",
        |seen| set(seen, "db1", "sync_binlog", "0"),
        &["NotDurable"],
    ),
    case(
        "lazy commits",
        |seen| set(seen, "db2", "innodb_flush_log_at_trx_commit", "2"),
        &["NotDurable"],
    ),
    case(
        "acknowledged before it is on the replica's disk",
        |seen| set(seen, "db3", "sync_relay_log", "10000"),
        &["NotDurable"],
    ),
    case(
        "relay logs that go by themselves",
        |seen| set(seen, "db2", "relay_log_purge", "ON"),
        &["RelayLogPurged"],
    ),
    case(
        "relay logs that go at a restart",
        |seen| set(seen, "db2", "relay_log_recovery", "1"),
        &["RelayLogPurged"],
    ),
    case(
        "a primary that takes no writes",
        |seen| seen.server_mut("db1").read_only.read_only = Switch::On,
        &["PrimaryIsReadOnly"],
    ),
    case(
        "a replica that takes writes",
        |seen| seen.server_mut("db2").read_only.read_only = Switch::Off,
        &["ReplicaIsWritable"],
    ),
    case(
        "read-only from another file",
        |seen| {
            let persisted = &mut seen.server_mut("db3").persisted;
            persisted.insert("read_only".to_owned(), "OFF".to_owned());
            persisted.insert("max_connections".to_owned(), "100".to_owned());
        },
        &["ReadOnlyPersisted"],
    ),
];

/// Replication, semi-sync, accounts, the VIP.
pub(super) const REPLICATION: &[Case] = &[
    case(
        "a connection in the clear, where nothing else is demanded",
        |seen| seen.replica_mut("db2").ssl = Some(Switch::Off),
        &[],
    ),
    case(
        "a server that follows nobody",
        |seen| seen.server_mut("db2").replica = None,
        &["NotReplicating"],
    ),
    case(
        "a replica of a replica",
        |seen| seen.replica_mut("db3").source_host = "192.0.2.2".to_owned(),
        &["ConnectedToWrongPrimary"],
    ),
    case(
        "a replica of a stranger",
        |seen| seen.replica_mut("db3").source_host = "203.0.113.9".to_owned(),
        &["ConnectedToWrongPrimary"],
    ),
    case(
        "a receiver that stopped with an error",
        |seen| {
            let status = seen.replica_mut("db2");
            (status.receiver, status.last_io_error) = (ThreadState::Stopped, Some(error(1236)));
        },
        &["ReplicationStopped"],
    ),
    case(
        "an applier that stopped",
        |seen| {
            let status = seen.replica_mut("db2");
            (status.applier, status.last_sql_error) = (ThreadState::Stopped, Some(error(1062)));
        },
        &["ReplicationStopped"],
    ),
    case(
        "both threads stopped: two findings",
        |seen| {
            let status = seen.replica_mut("db2");
            (status.applier, status.receiver) = (ThreadState::Stopped, ThreadState::Stopped);
        },
        &["ReplicationStopped", "ReplicationStopped"],
    ),
    case(
        "a receiver that cannot connect",
        |seen| seen.replica_mut("db2").receiver = ThreadState::Connecting,
        &["ReplicaConnecting"],
    ),
    case(
        "a replica that follows by position",
        |seen| seen.replica_mut("db2").using_gtid = Positioning::File,
        &["FollowsByPosition"],
    ),
    case(
        "one that its host lets apply what it has before it goes on",
        |seen| {
            let status = seen.replica_mut("db2");
            (status.using_gtid, status.receiver) = (Positioning::File, ThreadState::Stopped);
        },
        &["ReplicationStopped"],
    ),
    case(
        "a replica that counts its own writes",
        |seen| seen.replica_mut("db2").using_gtid = Positioning::GtidWithOwnWrites,
        &["CountsOwnWrites"],
    ),
    case(
        "unknown lag",
        |seen| seen.replica_mut("db2").lag = None,
        &["LagUnknown"],
    ),
    case(
        "unknown lag of a stopped replica, which is no news",
        |seen| {
            let status = seen.replica_mut("db2");
            (status.applier, status.lag) = (ThreadState::Stopped, None);
        },
        &["ReplicationStopped"],
    ),
    case(
        "thirty seconds of lag",
        |seen| seen.replica_mut("db2").lag = Some(Duration::from_secs(30)),
        &["ReplicaLagging"],
    ),
    case(
        "a little lag",
        |seen| seen.replica_mut("db2").lag = Some(Duration::from_secs(29)),
        &[],
    ),
    case(
        "half a seed",
        |seen| seen.server_mut("db2").seeding = Seeding::Unfinished,
        &["HalfSeeded"],
    ),
    case(
        "a primary that waits for nobody",
        |seen| seen.server_mut("db1").semi_sync.source_enabled = Some(Switch::Off),
        &["SemiSyncOff"],
    ),
    case(
        "a primary that waits in vain",
        |seen| seen.server_mut("db1").semi_sync.clients = 0,
        &["SemiSyncBlocked"],
    ),
    case(
        "a primary whose replicas are attached and acknowledge nothing",
        |seen| seen.server_mut("db1").unacknowledged = Some(Duration::from_secs(3)),
        &["SemiSyncBlocked"],
    ),
    case(
        "a commit that waits for a moment",
        |seen| seen.server_mut("db1").unacknowledged = Some(Duration::from_secs(2)),
        &[],
    ),
    case(
        "a primary that no longer waits",
        |seen| seen.server_mut("db1").semi_sync.source_active = Some(Switch::Off),
        &["SemiSyncFellBack"],
    ),
    case(
        "others see commits early",
        |seen| seen.server_mut("db1").semi_sync.wait_point = Some(WaitPoint::AfterCommit),
        &["SemiSyncAfterCommit"],
    ),
    case(
        "a replica that would give up waiting if it led",
        |seen| seen.server_mut("db2").semi_sync.timeout_ms = Some(10_000),
        &["SemiSyncFallsBack"],
    ),
    case(
        "a primary that does not wait where nobody is attached",
        |seen| seen.server_mut("db1").semi_sync.wait_without_replica = Some(Switch::Off),
        &["SemiSyncFallsBack"],
    ),
    case(
        "semi-sync settings that a server does not tell",
        |seen| {
            let semi_sync = &mut seen.server_mut("db2").semi_sync;
            (semi_sync.wait_point, semi_sync.timeout_ms) = (None, None);
            semi_sync.wait_without_replica = None;
        },
        &[],
    ),
    case(
        "a primary that gives up waiting",
        |seen| seen.server_mut("db1").semi_sync.timeout_ms = Some(10_000),
        &["SemiSyncFallsBack"],
    ),
    case(
        "a replica that waits for replicas",
        |seen| seen.server_mut("db2").semi_sync.source_enabled = Some(Switch::On),
        &["ReplicaWaitsForAcks"],
    ),
    case(
        "a replica that does not acknowledge",
        |seen| seen.server_mut("db2").semi_sync.replica_active = Some(Switch::Off),
        &["ReplicaDoesNotAck"],
    ),
    case(
        "no monitor account",
        |seen| {
            seen.server_mut("db2")
                .accounts
                .remove(&AccountName::new("monitor", "%"));
        },
        &["AccountDiffers"],
    ),
    case(
        "another password",
        |seen| {
            let other = fixture::dialect(Flavor::MariaDb).predicted_hash(&"other".into());
            account(seen.server_mut("db3"), "repl").hash = other;
        },
        &["AccountDiffers"],
    ),
    case(
        "an account that is locked",
        |seen| {
            let barriers = &mut account(seen.server_mut("db2"), "repl").barriers;
            barriers.insert(Barrier::Locked);
        },
        &["AccountDiffers"],
    ),
    case(
        "an account whose password has expired",
        |seen| {
            let barriers = &mut account(seen.server_mut("db1"), "monitor").barriers;
            barriers.insert(Barrier::Expired);
        },
        &["AccountDiffers"],
    ),
    case(
        "a privilege too many",
        |seen| {
            let facts = seen.server_mut("db1");
            account(facts, "monitor")
                .privileges
                .insert(Privilege::global("FILE"));
        },
        &["AccountDiffers"],
    ),
    case(
        "a privilege too few",
        |seen| account(seen.server_mut("db1"), "hactl").privileges.clear(),
        &["AccountDiffers"],
    ),
    case(
        "an anonymous account",
        |seen| {
            let anonymous = AccountName::new("", "localhost");
            seen.server_mut("db1").anonymous_accounts.push(anonymous);
        },
        &["AnonymousAccount"],
    ),
    case(
        "a replication login that fails",
        |seen| refuse(seen, "db2", "db1"),
        &["ReplicationLoginFails"],
    ),
    case(
        "a replication login that would fail after a failover, from the old primary",
        |seen| refuse(seen, "db1", "db3"),
        &["ReplicationLoginFails"],
    ),
    case(
        "replication logins that nobody could try",
        |seen| seen.reached_mut("db2").logins.clear(),
        &[],
    ),
    case(
        "a replica with an old password, kept in a file",
        |seen| seen.reached_mut("db2").os.source_password_sha256 = Some("00".to_owned()),
        &["ReplicationPasswordDiffers"],
    ),
    case(
        "a replica with an old password, kept in a table",
        |seen| seen.replica_mut("db3").password_sha256 = Some("00".to_owned()),
        &["ReplicationPasswordDiffers"],
    ),
    case(
        "replicas with the inventory's password",
        |seen| {
            seen.reached_mut("db2").os.source_password_sha256 = Some(ONE.to_owned());
            seen.replica_mut("db3").password_sha256 = Some(ONE.to_owned());
        },
        &[],
    ),
    case(
        "a login to a server that does not run, which is said already",
        |seen| {
            refuse(seen, "db2", "db3");
            seen.reached_mut("db3").server = ServerView::Stopped;
        },
        &["DeadReplica"],
    ),
    case(
        "no VIP anywhere",
        |seen| seen.reached_mut("db1").os.addresses.clear(),
        &["VipMissing"],
    ),
    case(
        "the VIP on another interface",
        |seen| {
            let addresses = &mut seen.reached_mut("db1").os.addresses;
            for held in addresses {
                "lo".clone_into(&mut held.interface);
            }
        },
        &["VipOnOtherInterface"],
    ),
    case(
        "the VIP twice",
        |seen| {
            let vip = fixture::held([192, 0, 2, 90].into(), "eth0");
            seen.reached_mut("db2").os.addresses.push(vip);
        },
        &["VipOnReplica"],
    ),
    case(
        "the VIP on a replica",
        |seen| {
            let vip = seen.reached_mut("db1").os.addresses.pop().unwrap();
            seen.reached_mut("db2").os.addresses.push(vip);
        },
        &["VipOnReplica", "VipMissing"],
    ),
    case(
        "no primary",
        |seen| {
            seen.server_mut("db1").replica = seen.server_mut("db2").replica.clone();
            seen.replica_mut("db1").source_host = "192.0.2.2".to_owned();
        },
        &["NoPrimary"],
    ),
];
