//! What must be true of every cluster, whatever befell it: every acknowledged row is on the primary,
//! one server is writable, one host has the writer VIP, no replica has a transaction of its own, and
//! all hold the same rows. It asks the servers by the local client, shares no code with hactl, and
//! changes nothing. Nobody may be writing meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::ledger::Ledger;
use crate::suite::Flavor;
use crate::{Host, Lab, LabError};

/// How long one question may take: a server that hangs has no answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a replica may take to apply what it has, in seconds.
const CATCH_UP: u64 = 60;

/// The tables that must be equal everywhere.
const TABLES: &str = "SELECT CONCAT('`', table_schema, '`.`', table_name, '`')
FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND engine = 'InnoDB'
  AND table_schema NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
ORDER BY 1";

/// A cluster in which all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The one writable server's host.
    pub primary: String,
    /// The hosts that replicate, equal to the primary.
    pub replicas: Vec<String>,
    /// How many rows are acknowledged, all of them there.
    pub acknowledged: usize,
    /// How many rows are there although their answer was lost.
    pub unanswered: usize,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Acknowledged rows that the primary does not have.
    Lost {
        /// The primary's host.
        primary: String,
        /// Their ids.
        ids: BTreeSet<u64>,
    },
    /// Rows that nobody sent.
    Alien {
        /// The primary's host.
        primary: String,
        /// Their ids.
        ids: BTreeSet<u64>,
    },
    /// The hosts, among those that clients reach, whose servers are writable: not exactly one.
    Writable(Vec<String>),
    /// The reachable hosts that have the writer VIP: not the primary alone.
    Vip {
        /// The primary's host.
        primary: String,
        /// Who has it.
        holders: Vec<String>,
    },
    /// A replica holds transactions that the primary does not.
    Errant {
        /// The replica's host.
        host: String,
        /// Which, in the server's words.
        transactions: String,
    },
    /// A replica did not apply in time what the primary has.
    Behind {
        /// The replica's host.
        host: String,
    },
    /// Tables differ between the primary and a replica.
    Different {
        /// The replica's host.
        host: String,
        /// The primary's checksums.
        wanted: String,
        /// Its own.
        had: String,
    },
}

impl Violation {
    /// Whether time cannot heal it.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Lost { .. } | Self::Alien { .. } | Self::Errant { .. }
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { primary, ids } => write!(
                f,
                "{} acknowledged rows are not on {primary}: {}",
                ids.len(),
                ranges(ids)
            ),
            Self::Alien { primary, ids } => {
                write!(f, "{primary} has rows that nobody sent: {}", ranges(ids))
            }
            Self::Writable(hosts) if hosts.is_empty() => f.write_str("no server is writable"),
            Self::Writable(hosts) => write!(f, "writable at once: {}", hosts.join(", ")),
            Self::Vip { primary, holders } => write!(
                f,
                "the writer VIP is on [{}], and the primary is {primary}",
                holders.join(", ")
            ),
            Self::Errant { host, transactions } => {
                write!(
                    f,
                    "{host} has transactions that the primary has not: {transactions}"
                )
            }
            Self::Behind { host } => {
                write!(f, "{host} did not catch up within {CATCH_UP} s")
            }
            Self::Different { host, wanted, had } => {
                write!(
                    f,
                    "{host} holds other rows:\nprimary: {wanted}\n{host}: {had}"
                )
            }
        }
    }
}

/// The host of the one server, among those that clients reach, that is writable.
pub fn primary(lab: &Lab) -> Option<&Host> {
    match writable(lab)[..] {
        [one] => Some(one),
        _ => None,
    }
}

fn writable(lab: &Lab) -> Vec<&Host> {
    let hosts = lab.hosts().iter();
    hosts
        .filter(|host| host.is_reachable() && is_writable(host))
        .collect()
}

