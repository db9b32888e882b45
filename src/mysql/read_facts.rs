//! From the answers to a dialect's fact queries to [`ServerFacts`]. Must never fill a gap with a
//! guess: an answer that is absent or cannot be read is an error that names it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::account::{AccountFacts, AccountName, Barrier};
use super::event::read_event;
use super::gtid::BinlogState;
use super::open_write::read_open_write;
use super::password::PasswordHash;
use super::privilege::{GrantOption, Privilege, Scope};
use super::quote::unhex;
use super::replica_status::{ReplicaStatus, read_heartbeat};
use super::role_privileges::OWN_SCHEMA;
use super::row::{FactError, Reader};
use super::semi_sync::read_switch;
use super::server_facts::{
    AttachedReplica, OwnSchema, ReadOnly, SEEDING_SCHEMA, Seeding, ServerFacts,
};
use super::session::Switch;
use super::{Dialect, FactName, Flavor, GtidSet, Rows};

/// Databases that belong to the server.
const SYSTEM_SCHEMAS: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// The results of [`Dialect::fact_queries`], by name.
pub(super) struct Results<'a>(pub(super) &'a BTreeMap<FactName, Rows>);

impl<'a> Results<'a> {
    fn rows(&self, name: FactName) -> Result<&'a Rows, FactError> {
        self.0.get(&name).ok_or(FactError::NoResult {
            fact: name.as_str(),
        })
    }

    pub(super) fn readers(
        &self,
        name: FactName,
    ) -> Result<impl Iterator<Item = Reader<'a>>, FactError> {
        let fact = name.as_str();
        Ok(self.rows(name)?.iter().map(move |row| Reader { fact, row }))
    }

    fn first(&self, name: FactName) -> Result<Option<Reader<'a>>, FactError> {
        Ok(self.readers(name)?.next())
    }

    /// `SHOW VARIABLES` and its kind, with lower-case names.
    pub(super) fn map(
        &self,
        name: FactName,
        key: &str,
        value: &str,
    ) -> Result<BTreeMap<String, String>, FactError> {
        let mut map = BTreeMap::new();
        for reader in self.readers(name)? {
            let key = reader.required(&[key])?.to_ascii_lowercase();
            map.insert(key, reader.text(&[value]).unwrap_or_default().to_owned());
        }
        Ok(map)
    }
}

/// A variable that every server has.
pub(super) fn needed<T: std::str::FromStr>(
    map: &BTreeMap<String, String>,
    fact: FactName,
    name: &str,
    expected: &'static str,
) -> Result<T, FactError> {
    let fact = fact.as_str();
    let missing = || FactError::Missing {
        fact,
        column: name.to_owned(),
    };
    let text = map.get(name).ok_or_else(missing)?;
    text.parse().map_err(|_| FactError::Unreadable {
        fact,
        column: name.to_owned(),
        value: text.clone(),
        expected,
    })
}

impl Dialect {
    /// Makes facts of the answers to [`Self::fact_queries`].
    pub fn read_facts(self, results: &BTreeMap<FactName, Rows>) -> Result<ServerFacts, FactError> {
        let results = Results(results);
        let variables = results.map(FactName::Variables, "Variable_name", "Value")?;
        let status = results.map(FactName::Status, "Variable_name", "Value")?;
        let positions = self.read_positions(&results)?;
        let (replica, other_channels) = self.read_replication(&results)?;
        let (accounts, anonymous_accounts) = self.read_accounts(&results)?;
        let databases = read_databases(&results)?;
        let persisted = match self.flavor {
            Flavor::MySql => results.map(FactName::Persisted, "name", "value")?,
            Flavor::MariaDb => BTreeMap::new(),
        };
        let set_since_start = results.0.contains_key(&FactName::SetSinceStart);
        let set_since_start = set_since_start
            .then(|| results.map(FactName::SetSinceStart, "name", "value"))
            .transpose()?;
        let threads = read_replica_threads(&results)?;
        let number = |map, fact, name| needed::<u32>(map, fact, name, "a number");
        Ok(ServerFacts {
            dialect: self,
            server_id: number(&variables, FactName::Variables, "server_id")?,
            server_uuid: variables.get("server_uuid").cloned(),
            hostname: needed(&variables, FactName::Variables, "hostname", "a name")?,
            port: needed(&variables, FactName::Variables, "port", "a port")?,
            read_only: self.read_read_only(&variables)?,
            executed: positions.executed,
            purged: positions.purged,
            binlog_pos: positions.binlog_pos,
            slave_pos: positions.slave_pos,
            binlog_state: positions.binlog_state,
            replica,
            other_channels,
            semi_sync: Self::read_semi_sync(&variables, &status),
            own_schema: if databases.contains(OWN_SCHEMA) {
                OwnSchema::Present
            } else {
                OwnSchema::Absent
            },
            seeding: if databases.contains(SEEDING_SCHEMA) {
                Seeding::Unfinished
            } else {
                Seeding::None
            },
            databases: databases
                .into_iter()
                .filter(|name| is_users(name))
                .collect(),
            events: results
                .readers(FactName::Events)?
                .map(read_event)
                .collect::<Result<_, _>>()?,
            accounts,
            anonymous_accounts,
            replicas_attached: read_replicas(&results)?,
            oldest_write: results
                .first(FactName::OldestWrite)?
                .map(read_open_write)
                .transpose()?,
            dump_threads: u32::try_from(threads.iter().filter(|thread| thread.dumps()).count())
                .unwrap_or(u32::MAX),
            ending_dump: threads.iter().filter_map(ReplicaThread::ends).max(),
            unacknowledged: threads.iter().filter_map(ReplicaThread::waits).max(),
            persisted,
            set_since_start,
            settable: read_settable(&results)?,
            uptime: Duration::from_secs(needed(&status, FactName::Status, "uptime", "seconds")?),
            connections: number(&status, FactName::Status, "threads_connected")?,
            variables,
        })
    }

