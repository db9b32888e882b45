//! The processes of a host, seen from outside: by control group and name, without running anything
//! inside, so that it works on a host which hangs. It never signals a process outside the group.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Every process in a control group and the groups below it, by the outer machine's numbers. A
/// group that is not there has none.
pub(crate) fn in_group(group: &Path) -> Vec<Pid> {
    let own = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let mut pids: Vec<Pid> = own
        .lines()
        .filter_map(|line| line.parse().ok())
        .filter_map(Pid::from_raw)
        .collect();
    let below = fs::read_dir(group).into_iter().flatten().flatten();
    for entry in below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        pids.extend(in_group(&entry.path()));
    }
    pids
}

/// Whether any process is in the group or below it. A group that is not there is empty.
pub(crate) fn is_populated(group: &Path) -> bool {
    fs::read_to_string(group.join("cgroup.events"))
        .is_ok_and(|events| events.lines().any(|line| line == "populated 1"))
}

/// The host's init, by the outer machine's number: the process that is number 1 in its own
/// namespace. None while the host is off or has not begun to boot.
pub(crate) fn init(group: &Path) -> Option<Pid> {
    in_group(group).into_iter().find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        is_init(&status)
    })
}

/// `NSpid:` lists a process's number in each namespace, outermost first.
fn is_init(status: &str) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))
        .is_some_and(|numbers| {
            let numbers: Vec<&str> = numbers.split_ascii_whitespace().collect();
            numbers.len() > 1 && numbers.last() == Some(&"1")
        })
}

/// Sends a signal to every process of that name in the group; says to how many.
pub(crate) fn signal(group: &Path, name: &str, signal: Signal) -> usize {
    // The kernel keeps 15 bytes of a name.
    let name = name.get(..15).unwrap_or(name);
    in_group(group)
        .into_iter()
        .filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
        })
        .filter(|pid| kill_process(*pid, signal).is_ok())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_is_the_first_process_of_an_inner_namespace() {
        assert!(is_init("Name:\tsystemd\nNSpid:\t19027\t1\n"));
        assert!(!is_init("Name:\tsshd\nNSpid:\t19059\t40\n"));
        // The outer machine's own init.
        assert!(!is_init("Name:\tinit\nNSpid:\t1\n"));
    }

    #[test]
    fn a_group_that_is_not_there_is_empty() {
        let nowhere = Path::new("/sys/fs/cgroup/no-such-group-here");
        assert!(in_group(nowhere).is_empty());
        assert!(!is_populated(nowhere));
        assert!(init(nowhere).is_none());
    }
}
