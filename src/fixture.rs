//! A healthy cluster for tests: an inventory and what would be seen of its hosts when all is well. A test
//! changes one thing of it and looks at what follows. Must never be seen outside tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use schemars::Schema;
use secrecy::SecretString;
use serde::de::value::Error as KeysOf;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use crate::decide::{Consent, PrimaryBasis, Topology};
use crate::facts::{
    Beat, ClockOffset, Disk, HostView, Inspected, InterfaceAddress, Login, LoginCheck,
    MachinePulse, Millis, Observation, OsFacts, PackageFacts, Process, Pulse, Reached, RootAccess,
    ServerProgram, ServerPulse, ServerView, SqlFault, UnitFacts, UnitState, Unreachable,
    UnreachableKind, Vigil, VipPresence,
};
use crate::inventory::{Cluster, Host, HostName, Inventory, SecretError, Secrets};
use crate::mysql::{
    AccountFacts, AccountRole, Dialect, Flavor, GtidSet, OwnSchema, Positioning, ReadOnly,
    ReplicaStatus, Seeding, SemiSync, SemiSyncSupport, ServerFacts, Switch, ThreadState, Version,
    WaitPoint,
};
use crate::plan::{Action, Look, OnFailure, StagePlan, Step};
use crate::yaml::{Document, Source};

/// The newest release of each flavor that tests speak.
pub(crate) fn dialect(flavor: Flavor) -> Dialect {
    let version = match flavor {
        Flavor::MariaDb => Version::new(10, 11, 18),
        Flavor::MySql => Version::new(9, 7, 4),
    };
    Dialect::new(flavor, version)
}

/// Every secret is its own name.
struct Names;

impl Secrets for Names {
    fn env(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn file(&self, path: &Path) -> Result<SecretString, SecretError> {
        Ok(path.display().to_string().into())
    }

    fn command(&self, command: &str) -> Result<SecretString, SecretError> {
        Ok(command.to_owned().into())
    }
}

/// A name of a host.
pub(crate) fn name(text: &str) -> HostName {
    text.parse().expect("a host's name")
}

/// A cluster `shop` of `db1` (the first primary), `db2` and so on, with a writer VIP.
pub(crate) fn cluster(flavor: Flavor, hosts: usize) -> Cluster {
    cluster_with(flavor, hosts, "")
}

/// The same with more lines at the top of the inventory.
pub(crate) fn cluster_with(flavor: Flavor, hosts: usize, more: &str) -> Cluster {
    let mut text = format!(
        "cluster: shop\nserver: {{flavor: {flavor}}}\n{more}\
         accounts:\n  replication: {{user: repl, password: 'env:one'}}\n  \
         monitor: {{user: monitor, password: 'env:two'}}\n  \
         admin: {{user: hactl, password: 'env:three'}}\n\
         vip: {{writer: {{address: 192.0.2.90/24, interface: eth0}}}}\nhosts:\n"
    );
    for number in 1..=hosts {
        let primary = if number == 1 { ", primary: true" } else { "" };
        let _ = writeln!(text, "  db{number}: {{address: 192.0.2.{number}{primary}}}");
    }
    let source = Source::new("inventory.yml", text.as_str());
    Inventory::parse(source, Path::new("/"), &Names).expect("a good inventory")
}

/// Hosts of which nothing is installed.
pub(crate) fn bare(cluster: &Cluster) -> Observation {
    observation(cluster, |host| Reached {
        os: machine(cluster, host),
        server: ServerView::Absent,
        logins: Vec::new(),
    })
}

/// All is well: `db1` leads, the others follow.
pub(crate) fn healthy(cluster: &Cluster) -> Observation {
    let dialect = dialect(cluster.server.flavor);
    let primary = cluster.initial_primary().clone();
    observation(cluster, |host| {
        let mut os = machine(cluster, host);
        install(&mut os, dialect);
        let leads = host.name == primary;
        if leads && let Some(vip) = &cluster.vip {
            os.addresses.push(held(vip.address, &vip.interface));
        }
        os.inspected = Some(inspected(cluster, host, leads));
        let server = if leads {
            leader(cluster, host, dialect)
        } else {
            follower(cluster, host, dialect, &primary)
        };
        let others = cluster.hosts.keys().filter(|other| **other != host.name);
        let check = |to: &HostName| LoginCheck {
            to: to.clone(),
            refused: None,
        };
        Reached {
            os,
            server: ServerView::Up(Box::new(server)),
            logins: others.map(check).collect(),
        }
    })
}

/// The answers of a whole check: room on the disk, and the primary answers for the VIP.
fn inspected(cluster: &Cluster, host: &Host, leads: bool) -> Inspected {
    let hardware = |host: &Host| format!("02:00:00:00:00:{:02x}", last_octet(host));
    let primary = cluster.host(cluster.initial_primary()).expect("a primary");
    Inspected {
        options: Some(Vec::new()),
        disks: vec![Disk {
            folder: "/var/lib/mysql".to_owned(),
            id: "1".to_owned(),
            size: 100 << 30,
            free: 50 << 30,
            inodes: 1_000_000,
            inodes_free: 900_000,
        }],
        hardware: vec![hardware(host)],
        vip_answers: Some(if leads {
            Vec::new()
        } else {
            vec![hardware(primary)]
        }),
    }
}

fn last_octet(host: &Host) -> u8 {
    match host.address.ip() {
        Some(std::net::IpAddr::V4(address)) => address.octets()[3],
        _ => 0,
    }
}

/// The unit of a host's server.
pub(crate) fn server_unit<'a>(seen: &'a mut Observation, host: &str) -> &'a mut UnitFacts {
    let unit = seen.server_mut(host).dialect.service_unit();
    let units = &mut seen.reached_mut(host).os.units;
    units.get_mut(unit).expect("a server's unit")
}

