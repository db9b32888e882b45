//! What hactl sees of the world: real facts, no more than a real server says and no better. Positions
//! that lie on real servers lie here too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hactl::facts::{
    HostView, InterfaceAddress, Login, LoginCheck, Observation, OsFacts, PackageFacts, Reached,
    RootAccess, ServerProgram, ServerView, SqlFault, UnitFacts, UnitState, Unreachable,
    UnreachableKind,
};
use hactl::inventory::HostName;
use hactl::mysql::{
    BeatFacts, BinlogName, Dialect, Flavor, GtidSet, OwnSchema, Positioning, ReadOnly,
    ReplicaStatus, Seeding, SemiSync, SemiSyncSupport, ServerFacts, Switch, ThreadState, Version,
    WaitPoint,
};

use super::row::{BEFORE, binlog_state, gtids, uuid};
use super::{Channel, Machine, Process, Server, World};

/// When the simulation began, in seconds since the Unix epoch.
const BEGAN: i64 = 1_800_000_000;

/// The dialect of every server here.
pub(crate) fn dialect(flavor: Flavor) -> Dialect {
    match flavor {
        Flavor::MariaDb => Dialect::new(flavor, Version::new(10, 11, 18)),
        Flavor::MySql => Dialect::new(flavor, Version::new(9, 7, 4)),
    }
}

fn switch(on: bool) -> Switch {
    if on { Switch::On } else { Switch::Off }
}

impl World {
    /// The controller's clock.
    pub(crate) fn taken_at(&self) -> i64 {
        BEGAN + i64::try_from(self.now / 1000).expect("a short simulation")
    }

    /// What is seen of these hosts.
    pub(crate) fn seen(&self, hosts: &BTreeSet<HostName>) -> Observation {
        let view = |number: u32| {
            let machine = self.at(number);
            hosts
                .contains(&machine.name)
                .then(|| (machine.name.clone(), self.view(number)))
        };
        Observation {
            taken_at: self.taken_at(),
            hosts: self.numbers().filter_map(view).collect(),
        }
    }

    /// What is seen of every host.
    pub(crate) fn seen_whole(&self) -> Observation {
        self.seen(&self.cluster.hosts.keys().cloned().collect())
    }

    /// What a monitor's question is answered with.
    pub(crate) fn beat(&self, number: u32) -> BeatFacts {
        let facts = self.server(number);
        let channel = self.at(number).server.channel.as_ref();
        BeatFacts {
            server_id: facts.server_id,
            uptime: facts.uptime,
            read_only: facts.read_only,
            executed: facts.executed,
            semi_sync: facts.semi_sync,
            replica: facts.replica,
            heartbeats: channel.map(|channel| channel.heartbeats),
        }
    }

    fn view(&self, number: u32) -> HostView {
        let machine = self.at(number);
        if !machine.is_reached() {
            return HostView::Unreachable(Unreachable {
                kind: UnreachableKind::Network,
                text: format!("{} does not answer", machine.name),
                hint: "look at its power and its cable".to_owned(),
            });
        }
        let server = match machine.server.process {
            Process::Up => ServerView::Up(Box::new(self.server(number))),
            Process::Frozen => ServerView::Refused(SqlFault {
                number: None,
                text: "no answer within the deadline".to_owned(),
            }),
            Process::Gone => ServerView::Stopped,
        };
        let source = machine.server.channel.as_ref().map(|channel| LoginCheck {
            to: self.at(channel.source).name.clone(),
            refused: None,
        });
        HostView::Reached(Box::new(Reached {
            os: self.machine(machine),
            server,
            logins: source.into_iter().collect(),
        }))
    }

    fn machine(&self, machine: &Machine) -> OsFacts {
        let dialect = dialect(machine.server.flavor);
        let host = &self.cluster.hosts[&machine.name];
        let held = |address| InterfaceAddress {
            interface: "eth0".to_owned(),
            address,
            prefix_len: 24,
        };
        let mut addresses = vec![held(host.address.ip().expect("an address"))];
        if machine.vip.is_some() {
            addresses.push(held(self.cluster.vip.as_ref().expect("a VIP").address));
        }
        let state = match machine.server.process {
            Process::Gone => UnitState::Inactive,
            Process::Up | Process::Frozen => UnitState::Active,
        };
        let enablement = if machine.server.masked {
            "masked"
        } else {
            "enabled"
        };
        let unit = UnitFacts {
            state,
            enablement: enablement.to_owned(),
            ..UnitFacts::unknown()
        };
        let package = PackageFacts {
            installed: Some(format!("1:{}-1", dialect.version)),
            candidate: None,
        };
        OsFacts {
            hostname: machine.name.to_string(),
            login: Login {
                user: "root".to_owned(),
                uid: 0,
                root: RootAccess::Direct,
            },
            distribution: "debian".to_owned(),
            clock: self.taken_at(),
            server_program: Some(ServerProgram::Known(dialect)),
            packages: [(dialect.server_package().to_owned(), package)].into(),
            units: [(dialect.service_unit().to_owned(), unit)].into(),
            interfaces: vec!["lo".to_owned(), "eth0".to_owned()],
            addresses,
            marks: machine.marks.clone(),
            ..OsFacts::default()
        }
    }

