//! A real sshd of a test's own: keys, port, known hosts; it goes with the test, also after a panic.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hactl::fleet::ssh::{Become, HostKeys, Link, SshTarget};
use tempfile::TempDir;

pub(crate) struct Sshd {
    dir: TempDir,
    port: u16,
    process: Child,
}

impl Sshd {
    /// Starts one and waits until it listens.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        keygen(&path("host_key"));
        keygen(&path("user_key"));
        fs::copy(path("user_key.pub"), path("authorized_keys")).unwrap();
        let port = free_port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {0}/host_key\nAuthorizedKeysFile {0}/authorized_keys\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\n",
            dir.path().display()
        );
        fs::write(path("sshd_config"), config).unwrap();
        let process = spawn(&path("sshd_config"), port);
        let sshd = Self { dir, port, process };
        sshd.trust_host_key();
        sshd
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the host's present key to the known hosts of [`Sshd::target`].
    pub(crate) fn trust_host_key(&self) {
        let key = fs::read_to_string(self.path("host_key.pub")).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.path("known_hosts"), line).unwrap();
    }

    /// Gives the host another key, as a reinstalled host has.
    pub(crate) fn change_host_key(&mut self) {
        self.stop_listening();
        fs::remove_file(self.path("host_key")).unwrap();
        keygen(&self.path("host_key"));
        self.process = spawn(&self.path("sshd_config"), self.port);
    }

    /// Ends the listener; connections that stand go on.
    pub(crate) fn stop_listening(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// The processes that serve connections, each to be frozen or killed.
    pub(crate) fn connections(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        let text = fs::read_to_string(children).unwrap();
        text.split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    }

    pub(crate) fn target(&self) -> SshTarget {
        SshTarget {
            address: "127.0.0.1".into(),
            user: Some("root".into()),
            port: Some(self.port),
            key: Some(self.path("user_key")),
            known_hosts: Some(self.path("known_hosts")),
            jump: None,
            become_root: Become::Sudo,
            sudo_password: None,
            compression: None,
            connect_timeout: Duration::from_secs(5),
        }
    }

    pub(crate) async fn link(&self) -> Link {
        Link::connect(&self.target(), HostKeys::Strict)
            .await
            .unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "kill -s {name} {pid}");
}

/// Waits until something holds, or fails saying what did not.
pub(crate) fn wait_until(what: &str, bound: Duration, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < bound, "not within {bound:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn keygen(path: &Path) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn spawn(config: &Path, port: u16) -> Child {
    fs::create_dir_all("/run/sshd").unwrap();
    let process = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(config)
        .stdin(Stdio::null())
        .stderr(Stdio::from(
            fs::File::create(config.with_extension("log")).unwrap(),
        ))
        .spawn()
        .expect("Debian's openssh-server is needed");
    wait_until("sshd listens", Duration::from_secs(10), || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    process
}