/// Looks at every host.
///
/// # Errors
/// When a question to a server that answered before fails.
pub fn inspect(lab: &Lab, ledgers: &[Ledger]) -> Result<Result<Health, Vec<Violation>>, LabError> {
    let writable = writable(lab);
    let [primary] = writable[..] else {
        return Ok(Err(vec![Violation::Writable(names(&writable))]));
    };
    let reachable: Vec<&Host> = lab
        .hosts()
        .iter()
        .filter(|host| host.is_reachable())
        .collect();
    let mut wrong = Vec::new();
    let mut holders = Vec::new();
    for host in &reachable {
        if has_vip(lab, host)? {
            holders.push(*host);
        }
    }
    if names(&holders) != [primary.name()] {
        let (primary, holders) = (primary.name().to_owned(), names(&holders));
        wrong.push(Violation::Vip { primary, holders });
    }
    let rows = rows(primary)?;
    wrong.extend(lost(primary, ledgers, &rows));

    let mut replicas = Vec::new();
    for host in reachable
        .iter()
        .filter(|host| host.name() != primary.name())
    {
        if replicates(lab, host) {
            replicas.push(host.name().to_owned());
            wrong.extend(differs(lab, primary, host)?);
        }
    }
    if !wrong.is_empty() {
        return Ok(Err(wrong));
    }
    let acknowledged = ledgers.iter().map(|ledger| ledger.acks.len()).sum();
    Ok(Ok(Health {
        primary: primary.name().to_owned(),
        replicas,
        acknowledged,
        unanswered: rows.len().saturating_sub(acknowledged),
    }))
}

fn names(hosts: &[&Host]) -> Vec<String> {
    hosts.iter().map(|host| host.name().to_owned()).collect()
}

/// A server that does not answer takes no writes either.
fn is_writable(host: &Host) -> bool {
    host.sql_within("SELECT @@global.read_only", PATIENCE)
        .is_ok_and(|answer| answer.trim() == "0")
}

fn has_vip(lab: &Lab, host: &Host) -> Result<bool, LabError> {
    let shown = host.exec_ok("ip -o -4 address show")?;
    Ok(shown.contains(&format!(" {}/", lab.vip())))
}

fn rows(host: &Host) -> Result<BTreeSet<u64>, LabError> {
    let shown = host.sql_within("SELECT id FROM judge.`rows`", PATIENCE * 6)?;
    Ok(shown.lines().filter_map(|line| line.parse().ok()).collect())
}

fn lost(primary: &Host, ledgers: &[Ledger], rows: &BTreeSet<u64>) -> Vec<Violation> {
    let primary = || primary.name().to_owned();
    let held = Ledger::compare(ledgers, rows);
    let mut wrong = Vec::new();
    if !held.missing.is_empty() {
        wrong.push(Violation::Lost {
            primary: primary(),
            ids: held.missing,
        });
    }
    if !held.alien.is_empty() {
        wrong.push(Violation::Alien {
            primary: primary(),
            ids: held.alien,
        });
    }
    wrong
}

/// Whether both of its replication threads run.
fn replicates(lab: &Lab, host: &Host) -> bool {
    let client = lab.suite().flavor().client();
    host.exec(&format!("timeout 10 {client} -E -e 'SHOW REPLICA STATUS'"))
        .is_ok_and(|output| {
            let running = |line: &&str| {
                line.ends_with("_IO_Running: Yes") || line.ends_with("_SQL_Running: Yes")
            };
            output.stdout.lines().filter(running).count() == 2
        })
}

fn differs(lab: &Lab, primary: &Host, host: &Host) -> Result<Option<Violation>, LabError> {
    let name = || host.name().to_owned();
    let flavor = lab.suite().flavor();
    // The replica's first: whatever it has by replication, the primary has by then.
    let own = history(flavor, host)?;
    if let Some(transactions) = errant(flavor, &own, primary)? {
        return Ok(Some(Violation::Errant {
            host: name(),
            transactions,
        }));
    }
    if !catches_up(flavor, primary, host)? {
        return Ok(Some(Violation::Behind { host: name() }));
    }
    let wanted = checksums(primary)?;
    let had = checksums(host)?;
    Ok((wanted != had).then(|| Violation::Different {
        host: name(),
        wanted,
        had,
    }))
}

/// Every transaction that the server has in its history.
fn history(flavor: Flavor, host: &Host) -> Result<String, LabError> {
    let query = match flavor {
        Flavor::MariaDb => "SELECT @@gtid_binlog_state",
        Flavor::MySql => "SELECT REPLACE(@@gtid_executed, '\\n', '')",
    };
    Ok(host.sql_within(query, PATIENCE)?.trim().to_owned())
}

