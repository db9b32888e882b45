//! What every command begins with: the log, the inventory, the connections.

use std::sync::Arc;

use super::{CliError, Global};
use crate::fleet::LiveFleet;
use crate::fleet::ssh::HostKeys;
use crate::inventory::{Cluster, Inventory};

/// Sends diagnostics to standard error; `HACTL_LOG` overrides the level.
pub(super) fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "hactl=info",
        2 => "hactl=debug",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("HACTL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

/// Loads the inventory.
pub(super) fn inventory(global: &Global) -> Result<Arc<Cluster>, CliError> {
    Ok(Arc::new(Inventory::load(&global.inventory)?))
}

/// Connects to every host.
pub(super) async fn connect(global: &Global, cluster: &Arc<Cluster>) -> LiveFleet {
    let host_keys = if global.accept_new_host_keys {
        HostKeys::AcceptNew
    } else {
        HostKeys::Strict
    };
    LiveFleet::connect(Arc::clone(cluster), host_keys).await
}
