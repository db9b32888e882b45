//! What each action does to the world, put together from what servers do. An action is a recipe of
//! statements; the traps are in [`super::server`], so a recipe in a wrong order loses rows here as it
//! does on real servers.

use std::collections::BTreeSet;

use hactl::facts::{Mark, MarkKind};
use hactl::inventory::HostName;
use hactl::mysql::{Flavor, GtidSet, Switch};
use hactl::plan::{
    Action, FenceMethod, LiveVariable, Neighbours, Outcome, Proof, Receiving, Step, UnitChange,
};

use super::row::gtids;
use super::{Lease, Millis, Process, World};

/// How far an action got.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// It ended.
    Ended(Outcome),
    /// It waits for something that others do, for so long at most.
    Waits(Millis),
}

fn changed() -> Effect {
    Effect::Ended(Outcome::Changed)
}

fn failed(error: &str) -> Effect {
    Effect::Ended(Outcome::Failed {
        error: error.to_owned(),
        hint: None,
    })
}

/// Goes on, or ends the action with what the server said.
macro_rules! attempt {
    ($result:expr) => {
        if let Err(why) = $result {
            return failed(why.0);
        }
    };
}

impl World {
    /// Carries out a step, or a bit more of it.
    pub(crate) fn carry_out(&mut self, step: &Step) -> Effect {
        let Some(host) = self.number(&step.host) else {
            return failed("no such host");
        };
        self.events += 1;
        let effect = match &step.action {
            // What runs on the controller needs no host.
            Action::RunHook { .. } => changed(),
            Action::Fence {
                method: FenceMethod::Command,
            } => {
                self.at_mut(host).power_off();
                changed()
            }
            _ if !self.at(host).is_reached() => failed("ssh: no route to host"),
            action => self.on_machine(host, action),
        };
        self.settle();
        effect
    }

    fn on_machine(&mut self, host: u32, action: &Action) -> Effect {
        match action {
            Action::Fence { .. } => self.fence(host),
            Action::Unfence => {
                self.at_mut(host).server.masked = false;
                self.at_mut(host).start();
                changed()
            }
            Action::Rewind => self.rewind(host),
            Action::AddVip {
                neighbours, lease, ..
            } => {
                let held = self.numbers().any(|other| {
                    other != host && self.linked(host, other) && self.at(other).vip.is_some()
                });
                if held && *neighbours == Neighbours::Ask {
                    return failed("another host answers for the address");
                }
                let now = self.now;
                let lease = lease.map_or(Lease::None, |lease| Lease::Until(now + millis(lease)));
                self.at_mut(host).vip = Some(lease);
                changed()
            }
            Action::RemoveVip { .. } => {
                self.at_mut(host).vip = None;
                self.client.cut_off(host);
                changed()
            }
            Action::WriteFile(file) => {
                let mark: Option<Mark> = serde_json::from_str(&file.content).ok();
                self.mark(host, &file.path, mark.as_ref());
                changed()
            }
            Action::RemoveFile { path } => {
                self.mark(host, path, None);
                changed()
            }
            Action::SetUnit { change, .. } => self.set_unit(host, *change),
            Action::SaveErrant { .. } | Action::GiveWay { .. } => changed(),
            Action::SaveTail { beside, .. } => self.save_tail(host, beside),
            action => match self.at(host).server.process {
                Process::Up => self.on_server(host, action),
                Process::Frozen => failed("the server does not answer"),
                Process::Gone => failed("connection refused"),
            },
        }
    }