fn errant(flavor: Flavor, own: &str, primary: &Host) -> Result<Option<String>, LabError> {
    let found = match flavor {
        Flavor::MariaDb => beyond(own, &history(flavor, primary)?),
        Flavor::MySql => {
            let query = format!("SELECT GTID_SUBTRACT('{own}', @@gtid_executed)");
            primary.sql_within(&query, PATIENCE)?.trim().to_owned()
        }
    };
    Ok((!found.is_empty()).then_some(found))
}

/// What one `gtid_binlog_state` of MariaDB has that another has not. A server that was seeded from a
/// dump has no entry for servers that wrote before; then the domain's highest number must do.
fn beyond(own: &str, primary: &str) -> String {
    let parse = |text: &str| -> BTreeMap<(u64, u64), u64> {
        let entry = |gtid: &str| {
            let mut numbers = gtid.trim().split('-').map(str::parse::<u64>);
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(Ok(domain)), Some(Ok(server)), Some(Ok(number))) => {
                    Some(((domain, server), number))
                }
                _ => None,
            }
        };
        text.split(',').filter_map(entry).collect()
    };
    let known = parse(primary);
    let highest = |domain| {
        let all = known.iter().filter(|((of, _), _)| *of == domain);
        all.map(|(_, number)| *number).max()
    };
    parse(own)
        .into_iter()
        .filter(|((domain, server), number)| {
            let limit = known.get(&(*domain, *server)).copied();
            Some(*number) > limit.or_else(|| highest(*domain))
        })
        .map(|((domain, server), number)| format!("{domain}-{server}-{number}"))
        .collect::<Vec<_>>()
        .join(",")
}

fn catches_up(flavor: Flavor, primary: &Host, host: &Host) -> Result<bool, LabError> {
    let (position, wait) = match flavor {
        Flavor::MariaDb => ("SELECT @@gtid_binlog_pos", "MASTER_GTID_WAIT"),
        Flavor::MySql => (
            "SELECT REPLACE(@@gtid_executed, '\\n', '')",
            "WAIT_FOR_EXECUTED_GTID_SET",
        ),
    };
    let position = primary.sql_within(position, PATIENCE)?;
    let wait = format!("SELECT {wait}('{}', {CATCH_UP})", position.trim());
    let limit = Duration::from_secs(CATCH_UP) + PATIENCE;
    Ok(host.sql_within(&wait, limit)?.trim() == "0")
}

fn checksums(host: &Host) -> Result<String, LabError> {
    let tables = host.sql_within(TABLES, PATIENCE)?;
    let list: Vec<&str> = tables.lines().collect();
    if list.is_empty() {
        return Ok(String::new());
    }
    let query = format!("CHECKSUM TABLE {}", list.join(", "));
    Ok(host.sql_within(&query, PATIENCE * 6)?.trim().to_owned())
}

/// Ids as ranges: `3-7, 9`. At most a dozen; a person needs to see where, not all.
fn ranges(ids: &BTreeSet<u64>) -> String {
    let mut list: Vec<(u64, u64)> = Vec::new();
    for id in ids {
        match list.last_mut() {
            Some((_, end)) if *end + 1 == *id => *end = *id,
            _ => list.push((*id, *id)),
        }
    }
    let more = if list.len() > 12 { ", …" } else { "" };
    let shown: Vec<String> = list
        .iter()
        .take(12)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    shown.join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_of_its_own_is_found() {
        let primary = "0-1-10,0-2-20";
        assert_eq!(beyond("0-1-10,0-2-19", primary), "");
        assert_eq!(beyond("0-1-10,0-2-21", primary), "0-2-21");
        assert_eq!(beyond("0-1-11,0-2-20", primary), "0-1-11");
        assert_eq!(beyond("0-3-21", primary), "0-3-21");
        assert_eq!(beyond("7-3-1", primary), "7-3-1");
    }

    #[test]
    fn a_primary_that_was_seeded_lacks_old_names_only() {
        assert_eq!(beyond("0-1-10,0-2-20", "0-2-20"), "");
    }

    #[test]
    fn ids_are_shown_as_ranges() {
        assert_eq!(ranges(&BTreeSet::from([3, 4, 5, 9])), "3-5, 9");
        let many: BTreeSet<u64> = (0..40).map(|n| n * 2).collect();
        assert!(ranges(&many).ends_with("22, …"), "{}", ranges(&many));
    }
}
