//! What torture does to a cluster, drawn by chance, and how each is undone. A fault says nothing of
//! what must become of it: that is the judge's.

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Direction, LabError, Signal};

use super::arena::Arena;
use super::chance::Chance;

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    PrimaryKilled,
    PrimaryKilledForGood,
    PrimaryTerminated,
    PrimaryFrozen,
    PrimaryPoweredOff,
    PrimaryRebooted,
    PrimaryCut,
    PrimaryMute,
    PrimaryDeaf,
    PrimaryHidden,
    PrimaryFrayed,
    ReplicationCut,
    ReplicaKilled,
    ReplicaFrozen,
    ReplicaPoweredOff,
    ReplicaCut,
    WatcherKilled,
    WatcherKilledActing,
    Switchover,
}

impl Kind {
    const ALL: [Self; 19] = [
        Self::PrimaryKilled,
        Self::PrimaryKilledForGood,
        Self::PrimaryTerminated,
        Self::PrimaryFrozen,
        Self::PrimaryPoweredOff,
        Self::PrimaryRebooted,
        Self::PrimaryCut,
        Self::PrimaryMute,
        Self::PrimaryDeaf,
        Self::PrimaryHidden,
        Self::PrimaryFrayed,
        Self::ReplicationCut,
        Self::ReplicaKilled,
        Self::ReplicaFrozen,
        Self::ReplicaPoweredOff,
        Self::ReplicaCut,
        Self::WatcherKilled,
        Self::WatcherKilledActing,
        Self::Switchover,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrimaryKilled => "primary killed",
            Self::PrimaryKilledForGood => "primary killed, not restarted",
            Self::PrimaryTerminated => "primary stopped by SIGTERM",
            Self::PrimaryFrozen => "primary frozen",
            Self::PrimaryPoweredOff => "primary's power off",
            Self::PrimaryRebooted => "primary's host rebooted",
            Self::PrimaryCut => "primary's cable cut",
            Self::PrimaryMute => "primary not heard (one way)",
            Self::PrimaryDeaf => "primary hears nothing (one way)",
            Self::PrimaryHidden => "primary hidden from the manager",
            Self::PrimaryFrayed => "primary's cable frayed",
            Self::ReplicationCut => "primary severed from a replica",
            Self::ReplicaKilled => "replica killed",
            Self::ReplicaFrozen => "replica frozen",
            Self::ReplicaPoweredOff => "replica's power off",
            Self::ReplicaCut => "replica's cable cut",
            Self::WatcherKilled => "watcher killed",
            Self::WatcherKilledActing => "watcher killed after primary killed",
            Self::Switchover => "switchover",
        })
    }
}

/// What will happen to whom, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// The primary, or the replica that was drawn.
    pub(super) host: String,
    /// How long it lasts before it is undone.
    pub(super) lasts: Duration,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, {} ms)",
            self.kind,
            self.host,
            self.lasts.as_millis()
        )
    }
}

impl Fault {
    /// The next one. As many numbers are drawn whatever the kind, so that a seed means the same
    /// sequence of kinds however the cluster answers.
    pub(super) fn draw(chance: &mut Chance, primary: &str, replicas: &[String]) -> Self {
        let kind = *chance.pick(&Kind::ALL);
        let replica = chance.pick(replicas);
        let lasts = chance.millis(200, 9000);
        let host = match kind {
            Kind::ReplicaKilled
            | Kind::ReplicaFrozen
            | Kind::ReplicaPoweredOff
            | Kind::ReplicaCut
            | Kind::ReplicationCut
            | Kind::Switchover => replica,
            _ => primary,
        };
        Self {
            kind,
            host: host.to_owned(),
            lasts,
        }
    }

    /// Lets it befall the host, and undoes it when its time is over.
    pub(super) fn befall(
        &self,
        arena: &Arena,
        primary: &str,
        renew_watcher: impl FnOnce(),
    ) -> Result<(), LabError> {
        let host = arena.host(&self.host);
        let process = arena.process();
        match self.kind {
            Kind::PrimaryKilled | Kind::ReplicaKilled => host.kill(process).map(drop)?,
            Kind::PrimaryKilledForGood => arena.kill_for_good(&self.host),
            Kind::PrimaryTerminated => host.signal(process, Signal::Term).map(drop)?,
            Kind::PrimaryFrozen | Kind::ReplicaFrozen => host.freeze(process).map(drop)?,
            Kind::PrimaryPoweredOff | Kind::ReplicaPoweredOff => host.power_off()?,
            Kind::PrimaryRebooted => host.reboot()?,
            Kind::PrimaryCut | Kind::ReplicaCut => host.cut()?,
            Kind::PrimaryMute => host.mute(Direction::Outgoing)?,
            Kind::PrimaryDeaf => host.mute(Direction::Incoming)?,
            Kind::PrimaryHidden => host.veil()?,
            Kind::PrimaryFrayed => host.fray()?,
            Kind::ReplicationCut => arena.host(primary).sever(host)?,
            Kind::WatcherKilled => renew_watcher(),
            Kind::WatcherKilledActing => {
                arena.kill_for_good(&self.host);
                // Within what a failover takes: before, during or after each of its steps.
                sleep(self.lasts / 4);
                renew_watcher();
            }
            Kind::Switchover => {
                // Whether it may be done now is its own to say.
                arena
                    .cluster
                    .hactl(&["switchover", "--to", &self.host, "--yes"]);
            }
        }
        sleep(self.lasts);
        match self.kind {
            // Gone when it was fenced meanwhile.
            Kind::PrimaryFrozen | Kind::ReplicaFrozen => {
                let _ = host.thaw(process);
            }
            Kind::PrimaryPoweredOff | Kind::ReplicaPoweredOff => host.power_on()?,
            Kind::ReplicationCut => arena.host(primary).mend(host)?,
            _ => host.heal()?,
        }
        Ok(())
    }

    /// Takes back what would outlast the fault: the next one is drawn for a host like all others.
    pub(super) fn forget(&self, arena: &Arena) {
        if matches!(
            self.kind,
            Kind::PrimaryKilledForGood | Kind::WatcherKilledActing
        ) {
            arena.restart_again(&self.host);
        }
    }
}
