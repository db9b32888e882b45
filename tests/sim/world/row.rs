//! Rows, and the GTIDs that servers name them by. A row is known by who wrote it and as which of its
//! writes; two rows are the same only when both agree, whatever a position says.

use std::collections::{BTreeMap, BTreeSet};

use hactl::mysql::{BinlogState, Flavor, GtidSet};

/// How many rows every server holds before a simulation begins, all written by the first host.
pub(crate) const BEFORE: u64 = 100;

/// One transaction of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    /// The number of the host that wrote it, from 1.
    pub(crate) writer: u32,
    /// Its sequence number as that flavor counts: through the whole log, or through the writer's own.
    pub(crate) number: u64,
}

/// The number of the next row that `writer` writes to a log.
pub(crate) fn next_number(flavor: Flavor, log: &[Row], writer: u32) -> u64 {
    let before = match flavor {
        Flavor::MySql if writer != 1 => 0,
        _ => BEFORE,
    };
    let counted = |row: &&Row| flavor == Flavor::MariaDb || row.writer == writer;
    let last = log.iter().filter(counted).map(|row| row.number).max();
    last.unwrap_or(before).max(before) + 1
}

/// The UUID of a host's server.
pub(crate) fn uuid(writer: u32) -> String {
    format!("00000000-0000-0000-0000-{writer:012}")
}

/// What a server says that it holds, when it holds these.
pub(crate) fn gtids(flavor: Flavor, rows: &[Row]) -> GtidSet {
    let text = match flavor {
        Flavor::MariaDb => match rows.last() {
            Some(row) => format!("0-{}-{}", row.writer, row.number),
            None => format!("0-1-{BEFORE}"),
        },
        Flavor::MySql => mysql_text(rows),
    };
    GtidSet::parse(flavor, &text).expect("a well-formed GTID set")
}

/// The last GTID of each writer, as the binary log's state has it.
pub(crate) fn binlog_state(rows: &[Row]) -> BinlogState {
    let mut last = BTreeMap::from([(1, BEFORE)]);
    for row in rows {
        last.insert(row.writer, row.number);
    }
    let parts: Vec<_> = last
        .iter()
        .map(|(writer, number)| format!("0-{writer}-{number}"))
        .collect();
    parts.join(",").parse().expect("a well-formed state")
}

fn mysql_text(rows: &[Row]) -> String {
    let mut by_writer: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    for row in rows {
        by_writer.entry(row.writer).or_default().insert(row.number);
    }
    by_writer.entry(1).or_default();
    let part = |(writer, numbers): (&u32, &BTreeSet<u64>)| {
        let start = if *writer == 1 {
            format!(":1-{BEFORE}")
        } else {
            String::new()
        };
        let each: String = numbers.iter().map(|n| format!(":{n}")).collect();
        format!("{}{start}{each}", uuid(*writer))
    };
    by_writer.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_hides_a_fork_below_it_and_a_set_does_not() {
        let row = |writer, number| Row { writer, number };
        let forked = [row(1, 101), row(1, 102)];
        let other = [row(1, 101), row(2, 102), row(2, 103)];
        let mariadb = |rows: &[Row]| gtids(Flavor::MariaDb, rows);
        assert!(mariadb(&other).contains(&mariadb(&forked)));
        let (forked, other) = ([row(1, 101), row(1, 102)], [row(1, 101), row(2, 1)]);
        let mysql = |rows: &[Row]| gtids(Flavor::MySql, rows);
        assert!(!mysql(&other).contains(&mysql(&forked)));
        assert!(mysql(&forked).contains(&mysql(&forked[..1])));
    }

    #[test]
    fn numbers_go_on_through_the_log_or_through_the_writer() {
        let log = [Row {
            writer: 1,
            number: 101,
        }];
        assert_eq!(next_number(Flavor::MariaDb, &log, 2), 102);
        assert_eq!(next_number(Flavor::MySql, &log, 2), 1);
        assert_eq!(next_number(Flavor::MySql, &log, 1), 102);
    }
}
