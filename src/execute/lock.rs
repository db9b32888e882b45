//! Locks on a cluster: no two hactls act on one cluster at once (S20). They are held on the hosts
//! themselves, so that they count for every controller, and they end with the connection, or soon after
//! it fell silent, so that a dead hactl leaves none behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::fleet::lock::{Holder, HostLock, LockError, change_name, watch_name};
use crate::fleet::{Connection, LiveFleet};
use crate::inventory::HostName;

/// How long one host may take to lock; one that takes longer counts as unreachable.
const ANSWER: Duration = Duration::from_secs(2);
/// The same for a host that is probably dead, while clients wait for another one to lead.
const DOUBTFUL: Duration = Duration::from_millis(500);
/// How long whoever has most of the hosts waits for the others to be given up.
const YIELD: Duration = Duration::from_millis(1500);
/// How long the lock of a process that has ended may stay: a lease that nobody renews, and a little.
const LAPSES: Duration = Duration::from_secs(20);
/// How long a host may take to free a lock.
const FREED: Duration = Duration::from_secs(3);

/// A lock on every host that answered. Dropping it frees it.
#[derive(Debug)]
pub struct ClusterLock {
    /// Its name on a host, by the port of the server there.
    name: fn(u16) -> String,
    holder: Arc<Holder>,
    locks: BTreeMap<HostName, HostLock>,
    silent: BTreeMap<HostName, LockError>,
}

/// Takes the cluster's lock for changing it on every one of `hosts` that answers, or on none.
pub async fn acquire(
    fleet: &LiveFleet,
    command: &str,
    hosts: &BTreeSet<HostName>,
) -> Result<ClusterLock, LockError> {
    acquire_in_haste(fleet, command, hosts, &BTreeSet::new()).await
}

/// The same in a hurry: `doubtful` ones among the hosts are hardly waited for.
pub async fn acquire_in_haste(
    fleet: &LiveFleet,
    command: &str,
    hosts: &BTreeSet<HostName>,
    doubtful: &BTreeSet<HostName>,
) -> Result<ClusterLock, LockError> {
    take(fleet, change_name, command, hosts, doubtful).await
}

/// Takes the watchers' lock: one watches, the others stand by.
pub async fn acquire_watch(
    fleet: &LiveFleet,
    command: &str,
    hosts: &BTreeSet<HostName>,
) -> Result<ClusterLock, LockError> {
    take(fleet, watch_name, command, hosts, &BTreeSet::new()).await
}