fn observation(cluster: &Cluster, of: impl Fn(&Host) -> Reached) -> Observation {
    let view = |host: &Host| HostView::Reached(Box::new(of(host)));
    Observation {
        taken_at: 1_800_000_000,
        hosts: cluster
            .hosts
            .values()
            .map(|host| (host.name.clone(), view(host)))
            .collect(),
    }
}

/// A Debian without a database server.
fn machine(cluster: &Cluster, host: &Host) -> OsFacts {
    let dialect = dialect(cluster.server.flavor);
    let candidate = PackageFacts {
        installed: None,
        candidate: Some(format!("1:{}-1", dialect.version)),
    };
    let ip = host.address.ip().expect("an IP address");
    OsFacts {
        hostname: host.name.to_string(),
        login: Login {
            user: "root".to_owned(),
            uid: 0,
            root: RootAccess::Direct,
        },
        distribution: "debian".to_owned(),
        release: "bookworm".to_owned(),
        clock: 1_800_000_000,
        clock_offset: Some(ClockOffset {
            least_ms: -40,
            most_ms: 60,
        }),
        disk_free: Some(50 << 30),
        packages: [(dialect.server_package().to_owned(), candidate)].into(),
        interfaces: vec!["lo".to_owned(), "eth0".to_owned()],
        addresses: vec![held(ip, "eth0")],
        ..OsFacts::default()
    }
}

pub(crate) fn held(address: std::net::IpAddr, interface: &str) -> InterfaceAddress {
    InterfaceAddress {
        interface: interface.to_owned(),
        address,
        prefix_len: 24,
    }
}

fn install(os: &mut OsFacts, dialect: Dialect) {
    let version = format!("1:{}-1", dialect.version);
    for package in [dialect.server_package(), "iputils-arping"] {
        let facts = PackageFacts {
            installed: Some(version.clone()),
            candidate: Some(version.clone()),
        };
        os.packages.insert(package.to_owned(), facts);
    }
    os.server_program = Some(ServerProgram::Known(dialect));
    let unit = UnitFacts {
        state: UnitState::Active,
        enablement: "enabled".to_owned(),
        ..UnitFacts::unknown()
    };
    os.units.insert(dialect.service_unit().to_owned(), unit);
}

