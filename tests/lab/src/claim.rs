//! Who may have which name and which subnet: one lock for all labs of the machine while it is
//! decided, and one lock per lab that its holder keeps for life. It removes nothing itself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::network::{self, Network};
use crate::state::{self, LabState};
use crate::{LabError, paths};

/// Waits until nobody else on this machine makes or sweeps labs; ends when the file is dropped.
pub(crate) fn lock_all() -> Result<File, LabError> {
    let dir = paths::state();
    fs::create_dir_all(&dir).map_err(LabError::file("create", &dir))?;
    let path = dir.join("lock");
    let lock = File::create(&path).map_err(LabError::file("open", &path))?;
    lock.lock().map_err(LabError::file("lock", &path))?;
    Ok(lock)
}

/// Takes the lock of one lab, for as long as the file lives.
pub(crate) fn hold(dir: &Path) -> Result<File, LabError> {
    let path = holder_lock(dir);
    let lock = File::create(&path).map_err(LabError::file("create", &path))?;
    lock.lock().map_err(LabError::file("lock", &path))?;
    Ok(lock)
}

/// The kernel drops the lock of a process that ends, however it ends.
pub(crate) fn holder_is_alive(dir: &Path) -> bool {
    File::open(holder_lock(dir)).is_ok_and(|file| file.try_lock().is_err())
}

/// A file that is there when the lab outlives whoever made it.
pub(crate) fn kept_mark(dir: &Path) -> PathBuf {
    dir.join("kept")
}

fn holder_lock(dir: &Path) -> PathBuf {
    dir.join("holder.lock")
}

/// A subnet that no lab has and nothing on this machine routes. `HACTL_LAB_NET` gives other first
/// octets than 10.77.
pub(crate) fn free_network() -> Result<Network, LabError> {
    let text = std::env::var("HACTL_LAB_NET").unwrap_or_else(|_| "10.77".to_owned());
    let net = state::parse_net(&text).ok_or_else(|| LabError::Invalid {
        what: "HACTL_LAB_NET",
        value: text.clone(),
        want: "use two octets, as 10.77",
    })?;
    let routes = network::routes()?;
    let used: Vec<u8> = state::names()
        .iter()
        .filter_map(|name| LabState::load(name).ok())
        .map(|state| state.network.number)
        .collect();
    (1..=254)
        .map(|number| Network { net, number })
        .find(|network| !used.contains(&network.number) && !network.is_taken(&routes))
        .ok_or(LabError::NoSubnet { net: text })
}
