//! What a stage brings about, as a prediction: an observation in, the observation after it out. It
//! lets a plan be drawn up to its end, and it is the model against which `diff(apply(diff(s)))` is
//! tested to be empty. It must never be taken for an observation.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::facts::{
    FileFacts, HostView, InterfaceAddress, Observation, PackageFacts, Reached, ServerView,
    UnitFacts, UnitState,
};
use crate::inventory::{Account, Cluster, HostName};
use crate::mysql::{
    AccountFacts, AccountRole, Dialect, GtidSet, OwnSchema, Positioning, ReadOnly, ReplicaStatus,
    Seeding, SemiSync, SemiSyncSupport, ServerFacts, SourceOptions, Switch, ThreadState,
};
use crate::plan::{Action, LiveVariable, StagePlan, Step, UnitChange};

/// The observation after a stage, if every step does what it says.
#[must_use]
pub fn predict(cluster: &Cluster, seen: &Observation, stage: &StagePlan) -> Observation {
    let mut after = seen.clone();
    for step in &stage.steps {
        apply(cluster, &mut after, step);
    }
    after
}

fn apply(cluster: &Cluster, after: &mut Observation, step: &Step) {
    match &step.action {
        Action::Seed { into, .. } => {
            let Some(source) = after.server(&step.host).cloned() else {
                return;
            };
            for replica in into {
                with_server(cluster, after, replica, |facts| seeded(facts, &source));
            }
        }
        Action::Replicate { source, .. } => {
            let Some(source) = cluster.host(source) else {
                return;
            };
            let options = source.as_source(&cluster.accounts.replication);
            with_server(cluster, after, &step.host, |facts| follow(facts, &options));
            if let Some(HostView::Reached(reached)) = after.hosts.get_mut(&step.host) {
                let known = &mut reached.os.source_password_sha256;
                *known = known.take().map(|_| options.password_sha256());
            }
        }
        Action::SetVariable { variable, value } => {
            with_server(cluster, after, &step.host, |facts| {
                switch(facts, *variable, *value);
            });
        }
        Action::EnsureAccount { role, .. } => {
            let account = cluster.accounts.of(*role);
            with_server(cluster, after, &step.host, |facts| {
                account_as_wanted(facts, *role, account);
            });
        }
        // The server lets us in from now on.
        Action::InstallAdmin => with_server(cluster, after, &step.host, |_| ()),
        Action::ProveReplication { .. } | Action::ReloadUnits => {}
        action => {
            if let Some(HostView::Reached(reached)) = after.hosts.get_mut(&step.host) {
                on_machine(cluster, reached, &step.host, action);
            }
        }
    }
}

fn seeded(facts: &mut ServerFacts, source: &ServerFacts) {
    facts.databases.clone_from(&source.databases);
    facts.accounts.clone_from(&source.accounts);
}

fn on_machine(cluster: &Cluster, reached: &mut Reached, host: &HostName, action: &Action) {
    match action {
        Action::InstallPackages { packages } => install(cluster, reached, host, packages),
        Action::WriteFile(file) => {
            let facts = FileFacts::Present {
                content: file.content.clone(),
                owner: file.owner.clone(),
                group: file.group.clone(),
                mode: file.mode.clone(),
            };
            reached.os.files.insert(file.path.clone(), facts);
        }
        Action::SetUnit { unit, change } => set_unit(cluster, reached, host, unit, *change),
        Action::AddVip { address, interface } => {
            let Some((address, prefix)) = address.split_once('/') else {
                return;
            };
            if let (Ok(address), Ok(prefix_len)) = (address.parse(), prefix.parse()) {
                let interface = interface.clone();
                reached.os.addresses.push(InterfaceAddress {
                    interface,
                    address,
                    prefix_len,
                });
            }
        }
        Action::RemoveVip { address, interface } => reached.os.addresses.retain(|held| {
            format!("{}/{}", held.address, held.prefix_len) != *address
                || held.interface != *interface
        }),
        _ => {}
    }
}