    fn on_server(&mut self, host: u32, action: &Action) -> Effect {
        match action {
            Action::SetVariable { variable, value } => self.set(host, *variable, *value),
            Action::Replicate { source, .. } => self.replicate(host, source),
            Action::Repoint { source, .. } => self.repoint(host, source),
            Action::Drain { at_boot } => {
                attempt!(self.drain(host, *at_boot));
                changed()
            }
            Action::Salvage { from, .. } => self.salvage(host, from),
            Action::CatchUp { source, until } => self.catch_up(host, source, until),
            Action::AwaitPosition { position, within } => {
                let server = &mut self.at_mut(host).server;
                let _ = server.drain();
                if gtids(server.flavor, &server.log).contains(position) {
                    changed()
                } else {
                    Effect::Waits(millis(*within))
                }
            }
            Action::Promote { proof, .. } => self.promote(host, *proof),
            Action::AwaitAcker { within } => match self.ackers(host) {
                0 => Effect::Waits(millis(*within)),
                _ => changed(),
            },
            Action::Demote { vip, .. } => {
                if vip.is_some() {
                    self.at_mut(host).vip = None;
                    self.client.cut_off(host);
                }
                attempt!(self.at_mut(host).server.refuse_writes());
                self.client.cut_off(host);
                changed()
            }
            Action::Seed { into, .. } => self.seed(host, into),
            Action::ProveReplication { .. } => self.prove(host),
            // What the leadership does not touch.
            _ => changed(),
        }
    }

    fn mark(&mut self, host: u32, path: &str, mark: Option<&Mark>) {
        let cluster = self.cluster.name.clone();
        let marks = &mut self.at_mut(host).marks;
        for kind in MarkKind::ALL {
            if kind.path(&cluster) == path {
                let place = match kind {
                    MarkKind::Maintenance => &mut marks.maintenance,
                    MarkKind::Failover => &mut marks.failover,
                    MarkKind::Fenced => &mut marks.fenced,
                };
                *place = mark.cloned();
            }
        }
    }

    fn fence(&mut self, host: u32) -> Effect {
        let at = self.taken_at();
        self.client.cut_off(host);
        let machine = self.at_mut(host);
        machine.vip = None;
        machine.server.crash();
        machine.server.masked = true;
        machine.marks.fenced = Some(Mark {
            at,
            by: "sim".to_owned(),
            host: Some(machine.name.clone()),
            text: "fenced".to_owned(),
        });
        changed()
    }

    /// Where the server has no such option, nothing is done at all.
    fn rewind(&mut self, host: u32) -> Effect {
        let server = &mut self.at_mut(host).server;
        if server.flavor == Flavor::MySql || server.process != Process::Gone {
            return Effect::Ended(Outcome::Already);
        }
        server.masked = false;
        let tail: Vec<_> = server.log[server.committed..].to_vec();
        server.rewind();
        self.cut_off.extend(tail);
        changed()
    }

    /// Reads the log of a stopped server as a file.
    fn save_tail(&mut self, host: u32, beside: &HostName) -> Effect {
        let Some(beside) = self
            .number(beside)
            .filter(|beside| self.at(*beside).is_reached())
        else {
            return failed("the server that counts does not answer");
        };
        let has: BTreeSet<_> = self.at(beside).server.log.iter().copied().collect();
        let log = self.at(host).server.log.iter().copied();
        let tail: BTreeSet<_> = log.filter(|row| !has.contains(row)).collect();
        if tail.is_empty() {
            return Effect::Ended(Outcome::Already);
        }
        self.kept.extend(tail);
        changed()
    }

    fn set_unit(&mut self, host: u32, change: UnitChange) -> Effect {
        let machine = self.at_mut(host);
        match change {
            UnitChange::Start => machine.start(),
            UnitChange::Stop => machine.server.crash(),
            UnitChange::Restart => {
                machine.server.crash();
                machine.start();
            }
            UnitChange::Mask => machine.server.masked = true,
            UnitChange::Enable | UnitChange::Disable => {}
        }
        changed()
    }

    fn set(&mut self, host: u32, variable: LiveVariable, value: Switch) -> Effect {
        match (variable, value) {
            (LiveVariable::ReadOnly, Switch::On) => {
                attempt!(self.at_mut(host).server.refuse_writes());
            }
            (LiveVariable::ReadOnly, Switch::Off) => self.at_mut(host).server.read_only = false,
            (LiveVariable::SemiSyncSource, value) => {
                let server = &mut self.at_mut(host).server;
                let released = server.set_semi_sync_source(value == Switch::On);
                self.client.told_without_cover(host, &released);
            }
        }
        changed()
    }

