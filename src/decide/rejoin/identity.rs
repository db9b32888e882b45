//! A server that comes back has a name of its own among the servers. It must never be joined under
//! another's: two of one name throw each other off the primary for ever, and what one has executed would
//! pass for the other's.

use crate::decide::Refusal;
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::mysql::ServerFacts;

/// Refuses a server whose `server_id` or UUID another one has.
pub(super) fn name_of_its_own(
    cluster: &Cluster,
    seen: &Observation,
    (host, facts): (&HostName, &ServerFacts),
) -> Result<(), Refusal> {
    let others = || seen.servers().filter(|(other, _)| *other != host);
    if let Some((other, _)) = others().find(|(_, other)| other.server_id == facts.server_id) {
        let wanted = cluster.host(host).map(|known| known.server_id);
        let wanted = wanted.map_or_else(String::new, |id| format!(" = {id}"));
        return Err(Refusal::on(
            host,
            format!(
                "the servers on {host} and {other} both have server_id {}: they cannot replicate beside each other",
                facts.server_id
            ),
            format!(
                "correct `server_id{wanted}` in the option files of {host}, restart its server, then run again"
            ),
        ));
    }
    let has_same =
        |other: &ServerFacts| facts.server_uuid.is_some() && other.server_uuid == facts.server_uuid;
    match others().find(|(_, other)| has_same(other)) {
        None => Ok(()),
        Some((other, _)) => Err(Refusal::on(
            host,
            format!(
                "the servers on {host} and {other} have the same server UUID: one is a copy of the other"
            ),
            format!(
                "stop the server on {host}, delete auto.cnf in its data folder, start it, then run again"
            ),
        )),
    }
}