    /// What a server says of itself.
    fn server(&self, number: u32) -> ServerFacts {
        let machine = self.at(number);
        let server = &machine.server;
        let (dialect, host) = (dialect(server.flavor), &self.cluster.hosts[&machine.name]);
        let is_mariadb = server.flavor == Flavor::MariaDb;
        // What waits is in the binary log; only one flavor counts it as executed.
        let counted = if is_mariadb {
            server.log.len()
        } else {
            server.committed
        };
        let executed = gtids(server.flavor, &server.log[..counted]);
        ServerFacts {
            dialect,
            server_id: host.server_id,
            server_uuid: (!is_mariadb).then(|| uuid(number)),
            hostname: machine.name.to_string(),
            port: host.port,
            read_only: ReadOnly {
                read_only: switch(server.read_only),
                super_read_only: (!is_mariadb).then(|| switch(server.read_only)),
            },
            variables: variables(server.flavor),
            purged: (!is_mariadb).then(|| gtids_before(server.flavor)),
            binlog_pos: is_mariadb.then(|| executed.clone()),
            slave_pos: is_mariadb.then(|| gtids(server.flavor, &server.log[..applied(server)])),
            binlog_state: is_mariadb.then(|| binlog_state(&server.log)),
            executed,
            replica: server
                .channel
                .as_ref()
                .map(|channel| self.status(server, channel)),
            other_channels: Vec::new(),
            semi_sync: semi_sync(server, self.ackers(number)),
            databases: vec!["shop".to_owned()],
            events: Vec::new(),
            own_schema: OwnSchema::Present,
            seeding: Seeding::None,
            accounts: BTreeMap::new(),
            anonymous_accounts: Vec::new(),
            replicas_attached: Vec::new(),
            oldest_write: None,
            dump_threads: self.ackers(number),
            ending_dump: None,
            unacknowledged: None,
            persisted: BTreeMap::new(),
            set_since_start: None,
            settable: BTreeSet::new(),
            uptime: match server.booted_at {
                None => Duration::from_hours(1),
                Some(at) => Duration::from_secs((self.now - at) / 1000),
            },
            connections: 5,
        }
    }

    fn status(&self, server: &Server, channel: &Channel) -> ReplicaStatus {
        let source = &self.at(channel.source);
        let host = &self.cluster.hosts[&source.name];
        let options = self.cluster.as_source(host);
        let receiver = match (channel.receiver, channel.connected) {
            (false, _) => ThreadState::Stopped,
            (true, false) => ThreadState::Connecting,
            (true, true) => ThreadState::Running,
        };
        let is_applying = channel.applier && !server.broken;
        let applier = if is_applying {
            ThreadState::Running
        } else {
            ThreadState::Stopped
        };
        ReplicaStatus {
            channel: String::new(),
            source_host: options.host,
            source_port: options.port,
            source_user: options.user,
            password_sha256: None,
            source_server_id: host.server_id,
            source_uuid: (server.flavor == Flavor::MySql).then(|| uuid(channel.source)),
            receiver,
            applier,
            lag: (is_applying && channel.connected).then_some(Duration::ZERO),
            last_io_error: None,
            last_sql_error: None,
            retrieved: Some(told(server, channel)),
            executed: Some(gtids(server.flavor, &server.log)),
            using_gtid: if channel.by_file {
                Positioning::File
            } else {
                Positioning::Gtid
            },
            relay_log_file: "relay-bin.000002".to_owned(),
            relay_log_pos: place(server.log.len()),
            read_source_log: Some(binlog()),
            read_source_pos: place(server.log.len() + channel.relay.len()),
            exec_source_log: Some(binlog()),
            exec_source_pos: place(server.log.len()),
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
}

/// What its GTIDs tell of what it received: nothing by file and position on `MariaDB`.
fn told(server: &Server, channel: &Channel) -> GtidSet {
    if channel.by_file && server.flavor == Flavor::MariaDb {
        return GtidSet::empty(server.flavor);
    }
    gtids(server.flavor, &server.holds().copied().collect::<Vec<_>>())
}

/// How many rows of the log came by replication, up to the last such one.
fn applied(server: &Server) -> usize {
    let foreign = |row: &super::Row| row.writer != server.number;
    server.log.iter().rposition(foreign).map_or(0, |at| at + 1)
}

/// The binary logs of the beginning are purged: a set up to there.
fn gtids_before(flavor: Flavor) -> GtidSet {
    gtids(flavor, &[])
}

fn binlog() -> BinlogName {
    "binlog.000001".parse().expect("a log's name")
}

fn place(rows: usize) -> u64 {
    (BEFORE + rows as u64) * 100
}

fn semi_sync(server: &Server, clients: u32) -> SemiSync {
    let follows = server.channel.as_ref();
    SemiSync {
        support: SemiSyncSupport::Present,
        source_enabled: Some(switch(server.semi_sync_source)),
        source_active: Some(switch(server.semi_sync_source)),
        clients: if server.semi_sync_source { clients } else { 0 },
        replica_enabled: Some(Switch::On),
        replica_active: Some(switch(follows.is_some_and(|channel| channel.connected))),
        wait_point: Some(WaitPoint::AfterSync),
        timeout_ms: Some(hactl::mysql::LONGEST_TIMEOUT_MS),
        acks_needed: 1,
        wait_without_replica: Some(Switch::On),
        waiting_sessions: u32::try_from(server.log.len() - server.committed).expect("few rows"),
        acknowledged: server.committed as u64,
        unacknowledged: 0,
    }
}

fn variables(flavor: Flavor) -> BTreeMap<String, String> {
    let own: &[(&str, &str)] = match flavor {
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
        ("relay_log_recovery", "OFF"),
    ];
    both.iter()
        .chain(own)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
