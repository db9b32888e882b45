//! Where a failover may have to begin: every state of three hosts that lossless replication can reach, and
//! whether a failover must be done there, by rules that are written apart from whoever decides.
//!
//! What is left out, since no cluster gets there: an acknowledged row that no replica has received; rows
//! on a replica that the primary never wrote; rows applied that were not received. Every row that a
//! replica received counts as acknowledged, which is the worst case, and each state is also taken with a
//! row more on the primary that nobody received.

use std::fmt;

use hactl::inventory::Cluster;

use crate::world::{Channel, Machine, World};

/// What happened to the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its process was killed, and nothing starts it.
    Killed,
    /// The same, and the controller does not reach its machine.
    KilledOutOfReach,
    /// Its process was stopped by a signal.
    Frozen,
    /// The same, and the controller does not reach its machine.
    FrozenOutOfReach,
    /// Its machine has no power.
    PoweredOff,
    /// It lives, and no packet passes to it or from it.
    CutOff,
    /// It lives, and only the controller does not reach it.
    OutOfReach,
    /// Nothing happened.
    Lives,
}

impl Fate {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Killed,
        Self::KilledOutOfReach,
        Self::Frozen,
        Self::FrozenOutOfReach,
        Self::PoweredOff,
        Self::CutOff,
        Self::OutOfReach,
        Self::Lives,
    ];

    fn befall(self, world: &mut World) {
        match self {
            Self::Killed | Self::KilledOutOfReach => world.at_mut(1).server.crash(),
            Self::Frozen | Self::FrozenOutOfReach => {
                world.at_mut(1).server.process = crate::world::Process::Frozen;
            }
            Self::PoweredOff => world.at_mut(1).power_off(),
            Self::CutOff => world.isolate(1),
            Self::OutOfReach | Self::Lives => {}
        }
        if matches!(
            self,
            Self::KilledOutOfReach | Self::FrozenOutOfReach | Self::OutOfReach
        ) {
            world.at_mut(1).ssh = false;
        }
    }

    /// Whether replicas may still hear of it.
    fn is_alive(self) -> bool {
        matches!(self, Self::OutOfReach | Self::Lives)
    }
}

/// What became of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is well.
    Up,
    /// Its server does not run.
    ServerGone,
    /// The controller does not reach it; it is well.
    OutOfReach,
    /// It has no power.
    PoweredOff,
}

impl Place {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [
        Self::Up,
        Self::ServerGone,
        Self::OutOfReach,
        Self::PoweredOff,
    ];
}

/// Which replication threads of a replica were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threads {
    /// The one that receives.
    pub(crate) receiver: bool,
    /// The one that applies.
    pub(crate) applier: bool,
}

impl Threads {
    /// Both.
    pub(crate) const BOTH: Self = Self {
        receiver: true,
        applier: true,
    };

    /// Neither.
    pub(crate) const NONE: Self = Self {
        receiver: false,
        applier: false,
    };

    /// All combinations.
    pub(crate) const ALL: [Self; 4] = [
        Self::BOTH,
        Self {
            receiver: true,
            applier: false,
        },
        Self {
            receiver: false,
            applier: true,
        },
        Self::NONE,
    ];
}

/// A replica at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// How many rows it received.
    pub(crate) received: usize,
    /// How many of them it applied.
    pub(crate) applied: usize,
    /// Its threads.
    pub(crate) threads: Threads,
    /// What became of it.
    pub(crate) place: Place,
    /// Whether somebody made it writable.
    pub(crate) is_writable: bool,
    /// Whether it goes on from a file and a position, as after a seed in that mode.
    pub(crate) by_file: bool,
}

impl Replica {
    /// One that is well and has received and applied so many.
    pub(crate) fn with(received: usize, applied: usize) -> Self {
        Self {
            received,
            applied,
            threads: Threads::BOTH,
            place: Place::Up,
            is_writable: false,
            by_file: false,
        }
    }

    /// The same, going on from a file and a position.
    pub(crate) fn by_position(self) -> Self {
        Self {
            by_file: true,
            ..self
        }
    }

    /// The same with these threads.
    pub(crate) fn running(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }
}

