//! The host lock: one holder, named to others, gone with its process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use hactl::fleet::lock::{Holder, LockError};
use hactl::fleet::ssh::{HostKeys, Link, SshTarget};

use crate::sshd::{Sshd, wait_until};

const SOON: Duration = Duration::from_secs(5);

fn name(sshd: &Sshd) -> String {
    format!("wire-test-{}", sshd.port())
}

fn forget(sshd: &Sshd) {
    let _ = std::fs::remove_file(format!("/run/hactl/{}.lock", name(sshd)));
}

#[tokio::test]
async fn a_held_lock_names_its_holder_and_is_free_after_release() {
    let sshd = Sshd::start();
    let (one, two) = (sshd.link().await, sshd.link().await);
    let holder = Holder::this_process("bootstrap shop");
    let lock = one.lock(&name(&sshd), &holder).await.unwrap();
    lock.check(SOON).await.unwrap();
    lock.check(SOON).await.unwrap();
    let held = two
        .lock(&name(&sshd), &Holder::this_process("failover shop"))
        .await
        .unwrap_err();
    let LockError::Held {
        by,
        remote_pid: Some(pid),
        ..
    } = &held
    else {
        panic!("{held:?}")
    };
    assert!(
        by.contains("bootstrap shop") && by.contains(&holder.who),
        "{by}"
    );
    assert!(by.contains(&format!("pid {}", std::process::id())), "{by}");
    assert!(
        held.hint().contains(&format!("kill {pid}")),
        "{}",
        held.hint()
    );
    lock.release(SOON).await.unwrap();
    let second = two.lock(&name(&sshd), &holder).await.unwrap();
    second.check(SOON).await.unwrap();
    second.release(SOON).await.unwrap();
    forget(&sshd);
}

#[tokio::test]
async fn a_lock_that_was_taken_away_is_not_held() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let lock = link
        .lock(&name(&sshd), &Holder::this_process("test"))
        .await
        .unwrap();
    let held = link
        .lock(&name(&sshd), &Holder::this_process("test"))
        .await
        .unwrap_err();
    let LockError::Held {
        remote_pid: Some(pid),
        ..
    } = held
    else {
        panic!("{held:?}")
    };
    crate::sshd::signal(pid, "TERM");
    let lost = lock.check(SOON).await.unwrap_err();
    assert!(matches!(lost, LockError::Lost { .. }), "{lost:?}");
    forget(&sshd);
}

#[tokio::test]
async fn a_dropped_lock_is_free() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let lock = link
        .lock(&name(&sshd), &Holder::this_process("test"))
        .await
        .unwrap();
    drop(lock);
    free_soon(&sshd, &link).await;
    forget(&sshd);
}

#[tokio::test]
async fn names_that_leave_the_folder_are_refused() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    for name in ["", "../x", "a b", "a;id"] {
        let refused = link
            .lock(name, &Holder::this_process("test"))
            .await
            .unwrap_err();
        assert!(matches!(refused, LockError::Failed { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn a_killed_holder_frees_the_lock_although_the_master_stays() {
    let sshd = Sshd::start();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "locking::holds_a_lock_until_killed",
            "--nocapture",
        ])
        .env("WIRE_DIR", sshd.path(""))
        .env("WIRE_PORT", sshd.port().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("lock taken")));
    let link = sshd.link().await;
    let held = link.lock(&name(&sshd), &Holder::this_process("test")).await;
    assert!(matches!(held, Err(LockError::Held { .. })), "{held:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    free_soon(&sshd, &link).await;
    // The holder had started the master; it is the only connection still.
    assert_eq!(sshd.connections().len(), 1);
    forget(&sshd);
}

/// Not a test: the process that the test above kills.
#[tokio::test]
#[ignore = "runs as a child of the test above"]
async fn holds_a_lock_until_killed() {
    let dir = std::path::PathBuf::from(std::env::var("WIRE_DIR").unwrap());
    let port: u16 = std::env::var("WIRE_PORT").unwrap().parse().unwrap();
    let target = SshTarget {
        user: Some("root".into()),
        port: Some(port),
        key: Some(dir.join("user_key")),
        known_hosts: Some(dir.join("known_hosts")),
        ..SshTarget::new("127.0.0.1")
    };
    let link = Link::connect(&target, HostKeys::Strict).await.unwrap();
    let holder = Holder::this_process("to be killed");
    let _lock = link
        .lock(&format!("wire-test-{port}"), &holder)
        .await
        .unwrap();
    println!("lock taken");
    tokio::time::sleep(Duration::from_mins(1)).await;
}

async fn free_soon(sshd: &Sshd, link: &Link) {
    for _ in 0..50 {
        if let Ok(lock) = link.lock(&name(sshd), &Holder::this_process("test")).await {
            return lock.release(SOON).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    wait_until("the lock is free", Duration::ZERO, || false);
}
