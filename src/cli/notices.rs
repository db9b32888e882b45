//! What hactl has left on the hosts for a person to know: maintenance, fenced servers, the latest
//! failover, who watches. Gathered from all hosts, since any of them can have been away when it was written.
//!
//! It must never be read as proof of anything: these are hints.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::decide::Maintenance;
use crate::facts::{Mark, Observation};

/// One line each.
pub(super) fn render(seen: &Observation) -> String {
    let mut text = String::new();
    let maintenance = Maintenance::of(seen);
    if let Some(mark) = &maintenance.whole {
        let _ = writeln!(
            text,
            "maintenance of the whole cluster{}; `hactl maintenance off` ends it",
            details(mark)
        );
    }
    for (host, mark) in &maintenance.hosts {
        let _ = writeln!(
            text,
            "maintenance of {host}{}; `hactl maintenance off {host}` ends it",
            details(mark)
        );
    }
    for (host, reached) in seen.all_reached() {
        if let Some(mark) = &reached.os.marks.fenced {
            let _ = writeln!(
                text,
                "{host} was fenced{}; `hactl rejoin {host}` brings it back",
                details(mark)
            );
        }
    }
    let failovers = seen
        .all_reached()
        .filter_map(|(_, reached)| reached.os.marks.failover.as_ref());
    if let Some(mark) = failovers.max_by_key(|mark| mark.at) {
        let _ = writeln!(text, "last failover{}", details(mark));
    }
    text + &watchers(seen)
}

/// Who watches; a watcher holds its lock on every host that it reaches.
fn watchers(seen: &Observation) -> String {
    let names: BTreeSet<_> = seen
        .all_reached()
        .filter_map(|(_, reached)| reached.os.watcher.as_deref())
        .collect();
    match names.is_empty() {
        false => names
            .iter()
            .map(|who| format!("watched by {who}\n"))
            .collect(),
        true if seen.all_reached().next().is_some() => "no watcher runs\n".to_owned(),
        true => String::new(),
    }
}

/// `, since 2026-11-21 07:06:13 UTC: new disks (me@here, pid 7)`.
fn details(mark: &Mark) -> String {
    let mut text = String::new();
    // Zero is the time of a machine whose clock was never set.
    if let Ok(at) = jiff::Timestamp::from_second(mark.at)
        && mark.at > 0
    {
        let _ = write!(text, ", {}", at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    }
    for (before, part, after) in [(": ", &mark.text, ""), (" (by ", &mark.by, ")")] {
        if !part.is_empty() {
            let _ = write!(text, "{before}{part}{after}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{HostView, MarkKind};
    use crate::fixture::{cluster, healthy, name};
    use crate::mysql::Flavor;

    fn mark(seen: &mut Observation, on: &str, kind: MarkKind, at: i64, host: Option<&str>) {
        let mark = Mark {
            at,
            by: "me@here, pid 7".to_owned(),
            host: host.map(name),
            text: format!("{} on {on}", kind.file_name()),
        };
        let Some(HostView::Reached(reached)) = seen.hosts.get_mut(&name(on)) else {
            return;
        };
        let marks = &mut reached.os.marks;
        match kind {
            MarkKind::Maintenance => marks.maintenance = Some(mark),
            MarkKind::Failover => marks.failover = Some(mark),
            MarkKind::Fenced => marks.fenced = Some(mark),
        }
    }

    #[test]
    fn a_quiet_cluster_says_only_whether_it_is_watched() {
        let mut seen = healthy(&cluster(Flavor::MariaDb, 3));
        assert_eq!(render(&seen), "no watcher runs\n");
        for view in seen.hosts.values_mut() {
            if let HostView::Reached(reached) = view {
                reached.os.watcher = Some("me@here, pid 7".to_owned());
            }
        }
        assert_eq!(render(&seen), "watched by me@here, pid 7\n");
        seen.hosts.clear();
        assert_eq!(render(&seen), "");
    }

    #[test]
    fn each_is_told_once_and_the_latest_failover_only() {
        let mut seen = healthy(&cluster(Flavor::MariaDb, 3));
        for host in ["db2", "db3"] {
            mark(&mut seen, host, MarkKind::Maintenance, 1_000_000_000, None);
        }
        mark(&mut seen, "db1", MarkKind::Fenced, 0, Some("db1"));
        mark(
            &mut seen,
            "db2",
            MarkKind::Failover,
            1_000_000_000,
            Some("db3"),
        );
        mark(
            &mut seen,
            "db3",
            MarkKind::Failover,
            1_000_000_001,
            Some("db1"),
        );
        insta::assert_snapshot!(render(&seen), @r"
        maintenance of the whole cluster, 2001-09-09 01:46:40 UTC: maintenance.json on db3 (by me@here, pid 7); `hactl maintenance off` ends it
        db1 was fenced: fenced.json on db1 (by me@here, pid 7); `hactl rejoin db1` brings it back
        last failover, 2001-09-09 01:46:41 UTC: failover.json on db3 (by me@here, pid 7)
        no watcher runs
        ");
    }
}