    pub(super) fn read_read_only(
        self,
        variables: &BTreeMap<String, String>,
    ) -> Result<ReadOnly, FactError> {
        let flag = |name: &str| {
            let text: String = needed(variables, FactName::Variables, name, "ON or OFF")?;
            // MariaDB 12 adds NO_LOCK and NO_LOCK_NO_ADMIN, which refuse writes too.
            Ok(match read_switch(Some(&text)) {
                Some(Switch::Off) => Switch::Off,
                Some(Switch::On) | None => Switch::On,
            })
        };
        let super_read_only = match self.flavor {
            Flavor::MariaDb => None,
            Flavor::MySql => Some(flag("super_read_only")?),
        };
        Ok(ReadOnly {
            read_only: flag("read_only")?,
            super_read_only,
        })
    }

    pub(super) fn read_positions(self, results: &Results<'_>) -> Result<Positions, FactError> {
        let fact = FactName::Positions.as_str();
        let reader = results
            .first(FactName::Positions)?
            .ok_or(FactError::NoResult { fact })?;
        let set = |name: &'static str| {
            let text = reader.required(&[name])?;
            GtidSet::parse(self.flavor, text)
                .map_err(|_| reader.unreadable(&[name], text, "a GTID set"))
        };
        if self.flavor == Flavor::MySql {
            let executed = set("executed")?;
            return Ok(Positions {
                executed,
                purged: Some(set("purged")?),
                binlog_pos: None,
                slave_pos: None,
                binlog_state: None,
            });
        }
        let (binlog_pos, slave_pos) = (set("binlog_pos")?, set("slave_pos")?);
        let state = reader.required(&["binlog_state"])?;
        let state: BinlogState = state
            .parse()
            .map_err(|_| reader.unreadable(&["binlog_state"], state, "a binlog state"))?;
        Ok(Positions {
            // Where they name different transactions of one number, what the server itself logged
            // is what it has.
            executed: binlog_pos
                .union(&slave_pos)
                .unwrap_or_else(|_| binlog_pos.clone()),
            purged: None,
            binlog_pos: Some(binlog_pos),
            slave_pos: Some(slave_pos),
            binlog_state: Some(state),
        })
    }

    pub(super) fn read_replication(
        self,
        results: &Results<'_>,
    ) -> Result<(Option<ReplicaStatus>, Vec<String>), FactError> {
        let mut default = None;
        let mut others = Vec::new();
        for row in results.rows(FactName::ReplicaStatus)? {
            let status = self.read_replica_status(row)?;
            if status.channel.is_empty() {
                default = Some(status);
            } else {
                others.push(status.channel);
            }
        }
        if self.flavor == Flavor::MySql {
            for reader in results.readers(FactName::ReplicaOptions)? {
                if let (Some(status), Some("")) = (&mut default, reader.text(&["channel"])) {
                    status.heartbeat = read_heartbeat(reader, &["heartbeat_s"])?;
                    status.password_sha256 = reader.filled(&["password_sha256"]).map(str::to_owned);
                }
            }
        }
        Ok((default, others))
    }

    fn read_accounts(
        self,
        results: &Results<'_>,
    ) -> Result<(BTreeMap<AccountName, AccountFacts>, Vec<AccountName>), FactError> {
        let privileges = self.read_privileges(results)?;
        let mut accounts = BTreeMap::new();
        let mut anonymous = Vec::new();
        for reader in results.readers(FactName::Accounts)? {
            let name = AccountName::new(reader.required(&["user"])?, reader.required(&["host"])?);
            if name.user.is_empty() {
                anonymous.push(name);
                continue;
            }
            let hash = reader.text(&["hash"]).unwrap_or_default();
            let hash =
                unhex(hash).ok_or_else(|| reader.unreadable(&["hash"], "***", "hex digits"))?;
            let facts = AccountFacts {
                plugin: reader.text(&["plugin"]).unwrap_or_default().to_owned(),
                hash: PasswordHash::new(hash),
                privileges: privileges.get(&name.grantee()).cloned().unwrap_or_default(),
                barriers: barriers(&reader),
            };
            accounts.insert(name, facts);
        }
        Ok((accounts, anonymous))
    }

    fn read_privileges(
        self,
        results: &Results<'_>,
    ) -> Result<BTreeMap<String, BTreeSet<Privilege>>, FactError> {
        let mut privileges: BTreeMap<String, BTreeSet<Privilege>> = BTreeMap::new();
        for reader in results.readers(FactName::Privileges)? {
            let name = self.privilege_name(reader.required(&["privilege"])?);
            // The server's word for "none".
            if name == "USAGE" {
                continue;
            }
            let scope = match (reader.text(&["db"]), reader.text(&["tbl"])) {
                (None, _) => Scope::Global,
                (Some(db), None) => Scope::Schema(db.to_owned()),
                (Some(db), Some(table)) => Scope::Table(db.to_owned(), table.to_owned()),
            };
            let grant = match reader.text(&["grantable"]) {
                Some("YES") => GrantOption::With,
                _ => GrantOption::Without,
            };
            let of = privileges
                .entry(reader.required(&["grantee"])?.to_owned())
                .or_default();
            of.insert(Privilege { scope, name, grant });
        }
        Ok(privileges)
    }
}

