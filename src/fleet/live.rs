//! The fleet of real hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::facts::{HostView, Needs, Observation, Unreachable};
use crate::fleet::ssh::{HostKeys, Link};
use crate::fleet::{ActionError, Connection, Fleet, apply};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::Dialect;
use crate::observe;
use crate::plan::{Outcome, Step};

/// Told how far a long action is.
pub trait Progress: Send + Sync {
    /// `text` is short and for a person: `12.4 MiB loaded`.
    fn tell(&self, host: &HostName, text: &str);
}

/// How long connecting to all hosts may take where nobody is in a hurry: four steps to each of them.
const CONNECT: Duration = Duration::from_mins(1);

/// Real hosts over ssh and SQL.
///
/// A connection that was lost stays lost until [`LiveFleet::reconnect`]; whoever still holds the old one
/// gets errors from it, bounded in time.
#[derive(Debug)]
pub struct LiveFleet {
    cluster: Arc<Cluster>,
    host_keys: HostKeys,
    dialled: RwLock<BTreeMap<HostName, Dialled>>,
}

/// How the latest attempt to reach a host ended.
type Dialled = Result<Arc<Connection>, Unreachable>;

impl LiveFleet {
    /// Connects to every host side by side. One that cannot be reached is remembered as such.
    pub async fn connect(cluster: Arc<Cluster>, host_keys: HostKeys) -> Self {
        Self::connect_within(cluster, host_keys, CONNECT).await
    }

    /// As [`Self::connect`]; a host that has not answered in time counts as unreachable.
    pub async fn connect_within(
        cluster: Arc<Cluster>,
        host_keys: HostKeys,
        within: Duration,
    ) -> Self {
        let mut tasks = JoinSet::new();
        for host in cluster.hosts.values() {
            let host = host.clone();
            tasks.spawn(async move { (host.name.clone(), dial(&host, host_keys, within).await) });
        }
        let dialled = tasks.join_all().await.into_iter().collect();
        Self {
            cluster,
            host_keys,
            dialled: RwLock::new(dialled),
        }
    }

    /// Connects to a host anew, whatever became of its connection. The warm ssh connection is taken up
    /// if it answers.
    pub async fn reconnect(&self, host: &HostName, within: Duration) -> Result<(), Unreachable> {
        let Some(host) = self.cluster.host(host) else {
            return Ok(());
        };
        let answer = dial(host, self.host_keys, within).await;
        let result = answer.as_ref().map(|_| ()).map_err(Clone::clone);
        let mut dialled = self.dialled.write().unwrap_or_else(PoisonError::into_inner);
        dialled.insert(host.name.clone(), answer);
        result
    }

    /// The inventory.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn dialled(&self) -> BTreeMap<HostName, Dialled> {
        let dialled = self.dialled.read().unwrap_or_else(PoisonError::into_inner);
        dialled.clone()
    }

    /// The connection to a host, as it was when it was last dialled.
    pub fn connection(&self, host: &HostName) -> Result<Arc<Connection>, ActionError> {
        let dialled = self.dialled.read().unwrap_or_else(PoisonError::into_inner);
        match dialled.get(host) {
            Some(Ok(connection)) => Ok(Arc::clone(connection)),
            _ => Err(ActionError::NotConnected { host: host.clone() }),
        }
    }

    /// Every connection.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        self.dialled()
            .into_values()
            .filter_map(Result::ok)
            .collect()
    }

    /// The names of the hosts that there is a connection to.
    pub fn connected(&self) -> BTreeSet<HostName> {
        let connections = self.connections();
        connections.iter().map(|one| one.host.clone()).collect()
    }

    /// The inventory's entry of a host.
    pub(super) fn host(&self, name: &HostName) -> Result<&Host, ActionError> {
        self.cluster
            .host(name)
            .ok_or_else(|| ActionError::NotConnected { host: name.clone() })
    }

    /// Whether scripts run as root on every host that was reached.
    pub fn is_root_everywhere(&self) -> bool {
        self.connections()
            .iter()
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
        for connection in self.connections() {
            let name = &connection.host;
            let Some(dialect) = seen.server(name).map(|facts| facts.dialect) else {
                continue;
            };
            if *name == source.name {
                continue;
            }
            let cluster = Arc::clone(&self.cluster);
            let source = source.clone();
            tasks.spawn(async move {
                let check = observe::check_login(&connection, dialect, &cluster, &source).await;
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

impl LiveFleet {
    /// Looks at the chosen hosts side by side, each in its own way.
    async fn see<L, F>(&self, chosen: impl Fn(&HostName) -> bool, look: L) -> Observation
    where
        L: Fn(Arc<Connection>, Arc<Cluster>) -> F,
        F: Future<Output = HostView> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut hosts = BTreeMap::new();
        for (name, dialled) in self.dialled() {
            match dialled {
                _ if !chosen(&name) => {}
                Ok(connection) => {
                    let looking = look(connection, Arc::clone(&self.cluster));
                    tasks.spawn(async move { (name, looking.await) });
                }
                Err(why) => {
                    hosts.insert(name, HostView::Unreachable(why));
                }
            }
        }
        hosts.extend(tasks.join_all().await);
        Observation {
            taken_at: observe::now(),
            hosts,
        }
    }
}

/// Connects to one host within a bound.
async fn dial(host: &Host, host_keys: HostKeys, within: Duration) -> Dialled {
    match Link::connect_within(&(&host.ssh).into(), host_keys, within).await {
        Ok(link) => Ok(Arc::new(Connection::new(host.name.clone(), link))),
        Err(error) => Err(observe::unreachable(&error)),
    }
}

impl Fleet for LiveFleet {
    async fn observe(&self, needs: &BTreeMap<HostName, Needs>) -> Observation {
        self.see(
            |_| true,
            |connection, cluster| {
                let needs = needs.get(&connection.host).cloned().unwrap_or_default();
                async move { observe::survey(&connection, &cluster, &needs).await }
            },
        )
        .await
    }

    async fn look(&self, hosts: &BTreeSet<HostName>, within: Duration) -> Observation {
        self.see(
            |host| hosts.contains(host),
            |connection, cluster| async move {
                observe::glance(&connection, &cluster, within).await
            },
        )
        .await
    }

    async fn apply(&self, step: &Step, progress: &dyn Progress) -> Outcome {
        match apply::apply(self, step, progress).await {
            Ok(outcome) => outcome,
            Err(error) => error.into(),
        }
    }
}