/// A state to begin at.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// What happened to `db1`, which led.
    pub(crate) fate: Fate,
    /// Rows on `db1` that no replica received.
    pub(crate) tail: usize,
    /// `db2`, `db3`, …
    pub(crate) replicas: Vec<Replica>,
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "db1 {:?}, {} unreceived", self.fate, self.tail)?;
        for (number, replica) in (2..).zip(&self.replicas) {
            let Replica {
                received, applied, ..
            } = replica;
            write!(f, "; db{number} {applied}/{received}")?;
            if replica.threads != Threads::BOTH {
                let of = |on| if on { "on" } else { "off" };
                let Threads { receiver, applier } = replica.threads;
                write!(f, " receiver {} applier {}", of(receiver), of(applier))?;
            }
            if replica.place != Place::Up {
                write!(f, " {:?}", replica.place)?;
            }
            if replica.is_writable {
                f.write_str(" writable")?;
            }
            if replica.by_file {
                f.write_str(" by file")?;
            }
        }
        Ok(())
    }
}

/// What a failover must do with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is a safe winner: to refuse is a defect.
    Act,
    /// There is none: to act is a defect.
    Refuse,
    /// A careful person could do either.
    Either,
}

impl Start {
    /// The world as it is then.
    pub(crate) fn build(&self, cluster: &Cluster) -> World {
        let mut world = World::healthy(cluster);
        for replica in 2..=self.replicas.len() {
            world
                .at_mut(u32::try_from(replica).expect("few") + 1)
                .server
                .slow = true;
        }
        let received = self.received();
        let server = &mut world.at_mut(1).server;
        let rows: Vec<_> = (0..received + self.tail).map(|_| server.write()).collect();
        server.committed = received;
        for row in &rows {
            world.client.sent(1, *row);
        }
        world.client.told(1, &rows[..received]);
        for (number, replica) in (2..).zip(&self.replicas) {
            let server = &mut world.at_mut(number).server;
            server.apply(rows[..replica.applied].iter().copied());
            server.read_only = !replica.is_writable;
            server.slow = replica.applied < replica.received;
            let Threads { receiver, applier } = replica.threads;
            server.channel = Some(Channel {
                receiver,
                connected: receiver,
                applier,
                by_file: replica.by_file,
                relay: rows[replica.applied..replica.received].to_vec(),
                ..Channel::to(1)
            });
        }
        self.fate.befall(&mut world);
        for (number, replica) in (2..).zip(&self.replicas) {
            let machine: &mut Machine = world.at_mut(number);
            match replica.place {
                Place::Up => {}
                Place::ServerGone => machine.server.crash(),
                Place::OutOfReach => machine.ssh = false,
                Place::PoweredOff => machine.power_off(),
            }
        }
        world.settle();
        world
    }

    /// How far the furthest replica received.
    pub(crate) fn received(&self) -> usize {
        let received = self.replicas.iter().map(|replica| replica.received);
        received.max().unwrap_or(0)
    }

    fn up(&self) -> usize {
        let is_up = |replica: &&Replica| replica.place == Place::Up;
        self.replicas.iter().filter(is_up).count()
    }

    /// What a failover must do, with no harm allowed and nothing but ssh to fence with.
    pub(crate) fn verdict(&self) -> Verdict {
        let ssh = !matches!(
            self.fate,
            Fate::KilledOutOfReach
                | Fate::FrozenOutOfReach
                | Fate::PoweredOff
                | Fate::CutOff
                | Fate::OutOfReach
        );
        // An acknowledgement needs another than the new primary.
        let no_acker = self.up() < 2;
        let whole = self.up() == self.replicas.len();
        if self.fate == Fate::Lives || no_acker || (!whole && !ssh) {
            return Verdict::Refuse;
        }
        let writable = self.replicas.iter().any(|replica| replica.is_writable);
        if self.fate.is_alive() || writable || !whole {
            return Verdict::Either;
        }
        Verdict::Act
    }
}

/// Every way in which two replicas can have received and applied up to so many rows, of which the
/// further received all.
pub(crate) fn progress(rows: usize) -> Vec<[Replica; 2]> {
    let each = || {
        (0..=rows).flat_map(move |received| {
            (0..=received).map(move |applied| Replica::with(received, applied))
        })
    };
    let pairs = each().flat_map(|one| each().map(move |other| [one, other]));
    pairs
        .filter(|[one, other]| one.received.max(other.received) == rows)
        .collect()
}
