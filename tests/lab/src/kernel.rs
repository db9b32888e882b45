//! The outer machine's kernel settings that all labs share: raised for the first lab, put back as they
//! were after the last. Both are called with the lock of all labs held. Nothing is ever lowered.

use std::fs;
use std::path::Path;

use crate::{LabError, paths, state};

/// One setting.
struct Setting {
    /// Its name, which the file that remembers it has, too.
    name: &'static str,
    path: &'static str,
    /// What the labs need.
    least: u64,
}

/// A systemd holds some seven inotify instances, and the kernel's default for all of root's processes
/// is 128: the host that wants the 129th hangs in its boot without a word. A server takes some 2,000
/// requests of asynchronous I/O, and the default is 65,536.
const SETTINGS: [Setting; 3] = [
    Setting {
        name: "ip_forward",
        path: "/proc/sys/net/ipv4/ip_forward",
        least: 1,
    },
    Setting {
        name: "max_user_instances",
        path: "/proc/sys/fs/inotify/max_user_instances",
        least: 8192,
    },
    Setting {
        name: "aio-max-nr",
        path: "/proc/sys/fs/aio-max-nr",
        least: 1 << 20,
    },
];

/// Raises what is too low, and remembers what the outer machine had, for [`put_back`].
pub(crate) fn raise() -> Result<(), LabError> {
    SETTINGS.iter().try_for_each(|setting| {
        let switch = Path::new(setting.path);
        let now = fs::read_to_string(switch).map_err(LabError::file("read", switch))?;
        if now
            .trim()
            .parse::<u64>()
            .is_ok_and(|now| now >= setting.least)
        {
            return Ok(());
        }
        let memory = paths::state().join(setting.name);
        fs::write(&memory, now).map_err(LabError::file("write", &memory))?;
        fs::write(switch, setting.least.to_string()).map_err(LabError::file("write", switch))
    })
}

/// The last lab to go leaves the settings as the first one found them.
pub(crate) fn put_back() -> Result<(), LabError> {
    if !state::names().is_empty() {
        return Ok(());
    }
    SETTINGS.iter().try_for_each(|setting| {
        let memory = paths::state().join(setting.name);
        if !memory.exists() {
            return Ok(());
        }
        let before = fs::read_to_string(&memory).map_err(LabError::file("read", &memory))?;
        let switch = Path::new(setting.path);
        fs::write(switch, before).map_err(LabError::file("write", switch))?;
        fs::remove_file(&memory).map_err(LabError::file("remove", &memory))
    })
}
