//! The outer machine's IPv4 forwarding, the one setting that labs share: turned on for the first,
//! put back as it was after the last. Both are called with the lock of all labs held.

use std::fs;
use std::path::Path;

use crate::{LabError, paths, state};

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// Remembers what the outer machine had, for [`back`].
pub(crate) fn on() -> Result<(), LabError> {
    let switch = Path::new(FORWARDING);
    let now = fs::read_to_string(switch).map_err(LabError::file("read", switch))?;
    if now.trim() == "1" {
        return Ok(());
    }
    let memory = paths::state().join("ip_forward");
    fs::write(&memory, now).map_err(LabError::file("write", &memory))?;
    fs::write(switch, "1").map_err(LabError::file("write", switch))
}

/// The last lab to go puts the outer machine's forwarding back as it was.
pub(crate) fn back() -> Result<(), LabError> {
    let memory = paths::state().join("ip_forward");
    if !state::names().is_empty() || !memory.exists() {
        return Ok(());
    }
    let before = fs::read_to_string(&memory).map_err(LabError::file("read", &memory))?;
    let switch = Path::new(FORWARDING);
    fs::write(switch, before).map_err(LabError::file("write", switch))?;
    fs::remove_file(&memory).map_err(LabError::file("remove", &memory))
}
