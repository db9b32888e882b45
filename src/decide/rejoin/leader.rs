//! Who leads the rest, without the host that wants to come back. A guess here would load a good server with
//! a bad one's data, so anything but one clear answer is a refusal.

use crate::decide::Refusal;
use crate::decide::topology::host_of;
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};

/// The one server beside `host` that takes writes and follows nobody.
pub(super) fn leader_beside(
    cluster: &Cluster,
    seen: &Observation,
    host: &HostName,
) -> Result<HostName, Refusal> {
    let source_of = |other: &HostName| {
        let status = seen.server(other)?.replica.as_ref()?;
        host_of(cluster, status)
    };
    let others = || cluster.hosts.keys().filter(|other| *other != host);
    let writable: Vec<_> = others()
        .filter(|other| {
            let facts = seen.server(other);
            facts.is_some_and(|facts| !facts.is_replica() && facts.read_only.is_writable())
        })
        .collect();
    let straggler = others().find(|other| source_of(other).as_ref() == Some(host));
    let leader = match writable.as_slice() {
        [leader] => *leader,
        [] => return Err(nobody_leads(seen, host, straggler)),
        [first, second, ..] => {
            return Err(Refusal::cluster(
                format!("{first} and {second} both take writes and follow nobody"),
                "find out which of them clients write to, and make the other read-only; then rejoin that one first",
            ));
        }
    };
    if let Some(straggler) = straggler {
        // Short of its mark, a failover is not at its end, and is to be brought there.
        let finish = if took_over(seen, leader, host) {
            format!("`hactl rejoin {straggler}`")
        } else if seen.server(host).is_some() {
            format!("`hactl switchover --to {leader}`")
        } else {
            "`hactl failover`".to_owned()
        };
        return Err(Refusal::on(
            straggler,
            format!("{straggler} still replicates from {host}, and {leader} takes the writes"),
            format!("run {finish}, which makes it follow {leader}, then again"),
        ));
    }
    let is_followed = others().any(|other| source_of(other).as_ref() == Some(leader));
    let unseen =
        others().find(|other| seen.server(other).is_none() && !took_over(seen, leader, other));
    match unseen {
        Some(unseen) if !is_followed => Err(Refusal::on(
            unseen,
            format!(
                "{leader} takes writes and nobody follows it; {unseen}, which is not seen, may lead as well"
            ),
            format!("bring {unseen} back, or take it out of the inventory"),
        )),
        _ => Ok(leader.clone()),
    }
}

/// Whether the leader was itself told of the failover by which it replaced a server: that one does not lead.
fn took_over(seen: &Observation, leader: &HostName, replaced: &HostName) -> bool {
    let mark = seen.os(leader).and_then(|os| os.marks.failover.as_ref());
    mark.and_then(|mark| mark.host.as_ref()) == Some(replaced)
}

fn nobody_leads(seen: &Observation, host: &HostName, straggler: Option<&HostName>) -> Refusal {
    let is_up = seen.server(host).is_some();
    match straggler {
        Some(replica) if is_up => Refusal::on(
            host,
            format!("{host} is the primary: {replica} replicates from it"),
            "make another the primary first: `hactl switchover`",
        ),
        Some(replica) => Refusal::on(
            host,
            format!("{host} is the primary that {replica} still replicates from, and is not up"),
            "`hactl failover` promotes a replica first",
        ),
        None => Refusal::cluster(
            format!("no other server takes writes, so {host} has nobody to follow"),
            "run `hactl failover`, which makes a primary that is read-only after a restart writable; or `hactl verify` to see what is there",
        ),
    }
}