/// A value that is not known (of an account that has no password, say) keeps nobody out.
fn barriers(reader: &Reader<'_>) -> BTreeSet<Barrier> {
    let is_true = |name: &str| matches!(reader.text(&[name]), Some("1" | "true"));
    [("locked", Barrier::Locked), ("expired", Barrier::Expired)]
        .into_iter()
        .filter_map(|(name, barrier)| is_true(name).then_some(barrier))
        .collect()
}

/// What a server says about positions.
pub(super) struct Positions {
    pub(super) executed: GtidSet,
    purged: Option<GtidSet>,
    binlog_pos: Option<GtidSet>,
    slave_pos: Option<GtidSet>,
    binlog_state: Option<BinlogState>,
}

/// A thread of the server that has to do with its replicas.
enum ReplicaThread {
    Dumps,
    /// A dump thread at its end, for so long.
    Ends(Duration),
    /// A commit that has waited so long for an acknowledgement.
    Waits(Duration),
}

fn read_replica_threads(results: &Results<'_>) -> Result<Vec<ReplicaThread>, FactError> {
    let read = |reader: Reader<'_>| {
        let seconds = |column| Ok(reader.parse(&[column], "seconds")?.map(Duration::from_secs));
        let waits = seconds("unacknowledged_s")?.map(ReplicaThread::Waits);
        let ends = seconds("ending_s")?.map(ReplicaThread::Ends);
        Ok(waits.or(ends).unwrap_or(ReplicaThread::Dumps))
    };
    results.readers(FactName::DumpThreads)?.map(read).collect()
}

impl ReplicaThread {
    fn dumps(&self) -> bool {
        matches!(self, Self::Dumps)
    }

    fn ends(&self) -> Option<Duration> {
        match self {
            Self::Ends(since) => Some(*since),
            _ => None,
        }
    }

    fn waits(&self) -> Option<Duration> {
        match self {
            Self::Waits(since) => Some(*since),
            _ => None,
        }
    }
}

/// Asked only where there are settings to ask about: without an answer, none is known to be settable.
fn read_settable(results: &Results<'_>) -> Result<BTreeSet<String>, FactError> {
    if !results.0.contains_key(&FactName::Settable) {
        return Ok(BTreeSet::new());
    }
    results
        .readers(FactName::Settable)?
        .map(|reader| Ok(reader.required(&["name"])?.to_ascii_lowercase()))
        .collect()
}

fn read_databases(results: &Results<'_>) -> Result<BTreeSet<String>, FactError> {
    let names = results.readers(FactName::Databases)?;
    names
        .map(|reader| reader.required(&["name"]).map(str::to_owned))
        .collect()
}

/// Whether a database is a user's. `#mysql50#lost+found` is what a data directory that is a mount
/// point shows.
fn is_users(name: &str) -> bool {
    let own = [OWN_SCHEMA, SEEDING_SCHEMA, "#mysql50#lost+found"];
    !own.contains(&name)
        && !SYSTEM_SCHEMAS
            .iter()
            .any(|system| name.eq_ignore_ascii_case(system))
}

fn read_replicas(results: &Results<'_>) -> Result<Vec<AttachedReplica>, FactError> {
    let read = |reader: Reader<'_>| {
        Ok(AttachedReplica {
            server_id: reader.parse_required(&["Server_Id"], "a server id")?,
            host: reader.text(&["Host"]).unwrap_or_default().to_owned(),
            port: reader.parse(&["Port"], "a port")?.unwrap_or(0),
        })
    };
    results.readers(FactName::Replicas)?.map(read).collect()
}
