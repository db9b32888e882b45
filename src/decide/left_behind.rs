//! Members that a failover left behind: fenced, or known by a mark on any host to have been the primary that
//! died. What they hold is a decision about data, which only a rejoin takes.

use crate::facts::{Observation, Reached, ServerView};
use crate::inventory::{Cluster, HostName};

/// Whether any mark says that a failover left this host behind.
pub(in crate::decide) fn is_marked(seen: &Observation, host: &HostName) -> bool {
    let fenced = |reached: &Reached| reached.os.marks.fenced.is_some();
    was_replaced(seen, host) || seen.reached(host).is_some_and(fenced)
}

/// Whether any host heard of a failover from this host to its end. It may be back since.
pub(in crate::decide) fn was_replaced(seen: &Observation, host: &HostName) -> bool {
    seen.all_reached().any(|(_, reached)| {
        let mark = reached.os.marks.failover.as_ref();
        mark.and_then(|mark| mark.host.as_ref()) == Some(host)
    })
}

/// Why this host waits for `hactl rejoin`; `None` for one that does not.
pub(in crate::decide) fn awaits_rejoin(
    cluster: &Cluster,
    seen: &Observation,
    host: &HostName,
) -> Option<String> {
    let reached = seen.reached(host)?;
    if matches!(reached.server, ServerView::Absent) {
        return None;
    }
    if let Some(mark) = &reached.os.marks.fenced {
        return Some(format!("{host} is fenced: {}", mark.text));
    }
    let dialect = reached.dialect(cluster.server.flavor);
    let unit = reached.os.units.get(dialect.service_unit());
    if unit.is_some_and(|unit| unit.enablement.starts_with("masked")) {
        return Some(format!(
            "{host} may not start its server: the unit is masked"
        ));
    }
    let is_down = matches!(reached.server, ServerView::Stopped);
    (is_down && is_marked(seen, host))
        .then(|| format!("{host} was the primary that a failover replaced, and is stopped"))
}
