//! The folder of the control sockets, and their names.
//!
//! Whoever can write to that folder can put a false host behind a name, so it must be a real folder,
//! ours and closed to all others; anything else is refused and never repaired. Its path must be short:
//! a Unix socket's path holds 107 bytes, and ssh binds a longer, temporary name first.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::target::{HostKeys, SshTarget};

/// `sun_path` holds 108 bytes, the last a NUL (unix(7)).
const LONGEST_SOCKET: usize = 107;
/// ssh binds `<path>.<16 letters>` and then renames it (`muxserver_listen` in OpenSSH's mux.c).
const SSH_SUFFIX: usize = 17;

/// Why there is no folder for control sockets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlFolderError {
    /// It is a file or a symbolic link.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// Somebody else made it.
    #[error("{path} belongs to user {owner}, not to {us}")]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Its owner's user id.
        owner: u32,
        /// Our user id.
        us: u32,
    },
    /// Others can enter it.
    #[error("{path} is open to others (mode {mode:04o})")]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No room for a socket's name.
    #[error("{0} is too long for a Unix socket")]
    TooLong(PathBuf),
    /// The system said no.
    #[error("{path}: {text}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        text: String,
    },
}

/// A folder that only we can enter.
#[derive(Debug, Clone)]
pub(super) struct ControlFolder {
    path: PathBuf,
}

impl ControlFolder {
    /// `$XDG_RUNTIME_DIR/hactl` where the session has such a folder and the path is short enough,
    /// else `/tmp/hactl-$UID`.
    pub(super) fn prepare() -> Result<Self, ControlFolderError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        if let Some(runtime) = runtime.filter(|path| path.is_absolute() && path.is_dir()) {
            let path = runtime.join("hactl");
            if fits(&path) {
                return Self::at(path);
            }
        }
        Self::at(PathBuf::from(format!(
            "/tmp/hactl-{}",
            rustix::process::getuid().as_raw()
        )))
    }

    /// This folder, made when it is missing, checked in any case.
    fn at(path: PathBuf) -> Result<Self, ControlFolderError> {
        if !fits(&path) {
            return Err(ControlFolderError::TooLong(path));
        }
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_at(&path, &error));
            }
            _ => {}
        }
        // Not following links: in /tmp, anybody can put one there.
        let found = fs::symlink_metadata(&path).map_err(|error| io_at(&path, &error))?;
        let us = rustix::process::getuid().as_raw();
        let mode = found.mode() & 0o7777;
        if !found.is_dir() {
            Err(ControlFolderError::NotAFolder(path))
        } else if found.uid() != us {
            Err(ControlFolderError::NotOurs {
                path,
                owner: found.uid(),
                us,
            })
        } else if mode & 0o077 != 0 {
            Err(ControlFolderError::Open { path, mode })
        } else {
            Ok(Self { path })
        }
    }

    /// The control socket of a target.
    ///
    /// Its name covers all that decides who is reached and how the host's key is judged, so that two
    /// inventories, or a lenient and a strict run, never share a connection by accident.
    pub(super) fn socket(&self, target: &SshTarget, host_keys: HostKeys) -> PathBuf {
        let home = std::env::home_dir().unwrap_or_default();
        // An alias may mean another host tomorrow: its definition is part of the identity.
        let config = fs::read(home.join(".ssh/config")).unwrap_or_default();
        self.path.join(socket_name(target, host_keys, &config))
    }

    /// A name for the local end of a forward that no other forward has, here or in another process, nor
    /// had: process numbers come again, and a killed process leaves its sockets and a master that
    /// remembers them.
    pub(super) fn forward(&self) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        static SINCE: LazyLock<u128> = LazyLock::new(|| {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
            since_epoch.unwrap_or_default().as_micros()
        });
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        self.path.join(format!("f{process}.{:x}.{number}", *SINCE))
    }
}

/// Held while a master is looked for or started, so that two runs do not both start one: the second
/// would find the socket taken and stay behind as a process that nobody can reach.
#[derive(Debug)]
pub(super) struct StartLock {
    // The lock goes when the file is closed.
    _file: File,
}

