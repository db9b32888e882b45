//! Renews the writer VIP's lease on the primary while a watcher runs: a primary that is cut off loses
//! the address by its own kernel. It must never put the address anywhere: it only gives time to one
//! that is there, so that a watcher which is behind the times cannot undo another's switchover.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::tidings::say;
use crate::fleet::LiveFleet;
use crate::fleet::script::Script;
use crate::fleet::vip_lease;
use crate::inventory::{Cluster, HostName};
use crate::report::Sink;

/// Of each lease, this part passes between two renewals.
const PART: u32 = 3;
/// How long making the address permanent may take when the watch is left.
const FAREWELL: Duration = Duration::from_secs(3);

/// The renewal of the lease on one host; dropping it ends it, and the lease runs out.
#[derive(Debug)]
pub(super) struct Lease {
    host: HostName,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Lease {
    /// Begins to renew, if the inventory asks for a lease. Says when that ceases to work, and when it
    /// works again.
    pub(super) fn hold(
        fleet: &Arc<LiveFleet>,
        host: &HostName,
        sink: &Arc<dyn Sink>,
    ) -> Option<Self> {
        let lease = fleet.cluster().vip.as_ref()?.lease?;
        let (fleet, name, sink) = (Arc::clone(fleet), host.clone(), Arc::clone(sink));
        let every = lease / PART;
        let stop = Arc::new(Notify::new());
        let told = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                tokio::select! {
                    () = told.notified() => return,
                    _ = ticks.tick() => {}
                }
                let seconds = lease.as_secs().max(1).to_string();
                let renewed = give(&fleet, &name, &seconds, every).await;
                match &renewed {
                    Err(error) if !failing => say(
                        &*sink,
                        &format!(
                            "the writer VIP's lease on {name} cannot be renewed: {error}; the address goes \
                             {lease:?} after its last renewal"
                        ),
                    ),
                    Ok(()) if failing => {
                        say(
                            &*sink,
                            &format!("the writer VIP's lease on {name} is renewed again"),
                        );
                    }
                    _ => {}
                }
                failing = renewed.is_err();
            }
        });
        Some(Self {
            host: host.clone(),
            stop,
            task,
        })
    }

    /// The host that carries the address.
    pub(super) fn host(&self) -> &HostName {
        &self.host
    }

    /// Ends the renewal and lets the address stay for good: nobody will renew it.
    pub(super) async fn leave(mut self, fleet: &LiveFleet) -> Result<(), String> {
        // A renewal on its way must not come after the last word.
        self.stop.notify_one();
        let _ = timeout(FAREWELL, &mut self.task).await;
        give(fleet, &self.host, "forever", FAREWELL).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives the address time on a host that has it.
async fn give(
    fleet: &LiveFleet,
    host: &HostName,
    time: &str,
    within: Duration,
) -> Result<(), String> {
    let connection = fleet.connection(host).map_err(|error| error.to_string())?;
    let Some(script) = script(fleet.cluster(), host, time) else {
        return Ok(());
    };
    let run = connection.link.run(&script, within).await;
    let output = run.map_err(|error| error.to_string())?;
    match output.text().trim() {
        "renewed" => Ok(()),
        "absent" => Err(format!("{host} does not have the address")),
        "busy" => Err(format!("{host}: somebody else is changing the address")),
        _ => Err(format!(
            "{host}: `ip` ended with status {}: {}",
            output.status,
            output.stderr.trim()
        )),
    }
}

fn script(cluster: &Cluster, host: &HostName, time: &str) -> Option<Script> {
    let vip = cluster.vip.as_ref()?;
    let interface = cluster.vip_interface(host)?;
    Some(vip_lease::renewal(&vip.to_string(), interface, time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::mysql::Flavor;

    #[test]
    fn the_address_is_asked_for_before_it_is_changed() {
        let cluster = fixture::cluster(Flavor::MariaDb, 3);
        let host = fixture::name("db1");
        let text = script(&cluster, &host, "10").map(|script| script.to_string());
        let text = text.unwrap_or_default();
        let (asked, changed) = (text.find("address show"), text.find("address change"));
        assert!(asked.is_some() && asked < changed, "{text}");
        let locked = text.rfind("vip_lock 1 ||");
        assert!(locked.is_some() && locked < asked, "{text}");
        assert!(text.contains("time=10"), "{text}");
        assert!(!text.contains("address add"), "{text}");
    }
}
