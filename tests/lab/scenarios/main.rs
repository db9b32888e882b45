//! The tool on real hosts: systemd, sshd, apt, database servers, cables and power switches.
//!
//! Each scenario boots a lab of its own, does to it what befalls a cluster, and runs the very binary
//! that a person runs. It must never skip: without root or the packages that the lab needs, it fails
//! and says so. It must never touch another lab than its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on panics, and the lab's guard cleans up"
)]
#![allow(
    clippy::print_stderr,
    reason = "a failed scenario must say what it drew"
)]

mod aftermath;
mod bad_days;
mod bare;
mod by_hand;
mod cluster;
mod configuration;
mod conformance;
mod converged;
mod data_elsewhere;
mod drift;
mod encryption;
mod existing_data;
mod failover;
mod findings;
mod first_run;
mod growing;
mod judge;
mod killed;
mod leading;
mod makefile;
mod non_root;
mod peers;
mod playbooks;
mod reaching;
mod reboot;
mod run;
mod secrets;
mod seeding;
mod stopped;

/// Makes a test of each scenario for each server that must work, and with `make test-matrix` for the
/// others.
macro_rules! on_each_server {
    ($($scenario:ident),+ $(,)?) => {
        mod mariadb_10_11 {
            $(#[test] fn $scenario() { super::$scenario(hactl_lab::Suite::Bookworm); })+
        }
        mod mysql_9_7 {
            $(#[test] fn $scenario() { super::$scenario(hactl_lab::Suite::Sid); })+
        }
        crate::on_every_other_server! { $($scenario,)+ }
    };
}
use on_each_server;

/// Makes tests of scenarios: `core` ones run on each server that must work, `mariadb` ones on
/// MariaDB 10.11, and all of them, the `matrix` ones too, on every server with `make test-matrix`.
macro_rules! scenarios {
    (core: $($core:ident),*; mariadb: $($mariadb:ident),*; matrix: $($matrix:ident),* $(,)?) => {
        mod mariadb_10_11 {
            $(#[test] fn $core() { super::$core(hactl_lab::Suite::Bookworm); })*
            $(#[test] fn $mariadb() { super::$mariadb(hactl_lab::Suite::Bookworm); })*
            $(#[test] #[ignore = "make test-matrix"]
            fn $matrix() { super::$matrix(hactl_lab::Suite::Bookworm); })*
        }
        mod mysql_9_7 {
            $(#[test] fn $core() { super::$core(hactl_lab::Suite::Sid); })*
            $(#[test] #[ignore = "make test-matrix"]
            fn $mariadb() { super::$mariadb(hactl_lab::Suite::Sid); })*
            $(#[test] #[ignore = "make test-matrix"]
            fn $matrix() { super::$matrix(hactl_lab::Suite::Sid); })*
        }
        crate::on_every_other_server! { $($core,)* $($mariadb,)* $($matrix,)* }
    };
}
use scenarios;

/// Those of `make test-matrix` alone.
macro_rules! on_every_other_server {
    ($($scenario:ident,)*) => {
        mod mariadb_11_8 {
            $(#[test] #[ignore = "make test-matrix"]
            fn $scenario() { super::$scenario(hactl_lab::Suite::Trixie); })*
        }
        mod mariadb_10_5 {
            $(#[test] #[ignore = "make test-matrix"]
            fn $scenario() { super::$scenario(hactl_lab::Suite::Bullseye); })*
        }
    };
}
use on_every_other_server;