/// All hosts are asked side by side. When two hactls meet, whoever has more of the hosts keeps its
/// locks and waits for the others; with a tie it is whoever has the first host by name. The other
/// gives all of its own back. So one of the two goes on, and since it needs every host that answers,
/// nobody else who sees one of them can. A hactl of this controller that was killed a moment ago is no
/// other: its locks are waited for.
async fn take(
    fleet: &LiveFleet,
    name: fn(u16) -> String,
    command: &str,
    hosts: &BTreeSet<HostName>,
    doubtful: &BTreeSet<HostName>,
) -> Result<ClusterLock, LockError> {
    // Whoever finds it held may know these servers as another cluster.
    let command = format!("{command} ({})", fleet.cluster().name);
    let holder = Arc::new(Holder::this_process(command));
    let mut wanted: Vec<Arc<Connection>> = hosts
        .iter()
        .filter_map(|host| fleet.connection(host).ok())
        .collect();
    let patience = |host: &HostName| {
        if doubtful.contains(host) {
            DOUBTFUL
        } else {
            ANSWER
        }
    };
    let mut lock = ClusterLock {
        name,
        holder: Arc::clone(&holder),
        locks: BTreeMap::new(),
        silent: BTreeMap::new(),
    };
    let begun = Instant::now();
    // Since when somebody alive is in the way.
    let mut met = begun;
    loop {
        let mut held = BTreeMap::new();
        for (host, answer) in ask(fleet, &wanted, name, &holder, patience).await {
            match answer {
                Ok(taken) => {
                    lock.locks.insert(host, taken);
                }
                Err(error @ LockError::Held { .. }) => {
                    held.insert(host, error);
                }
                Err(error) => {
                    lock.silent.insert(host, error);
                }
            }
        }
        let has_ended =
            |error: &LockError| matches!(error, LockError::Held { by, .. } if holder.has_ended(by));
        let yields = if held.values().all(has_ended) {
            met = Instant::now();
            begun.elapsed() >= LAPSES
        } else {
            !lock.prevails(&held) || met.elapsed() >= YIELD
        };
        match held.into_iter().next() {
            None if lock.locks.is_empty() => {
                return match lock.silent.pop_first() {
                    Some((_, error)) => Err(error),
                    // Nobody can be asked, and nothing can be done to anybody either.
                    None => Ok(lock),
                };
            }
            None => return Ok(lock),
            Some((_, by)) if yields => {
                lock.release().await;
                return Err(by);
            }
            Some(_) => {
                wanted.retain(|one| !lock.locks.contains_key(&one.host));
                wanted.retain(|one| !lock.silent.contains_key(&one.host));
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

type Answers = Vec<(HostName, Result<HostLock, LockError>)>;

async fn ask(
    fleet: &LiveFleet,
    wanted: &[Arc<Connection>],
    name: fn(u16) -> String,
    holder: &Arc<Holder>,
    patience: impl Fn(&HostName) -> Duration,
) -> Answers {
    let mut tasks = JoinSet::new();
    for connection in wanted {
        let (connection, holder) = (Arc::clone(connection), Arc::clone(holder));
        let Some(host) = fleet.cluster().host(&connection.host) else {
            continue;
        };
        let name = name(host.port);
        let within = patience(&connection.host);
        tasks.spawn(async move {
            let asked = timeout(within, connection.link.lock(&name, &holder)).await;
            let answer = asked.unwrap_or_else(|_| {
                Err(LockError::Failed {
                    place: connection.link.place(),
                    name,
                    text: format!("no answer within {within:?}"),
                })
            });
            (connection.host.clone(), answer)
        });
    }
    tasks.join_all().await
}

impl ClusterLock {
    /// Whether it outweighs whoever holds the rest.
    fn prevails(&self, held: &BTreeMap<HostName, LockError>) -> bool {
        let first = self.locks.keys().next() < held.keys().next();
        match self.locks.len().cmp(&held.len()) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => first,
            std::cmp::Ordering::Less => false,
        }
    }

    /// The hosts that it is held on.
    pub fn hosts(&self) -> impl Iterator<Item = &HostName> {
        self.locks.keys()
    }

    /// The hosts that could be connected to and did not lock, and why.
    pub fn silent(&self) -> &BTreeMap<HostName, LockError> {
        &self.silent
    }

    /// Takes it where it was lost meanwhile, or could not be taken before. Gives who else has it there.
    pub async fn extend(&mut self, fleet: &LiveFleet) -> Option<LockError> {
        self.locks.retain(|_, lock| !lock.is_over());
        let wanted: Vec<_> = fleet
            .connected()
            .into_iter()
            .filter(|host| !self.locks.contains_key(host))
            .filter_map(|host| fleet.connection(&host).ok())
            .collect();
        let mut held = None;
        for (host, answer) in ask(fleet, &wanted, self.name, &self.holder, |_| ANSWER).await {
            match answer {
                Ok(taken) => {
                    self.silent.remove(&host);
                    self.locks.insert(host, taken);
                }
                // Our own, which ends soon: the connection that held it was lost.
                Err(LockError::Held { by, .. }) if by == self.holder.line() => {}
                Err(error @ LockError::Held { .. }) => held = Some(error),
                Err(error) => drop(self.silent.insert(host, error)),
            }
        }
        held
    }

    /// Asks all its hosts whether it is still held. A few may have died meanwhile; most of them must
    /// say yes, or it counts as lost.
    pub async fn check(&self, within: Duration) -> Result<(), LockError> {
        let mut lost = None;
        let mut good = 0;
        let mut checks = Vec::new();
        for lock in self.locks.values() {
            checks.push(lock.begin_check());
        }
        let until = Instant::now() + within;
        for check in checks {
            match check.end(until).await {
                Ok(()) => good += 1,
                Err(error) => lost = Some(error),
            }
        }
        match lost {
            Some(error) if good * 2 <= self.locks.len() => Err(error),
            _ => Ok(()),
        }
    }

    /// Frees it and waits until it is free, so that whoever comes next finds it so.
    pub async fn release(self) {
        let mut tasks = JoinSet::new();
        for lock in self.locks.into_values() {
            // What could not be freed in time is freed by the end of this process.
            tasks.spawn(async move { drop(lock.release(FREED).await) });
        }
        tasks.join_all().await;
    }
}