    /// Applies what was received with the receiver stopped, never with both threads stopped in between
    /// (S1 to S3).
    fn drain(&mut self, host: u32, at_boot: Receiving) -> Result<(), super::server::Error> {
        let server = &mut self.at_mut(host).server;
        if server
            .channel
            .as_ref()
            .is_some_and(super::Channel::is_stopped)
        {
            server.replay();
            server.held |= at_boot == Receiving::Held;
            server.drain()?;
            if server.flavor == Flavor::MariaDb {
                server.by_gtid();
            }
            return Ok(());
        }
        server.start(false);
        server.stop_receiver();
        server.held |= server.channel.is_some() && at_boot == Receiving::Held;
        server.drain()
    }

    fn replicate(&mut self, host: u32, source: &HostName) -> Effect {
        let Some(source) = self.number(source).filter(|source| *source != host) else {
            return failed("no such source");
        };
        attempt!(self.drain(host, Receiving::Held));
        let server = &mut self.at_mut(host).server;
        server.change_source(source);
        server.held = false;
        server.start(true);
        self.settle();
        let channel = self.at(host).server.channel.as_ref();
        match channel {
            Some(channel) if channel.connected => changed(),
            Some(channel) => failed(channel.refused.unwrap_or("the source does not answer")),
            None => failed("it is no replica"),
        }
    }

    fn repoint(&mut self, host: u32, source: &HostName) -> Effect {
        let Some(source) = self.number(source).filter(|source| *source != host) else {
            return failed("no such source");
        };
        attempt!(self.drain(host, Receiving::Resumes));
        self.at_mut(host).server.change_source(source);
        changed()
    }

    /// Reads a dead server's binary log over ssh, and applies what is missing.
    fn salvage(&mut self, host: u32, from: &HostName) -> Effect {
        let Some(from) = self.number(from).filter(|from| self.at(*from).is_reached()) else {
            return failed("ssh to the dead primary does not work");
        };
        let log = self.at(from).server.log.clone();
        let server = &mut self.at_mut(host).server;
        if server
            .channel
            .iter()
            .any(|channel| !channel.relay.is_empty())
        {
            return failed("out of order: what was received is not applied yet");
        }
        server.apply(log);
        changed()
    }

    fn catch_up(&mut self, host: u32, source: &HostName, until: &GtidSet) -> Effect {
        let source = self.number(source).filter(|source| {
            *source != host && self.linked(host, *source) && self.at(*source).server.is_up()
        });
        let Some(source) = source else {
            return failed("the replica that is ahead does not answer");
        };
        attempt!(self.drain(host, Receiving::Held));
        let rows = super::sent(&self.at(host).server, &self.at(source).server);
        let server = &mut self.at_mut(host).server;
        match rows {
            Ok(rows) => server.apply(rows),
            Err(why) => return failed(why),
        }
        // It followed that one for the while, and is left so, drained.
        server.change_source(source);
        server.replay();
        server.by_gtid();
        if gtids(server.flavor, &server.log).contains(until) {
            changed()
        } else {
            failed("the replica that is ahead does not have it")
        }
    }

    /// The relay log goes with the source, applied or not: to drain it is a step of its own.
    fn promote(&mut self, host: u32, proof: Proof) -> Effect {
        let server = &mut self.at_mut(host).server;
        if server.channel.is_none() && !server.read_only {
            return Effect::Ended(Outcome::Already);
        }
        attempt!(server.refuse_writes());
        server.reset();
        if proof == Proof::OwnRow {
            server.set_semi_sync_source(false);
            server.write();
        }
        changed()
    }

    fn seed(&mut self, host: u32, into: &[HostName]) -> Effect {
        let server = &self.at(host).server;
        let log = server.log[..server.committed].to_vec();
        for name in into {
            let target = self
                .number(name)
                .filter(|number| self.linked(host, *number));
            let Some(target) = target.filter(|number| self.at(*number).server.is_up()) else {
                return failed("a replica to be filled does not answer");
            };
            let server = &mut self.at_mut(target).server;
            server.reset();
            server.committed = log.len();
            server.log.clone_from(&log);
        }
        changed()
    }

    fn prove(&mut self, host: u32) -> Effect {
        if self.at(host).server.waits() {
            return failed("a commit waits");
        }
        self.at_mut(host).server.write();
        changed()
    }
}

fn millis(duration: std::time::Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
