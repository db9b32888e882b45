//! What torture does to a cluster, drawn by chance, and how all of it is undone. A fault says nothing
//! of what must become of it: that is the judge's.

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use hactl_lab::{Direction, Host, LabError, Signal, primary};

use super::arena::{Arena, LIMIT, Watch};
use super::chance::Chance;
use crate::cluster::eventually;

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
    PrimaryReadOnly,
    VipTaken,
    VipDoubled,
    ReplicationCut,
    ReplicaKilled,
    ReplicaFrozen,
    ReplicaPoweredOff,
    ReplicaCut,
    ReplicaDeaf,
    ReplicaHidden,
    ReplicaFrayed,
    ReplicaWritable,
    ReplicasPoweredOff,
    BothKilled,
    BothPoweredOff,
    AllPoweredOff,
    ThenReplicaKilled,
    ThenReplicaPoweredOff,
    ThenReplicaCut,
    WatcherKilled,
    WatcherKilledActing,
    WatcherFrozen,
    ManagerCut,
    ManagerCutPrimaryKilled,
    Switchover,
    SwitchoverKilled,
    SwitchoverPrimaryKilled,
    SwitchoverTargetOff,
    RejoinKilled,
}

/// All of them, as they are shown.
const KINDS: [(Kind, &str); 40] = [
    (Kind::PrimaryKilled, "primary killed"),
    (Kind::PrimaryKilledForGood, "primary killed, not restarted"),
    (Kind::PrimaryTerminated, "primary stopped by SIGTERM"),
    (Kind::PrimaryFrozen, "primary frozen"),
    (Kind::PrimaryPoweredOff, "primary's power off"),
    (Kind::PrimaryRebooted, "primary's host rebooted"),
    (Kind::PrimaryCut, "primary's cable cut"),
    (Kind::PrimaryMute, "primary not heard (one way)"),
    (Kind::PrimaryDeaf, "primary hears nothing (one way)"),
    (Kind::PrimaryHidden, "primary hidden from the manager"),
    (Kind::PrimaryFrayed, "primary's cable frayed"),
    (Kind::PrimaryReadOnly, "primary made read-only by hand"),
    (Kind::VipTaken, "writer VIP removed by hand"),
    (Kind::VipDoubled, "writer VIP added to a replica by hand"),
    (Kind::ReplicationCut, "primary severed from a replica"),
    (Kind::ReplicaKilled, "replica killed"),
    (Kind::ReplicaFrozen, "replica frozen"),
    (Kind::ReplicaPoweredOff, "replica's power off"),
    (Kind::ReplicaCut, "replica's cable cut"),
    (Kind::ReplicaDeaf, "replica hears nothing (one way)"),
    (Kind::ReplicaHidden, "replica hidden from the manager"),
    (Kind::ReplicaFrayed, "replica's cable frayed"),
    (Kind::ReplicaWritable, "replica made writable by hand"),
    (Kind::ReplicasPoweredOff, "every replica's power off"),
    (Kind::BothKilled, "primary and a replica killed"),
    (Kind::BothPoweredOff, "primary's and a replica's power off"),
    (Kind::AllPoweredOff, "all power off"),
    (
        Kind::ThenReplicaKilled,
        "primary killed, then a replica killed",
    ),
    (
        Kind::ThenReplicaPoweredOff,
        "primary killed, then a replica's power off",
    ),
    (Kind::ThenReplicaCut, "primary killed, then a replica cut"),
    (Kind::WatcherKilled, "watcher killed"),
    (
        Kind::WatcherKilledActing,
        "watcher killed after primary killed",
    ),
    (
        Kind::WatcherFrozen,
        "watcher frozen while primary is killed",
    ),
    (Kind::ManagerCut, "manager cut off"),
    (
        Kind::ManagerCutPrimaryKilled,
        "manager cut off while primary is killed",
    ),
    (Kind::Switchover, "switchover"),
    (Kind::SwitchoverKilled, "switchover killed"),
    (
        Kind::SwitchoverPrimaryKilled,
        "primary killed during switchover",
    ),
    (
        Kind::SwitchoverTargetOff,
        "target's power off during switchover",
    ),
    (Kind::RejoinKilled, "rejoin killed"),
];

impl Kind {
    /// Nothing of this is a reason to move the writer: the primary is well, and its replicas or the
    /// manager say so.
    pub(super) fn leaves_the_writer(self) -> bool {
        matches!(
            self,
            Self::PrimaryHidden
                | Self::VipTaken
                | Self::VipDoubled
                | Self::ReplicationCut
                | Self::ReplicaKilled
                | Self::ReplicaFrozen
                | Self::ReplicaPoweredOff
                | Self::ReplicaCut
                | Self::ReplicaDeaf
                | Self::ReplicaHidden
                | Self::ReplicaFrayed
                | Self::ReplicaWritable
                | Self::ReplicasPoweredOff
                | Self::WatcherKilled
                | Self::ManagerCut
        )
    }

