//! `hactl maintenance`: keeps watchers from acting. It asks nothing: the person has said it, and one word
//! takes it back.

use std::collections::BTreeMap;
use std::time::Instant;

use super::args::{Global, MaintenanceArgs, MaintenanceState};
use super::procedure::{Assent, Led, Scene, free, lead, lock, reached};
use super::screen::say;
use super::{CliError, Exit, session};
use crate::decide::{MaintenanceWish, SetMaintenance};
use crate::execute::ClusterLock;
use crate::facts::Mark;
use crate::fleet::lock::Holder;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::Cluster;
use crate::observe;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &MaintenanceArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    if let Some(host) = &args.host {
        session::known(&cluster, host)?;
    }
    let fleet = session::connect(global, &cluster).await;
    let lock = lock(&fleet, "maintenance", Assent::Given).await?;
    let result = under_lock(global, args, &cluster, &fleet, lock.as_ref()).await;
    free(lock).await;
    result
}

async fn under_lock(
    global: &Global,
    args: &MaintenanceArgs,
    cluster: &Cluster,
    fleet: &LiveFleet,
    lock: Option<&ClusterLock>,
) -> Result<Exit, CliError> {
    let seen = fleet.observe(&BTreeMap::new()).await;
    reached(&seen)?;
    let wish = wish(args);
    let build = |seen: &_| SetMaintenance::new(cluster, seen, wish.clone());
    let untold = build(&seen)
        .map_err(CliError::Refused)?
        .untold()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let scene = Scene {
        global,
        cluster,
        fleet,
        lock,
        assent: Assent::Given,
        question: "",
        zero: Instant::now(),
    };
    // No server is touched, so no rule about servers can be broken.
    let exit = match lead(&scene, seen, build, |_| |_: &_, _: &_| Vec::new()).await? {
        Led::Nothing => Exit::Ok,
        Led::Performed(performed) => {
            performed.print_document(global);
            let exit = performed.conclude()?;
            say(match args.state {
                MaintenanceState::On => "watchers leave it alone until `hactl maintenance off`",
                MaintenanceState::Off => "watchers act again",
            });
            exit
        }
    };
    if untold.is_empty() || exit != Exit::Ok {
        return Ok(exit);
    }
    say(&format!(
        "{} could not be told; hint: run the same command again when it is back",
        untold.join(", ")
    ));
    Ok(Exit::Unreachable)
}

fn wish(args: &MaintenanceArgs) -> MaintenanceWish {
    let host = args.host.clone();
    match args.state {
        MaintenanceState::Off => MaintenanceWish::End(host),
        MaintenanceState::On => {
            let me = Holder::this_process("maintenance");
            let text = args.reason.as_deref().unwrap_or("no reason given");
            MaintenanceWish::Begin(Mark {
                at: observe::now(),
                by: format!("{}, pid {}", me.who, me.pid),
                host,
                // One line, whatever was typed.
                text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            })
        }
    }
}