impl StartLock {
    /// Waits for its turn; `None` when that has not come by `until`.
    pub(super) async fn take(
        socket: &Path,
        until: Instant,
    ) -> Result<Option<Self>, ControlFolderError> {
        let path = socket.with_extension("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(|error| io_at(&path, &error))?;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Self { _file: file })),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    sleep(Duration::from_millis(20)).await;
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(io_at(&path, &error.into())),
            }
        }
    }
}

fn socket_name(target: &SshTarget, host_keys: HostKeys, config: &[u8]) -> String {
    let SshTarget {
        address,
        user,
        port,
        key,
        known_hosts,
        jump,
        compression,
        ..
    } = target;
    // `Debug` quotes each part, so that no two different targets print alike.
    let identity = format!(
        "{address:?} {user:?} {port:?} {key:?} {known_hosts:?} {jump:?} {compression:?} {host_keys:?} {:?}",
        Sha256::digest(config).as_slice()
    );
    Sha256::digest(identity)
        .iter()
        .take(8)
        .fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

fn fits(folder: &Path) -> bool {
    const NAME: usize = 1 + 16;
    folder.as_os_str().len() + NAME + SSH_SUFFIX <= LONGEST_SOCKET
}

fn io_at(path: &Path, error: &io::Error) -> ControlFolderError {
    ControlFolderError::Io {
        path: path.to_owned(),
        text: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::PathBuf;

    use super::super::target::{Become, HostKeys, SshTarget};
    use super::{ControlFolder, ControlFolderError, socket_name};

    #[test]
    fn a_folder_is_made_closed_and_found_again() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("hactl");
        ControlFolder::at(path.clone()).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        ControlFolder::at(path).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), Permissions::from_mode(0o750)).unwrap();
        let refused = ControlFolder::at(base.path().to_owned()).unwrap_err();
        assert_eq!(
            refused,
            ControlFolderError::Open {
                path: base.path().to_owned(),
                mode: 0o750
            }
        );
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let link = base.path().join("link");
        symlink(base.path(), &link).unwrap();
        assert_eq!(
            ControlFolder::at(link.clone()).unwrap_err(),
            ControlFolderError::NotAFolder(link)
        );
    }

    #[test]
    fn a_folder_of_somebody_else_is_refused() {
        let base = tempfile::tempdir().unwrap();
        // Only root can give a folder away; others look at one of root's.
        let path = if chown(base.path(), Some(65534), None).is_ok() {
            base.path().to_owned()
        } else {
            PathBuf::from("/etc")
        };
        let refused = ControlFolder::at(path).unwrap_err();
        assert!(
            matches!(refused, ControlFolderError::NotOurs { .. }),
            "{refused:?}"
        );
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_refused() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(80)));
        assert_eq!(
            ControlFolder::at(long.clone()).unwrap_err(),
            ControlFolderError::TooLong(long)
        );
    }

    #[test]
    fn the_name_covers_all_that_decides_who_is_reached() {
        let base = SshTarget::new("db1");
        let name = |target: &SshTarget| socket_name(target, HostKeys::Strict, b"");
        let others = [
            SshTarget {
                address: "db2".into(),
                ..base.clone()
            },
            SshTarget {
                user: Some("root".into()),
                ..base.clone()
            },
            SshTarget {
                port: Some(22),
                ..base.clone()
            },
            SshTarget {
                key: Some("/k".into()),
                ..base.clone()
            },
            SshTarget {
                known_hosts: Some("/k".into()),
                ..base.clone()
            },
            SshTarget {
                jump: Some("bastion".into()),
                ..base.clone()
            },
            SshTarget {
                compression: Some(true),
                ..base.clone()
            },
        ];
        let mut names: Vec<String> = others.iter().map(name).collect();
        names.push(name(&base));
        names.push(socket_name(&base, HostKeys::AcceptNew, b""));
        names.push(socket_name(&base, HostKeys::Strict, b"Host db1"));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        // sudo is a matter of each script, not of the connection.
        let never = SshTarget {
            become_root: Become::Never,
            ..base.clone()
        };
        assert_eq!(name(&never), name(&base));
    }
}