    /// A client beside the server still reaches it, and is told no lies either.
    pub(super) fn cuts_off_the_primary(self) -> bool {
        matches!(
            self,
            Self::PrimaryCut
                | Self::PrimaryMute
                | Self::PrimaryDeaf
                | Self::PrimaryHidden
                | Self::ManagerCut
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, _)| kind == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

/// What will happen to whom, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    primary: String,
    /// The one that it also befalls, or alone.
    replica: String,
    /// How long it lasts before it is undone.
    lasts: Duration,
    /// So long after the first fault comes the second, where there are two: before, during or after
    /// each step of what answers the first.
    second: Duration,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            primary,
            replica,
            lasts,
            second,
        } = self;
        write!(
            f,
            "{kind} (primary {primary}, replica {replica}, {} ms, second after {} ms)",
            lasts.as_millis(),
            second.as_millis()
        )
    }
}

impl Fault {
    /// The next one, among those whose name contains `wanted`. As many numbers are drawn whatever the
    /// kind, so that a seed means the same sequence of kinds however the cluster answers.
    pub(super) fn draw(
        chance: &mut Chance,
        wanted: &str,
        primary: &str,
        replicas: &[String],
    ) -> Self {
        let named = |(kind, name): &(Kind, &str)| name.contains(wanted).then_some(*kind);
        let kinds: Vec<Kind> = KINDS.iter().filter_map(named).collect();
        assert!(!kinds.is_empty(), "no fault has `{wanted}` in its name");
        let kind = *chance.pick(&kinds);
        let replica = chance.pick(replicas).clone();
        let most = match chance.below(10) {
            0 => 30_000,
            1..=4 => 9000,
            _ => 3000,
        };
        Self {
            kind,
            primary: primary.to_owned(),
            replica,
            lasts: chance.millis(200, most),
            second: chance.millis(0, 2500),
        }
    }

