//! The program as a person meets it: what it prints on either stream and how it ends, for the first
//! commands that anybody types and the first mistakes that anybody makes. Each runs in a folder and an
//! environment of its own; no host is needed, only ssh's client. Must never depend on what is installed
//! or configured on this machine.
#![allow(clippy::unwrap_used, reason = "tests")]

mod folders;
mod help;
mod inventories;
mod readme;
mod references;
mod unreachable;
mod usage;

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Nothing listens on port 1 of the loopback address.
const GOOD: &str = r#"cluster: shop
server: {flavor: mariadb}
accounts:
  replication: {user: repl, password: "env:REPL"}
  monitor: {user: monitor, password: "env:MONITOR"}
  admin: {user: hactl, password: "env:ADMIN"}
hosts:
  db1: {address: 127.0.0.1, primary: true, ssh: {port: 1}}
"#;

/// Where a command runs, and its whole home.
struct Folder(TempDir);

impl Folder {
    fn without_inventory() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn with(inventory: &str) -> Self {
        Self::without_inventory().and("inventory.yml", inventory)
    }

    fn good() -> Self {
        Self::with(GOOD)
    }

    /// A good inventory in which some parts are replaced.
    fn instead(parts: &[(&str, &str)]) -> Self {
        let mut text = GOOD.to_owned();
        for (part, other) in parts {
            assert!(text.contains(part), "{part}");
            text = text.replace(part, other);
        }
        Self::with(&text)
    }

    /// The same with one more file.
    fn and(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Exit code and both streams, without blanks at the ends of lines.
    fn hactl(&self, args: &[&str]) -> String {
        let run = Command::new(env!("CARGO_BIN_EXE_hactl"))
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.0.path())
            .envs([("REPL", "a"), ("MONITOR", "b"), ("ADMIN", "c")])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut text = format!("exit {}\n", run.status.code().unwrap());
        for (name, bytes) in [("stdout", run.stdout), ("stderr", run.stderr)] {
            if bytes.is_empty() {
                continue;
            }
            let _ = writeln!(text, "--- {name}");
            for line in String::from_utf8(bytes).unwrap().lines() {
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        text
    }
}
