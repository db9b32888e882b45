//! A real MariaDB of a test's own (Debian's `mariadb-server-core`): data folder, socket, port.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::sshd::{free_port, wait_until};

pub(crate) struct Server {
    dir: TempDir,
    port: u16,
    process: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        // Not the shared /tmp: a server that starts deletes the temporary tables of all others there.
        let tmpdir = format!("--tmpdir={}", dir.path().display());
        let port = free_port();
        let installed = Command::new("mariadb-install-db")
            .args(["--no-defaults", "--user=root", "--skip-test-db"])
            .arg(format!("--datadir={}", data.display()))
            .arg(&tmpdir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("Debian's mariadb-server-core is needed");
        assert!(installed.success());
        let process = Command::new("/usr/sbin/mariadbd")
            .args(["--no-defaults", "--user=root", "--bind-address=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--datadir={}", data.display()))
            .arg(&tmpdir)
            .arg(format!("--socket={}", dir.path().join("sock").display()))
            .stdin(Stdio::null())
            .stderr(File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { dir, port, process };
        wait_until("MariaDB is up", Duration::from_secs(30), || {
            fs::read_to_string(server.dir.path().join("log"))
                .is_ok_and(|log| log.contains("ready for connections"))
        });
        server
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