/// A replica that follows `primary` with every option as wanted.
pub(crate) fn follower(
    cluster: &Cluster,
    host: &Host,
    dialect: Dialect,
    primary: &HostName,
) -> ServerFacts {
    let mut facts = leader(cluster, host, dialect);
    facts.read_only = read_only(dialect, Switch::On);
    facts.semi_sync.source_enabled = Some(Switch::Off);
    facts.semi_sync.source_active = Some(Switch::Off);
    facts.semi_sync.clients = 0;
    facts.semi_sync.replica_active = Some(Switch::On);
    facts.replica = Some(following(cluster, primary));
    facts
}

/// Replication from `source` with every option as wanted.
pub(crate) fn following(cluster: &Cluster, source: &HostName) -> ReplicaStatus {
    let source = cluster.host(source).expect("a host of the inventory");
    let options = cluster.as_source(source);
    ReplicaStatus {
        channel: String::new(),
        source_host: options.host,
        source_port: options.port,
        source_user: options.user,
        password_sha256: None,
        source_server_id: source.server_id,
        source_uuid: None,
        receiver: ThreadState::Running,
        applier: ThreadState::Running,
        lag: Some(Duration::ZERO),
        last_io_error: None,
        last_sql_error: None,
        retrieved: None,
        executed: None,
        using_gtid: Positioning::Gtid,
        relay_log_file: "relay-bin.000002".to_owned(),
        relay_log_pos: 4,
        read_source_log: None,
        read_source_pos: 0,
        exec_source_log: None,
        exec_source_pos: 0,
        connect_retry_s: options.connect_retry_s,
        retry_count: None,
        ssl: None,
        ssl_verify: None,
        ssl_ca: None,
        heartbeat: Some(Duration::from_secs(options.heartbeat_s.into())),
        delay_s: 0,
        filters: Vec::new(),
        applier_state: String::new(),
    }
}

fn read_only(dialect: Dialect, value: Switch) -> ReadOnly {
    ReadOnly {
        read_only: value,
        super_read_only: (dialect.flavor == Flavor::MySql).then_some(value),
    }
}

/// The server UUID of a host, where its flavor has one.
fn uuid(host: &Host, dialect: Dialect) -> Option<String> {
    let number = host.server_id;
    (dialect.flavor == Flavor::MySql).then(|| format!("00000000-0000-0000-0000-0000{number:08x}"))
}

/// A primary that takes writes and waits for acknowledgements.
pub(crate) fn leader(cluster: &Cluster, host: &Host, dialect: Dialect) -> ServerFacts {
    let primary = cluster.host(cluster.initial_primary()).expect("a primary");
    let executed = match uuid(primary, dialect) {
        Some(uuid) => format!("{uuid}:1-100"),
        None => format!("0-{}-100", primary.server_id),
    };
    let gtids = |text: &str| GtidSet::parse(dialect.flavor, text).expect("a GTID set");
    let is_mariadb = dialect.flavor == Flavor::MariaDb;
    ServerFacts {
        dialect,
        server_id: host.server_id,
        server_uuid: uuid(host, dialect),
        hostname: host.name.to_string(),
        port: host.port,
        read_only: read_only(dialect, Switch::Off),
        variables: variables(dialect),
        executed: gtids(&executed),
        purged: (!is_mariadb).then(|| gtids("")),
        binlog_pos: is_mariadb.then(|| gtids(&executed)),
        slave_pos: is_mariadb.then(|| gtids("")),
        binlog_state: is_mariadb.then(|| executed.parse().expect("a binlog state")),
        replica: None,
        other_channels: Vec::new(),
        semi_sync: SemiSync {
            support: SemiSyncSupport::Present,
            source_enabled: Some(Switch::On),
            source_active: Some(Switch::On),
            clients: 2,
            replica_enabled: Some(Switch::On),
            replica_active: Some(Switch::Off),
            wait_point: Some(WaitPoint::AfterSync),
            timeout_ms: Some(crate::mysql::LONGEST_TIMEOUT_MS),
            acks_needed: 1,
            wait_without_replica: Some(Switch::On),
            waiting_sessions: 0,
            acknowledged: 0,
            unacknowledged: 0,
        },
        databases: vec!["shop".to_owned()],
        events: Vec::new(),
        own_schema: OwnSchema::Present,
        seeding: Seeding::None,
        accounts: accounts(cluster, dialect),
        anonymous_accounts: Vec::new(),
        replicas_attached: Vec::new(),
        oldest_write: None,
        dump_threads: 0,
        ending_dump: None,
        unacknowledged: None,
        persisted: BTreeMap::new(),
        set_since_start: Some(BTreeMap::new()),
        settable: BTreeSet::new(),
        uptime: Duration::from_hours(1),
        connections: 5,
    }
}

