//! What befalls hosts: a process that dies or hangs, a cable that is cut, packets that go only one
//! way. Each fault has its undoing. Power is in [`crate::Host::power_off`].

use std::fs;
use std::path::Path;

use rustix::process::Signal as Raw;

use crate::{Host, LabError, network, process};

/// A signal that a test sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `SIGKILL`: it dies without a word.
    Kill,
    /// `SIGTERM`: it is asked to stop.
    Term,
    /// `SIGSTOP`: it hangs; its sockets stay open and accept.
    Stop,
    /// `SIGCONT`: it goes on.
    Cont,
}

/// Which way packets are lost, as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the host sends reaches nobody; it still hears everyone.
    Outgoing,
    /// What is sent to the host does not arrive; it is still heard.
    Incoming,
}

impl Signal {
    fn raw(self) -> Raw {
        match self {
            Self::Kill => Raw::KILL,
            Self::Term => Raw::TERM,
            Self::Stop => Raw::STOP,
            Self::Cont => Raw::CONT,
        }
    }
}

impl Direction {
    fn set(self) -> &'static str {
        match self {
            Self::Outgoing => "muted_from",
            Self::Incoming => "muted_to",
        }
    }
}

impl Host {
    /// Sends a signal to every process of that name (`mariadbd`, `mysqld`, `sshd`, …) in the host;
    /// says to how many.
    ///
    /// # Errors
    /// [`LabError::NoProcess`] when there is none: a fault that hits nothing proves nothing.
    pub fn signal(&self, process: &str, signal: Signal) -> Result<usize, LabError> {
        match process::signal(&self.place.cgroup(), process, signal.raw()) {
            0 => Err(LabError::NoProcess {
                host: self.name().to_owned(),
                process: process.to_owned(),
            }),
            sent => Ok(sent),
        }
    }

    /// `kill -9` of every process of that name.
    ///
    /// # Errors
    /// As [`Host::signal`].
    pub fn kill(&self, process: &str) -> Result<usize, LabError> {
        self.signal(process, Signal::Kill)
    }

    /// Makes every process of that name hang.
    ///
    /// # Errors
    /// As [`Host::signal`].
    pub fn freeze(&self, process: &str) -> Result<usize, LabError> {
        self.signal(process, Signal::Stop)
    }

    /// Lets frozen processes of that name go on.
    ///
    /// # Errors
    /// As [`Host::signal`].
    pub fn thaw(&self, process: &str) -> Result<usize, LabError> {
        self.signal(process, Signal::Cont)
    }

    /// Pulls the cable: the host runs on, and is cut off, over reboots too, until [`Host::heal`].
    /// The host sees that its carrier is lost.
    ///
    /// # Errors
    /// When the outer machine's `ip` fails.
    pub fn cut(&self) -> Result<(), LabError> {
        let mark = self.place.cut_mark();
        fs::write(&mark, "").map_err(LabError::file("write", &mark))?;
        self.set_cable("down")
    }

    /// Plugs the cable in, and lets all packets to and from everyone pass again, but for those that
    /// [`Host::sever`] stops. Nothing happens to a sound one.
    ///
    /// # Errors
    /// When the outer machine's `ip` or `nft` fails.
    pub fn heal(&self) -> Result<(), LabError> {
        remove_if_there(&self.place.cut_mark())?;
        for set in ["muted_from", "muted_to", "veiled", "frayed"] {
            self.place.network.unmute(set, &self.cable())?;
        }
        self.set_cable("up")
    }

    /// Loses every packet in one direction; the link stays up and nobody is told.
    ///
    /// # Errors
    /// When the outer machine's `nft` fails.
    pub fn mute(&self, direction: Direction) -> Result<(), LabError> {
        self.place.network.mute(direction.set(), &self.cable())
    }

    /// Loses every packet between this host and the outer machine, where hactl and the clients are;
    /// the other hosts still reach it. Undone by [`Host::heal`].
    ///
    /// # Errors
    /// When the outer machine's `nft` fails.
    pub fn veil(&self) -> Result<(), LabError> {
        self.place.network.mute("veiled", &self.cable())
    }

    /// Loses three packets in ten, both ways: a cable that is about to break. Undone by
    /// [`Host::heal`].
    ///
    /// # Errors
    /// When the outer machine's `nft` fails.
    pub fn fray(&self) -> Result<(), LabError> {
        self.place.network.mute("frayed", &self.cable())
    }

    /// Loses every packet between this host and another one. Everyone else still reaches both.
    ///
    /// # Errors
    /// When the outer machine's `nft` fails.
    pub fn sever(&self, other: &Self) -> Result<(), LabError> {
        for pair in self.pairs(other) {
            self.place.network.mute("severed", &pair)?;
        }
        Ok(())
    }

    /// Undoes [`Host::sever`].
    ///
    /// # Errors
    /// When the outer machine's `nft` fails.
    pub fn mend(&self, other: &Self) -> Result<(), LabError> {
        for pair in self.pairs(other) {
            self.place.network.unmute("severed", &pair)?;
        }
        Ok(())
    }

    fn pairs(&self, other: &Self) -> [String; 2] {
        let (one, two) = (self.cable(), other.cable());
        [format!("{one} . {two}"), format!("{two} . {one}")]
    }

    fn cable(&self) -> String {
        self.place.network.cable(self.place.number)
    }

    /// A host that is off has no cable; its mark decides at the next boot.
    fn set_cable(&self, state: &str) -> Result<(), LabError> {
        let cable = self.cable();
        if network::link_exists(&cable) {
            network::ip(&["link", "set", &cable, state])?;
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> Result<(), LabError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LabError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}
