//! What makes one host differ from the next: name, machine id, ssh host key, who may log in. It is
//! written into the host's disk before the first boot, so nothing has to be asked or accepted later.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::boot::Place;
use crate::{LabError, command};

/// The user and group number of `ops`, as the image has it.
const OPS: u32 = 1000;

/// Makes an ed25519 key pair without a passphrase at this path (and `.pub` beside it).
pub(crate) fn make_key(path: &Path, comment: &str) -> Result<(), LabError> {
    let file = path.to_string_lossy();
    let args = ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &file];
    command::run("make an ssh key", "ssh-keygen", args).map(drop)
}

/// Writes the identity into a fresh disk. Returns the host's line of `known_hosts`.
pub(crate) fn write(place: &Place, authorized_key: &str) -> Result<String, LabError> {
    let disk = place.disk();
    let name = &place.name;
    folder(&disk, 0o755)?;
    folder(&disk.join("etc"), 0o755)?;
    file(&disk.join("etc/hostname"), &format!("{name}\n"), 0o644)?;
    // As Debian's installer writes it: a host's own name does not lead to its address.
    let hosts = format!("127.0.0.1\tlocalhost\n127.0.1.1\t{name}\n::1\tlocalhost ip6-localhost\n");
    file(&disk.join("etc/hosts"), &hosts, 0o644)?;
    file(&disk.join("etc/machine-id"), &machine_id()?, 0o444)?;
    file(&disk.join("etc/resolv.conf"), &resolvers()?, 0o644)?;

    let ssh = disk.join("etc/ssh");
    folder(&ssh, 0o755)?;
    let key = ssh.join("ssh_host_ed25519_key");
    make_key(&key, name)?;
    let public = key.with_extension("pub");
    let public = fs::read_to_string(&public).map_err(LabError::file("read", &public))?;

    folder(&disk.join("root"), 0o700)?;
    login(&disk.join("root"), authorized_key, 0)?;
    folder(&disk.join("home"), 0o755)?;
    let home = disk.join("home/ops");
    folder(&home, 0o755)?;
    own(&home, OPS)?;
    login(&home, authorized_key, OPS)?;

    let mut words = public.split_ascii_whitespace();
    let (kind, key) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    Ok(format!(
        "{} {kind} {key}\n",
        place.network.host(place.number)
    ))
}

fn login(home: &Path, authorized_key: &str, owner: u32) -> Result<(), LabError> {
    let ssh = home.join(".ssh");
    folder(&ssh, 0o700)?;
    let keys = ssh.join("authorized_keys");
    file(&keys, authorized_key, 0o600)?;
    own(&ssh, owner)?;
    own(&keys, owner)
}

fn folder(path: &Path, mode: u32) -> Result<(), LabError> {
    fs::create_dir_all(path).map_err(LabError::file("create", path))?;
    // Not left to the umask: the folder of a disk is the host's `/`.
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(LabError::file("chmod", path))
}

fn file(path: &Path, content: &str, mode: u32) -> Result<(), LabError> {
    fs::write(path, content).map_err(LabError::file("write", path))?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(LabError::file("chmod", path))
}

fn own(path: &Path, owner: u32) -> Result<(), LabError> {
    chown(path, Some(owner), Some(owner)).map_err(LabError::file("chown", path))
}

/// 32 hexadecimal digits that no other host has.
fn machine_id() -> Result<String, LabError> {
    let source = Path::new("/proc/sys/kernel/random/uuid");
    let uuid = fs::read_to_string(source).map_err(LabError::file("read", source))?;
    Ok(uuid.replace('-', ""))
}

/// The outer machine's resolvers. One that listens on its loopback cannot be reached from a host:
/// then those that systemd-resolved itself asks.
fn resolvers() -> Result<String, LabError> {
    let own = Path::new("/etc/resolv.conf");
    let text = fs::read_to_string(own).map_err(LabError::file("read", own))?;
    if !text.contains("nameserver 127.") {
        return Ok(text);
    }
    let upstream = Path::new("/run/systemd/resolve/resolv.conf");
    Ok(fs::read_to_string(upstream).unwrap_or(text))
}
