//! Links against real sshds and database servers on the loopback address, which each test starts for
//! itself.
//!
//! They need root (as the lab does) and Debian's `openssh-server`, `openssh-client`,
//! `mariadb-server-core` and `mariadb-client-core` (for the server's installer). They touch nothing
//! outside their own folders but `/run/sshd`, `/run/hactl` and hactl's control folder.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod acting;
mod asking;
mod connecting;
mod locking;
mod running;
mod server;
mod sshd;
mod streaming;