fn accounts(
    cluster: &Cluster,
    dialect: Dialect,
) -> BTreeMap<crate::mysql::AccountName, AccountFacts> {
    let roles = [
        AccountRole::Admin,
        AccountRole::Replication,
        AccountRole::Monitor,
    ];
    // Of the two ways to keep a password that both servers know, the one that is quick to check.
    let quick = self::dialect(Flavor::MariaDb);
    let facts = |role| {
        let account = cluster.accounts.of(role);
        let facts = AccountFacts {
            plugin: quick.account_plugin().to_owned(),
            hash: quick.predicted_hash(&account.password),
            privileges: dialect.role_privileges(role),
            barriers: BTreeSet::new(),
        };
        (account.name(), facts)
    };
    roles.map(facts).into()
}

fn variables(dialect: Dialect) -> BTreeMap<String, String> {
    let own: &[(&str, &str)] = match dialect.flavor {
        Flavor::MariaDb => &[("gtid_strict_mode", "ON"), ("log_slave_updates", "ON")],
        Flavor::MySql => &[
            ("gtid_mode", "ON"),
            ("enforce_gtid_consistency", "ON"),
            ("log_replica_updates", "ON"),
        ],
    };
    let both = [
        ("log_bin", "ON"),
        ("binlog_format", "ROW"),
        ("sync_binlog", "1"),
        ("innodb_flush_log_at_trx_commit", "1"),
        ("sync_relay_log", "1"),
        ("relay_log_purge", "OFF"),
        ("relay_log_recovery", "OFF"),
    ];
    both.iter()
        .chain(own)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Nobody leads yet: the inventory's primary, by the inventory.
pub(crate) fn named_topology(cluster: &Cluster) -> Topology {
    Topology {
        primary: cluster.initial_primary().clone(),
        basis: PrimaryBasis::Inventory,
        sources: BTreeMap::new(),
    }
}

/// The operator gave up the data of these hosts.
pub(crate) fn consent(hosts: &[&str]) -> Consent {
    Consent {
        reseed: hosts.iter().map(|host| name(host)).collect(),
    }
}

/// A host that does not answer.
pub(crate) fn unreachable(kind: UnreachableKind) -> HostView {
    HostView::Unreachable(Unreachable {
        kind,
        text: "it does not answer".to_owned(),
        hint: "look at the cable".to_owned(),
    })
}

/// A server that knows us and says no.
pub(crate) fn access_denied() -> ServerView {
    refused(1045)
}

/// A server's error as its view.
pub(crate) fn refused(number: u16) -> ServerView {
    ServerView::Refused(SqlFault {
        number: Some(number),
        text: format!("error {number}"),
    })
}

/// Changing one host of an observation.
pub(crate) trait Mutate {
    /// The machine and its server.
    fn reached_mut(&mut self, host: &str) -> &mut Reached;

    /// The server's facts.
    fn server_mut(&mut self, host: &str) -> &mut ServerFacts {
        match &mut self.reached_mut(host).server {
            ServerView::Up(facts) => facts,
            other => panic!("{host} is not up: {other:?}"),
        }
    }

    /// What a replica says about its replication.
    fn replica_mut(&mut self, host: &str) -> &mut ReplicaStatus {
        self.server_mut(host).replica.as_mut().expect("a replica")
    }
}

impl Mutate for Observation {
    fn reached_mut(&mut self, host: &str) -> &mut Reached {
        match self.hosts.get_mut(host) {
            Some(HostView::Reached(reached)) => reached,
            other => panic!("{host} is not reached: {other:?}"),
        }
    }
}

/// A stage of these actions, each on its host.
pub(crate) fn stage_of(steps: Vec<(&str, Action)>) -> StagePlan {
    let step = |(host, action)| Step {
        task: "Task".to_owned(),
        host: name(host),
        action,
        why: "because".to_owned(),
        on_failure: OnFailure::Stop,
    };
    StagePlan {
        play: "Play".to_owned(),
        steps: steps.into_iter().map(step).collect(),
        look: Look::All,
    }
}

/// What a watcher knows at a moment when all is well: everybody has just answered.
pub(crate) fn vigil(cluster: &Cluster, now: Millis) -> Vigil {
    let mut seen = healthy(cluster);
    let mut pulse = |host: &HostName| {
        let facts = seen.server_mut(host.as_ref());
        let beat = Beat {
            at: now,
            took: Duration::from_millis(1),
            server_id: facts.server_id,
            uptime: facts.uptime,
            read_only: facts.read_only,
            executed: facts.executed.clone(),
            semi_sync: facts.semi_sync.clone(),
            replica: facts.replica.clone(),
            received: facts.replica.is_some().then_some(now),
            stuck: None,
        };
        Pulse {
            server: ServerPulse::Answers { at: now },
            machine: MachinePulse::Works {
                at: now,
                process: Process::Runs,
                vip: VipPresence::Unknown,
            },
            last: Some(beat),
        }
    };
    let hosts = cluster.hosts.keys();
    let pulses = hosts.map(|host| (host.clone(), pulse(host))).collect();
    Vigil { now, pulses }
}

/// The primary `db1` has just crashed, and its replicas have noticed.
pub(crate) fn dead_primary(cluster: &Cluster) -> Observation {
    let mut seen = healthy(cluster);
    for host in cluster.hosts.keys().skip(1) {
        seen.replica_mut(host.as_ref()).receiver = ThreadState::Connecting;
    }
    seen.reached_mut("db1").server = ServerView::Stopped;
    seen
}

/// The keys that a type reads.
pub(crate) fn keys<T: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
    let keys = T::deserialize(Asked).unwrap_err().to_string();
    keys.split_whitespace().map(str::to_owned).collect()
}

/// What answers nothing and tells what it was asked for.
struct Asked;

impl<'de> Deserializer<'de> for Asked {
    type Error = KeysOf;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, KeysOf> {
        Err(KeysOf::custom(keys.join(" ")))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, KeysOf> {
        Err(KeysOf::custom("no_struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Why a schema refuses a text; `None` when it takes it.
pub(crate) fn refused_by(schema: &Schema, text: &str) -> Option<String> {
    const AT: &str = "https://hactl.invalid/schema.json";
    let document = Document::parse(Source::new("t.yml", text)).unwrap();
    let value: serde_json::Value = document.deserialize().unwrap();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource(AT, schema.clone().to_value())
        .unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(AT, &mut schemas).unwrap();
    let verdict = schemas.validate(&value, index);
    verdict.err().map(|wrong| format!("{wrong:#}"))
}
