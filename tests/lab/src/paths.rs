//! Where the lab keeps its things on the outer machine. Only paths; it touches no file.

use std::env;
use std::path::PathBuf;

/// Folder of the labs that are up, one folder each; `HACTL_LAB_STATE` moves it.
pub(crate) fn state() -> PathBuf {
    env::var_os("HACTL_LAB_STATE").map_or_else(|| "/var/lib/hactl-lab".into(), PathBuf::from)
}

/// Where labs that end with their process have their disks, if not in [`state`]: `HACTL_LAB_MEMORY`, a folder
/// of a tmpfs. Servers write through to their disks all the time, and of a power cut here the machine's own
/// memory survives in either case.
pub(crate) fn memory() -> Option<PathBuf> {
    let folder = env::var_os("HACTL_LAB_MEMORY")?;
    (!folder.is_empty()).then(|| folder.into())
}

/// Folder of the cached images; `HACTL_LAB_CACHE` moves it.
pub(crate) fn cache() -> PathBuf {
    env::var_os("HACTL_LAB_CACHE").map_or_else(|| "/var/cache/hactl-lab".into(), PathBuf::from)
}

/// The mount point of the unified cgroup hierarchy: its own folder on a machine that still has the
/// old controllers (hybrid), the root of all on a current one.
pub(crate) fn unified_cgroup() -> PathBuf {
    let hybrid = PathBuf::from("/sys/fs/cgroup/unified");
    if hybrid.is_dir() {
        hybrid
    } else {
        "/sys/fs/cgroup".into()
    }
}

/// The old hierarchy named `systemd`, where the outer machine has one. `systemd-nspawn` makes its
/// groups in there too, below the group that it was started in; two hosts must not share one.
pub(crate) fn named_cgroup() -> Option<PathBuf> {
    let named = PathBuf::from("/sys/fs/cgroup/systemd");
    named.is_dir().then_some(named)
}