    /// Lets it befall them, and undoes it when its time is over. Gives how many watchers ended by
    /// themselves meanwhile.
    pub(super) fn befall<'a>(
        &self,
        arena: &'a Arena,
        watch: &mut Watch<'a>,
    ) -> Result<usize, LabError> {
        let mut ended = 0;
        self.strike(arena)?;
        self.strike_again(arena, watch, &mut ended)?;
        sleep(self.lasts);
        watch.resume();
        restore(arena)?;
        Ok(ended)
    }

    fn strike(&self, arena: &Arena) -> Result<(), LabError> {
        let process = arena.process();
        let primary = arena.host(&self.primary);
        let replica = arena.host(&self.replica);
        match self.kind {
            Kind::PrimaryKilled => primary.kill(process).map(drop),
            Kind::ReplicaKilled => replica.kill(process).map(drop),
            Kind::BothKilled => primary.kill(process).and(replica.kill(process)).map(drop),
            Kind::PrimaryTerminated => primary.signal(process, Signal::Term).map(drop),
            Kind::PrimaryFrozen => primary.freeze(process).map(drop),
            Kind::ReplicaFrozen => replica.freeze(process).map(drop),
            Kind::PrimaryPoweredOff => primary.power_off(),
            Kind::ReplicaPoweredOff => replica.power_off(),
            Kind::BothPoweredOff => primary.power_off().and_then(|()| replica.power_off()),
            Kind::ReplicasPoweredOff => each(arena, |host| {
                if host.name() == self.primary {
                    return Ok(());
                }
                host.power_off()
            }),
            Kind::AllPoweredOff => each(arena, Host::power_off),
            Kind::PrimaryRebooted => primary.reboot(),
            Kind::PrimaryCut => primary.cut(),
            Kind::ReplicaCut => replica.cut(),
            Kind::PrimaryMute => primary.mute(Direction::Outgoing),
            Kind::PrimaryDeaf => primary.mute(Direction::Incoming),
            Kind::ReplicaDeaf => replica.mute(Direction::Incoming),
            Kind::PrimaryHidden => primary.veil(),
            Kind::ReplicaHidden => replica.veil(),
            Kind::ManagerCut | Kind::ManagerCutPrimaryKilled => each(arena, Host::veil),
            Kind::PrimaryFrayed => primary.fray(),
            Kind::ReplicaFrayed => replica.fray(),
            Kind::ReplicationCut => primary.sever(replica),
            Kind::PrimaryReadOnly => primary.sql("SET GLOBAL read_only = 1").map(drop),
            Kind::ReplicaWritable => replica.sql("SET GLOBAL read_only = 0").map(drop),
            Kind::VipTaken => arena.address(primary, "del"),
            Kind::VipDoubled => arena.address(replica, "add"),
            Kind::ThenReplicaKilled
            | Kind::ThenReplicaPoweredOff
            | Kind::ThenReplicaCut
            | Kind::WatcherKilledActing
            | Kind::RejoinKilled
            | Kind::PrimaryKilledForGood => {
                arena.kill_for_good(&self.primary);
                Ok(())
            }
            // Their first is the watcher's, or hactl's.
            Kind::WatcherKilled
            | Kind::WatcherFrozen
            | Kind::Switchover
            | Kind::SwitchoverKilled
            | Kind::SwitchoverPrimaryKilled
            | Kind::SwitchoverTargetOff => Ok(()),
        }
    }

    fn strike_again<'a>(
        &self,
        arena: &'a Arena,
        watch: &mut Watch<'a>,
        ended: &mut usize,
    ) -> Result<(), LabError> {
        let process = arena.process();
        let replica = arena.host(&self.replica);
        match self.kind {
            Kind::ThenReplicaKilled => {
                sleep(self.second);
                // It may be fenced or gone by then.
                let _ = replica.kill(process);
            }
            Kind::ThenReplicaPoweredOff => {
                sleep(self.second);
                replica.power_off()?;
            }
            Kind::ThenReplicaCut => {
                sleep(self.second);
                replica.cut()?;
            }
            Kind::WatcherKilled => *ended += renew(arena, watch),
            Kind::WatcherKilledActing => {
                sleep(self.second);
                *ended += renew(arena, watch);
            }
            Kind::WatcherFrozen => {
                watch.pause();
                arena.kill_for_good(&self.primary);
            }
            Kind::ManagerCutPrimaryKilled => {
                sleep(self.second);
                arena.kill_for_good(&self.primary);
            }
            Kind::Switchover
            | Kind::SwitchoverKilled
            | Kind::SwitchoverPrimaryKilled
            | Kind::SwitchoverTargetOff => self.switch(arena)?,
            Kind::RejoinKilled => self.rejoin(arena),
            _ => {}
        }
        Ok(())
    }

    /// Whether a switchover may be done now is its own to say.
    fn switch(&self, arena: &Arena) -> Result<(), LabError> {
        let switchover = ["switchover", "--to", &self.replica, "--yes"];
        let running = arena.cluster.start(&switchover);
        if self.kind != Kind::Switchover {
            sleep(self.second);
        }
        match self.kind {
            Kind::SwitchoverKilled => {
                running.kill();
                return Ok(());
            }
            Kind::SwitchoverPrimaryKilled => arena.kill_for_good(&self.primary),
            Kind::SwitchoverTargetOff => arena.host(&self.replica).power_off()?,
            _ => {}
        }
        arena.cluster.finish(running);
        Ok(())
    }

    fn rejoin(&self, arena: &Arena) {
        let moved = || primary(&arena.cluster.lab).is_some_and(|host| host.name() != self.primary);
        // If nobody takes over, the judge will say so.
        if eventually(LIMIT, moved) {
            let rejoin = ["rejoin", &self.primary, "--yes"];
            let running = arena.cluster.start(&rejoin);
            sleep(self.second);
            running.kill();
        }
    }
}

/// Ends a watcher without a word, and has another one in its place. Gives how many of those ended by
/// themselves.
pub(super) fn renew<'a>(arena: &'a Arena, watch: &mut Watch<'a>) -> usize {
    watch.kill();
    let (next, ended) = arena.watch_as_a_unit().expect("a watcher that stays");
    *watch = next;
    ended
}

fn each(
    arena: &Arena,
    mut befalls: impl FnMut(&Host) -> Result<(), LabError>,
) -> Result<(), LabError> {
    arena.cluster.lab.hosts().iter().try_for_each(&mut befalls)
}

/// Power, cables and processes as they were before. What became of the servers stays.
fn restore(arena: &Arena) -> Result<(), LabError> {
    each(arena, |host| {
        host.heal()?;
        each(arena, |other| host.mend(other))
    })?;
    each(arena, |host| {
        if !host.is_running() {
            host.power_on()?;
        }
        // None hangs, or it was fenced meanwhile.
        let _ = host.thaw(arena.process());
        Ok(())
    })
}

/// Takes back what would outlast the fault: the next one is drawn for a host like all others.
pub(super) fn forget(arena: &Arena) {
    for host in arena.cluster.lab.hosts() {
        arena.restart_again(host.name());
    }
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|(_, name)| *name).collect();
    assert_eq!(names.len(), KINDS.len());
}
