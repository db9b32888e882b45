//! The fleet of real hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::facts::{HostView, Needs, Observation, Unreachable};
use crate::fleet::ssh::{HostKeys, Link};
use crate::fleet::{ActionError, Connection, Fleet, apply};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::Dialect;
use crate::observe::{self, Question};
use crate::plan::{Outcome, Step};

/// Told how far a long action is.
pub trait Progress: Send + Sync {
    /// `text` is short and for a person: `12.4 MiB loaded`.
    fn tell(&self, host: &HostName, text: &str);
}

/// Real hosts over ssh and SQL.
#[derive(Debug)]
pub struct LiveFleet {
    cluster: Arc<Cluster>,
    connections: BTreeMap<HostName, Arc<Connection>>,
    unreachable: BTreeMap<HostName, Unreachable>,
}

impl LiveFleet {
    /// Connects to every host side by side. One that cannot be reached is remembered as such.
    pub async fn connect(cluster: Arc<Cluster>, host_keys: HostKeys) -> Self {
        let mut tasks = JoinSet::new();
        for host in cluster.hosts.values() {
            let (name, target) = (host.name.clone(), (&host.ssh).into());
            tasks.spawn(async move { (name, Link::connect(&target, host_keys).await) });
        }
        let mut connections = BTreeMap::new();
        let mut unreachable = BTreeMap::new();
        while let Some(joined) = tasks.join_next().await {
            let Ok((name, result)) = joined else { continue };
            match result {
                Ok(link) => {
                    connections.insert(name.clone(), Arc::new(Connection::new(name, link)));
                }
                Err(error) => {
                    unreachable.insert(name, observe::unreachable(&error));
                }
            }
        }
        Self {
            cluster,
            connections,
            unreachable,
        }
    }

    /// The inventory.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The connection to a host.
    pub fn connection(&self, host: &HostName) -> Result<&Arc<Connection>, ActionError> {
        self.connections
            .get(host)
            .ok_or_else(|| ActionError::NotConnected { host: host.clone() })
    }

    /// The inventory's entry of a host.
    pub(super) fn host(&self, name: &HostName) -> Result<&Host, ActionError> {
        self.cluster
            .host(name)
            .ok_or_else(|| ActionError::NotConnected { host: name.clone() })
    }

    /// Every connection.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values()
    }

    /// Whether scripts run as root on every host that was reached.
    pub fn is_root_everywhere(&self) -> bool {
        self.connections()
            .all(|connection| connection.link.whoami().script_uid == 0)
    }

    /// The dialect to expect where no server has said its own.
    pub(super) fn expected(&self) -> Dialect {
        Dialect::default_dialect(self.cluster.server.flavor)
    }

    /// Tries the replication account's login from every reached host but the source to the source, and
    /// adds the answers to an observation.
    pub async fn check_logins(&self, seen: &mut Observation, source: &HostName) {
        let Some(source) = self.cluster.host(source) else {
            return;
        };
        let mut tasks = JoinSet::new();
        for (name, connection) in &self.connections {
            let Some(dialect) = seen.server(name).map(|facts| facts.dialect) else {
                continue;
            };
            if *name == source.name {
                continue;
            }
            let (connection, cluster) = (Arc::clone(connection), Arc::clone(&self.cluster));
            let source = source.clone();
            tasks.spawn(async move {
                let account = &cluster.accounts.replication;
                let check = observe::check_login(&connection, dialect, account, &source).await;
                (connection.host.clone(), check)
            });
        }
        while let Some(joined) = tasks.join_next().await {
            let Ok((name, check)) = joined else { continue };
            if let Some(HostView::Reached(reached)) = seen.hosts.get_mut(&name) {
                reached.source_login = check;
            }
        }
    }
}

impl Fleet for LiveFleet {
    async fn observe(&self, needs: &BTreeMap<HostName, Needs>) -> Observation {
        let mut tasks = JoinSet::new();
        for (name, connection) in &self.connections {
            let connection = Arc::clone(connection);
            let cluster = Arc::clone(&self.cluster);
            let needs = needs.get(name).cloned().unwrap_or_default();
            tasks.spawn(async move {
                let question = Question {
                    cluster: &cluster,
                    needs: &needs,
                };
                (
                    connection.host.clone(),
                    observe::look(&connection, &question).await,
                )
            });
        }
        let mut hosts: BTreeMap<_, _> = self
            .unreachable
            .iter()
            .map(|(name, why)| (name.clone(), HostView::Unreachable(why.clone())))
            .collect();
        while let Some(joined) = tasks.join_next().await {
            if let Ok((name, view)) = joined {
                hosts.insert(name, view);
            }
        }
        Observation {
            taken_at: observe::now(),
            hosts,
        }
    }

    async fn apply(&self, step: &Step, progress: &dyn Progress) -> Outcome {
        match apply::apply(self, step, progress).await {
            Ok(outcome) => outcome,
            Err(error) => error.into(),
        }
    }
}