/// Debian starts a server when it installs it, and enables it.
fn install(cluster: &Cluster, reached: &mut Reached, host: &HostName, packages: &[String]) {
    for package in packages {
        let candidate = reached
            .os
            .packages
            .get(package)
            .and_then(|known| known.candidate.clone());
        let installed = Some(candidate.unwrap_or_else(|| "newest".to_owned()));
        reached.os.packages.insert(
            package.clone(),
            PackageFacts {
                installed,
                candidate: None,
            },
        );
    }
    let dialect = reached.dialect(cluster.server.flavor);
    let is_server = |package: &String| {
        package == dialect.server_package() || cluster.server.packages.contains(package)
    };
    if packages.iter().any(is_server) {
        let unit = UnitFacts {
            state: UnitState::Active,
            enablement: "enabled".to_owned(),
            stale: false,
        };
        reached
            .os
            .units
            .insert(dialect.service_unit().to_owned(), unit);
        if let Some(host) = cluster.host(host) {
            reached.server = ServerView::Up(Box::new(fresh(dialect, host.server_id)));
        }
    }
}

fn set_unit(
    cluster: &Cluster,
    reached: &mut Reached,
    host: &HostName,
    unit: &str,
    change: UnitChange,
) {
    let dialect = reached.dialect(cluster.server.flavor);
    let facts = reached
        .os
        .units
        .entry(unit.to_owned())
        .or_insert_with(UnitFacts::unknown);
    match change {
        UnitChange::Start | UnitChange::Restart => {
            facts.state = UnitState::Active;
            facts.stale = false;
        }
        UnitChange::Stop => facts.state = UnitState::Inactive,
        UnitChange::Enable => "enabled".clone_into(&mut facts.enablement),
        UnitChange::Disable => "disabled".clone_into(&mut facts.enablement),
        UnitChange::Mask => "masked".clone_into(&mut facts.enablement),
    }
    if unit != dialect.service_unit() {
        return;
    }
    match (change, &mut reached.server) {
        (UnitChange::Stop, server) => *server = ServerView::Stopped,
        // It boots as its file says: read-only, and waiting for nobody.
        (UnitChange::Start | UnitChange::Restart, ServerView::Up(facts)) => {
            switch(facts, LiveVariable::ReadOnly, Switch::On);
            switch(facts, LiveVariable::SemiSyncSource, Switch::Off);
        }
        (UnitChange::Start | UnitChange::Restart, server) => {
            if let Some(host) = cluster.host(host) {
                *server = ServerView::Up(Box::new(booted(dialect, host.server_id)));
            }
        }
        _ => {}
    }
}

fn with_server(
    cluster: &Cluster,
    after: &mut Observation,
    host: &HostName,
    change: impl FnOnce(&mut ServerFacts),
) {
    let Some(HostView::Reached(reached)) = after.hosts.get_mut(host) else {
        return;
    };
    if reached.server.up().is_none() {
        let Some(known) = cluster.host(host) else {
            return;
        };
        let dialect = reached.dialect(cluster.server.flavor);
        reached.server = ServerView::Up(Box::new(booted(dialect, known.server_id)));
    }
    if let ServerView::Up(facts) = &mut reached.server {
        change(facts);
    }
}

/// A server that has booted with our file: harmless. What data it holds is not known; the run looks.
fn booted(dialect: Dialect, server_id: u32) -> ServerFacts {
    let mut facts = fresh(dialect, server_id);
    switch(&mut facts, LiveVariable::ReadOnly, Switch::On);
    facts
}

/// A server as its package leaves it: up, writable, without data.
fn fresh(dialect: Dialect, server_id: u32) -> ServerFacts {
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
        binlog_end: None,
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
        dump_threads: 0,
        persisted: BTreeMap::new(),
        uptime: Duration::ZERO,
        connections: 0,
    }
}

fn switch(facts: &mut ServerFacts, variable: LiveVariable, value: Switch) {
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

fn account_as_wanted(facts: &mut ServerFacts, role: AccountRole, account: &Account) {
    let privileges = facts.dialect.role_privileges(role);
    let plugin = facts.dialect.account_plugin().to_owned();
    let hash = facts.dialect.predicted_hash(&account.password);
    facts.accounts.insert(
        account.name(),
        AccountFacts {
            plugin,
            hash,
            privileges,
        },
    );
}

fn follow(facts: &mut ServerFacts, source: &SourceOptions) {
    facts.seeding = Seeding::None;
    facts.replica = Some(ReplicaStatus {
        channel: String::new(),
        source_host: source.host.clone(),
        source_port: source.port,
        source_user: source.user.clone(),
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
        ssl: None,
        heartbeat: Some(Duration::from_secs(source.heartbeat_s.into())),
        delay_s: 0,
        filters: Vec::new(),
        applier_state: String::new(),
    });
}
