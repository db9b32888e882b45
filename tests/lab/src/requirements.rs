//! What the outer machine must have. It only looks; it installs nothing.

use std::env;
use std::path::Path;

use crate::LabError;

/// The Debian packages that the outer machine must have; each with a program that shows it is
/// there.
const NEEDS: [(&str, &str); 8] = [
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-container", "systemd-nspawn"),
    ("nftables", "nft"),
    ("iproute2", "ip"),
    ("openssh-client", "ssh-keygen"),
    ("util-linux", "nsenter"),
    ("coreutils", "timeout"),
    (
        "debian-archive-keyring",
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    ),
];

/// The names of those packages, for `apt-get install`.
pub const PACKAGES: [&str; NEEDS.len()] = {
    let mut names = [""; NEEDS.len()];
    let mut at = 0;
    while at < NEEDS.len() {
        names[at] = NEEDS[at].0;
        at += 1;
    }
    names
};

/// Checks that the lab can work here: root, and every program of [`PACKAGES`].
///
/// # Errors
/// [`LabError::NotRoot`], or [`LabError::Missing`] with everything that is missing at once.
pub fn check() -> Result<(), LabError> {
    let path = env::var("PATH").unwrap_or_default();
    // A login without sbin in its PATH is usual; the programs are found there all the same.
    let mut folders: Vec<&str> = path.split(':').collect();
    folders.extend(["/usr/sbin", "/sbin"]);
    let absent: Vec<_> = NEEDS
        .iter()
        .filter(|(_, program)| !found(program, &folders))
        .collect();
    if !absent.is_empty() {
        return Err(LabError::Missing {
            programs: absent
                .iter()
                .map(|(_, program)| (*program).to_owned())
                .collect(),
            packages: absent
                .iter()
                .map(|(package, _)| (*package).to_owned())
                .collect(),
        });
    }
    if !rustix::process::geteuid().is_root() {
        return Err(LabError::NotRoot);
    }
    Ok(())
}

fn found(program: &str, folders: &[&str]) -> bool {
    // An absolute path replaces the folder it is joined to.
    folders
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_name_and_by_path() {
        assert!(found("sh", &["/nowhere", "/bin"]));
        assert!(found("/bin/sh", &["/nowhere"]));
        assert!(!found("no-such-program", &["/bin"]));
    }
}
