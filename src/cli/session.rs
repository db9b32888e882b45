//! What every command begins with: the log, the inventory, the connections.

use std::sync::Arc;
use std::time::Duration;

use super::{CliError, Global, prompt};
use crate::fleet::LiveFleet;
use crate::fleet::ssh::HostKeys;
use crate::inventory::{Cluster, HostName, Inventory};

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
    let colours = anstream::AutoStream::choice(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours != anstream::ColorChoice::Never)
        .without_time()
        .init();
}

/// Loads the inventory, and asks for sudo's password where that is wanted.
pub(super) async fn inventory(global: &Global) -> Result<Arc<Cluster>, CliError> {
    let mut cluster = Inventory::load(&global.inventory)?;
    if global.ask_become_pass {
        let hosts = cluster.by_sudo();
        let Some((first, _)) = hosts.split_first() else {
            return Err(CliError::NotThere {
                message: "-K asks for sudo's password, and no host is reached by sudo".to_owned(),
                hint: "set `ssh: {user: NAME, become: sudo}` in the inventory, or leave -K out"
                    .to_owned(),
            });
        };
        let others = match hosts.len() {
            1 => String::new(),
            2 => " and 1 other host".to_owned(),
            many => format!(" and {} other hosts", many - 1),
        };
        let question = format!("sudo password on {first}{others}: ");
        cluster.set_become_password(&prompt::password(&question).await?);
    }
    Ok(Arc::new(cluster))
}

/// Connects to every host.
pub(super) async fn connect(global: &Global, cluster: &Arc<Cluster>) -> LiveFleet {
    LiveFleet::connect(Arc::clone(cluster), host_keys(global)).await
}

/// Connects to every host that answers in time.
pub(super) async fn connect_within(
    global: &Global,
    cluster: &Arc<Cluster>,
    within: Duration,
) -> LiveFleet {
    LiveFleet::connect_within(Arc::clone(cluster), host_keys(global), within).await
}

fn host_keys(global: &Global) -> HostKeys {
    if global.accept_new_host_keys {
        HostKeys::AcceptNew
    } else {
        HostKeys::Strict
    }
}

/// Says so when a host that was named is not in the inventory.
pub(super) fn known(cluster: &Cluster, host: &HostName) -> Result<(), CliError> {
    match cluster.host(host) {
        Some(_) => Ok(()),
        None => Err(CliError::NoSuchHost(host.to_string())),
    }
}
