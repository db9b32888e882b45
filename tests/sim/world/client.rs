//! One client that writes through the VIP, wherever that is, and remembers what it was told. It is the
//! judge's memory: a row that was answered with OK must never be missed again.

use std::collections::BTreeSet;

use super::row::Row;
use super::{Process, World};

/// What the client knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Rows that were answered with OK.
    pub(crate) acknowledged: BTreeSet<Row>,
    /// Those of them that a server answered without waiting for a replica.
    pub(crate) uncovered: BTreeSet<Row>,
    /// Rows that were sent and not answered: host and row.
    waiting: BTreeSet<(u32, Row)>,
}

impl Client {
    /// It hopes for an answer.
    pub(crate) fn sent(&mut self, host: u32, row: Row) {
        self.waiting.insert((host, row));
    }

    /// A server answers OK for rows; those that this client sent there count.
    pub(crate) fn told(&mut self, host: u32, rows: &[Row]) {
        for row in rows {
            if self.waiting.remove(&(host, *row)) {
                self.acknowledged.insert(*row);
            }
        }
    }

    /// The same, of a server that waited for nobody.
    pub(crate) fn told_without_cover(&mut self, host: u32, rows: &[Row]) {
        self.uncovered.extend(
            rows.iter()
                .filter(|row| self.waiting.contains(&(host, **row))),
        );
        self.told(host, rows);
    }

    /// The sessions on a host are gone: nothing that was sent there is answered any more.
    pub(crate) fn cut_off(&mut self, host: u32) {
        self.waiting.retain(|(at, _)| *at != host);
    }
}

impl World {
    /// The client writes one row at each place where the VIP leads it, unless it still waits there.
    pub(crate) fn write(&mut self) {
        for number in self.numbers() {
            let machine = self.at(number);
            if !self.serves(number) || !machine.server.takes_writes() || machine.server.waits() {
                continue;
            }
            let server = &mut self.at_mut(number).server;
            let row = server.write();
            let waits = server.waits();
            self.client.sent(number, row);
            if !waits {
                self.client.told_without_cover(number, &[row]);
            }
        }
        self.settle();
        for number in self.numbers() {
            let machine = self.at(number);
            let gone = !machine.power || machine.server.process == Process::Gone;
            if gone || !machine.clients || machine.vip.is_none() {
                self.client.cut_off(number);
            }
        }
    }
}
