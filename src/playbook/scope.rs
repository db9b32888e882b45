//! What one task sees on one host: the world, the host's own facts, and the variables that templates
//! may use. Passwords are not among them, so that no template can leak one.

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::decide::Role;
use crate::facts::{OsFacts, ServerView};
use crate::inventory::{Address, Host, HostName, Scalar, ServerSpec};
use crate::mysql::Dialect;
use crate::playbook::arguments::{Text, Texts};
use crate::playbook::{TaskError, Templates, World};

/// The view of one task on one host.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// Everything.
    pub world: World<'a>,
    /// This host.
    pub host: &'a Host,
    templates: &'a Templates,
    variables: Value,
}

impl<'a> Scope<'a> {
    /// The view of a host, outside any loop.
    pub fn new(world: World<'a>, host: &'a Host, templates: &'a Templates) -> Self {
        let variables = Value::from(Serde(Variables::of(&world, host, None)));
        Self {
            world,
            host,
            templates,
            variables,
        }
    }

    /// The same with `item` set.
    #[must_use]
    pub fn with_item(&self, item: &str) -> Self {
        let variables = Variables::of(&self.world, self.host, Some(item));
        Self {
            variables: Value::from(Serde(variables)),
            ..self.clone()
        }
    }

    /// Renders one text.
    pub fn render(&self, text: &Text) -> Result<String, TaskError> {
        self.templates.render_text(&text.0, &self.variables)
    }

    /// Renders each text; one that renders to nothing is left out.
    pub fn render_all(&self, texts: &Texts) -> Result<Vec<String>, TaskError> {
        let rendered: Result<Vec<_>, _> = texts.0.iter().map(|text| self.render(text)).collect();
        Ok(rendered?
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect())
    }

    /// Renders a template file.
    pub fn render_file(&self, name: &str) -> Result<String, TaskError> {
        self.templates.render_file(name, &self.variables)
    }

    /// Evaluates an expression.
    pub fn holds(&self, expression: &str) -> Result<bool, TaskError> {
        self.templates.holds(expression, &self.variables)
    }

    /// The machine's facts; `None` when it was not reached.
    pub fn os(&self) -> Option<&'a OsFacts> {
        self.world.seen.os(&self.host.name)
    }

    /// The server's view; a host that was not reached counts as absent, so that a plan can be drawn
    /// up before the first connection.
    pub fn server(&self) -> &'a ServerView {
        self.world
            .seen
            .reached(&self.host.name)
            .map_or(&ServerView::Absent, |reached| &reached.server)
    }

    /// This host's part.
    pub fn role(&self) -> Role {
        self.world.topology.role(&self.host.name)
    }

    /// The replicas' names.
    pub fn replicas(&self) -> Vec<HostName> {
        let topology = self.world.topology;
        topology
            .replicas(self.world.cluster)
            .map(|host| host.name.clone())
            .collect()
    }

    /// The dialect that is or will be spoken here.
    pub fn dialect(&self) -> Dialect {
        dialect_of(&self.world, self.host)
    }
}

/// Of a host that was not reached, the one to assume.
fn dialect_of(world: &World<'_>, host: &Host) -> Dialect {
    let flavor = world.cluster.server.flavor;
    world.seen.reached(&host.name).map_or_else(
        || Dialect::default_dialect(flavor),
        |reached| reached.dialect(flavor),
    )
}

/// The variables of templates and expressions. Their names are part of the user's interface.
#[derive(Serialize)]
struct Variables {
    cluster: ClusterVariables,
    server: ServerVariables,
    host: HostVariables,
    settings: BTreeMap<String, Scalar>,
    vars: BTreeMap<String, Scalar>,
    primary: HostName,
    replicas: Vec<HostName>,
    durability: String,
    accounts: BTreeMap<&'static str, AccountVariables>,
    vip: Option<VipVariables>,
    facts: FactVariables,
    item: Option<String>,
}

#[derive(Serialize)]
struct ClusterVariables {
    name: String,
    size: usize,
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

impl Variables {
    fn of(world: &World<'_>, host: &Host, item: Option<&str>) -> Self {
        let cluster = world.cluster;
        let os = world.seen.os(&host.name);
        let replicas = world
            .topology
            .replicas(cluster)
            .map(|host| host.name.clone())
            .collect();
        Self {
            cluster: ClusterVariables {
                name: cluster.name.to_string(),
                size: cluster.hosts.len(),
            },
            server: ServerVariables::of(dialect_of(world, host), &cluster.server),
            host: HostVariables {
                name: host.name.clone(),
                address: host.address.clone(),
                port: host.port,
                server_id: host.server_id,
                role: world.topology.role(&host.name),
                serving: world.topology.serves(&host.name),
                attached_replicas: world
                    .seen
                    .server(&host.name)
                    .map_or(0, |facts| facts.dump_threads),
            },
            settings: host.settings.clone(),
            vars: cluster.vars.clone(),
            primary: world.topology.primary.clone(),
            replicas,
            durability: cluster.durability.to_string(),
            accounts: account_variables(world),
            vip: cluster.vip.as_ref().map(|vip| VipVariables {
                address: vip.address.to_string(),
                prefix_len: vip.prefix_len,
                interface: cluster
                    .vip_interface(&host.name)
                    .unwrap_or(&vip.interface)
                    .to_owned(),
            }),
            facts: FactVariables {
                hostname: os.map(|os| os.hostname.clone()).unwrap_or_default(),
                distribution: os.map(|os| os.distribution.clone()).unwrap_or_default(),
                release: os.map(|os| os.release.clone()).unwrap_or_default(),
            },
            item: item.map(ToOwned::to_owned),
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
