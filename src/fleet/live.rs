//! The fleet of real hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::facts::{HostView, LoginCheck, Needs, Observation, Unreachable};
use crate::fleet::ssh::{HostKeys, Link, SshTarget, SudoPassword};
use crate::fleet::{ActionError, Connection, Fleet, apply};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::{Dialect, ServerFacts};
use crate::observe;
use crate::plan::{Copying, Outcome, Step};

/// Told how far a long action is.
pub trait Progress: Send + Sync {
    /// `text` is short and for a person: `applying what was received`.
    fn tell(&self, host: &HostName, text: &str);

    /// How far a copy to a host is.
    fn copying(&self, host: &HostName, copying: Copying) {
        self.tell(host, &copying.to_string());
    }
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
    targets: BTreeMap<HostName, SshTarget>,
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
        let targets = targets(&cluster);
        let mut tasks = JoinSet::new();
        for (host, target) in targets.clone() {
            tasks.spawn(async move {
                let dialled = dial(&host, &target, host_keys, within).await;
                (host, dialled)
            });
        }
        let dialled = tasks.join_all().await.into_iter().collect();
        Self {
            cluster,
            host_keys,
            targets,
            dialled: RwLock::new(dialled),
        }
    }

    /// Connects to a host anew, whatever became of its connection. The warm ssh connection is taken up
    /// if it answers.
    pub async fn reconnect(&self, host: &HostName, within: Duration) -> Result<(), Unreachable> {
        let Some(target) = self.targets.get(host) else {
            return Ok(());
        };
        let answer = dial(host, target, self.host_keys, within).await;
        let result = answer.as_ref().map(|_| ()).map_err(Clone::clone);
        let mut dialled = self.dialled.write().unwrap_or_else(PoisonError::into_inner);
        dialled.insert(host.clone(), answer);
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

    /// Tries the replication account's logins from every reached host to the other ones of `targets`.
    /// A host without an answer is not in the map.
    pub async fn check_logins(
        &self,
        targets: &BTreeSet<HostName>,
    ) -> BTreeMap<HostName, Vec<LoginCheck>> {
        let mut tasks = JoinSet::new();
        for connection in self.connections() {
            let others = targets.iter().filter(|target| **target != connection.host);
            let others = others.filter_map(|target| self.cluster.host(target));
            let others: Vec<_> = others.cloned().collect();
            if others.is_empty() {
                continue;
            }
            let (cluster, dialect) = (Arc::clone(&self.cluster), self.expected());
            tasks.spawn(async move {
                let checks = observe::check_logins(&connection, dialect, &cluster, &others).await;
                (connection.host.clone(), checks)
            });
        }
        tasks.join_all().await.into_iter().collect()
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
async fn dial(
    host: &HostName,
    target: &SshTarget,
    host_keys: HostKeys,
    within: Duration,
) -> Dialled {
    match Link::connect_within(target, host_keys, within).await {
        Ok(link) => Ok(Arc::new(Connection::new(host.clone(), link))),
        Err(error) => Err(observe::unreachable(&error)),
    }
}

/// How each host is reached. Hosts with one password share what is known of it: refused once, it is
/// tried nowhere else.
fn targets(cluster: &Cluster) -> BTreeMap<HostName, SshTarget> {
    let mut passwords: Vec<SudoPassword> = Vec::new();
    let mut targets = BTreeMap::new();
    for host in cluster.hosts.values() {
        let mut target = SshTarget::from(&host.ssh);
        target.sudo_password = target
            .sudo_password
            .map(|own| SudoPassword::shared(own, &mut passwords));
        targets.insert(host.name.clone(), target);
    }
    targets
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

    async fn ask(
        &self,
        hosts: &BTreeSet<HostName>,
        within: Duration,
    ) -> BTreeMap<HostName, ServerFacts> {
        let mut tasks = JoinSet::new();
        for connection in self.connections() {
            if hosts.contains(&connection.host) {
                let cluster = Arc::clone(&self.cluster);
                tasks.spawn(async move {
                    let facts = observe::ask(&connection, &cluster, within).await?;
                    Some((connection.host.clone(), facts))
                });
            }
        }
        tasks.join_all().await.into_iter().flatten().collect()
    }

    async fn apply(&self, step: &Step, progress: &dyn Progress) -> Outcome {
        match apply::apply(self, step, progress).await {
            Ok(outcome) => outcome,
            Err(error) => error.into(),
        }
    }
}
