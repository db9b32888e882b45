//! The cluster's lock: no two hactls act on one cluster at once. It is held on the hosts themselves,
//! so that it counts for every controller, and it is freed by the connection's end, so that a killed
//! hactl leaves none behind.

use std::time::Duration;

use crate::fleet::LiveFleet;
use crate::fleet::lock::{Holder, HostLock, LockError};

/// How long all locks together may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The lock on every host that could be reached. Dropping it frees it.
#[derive(Debug)]
pub struct ClusterLock {
    locks: Vec<HostLock>,
}

impl ClusterLock {
    /// Frees it and waits until it is free, so that whoever comes next finds it so.
    pub async fn release(self) {
        for lock in self.locks {
            // What could not be freed in time is freed by the end of this process.
            let _ = lock.release(FREED).await;
        }
    }
}

/// How long a host may take to free a lock.
const FREED: Duration = Duration::from_secs(3);

/// Takes the lock on every reached host, or on none.
pub async fn acquire(fleet: &LiveFleet, command: &str) -> Result<ClusterLock, LockError> {
    let holder = Holder::this_process(command);
    let name = fleet.cluster().name.to_string();
    let mut locks = Vec::new();
    // One after the other in the order of names: two hactls that begin together meet at the first
    // host, and neither holds what the other waits for.
    for connection in fleet.connections() {
        let lock = tokio::time::timeout(PATIENCE, connection.link.lock(&name, &holder));
        match lock.await {
            Ok(taken) => locks.push(taken?),
            Err(_) => {
                return Err(LockError::Failed {
                    place: connection.link.place(),
                    name,
                    text: format!("no answer within {PATIENCE:?}"),
                });
            }
        }
    }
    Ok(ClusterLock { locks })
}
