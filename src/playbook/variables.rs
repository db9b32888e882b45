//! The variables that hactl itself gives to templates and expressions. Their names are part of the
//! user's interface. Passwords are not among them.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::decide::Role;
use crate::inventory::{Address, Host, HostName, ReplicationMode, ServerSpec};
use crate::mysql::Dialect;
use crate::playbook::World;

/// The names that belong to hactl; no variable of a person's may hide one. `result` is what a task's own
/// `until`, `changed_when` and `failed_when` see.
pub(super) const RESERVED: [&str; 13] = [
    "accounts",
    "cluster",
    "durability",
    "facts",
    "host",
    "item",
    "primary",
    "replicas",
    "result",
    "server",
    "settings",
    "vars",
    "vip",
];

/// Why a name cannot be a variable's, and what to do; `None` where it can.
pub fn refused_name(name: &str) -> Option<(String, String)> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if RESERVED.contains(&name) {
        return Some((
            format!("`{name}` is a name of hactl's own"),
            format!("choose another; taken are: {}", RESERVED.join(", ")),
        ));
    }
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some((
            "not a variable's name".to_owned(),
            "use letters, digits and `_`, and no digit first".to_owned(),
        ));
    }
    None
}

/// Every variable of a host that does not come from a playbook: hactl's own, and the inventory's.
pub(super) fn of(world: &World<'_>, host: &Host) -> BTreeMap<String, Value> {
    let cluster = world.cluster;
    let inventory = cluster.vars.iter().chain(&host.vars);
    let mut names: BTreeMap<String, Value> = inventory
        .map(|(name, value)| (name.clone(), Value::from(Serde(value))))
        .collect();
    let own = [
        ("cluster", Value::from(Serde(ClusterVariables::of(world)))),
        (
            "server",
            Value::from(Serde(ServerVariables::of(
                dialect_of(world, host),
                &cluster.server,
            ))),
        ),
        ("host", Value::from(Serde(HostVariables::of(world, host)))),
        ("settings", Value::from(Serde(&host.settings))),
        ("primary", Value::from(Serde(&world.topology.primary))),
        ("replicas", Value::from(Serde(replicas(world)))),
        ("durability", Value::from(cluster.durability.to_string())),
        ("accounts", Value::from(Serde(account_variables(world)))),
        ("vip", Value::from(Serde(VipVariables::of(world, host)))),
        ("facts", Value::from(Serde(FactVariables::of(world, host)))),
    ];
    names.extend(own.map(|(name, value)| (name.to_owned(), value)));
    names
}

fn replicas(world: &World<'_>) -> Vec<HostName> {
    let replicas = world.topology.replicas(world.cluster);
    replicas.map(|host| host.name.clone()).collect()
}

/// Of a host that was not reached, the one to assume.
pub(super) fn dialect_of(world: &World<'_>, host: &Host) -> Dialect {
    let flavor = world.cluster.server.flavor;
    world.seen.reached(&host.name).map_or_else(
        || Dialect::default_dialect(flavor),
        |reached| reached.dialect(flavor),
    )
}

#[derive(Serialize)]
struct ClusterVariables {
    name: String,
    size: usize,
    replication_mode: ReplicationMode,
}

#[derive(Serialize)]
struct ServerVariables {
    flavor: String,
    major: u16,
    minor: u16,
    patch: u16,
    packages: Vec<String>,
    unit: &'static str,
    socket_units: Vec<&'static str>,
    config_path: &'static str,
    socket_path: &'static str,
    client: &'static str,
    /// Empty where replication can be started as it is.
    start_program: &'static str,
}

#[derive(Serialize)]
struct HostVariables {
    name: HostName,
    address: Address,
    port: u16,
    server_id: u32,
    role: Role,
    groups: Vec<String>,
    serving: bool,
    attached_replicas: u32,
}

#[derive(Serialize)]
struct AccountVariables {
    user: String,
    host: String,
}

#[derive(Serialize)]
struct VipVariables {
    address: String,
    prefix_len: u8,
    interface: String,
}

#[derive(Serialize)]
struct FactVariables {
    hostname: String,
    distribution: String,
    release: String,
}

impl ClusterVariables {
    fn of(world: &World<'_>) -> Self {
        Self {
            name: world.cluster.name.to_string(),
            size: world.cluster.hosts.len(),
            replication_mode: world.cluster.replication_mode,
        }
    }
}

impl HostVariables {
    fn of(world: &World<'_>, host: &Host) -> Self {
        Self {
            name: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            server_id: host.server_id,
            role: world.topology.role(&host.name),
            groups: host.groups.clone(),
            serving: world.topology.serves(&host.name),
            attached_replicas: world
                .seen
                .server(&host.name)
                .map_or(0, |facts| facts.dump_threads),
        }
    }
}

impl VipVariables {
    fn of(world: &World<'_>, host: &Host) -> Option<Self> {
        let vip = world.cluster.vip.as_ref()?;
        let interface = world.cluster.vip_interface(&host.name);
        Some(Self {
            address: vip.address.to_string(),
            prefix_len: vip.prefix_len,
            interface: interface.unwrap_or(&vip.interface).to_owned(),
        })
    }
}

impl FactVariables {
    fn of(world: &World<'_>, host: &Host) -> Self {
        let os = world.seen.os(&host.name);
        Self {
            hostname: os.map(|os| os.hostname.clone()).unwrap_or_default(),
            distribution: os.map(|os| os.distribution.clone()).unwrap_or_default(),
            release: os.map(|os| os.release.clone()).unwrap_or_default(),
        }
    }
}

impl ServerVariables {
    fn of(dialect: Dialect, wanted: &ServerSpec) -> Self {
        Self {
            flavor: dialect.flavor.to_string(),
            major: dialect.version.major,
            minor: dialect.version.minor,
            patch: dialect.version.patch,
            packages: match wanted.packages.as_slice() {
                [] => vec![dialect.server_package().to_owned()],
                named => named.to_vec(),
            },
            unit: dialect.service_unit(),
            socket_units: dialect.socket_units().to_vec(),
            config_path: dialect.config_path(),
            socket_path: dialect.socket_path(),
            client: dialect.client(),
            start_program: dialect.safe_start_program().unwrap_or_default(),
        }
    }
}

fn account_variables(world: &World<'_>) -> BTreeMap<&'static str, AccountVariables> {
    let accounts = &world.cluster.accounts;
    [
        ("replication", &accounts.replication),
        ("monitor", &accounts.monitor),
        ("admin", &accounts.admin),
    ]
    .into_iter()
    .map(|(name, account)| {
        (
            name,
            AccountVariables {
                user: account.user.clone(),
                host: account.host.clone(),
            },
        )
    })
    .collect()
}
