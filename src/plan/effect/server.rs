//! A server as an action leaves it: booted, switched, seeded, following. Must never make up data that
//! nobody has seen: what a server that was down holds is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::inventory::Account;
use crate::mysql::{
    AccountFacts, AccountRole, Dialect, GtidSet, OwnSchema, Positioning, ReadOnly, ReplicaStatus,
    Seeding, SemiSync, SemiSyncSupport, ServerFacts, SourceOptions, Switch, ThreadState,
};
use crate::plan::LiveVariable;

/// A server that has booted with our file: harmless. What data it holds is not known; the run looks.
pub(super) fn booted(dialect: Dialect, server_id: u32) -> ServerFacts {
    let mut facts = fresh(dialect, server_id);
    switch(&mut facts, LiveVariable::ReadOnly, Switch::On);
    facts
}

/// A server as its package leaves it: up, writable, without data.
pub(super) fn fresh(dialect: Dialect, server_id: u32) -> ServerFacts {
    ServerFacts {
        dialect,
        server_id,
        server_uuid: None,
        hostname: String::new(),
        port: 0,
        read_only: ReadOnly {
            read_only: Switch::Off,
            super_read_only: None,
        },
        variables: BTreeMap::new(),
        executed: GtidSet::empty(dialect.flavor),
        purged: None,
        binlog_pos: None,
        slave_pos: None,
        binlog_state: None,
        replica: None,
        other_channels: Vec::new(),
        semi_sync: SemiSync {
            support: SemiSyncSupport::Present,
            source_enabled: Some(Switch::Off),
            source_active: Some(Switch::Off),
            clients: 0,
            replica_enabled: Some(Switch::On),
            replica_active: Some(Switch::Off),
            wait_point: None,
            timeout_ms: None,
            acks_needed: 1,
            wait_without_replica: None,
            waiting_sessions: 0,
            acknowledged: 0,
            unacknowledged: 0,
        },
        databases: Vec::new(),
        events: Vec::new(),
        own_schema: OwnSchema::Absent,
        seeding: Seeding::None,
        accounts: BTreeMap::new(),
        anonymous_accounts: Vec::new(),
        replicas_attached: Vec::new(),
        oldest_write: None,
        dump_threads: 0,
        ending_dump: None,
        unacknowledged: None,
        persisted: BTreeMap::new(),
        set_since_start: None,
        settable: BTreeSet::new(),
        uptime: Duration::ZERO,
        connections: 0,
    }
}

pub(super) fn switch(facts: &mut ServerFacts, variable: LiveVariable, value: Switch) {
    match variable {
        LiveVariable::ReadOnly => {
            facts.read_only.read_only = value;
            if let Some(of_all) = &mut facts.read_only.super_read_only {
                *of_all = value;
            }
        }
        LiveVariable::SemiSyncSource => facts.semi_sync.source_enabled = Some(value),
    }
}

pub(super) fn seeded(facts: &mut ServerFacts, source: &ServerFacts) {
    facts.databases.clone_from(&source.databases);
    facts.accounts.clone_from(&source.accounts);
}

pub(super) fn account_as_wanted(facts: &mut ServerFacts, role: AccountRole, account: &Account) {
    let privileges = facts.dialect.role_privileges(role);
    let plugin = facts.dialect.account_plugin().to_owned();
    let hash = facts.dialect.predicted_hash(&account.password);
    facts.accounts.insert(
        account.name(),
        AccountFacts {
            plugin,
            hash,
            privileges,
            barriers: BTreeSet::new(),
        },
    );
}

pub(super) fn follow(facts: &mut ServerFacts, source: &SourceOptions) {
    facts.seeding = Seeding::None;
    facts.replica = Some(ReplicaStatus {
        channel: String::new(),
        source_host: source.host.clone(),
        source_port: source.port,
        source_user: source.user.clone(),
        password_sha256: None,
        source_server_id: 0,
        source_uuid: None,
        receiver: ThreadState::Running,
        applier: ThreadState::Running,
        lag: Some(Duration::ZERO),
        last_io_error: None,
        last_sql_error: None,
        retrieved: None,
        executed: None,
        using_gtid: Positioning::Gtid,
        relay_log_file: String::new(),
        relay_log_pos: 0,
        read_source_log: None,
        read_source_pos: 0,
        exec_source_log: None,
        exec_source_pos: 0,
        connect_retry_s: source.connect_retry_s,
        retry_count: None,
        // Whatever is wanted: nothing differs.
        ssl: None,
        ssl_verify: None,
        ssl_ca: None,
        heartbeat: Some(Duration::from_secs(source.heartbeat_s.into())),
        delay_s: 0,
        filters: Vec::new(),
        applier_state: String::new(),
    });
}
