//! What only the server that comes back has, and the files that keep it. Nothing may be given up that is
//! not named here first.

use super::Rejoin;
use crate::facts::Observation;
use crate::mysql::Tail;

impl Rejoin<'_> {
    /// Whether its start cuts off what only its log holds: then that is worth a look beforehand.
    pub fn cuts_off(&self, seen: &Observation) -> bool {
        let reached = seen.reached(&self.host);
        reached.is_some_and(|reached| self.stages().rewinds(seen, reached))
    }

    /// Says in the plan what the start cuts off, by a look at the log. It is read again, and kept, before.
    #[must_use]
    pub fn with_tail(mut self, tail: &Tail) -> Self {
        if !tail.is_empty() {
            let (host, leader) = (&self.host, &self.leader);
            self.loses.push(format!(
                "{tail}, which the log of {host} holds and {leader} has not executed: cut off as {host} starts; kept as SQL in {}",
                self.save_to
            ));
        }
        self
    }

    pub(super) fn file(&self, seen: &Observation) -> String {
        self.file_of("", seen)
    }

    /// Another one: what is ahead although the tail was cut off is kept beside it.
    pub(super) fn tail_file(&self, seen: &Observation) -> String {
        self.file_of("-tail", seen)
    }

    fn file_of(&self, what: &str, seen: &Observation) -> String {
        let folder = self.save_to.trim_end_matches('/');
        format!(
            "{folder}/{}-{}-{}{what}.sql",
            self.cluster.name, self.host, seen.taken_at
        )
    }
}
