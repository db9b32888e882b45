//! What can go wrong in the lab, said so that a person knows what to do next. It never carries a
//! secret: the lab's passwords are not known here.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A failure of the lab itself, or of a script that was run in one of its hosts.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Namespaces, mounts and bridges need root.
    #[error("the lab needs root for namespaces, mounts and bridges: run it with sudo")]
    NotRoot,

    /// Programs are missing on the outer machine.
    #[error(
        "missing on this machine: {}; install them with: apt-get install {}",
        programs.join(", "), packages.join(" ")
    )]
    Missing {
        /// The programs that were looked for in `PATH` and not found.
        programs: Vec<String>,
        /// The Debian packages that hold them.
        packages: Vec<String>,
    },

    /// A word is not what it has to be.
    #[error("{what} {value:?} is not usable: {want}")]
    Invalid {
        /// What the word was for.
        what: &'static str,
        /// The word.
        value: String,
        /// What is accepted.
        want: &'static str,
    },

    /// A file or folder could not be used.
    #[error("could not {doing} {}", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },

    /// A program could not be started at all.
    #[error("could not start {program} to {doing}")]
    Start {
        /// The program.
        program: String,
        /// What it was for.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },

    /// A program of the outer machine failed.
    #[error("could not {doing}: {program} ended with {status}: {stderr}")]
    Program {
        /// The program.
        program: String,
        /// What it was for.
        doing: String,
        /// Its exit status, in words.
        status: String,
        /// What it said, at most the last lines.
        stderr: String,
    },

    /// A script inside a host ended with a status other than 0.
    #[error("{host}: the script ended with {status}: {}", said(stderr))]
    Script {
        /// The host.
        host: String,
        /// The exit status (124 or 137: it ran into its time limit).
        status: i32,
        /// What it said on standard error.
        stderr: String,
    },

    /// A host has no running init.
    #[error("{host} is not running; boot it with: hactl-lab fault power-on {host}")]
    HostDown {
        /// The host.
        host: String,
    },

    /// A host runs where it should be off.
    #[error("{host} is running already")]
    HostRunning {
        /// The host.
        host: String,
    },

    /// A host was started and did not answer.
    #[error(
        "{host} ({address}) did not answer as an ssh server within {} s; its console ({}) ends with:\n{tail}",
        waited.as_secs(), console.display()
    )]
    NoBoot {
        /// The host.
        host: String,
        /// Its address.
        address: Ipv4Addr,
        /// How long it was waited for.
        waited: Duration,
        /// The whole log.
        console: PathBuf,
        /// Its last lines.
        tail: String,
    },

    /// Processes outlived a kill.
    #[error("{host}: processes still run {} s after they were killed", waited.as_secs())]
    Unkillable {
        /// The host.
        host: String,
        /// How long it was waited for.
        waited: Duration,
    },

    /// There is nothing to send a signal to.
    #[error("{host} has no process named {process}")]
    NoProcess {
        /// The host.
        host: String,
        /// The name that was looked for (`/proc/PID/comm`).
        process: String,
    },

    /// A lab of this name runs.
    #[error("a lab named {name} is up already; remove it with: hactl-lab down {name}")]
    NameTaken {
        /// The name.
        name: String,
    },

    /// There is no lab of this name.
    #[error("there is no lab named {name}; hactl-lab list shows those there are")]
    NoSuchLab {
        /// The name.
        name: String,
    },

    /// The lab has no such host.
    #[error("lab {lab} has no host {host}; it has {}", known.join(", "))]
    NoSuchHost {
        /// The lab.
        lab: String,
        /// The host that was asked for.
        host: String,
        /// The hosts that it has.
        known: Vec<String>,
    },

    /// All subnets are taken.
    #[error(
        "no free subnet in {net}.0.0/16; remove labs with: hactl-lab down --all, or set HACTL_LAB_NET to another two octets"
    )]
    NoSubnet {
        /// The first two octets.
        net: String,
    },

    /// What is written down about a lab cannot be read.
    #[error("{}: {problem}; remove the lab with: hactl-lab down", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl LabError {
    /// Makes the error of a file operation; for `map_err`.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }
}

/// Standard error as one readable piece, also when there is none.
fn said(stderr: &str) -> &str {
    let trimmed = stderr.trim();
    if trimmed.is_empty() {
        "(it said nothing)"
    } else {
        trimmed
    }
}
