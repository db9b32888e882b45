//! The watcher's post: the lock by which other watchers and `hactl status` know that somebody watches.
//! A host that was away has lost it, or never had it, and is asked again when it is back. It must never
//! keep the watch waiting: it is held beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::tidings::say;
use crate::execute::ClusterLock;
use crate::fleet::LiveFleet;
use crate::report::Sink;

/// How often hosts without the lock are asked.
const AGAIN: Duration = Duration::from_secs(10);

/// A lock that is kept on as many hosts as can be.
#[derive(Debug)]
pub(super) struct Post {
    relief: oneshot::Sender<()>,
    task: JoinHandle<ClusterLock>,
}

impl Post {
    /// Keeps it from now on.
    pub(super) fn hold(fleet: &Arc<LiveFleet>, lock: ClusterLock, sink: &Arc<dyn Sink>) -> Self {
        let (relief, relieved) = oneshot::channel();
        let (fleet, sink) = (Arc::clone(fleet), Arc::clone(sink));
        Self {
            relief,
            task: tokio::spawn(keep(fleet, lock, sink, relieved)),
        }
    }

    /// Gives it up, and waits until it is free.
    pub(super) async fn leave(self) {
        drop(self.relief);
        match self.task.await {
            Ok(lock) => lock.release().await,
            Err(error) => tracing::error!("the watch's lock was lost: {error}"),
        }
    }
}

async fn keep(
    fleet: Arc<LiveFleet>,
    mut lock: ClusterLock,
    sink: Arc<dyn Sink>,
    mut relieved: oneshot::Receiver<()>,
) -> ClusterLock {
    let mut told = None;
    while timeout(AGAIN, &mut relieved).await.is_err() {
        let held = lock.extend(&fleet).await.map(|held| held.to_string());
        if let Some(held) = held.as_ref().filter(|held| told.as_ref() != Some(*held)) {
            say(&*sink, &format!("somebody else watches, too: {held}"));
        }
        told = held;
    }
    lock
}
