//! Ctrl-C and SIGTERM. In the middle of a change of leadership clients wait, and each step of it is
//! bounded: the first signal lets it come to its end, or be undone, and the second does not.
//!
//! It must never swallow a second signal.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::screen::say;

static SHIELDS: AtomicUsize = AtomicUsize::new(0);

/// While it lives, the first signal is only told. Dropping it gives signals their usual force.
#[derive(Debug)]
pub(super) struct Shield(());

/// Begins what must not be left half done without need.
pub(super) fn shield() -> Shield {
    SHIELDS.fetch_add(1, Ordering::SeqCst);
    Shield(())
}

impl Drop for Shield {
    fn drop(&mut self) {
        SHIELDS.fetch_sub(1, Ordering::SeqCst);
    }
}

static HEEDS: AtomicUsize = AtomicUsize::new(0);
static ASKED: Notify = Notify::const_new();

/// While it lives, the first signal asks the command to leave in good order.
#[derive(Debug)]
pub(super) struct Heed(());

/// Begins what leaves by itself when it is asked to.
pub(super) fn heed() -> Heed {
    HEEDS.fetch_add(1, Ordering::SeqCst);
    Heed(())
}

impl Heed {
    /// Waits until it is asked to leave.
    pub(super) async fn asked(&self) {
        ASKED.notified().await;
    }
}

impl Drop for Heed {
    fn drop(&mut self) {
        HEEDS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits for a signal.
async fn signalled() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits until the command must be left: at the first signal, or at the second under a shield.
pub(super) async fn requested() {
    signalled().await;
    if HEEDS.load(Ordering::SeqCst) > 0 {
        say("leaving; what was begun is brought to its end first; once more to stop at once");
        ASKED.notify_one();
        signalled().await;
        return;
    }
    if SHIELDS.load(Ordering::SeqCst) == 0 {
        return;
    }
    say(
        "interrupted in the middle: this is brought to its end or undone first, within the bounds \
         of its steps; once more to stop at once and leave it half done",
    );
    signalled().await;
}
