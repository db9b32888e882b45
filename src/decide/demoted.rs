//! The old primary of a switchover that nobody finished: hactl was killed, or the new primary died, before it
//! followed that one. It takes no writes and has nothing that the leader lacks, so to follow is all that it
//! is left to do. It must never be one that a failover replaced: that one waits for `hactl rejoin`.

use crate::decide::left_behind::is_marked;
use crate::facts::Observation;
use crate::inventory::HostName;
use crate::mysql::{OwnSchema, Seeding, ServerFacts};

/// Whether a server is one, beside the server that leads or shall lead.
pub(in crate::decide) fn is_demoted(
    seen: &Observation,
    host: &HostName,
    facts: &ServerFacts,
    leader: &ServerFacts,
) -> bool {
    let was_member = facts.own_schema == OwnSchema::Present
        && facts.seeding == Seeding::None
        && !facts.executed.is_empty();
    let follows_nobody = !facts.is_replica() && facts.other_channels.is_empty();
    let has_no_more =
        leader.executed.contains(&facts.executed) && facts.errant_beside(leader).is_none();
    let is_closed = facts.read_only.is_full();
    was_member && follows_nobody && is_closed && has_no_more && !is_marked(seen, host)
}
