//! What a replica says about its replication: one type for `SHOW REPLICA STATUS` and `SHOW ALL
//! SLAVES STATUS`. Must never take an absent column for a good sign: no lag is not "zero lag".

use std::cmp::Ordering;
use std::time::Duration;

use serde::Serialize;

use super::binlog_name::BinlogName;
use super::error_code::{self, ServerError};
use super::row::{FactError, Reader};
use super::semi_sync::read_switch;
use super::session::Switch;
use super::{Dialect, Flavor, GtidSet, Row, SourceOptions};

/// What a replication thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ThreadState {
    /// It runs.
    Running,
    /// The receiver has no connection and tries again.
    Connecting,
    /// It is stopped.
    Stopped,
}

/// How the replica knows where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Positioning {
    /// By GTID, from what it has applied.
    Gtid,
    /// By GTID, but counting its own writes too (`MariaDB`'s `current_pos`; deprecated, and it
    /// breaks on errant transactions).
    GtidWithOwnWrites,
    /// By file and offset of the source's binary log.
    File,
}

/// A replica's own report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplicaStatus {
    /// The channel or connection name; empty for the default one, which is the one that semi-sync
    /// works on.
    pub channel: String,
    /// Where it fetches from.
    pub source_host: String,
    /// The source's port.
    pub source_port: u16,
    /// The account that it logs in with.
    pub source_user: String,
    /// SHA-256 in hex of the password that it logs in with next, where the server keeps it in a table. A
    /// connection that stands lives on with any.
    #[serde(skip)]
    pub password_sha256: Option<String>,
    /// The source's `server_id` as of the last connection; 0 before the first.
    pub source_server_id: u32,
    /// The source's UUID, where servers have one.
    pub source_uuid: Option<String>,
    /// The thread that fetches.
    pub receiver: ThreadState,
    /// The thread that applies.
    pub applier: ThreadState,
    /// Seconds behind; `None` is the server's `NULL`: not known, because a thread is stopped or
    /// connecting.
    pub lag: Option<Duration>,
    /// Why the receiver failed.
    pub last_io_error: Option<ServerError>,
    /// Why the applier failed.
    pub last_sql_error: Option<ServerError>,
    /// What was received. Not the truth on `MariaDB` (`Gtid_IO_Pos`: stale after a `CHANGE`, empty
    /// after a restart, S5), and emptied on `MySQL` by a `CHANGE`: drain the relay log, then
    /// compare what is executed.
    pub retrieved: Option<GtidSet>,
    /// What was applied, as this report has it.
    pub executed: Option<GtidSet>,
    /// How it positions.
    pub using_gtid: Positioning,
    /// The relay log that the applier reads. Where to go on for [`Dialect::replay_relay_log`].
    pub relay_log_file: String,
    /// The offset in it.
    pub relay_log_pos: u64,
    /// The source's log up to which was received.
    pub read_source_log: Option<BinlogName>,
    /// The offset in it.
    pub read_source_pos: u64,
    /// The source's log up to which was applied.
    pub exec_source_log: Option<BinlogName>,
    /// The offset in it.
    pub exec_source_pos: u64,
    /// Seconds between attempts to connect.
    pub connect_retry_s: u32,
    /// Attempts before it gives up; 0 is never. `None`: the server does not say (`MariaDB` before
    /// 12).
    pub retry_count: Option<u64>,
    /// Whether the connection is encrypted.
    pub ssl: Option<Switch>,
    /// Whether the source's certificate has to be for its address.
    pub ssl_verify: Option<Switch>,
    /// The authority that is trusted for that, a file on the replica's host; empty for none.
    pub ssl_ca: Option<String>,
    /// After how much silence the source sends a heartbeat.
    pub heartbeat: Option<Duration>,
    /// Seconds by which the applier is held back on purpose.
    pub delay_s: u64,
    /// The replication filters that are set, as `column = value`. Filtered replicas cannot be
    /// promoted.
    pub filters: Vec<String>,
    /// What the applier is doing, in the server's words.
    pub applier_state: String,
}

impl ReplicaStatus {
    /// Whether everything that was received, by file and offset in the source's log, was applied.
    /// The answer that holds on both flavors when the receiver is not running (S5).
    pub fn relay_log_applied(&self) -> bool {
        self.read_source_log.is_some()
            && self.read_source_log == self.exec_source_log
            && self.read_source_pos == self.exec_source_pos
    }

    /// Whether its GTIDs tell what it has received. They do not while it follows by file and position on
    /// `MariaDB`, nor after a start there (`Gtid_IO_Pos` is empty then, S5); what it then has and has not
    /// applied shows in no set.
    pub fn tells_received(&self) -> bool {
        let has_received = self.read_source_log.is_some();
        !has_received || self.retrieved.as_ref().is_some_and(|set| !set.is_empty())
    }

    /// Whether it may hold what it has not applied and does not tell of.
    pub fn holds_untold(&self) -> bool {
        // There, the position alone is no sign: it lags behind what several workers have applied.
        let counts = |set: &GtidSet| set.flavor() == Flavor::MySql;
        let is_at_the_end = self.waits_for_more() && self.retrieved.as_ref().is_some_and(counts);
        !self.tells_received() && !self.relay_log_applied() && !is_at_the_end
    }

    /// Whether it has received at least as much as another replica of the same source, by file and offset in
    /// the source's log. Those of a receiver that has not run since its server started may be of before:
    /// they are not synced with what was received.
    pub fn has_received_as_far_as(&self, other: &Self) -> bool {
        let source = |status: &Self| (status.source_host.clone(), status.source_port);
        let (Some(here), Some(there)) = (&self.read_source_log, &other.read_source_log) else {
            return false;
        };
        source(self) == source(other)
            && match here.partial_cmp(there) {
                Some(Ordering::Greater) => true,
                Some(Ordering::Equal) => self.read_source_pos >= other.read_source_pos,
                Some(Ordering::Less) | None => false,
            }
    }

    /// Whether the applier has come to the end of what was received, and waits. True as well of what was
    /// received of a transaction that was cut off.
    pub fn waits_for_more(&self) -> bool {
        self.applier == ThreadState::Running && self.applier_state.contains(AT_THE_END)
    }

    /// Whether it stands at a place in this source's log, by file and offset, and has not begun, or has
    /// applied all: a plain start goes on from there, on either flavor.
    pub fn stands_at_a_place_of(&self, source: &SourceOptions) -> bool {
        self.using_gtid == Positioning::File
            && self.receiver == ThreadState::Stopped
            && self.applier == ThreadState::Stopped
            && (self.source_host.as_str(), self.source_port) == (source.host.as_str(), source.port)
            && self.relay_log_applied()
    }

    /// Whether the applier only misses a relay log that it had applied: the server was killed while it
    /// forgot its source, and a source that it is given anew makes it well.
    pub fn misses_an_applied_relay_log(&self) -> bool {
        let is_missing = |error: &ServerError| {
            matches!(
                error.number,
                error_code::APPLIER_NOT_INITIALISED | error_code::APPLIER_FAILED_TO_INITIALISE
            )
        };
        self.relay_log_applied() && self.last_sql_error.as_ref().is_some_and(is_missing)
    }
}

/// What both servers call an applier that has nothing left to read. A state of a thread, which is not
/// translated as errors are.
const AT_THE_END: &str = "has read all relay log";

/// Columns that hold filters, in either spelling.
const FILTERS: [&str; 9] = [
    "Replicate_Do_DB",
    "Replicate_Ignore_DB",
    "Replicate_Do_Table",
    "Replicate_Ignore_Table",
    "Replicate_Wild_Do_Table",
    "Replicate_Wild_Ignore_Table",
    "Replicate_Rewrite_DB",
    "Replicate_Do_Domain_Ids",
    "Replicate_Ignore_Domain_Ids",
];

impl Dialect {
    /// Reads one row of a replica's status.
    pub fn read_replica_status(self, row: &Row) -> Result<ReplicaStatus, FactError> {
        let reader = Reader {
            fact: "replica status",
            row,
        };
        let lag: Option<u64> = reader.parse(
            &["Seconds_Behind_Source", "Seconds_Behind_Master"],
            "seconds",
        )?;
        let text = |names: &[&str]| reader.text(names).unwrap_or_default().to_owned();
        let number = |names: &[&str]| {
            reader
                .parse::<u64>(names, "a number")
                .map(Option::unwrap_or_default)
        };
        Ok(ReplicaStatus {
            channel: text(&["Channel_Name", "Connection_name"]),
            source_host: reader.required(&["Source_Host", "Master_Host"])?.to_owned(),
            source_port: reader.parse_required(&["Source_Port", "Master_Port"], "a port")?,
            source_user: text(&["Source_User", "Master_User"]),
            password_sha256: None,
            source_server_id: reader
                .parse(&["Source_Server_Id", "Master_Server_Id"], "a server id")?
                .unwrap_or(0),
            source_uuid: reader
                .filled(&["Source_UUID", "Master_UUID"])
                .map(str::to_owned),
            receiver: read_thread(reader, &["Replica_IO_Running", "Slave_IO_Running"])?,
            applier: read_thread(reader, &["Replica_SQL_Running", "Slave_SQL_Running"])?,
            lag: lag.map(Duration::from_secs),
            last_io_error: read_error(reader, "Last_IO_Errno", "Last_IO_Error")?,
            last_sql_error: read_error(reader, "Last_SQL_Errno", "Last_SQL_Error")?,
            retrieved: self.read_gtids(reader, &["Retrieved_Gtid_Set", "Gtid_IO_Pos"])?,
            executed: self.read_gtids(reader, &["Executed_Gtid_Set", "Gtid_Slave_Pos"])?,
            using_gtid: read_positioning(reader),
            relay_log_file: text(&["Relay_Log_File"]),
            relay_log_pos: number(&["Relay_Log_Pos"])?,
            read_source_log: reader
                .parse(&["Source_Log_File", "Master_Log_File"], "a log's name")?,
            read_source_pos: number(&["Read_Source_Log_Pos", "Read_Master_Log_Pos"])?,
            exec_source_log: reader.parse(
                &["Relay_Source_Log_File", "Relay_Master_Log_File"],
                "a log's name",
            )?,
            exec_source_pos: number(&["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"])?,
            connect_retry_s: reader.parse(&["Connect_Retry"], "seconds")?.unwrap_or(0),
            retry_count: reader.parse(&["Source_Retry_Count", "Master_Retry_Count"], "a number")?,
            ssl: read_switch(reader.text(&["Source_SSL_Allowed", "Master_SSL_Allowed"])),
            ssl_verify: read_switch(reader.text(&[
                "Source_SSL_Verify_Server_Cert",
                "Master_SSL_Verify_Server_Cert",
            ])),
            ssl_ca: reader
                .text(&["Source_SSL_CA_File", "Master_SSL_CA_File"])
                .map(str::to_owned),
            heartbeat: read_heartbeat(
                reader,
                &["Slave_heartbeat_period", "Replica_heartbeat_period"],
            )?,
            delay_s: number(&["SQL_Delay"])?,
            filters: read_filters(reader),
            applier_state: text(&["Replica_SQL_Running_State", "Slave_SQL_Running_State"]),
        })
    }

    fn read_gtids(self, reader: Reader<'_>, names: &[&str]) -> Result<Option<GtidSet>, FactError> {
        let Some(text) = reader.text(names) else {
            return Ok(None);
        };
        GtidSet::parse(self.flavor, text)
            .map(Some)
            .map_err(|_| reader.unreadable(names, text, "a GTID set"))
    }
}

fn read_thread(reader: Reader<'_>, names: &[&str]) -> Result<ThreadState, FactError> {
    match reader.required(names)? {
        "Yes" => Ok(ThreadState::Running),
        "No" => Ok(ThreadState::Stopped),
        // MariaDB says `Preparing` before it first connects.
        "Connecting" | "Preparing" => Ok(ThreadState::Connecting),
        other => Err(reader.unreadable(names, other, "`Yes`, `No` or `Connecting`")),
    }
}

fn read_error(
    reader: Reader<'_>,
    number: &str,
    text: &str,
) -> Result<Option<ServerError>, FactError> {
    let number: u16 = reader.parse(&[number], "an error number")?.unwrap_or(0);
    let text = reader.text(&[text]).unwrap_or_default().to_owned();
    Ok((number != 0).then_some(ServerError { number, text }))
}

fn read_positioning(reader: Reader<'_>) -> Positioning {
    match (
        reader.text(&["Auto_Position"]),
        reader.text(&["Using_Gtid"]),
    ) {
        (Some("1"), _) | (_, Some("Slave_Pos")) => Positioning::Gtid,
        (_, Some("Current_Pos")) => Positioning::GtidWithOwnWrites,
        _ => Positioning::File,
    }
}

fn read_filters(reader: Reader<'_>) -> Vec<String> {
    let filled = |name: &&str| {
        reader
            .filled(&[*name])
            .map(|value| format!("{name} = {value}"))
    };
    FILTERS.iter().filter_map(filled).collect()
}

/// A heartbeat's interval: seconds with a fraction.
pub(super) fn read_heartbeat(
    reader: Reader<'_>,
    names: &[&str],
) -> Result<Option<Duration>, FactError> {
    let Some(seconds) = reader.parse::<f64>(names, "seconds")? else {
        return Ok(None);
    };
    let interval = Duration::try_from_secs_f64(seconds);
    interval
        .map(Some)
        .map_err(|_| reader.unreadable(names, &seconds.to_string(), "seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{cluster, following, name};

    /// A replica of db1 that received up to one place and applied up to another.
    fn at(received: (&str, u64), applied: (&str, u64)) -> ReplicaStatus {
        let log = |name: &str| Some(name.parse().unwrap());
        ReplicaStatus {
            read_source_log: log(received.0),
            read_source_pos: received.1,
            exec_source_log: log(applied.0),
            exec_source_pos: applied.1,
            ..following(&cluster(Flavor::MariaDb, 3), &name("db1"))
        }
    }

    const HERE: (&str, u64) = ("binlog.999999", 500);

    #[test]
    fn what_is_received_and_not_applied_is_told_or_is_not() {
        let mut status = at(("binlog.1000000", 4), HERE);
        assert!(!status.tells_received() && status.holds_untold());
        for (flavor, is_untold) in [(Flavor::MariaDb, true), (Flavor::MySql, false)] {
            status.retrieved = Some(GtidSet::empty(flavor));
            status.applier_state = String::new();
            assert!(!status.tells_received() && status.holds_untold());
            status.applier_state = "Replica has read all relay log; waiting".to_owned();
            assert_eq!(status.holds_untold(), is_untold, "{flavor}");
        }
        status.retrieved = Some(GtidSet::parse(Flavor::MariaDb, "0-1-7").unwrap());
        assert!(status.tells_received() && !status.holds_untold());
        let applied = at(HERE, HERE);
        assert!(!applied.tells_received() && !applied.holds_untold());
        let new = following(&cluster(Flavor::MariaDb, 3), &name("db1"));
        assert!(new.tells_received() && !new.holds_untold());
    }

    #[test]
    fn who_has_received_more_is_told_by_number_and_offset_in_one_log() {
        let one = at(HERE, HERE);
        for (other, is_as_far) in [
            (HERE, true),
            (("binlog.999999", 499), true),
            (("binlog.999999", 501), false),
            (("binlog.999998", 900), true),
            (("binlog.1000000", 4), false),
            (("mysql-bin.000001", 4), false),
        ] {
            assert_eq!(
                one.has_received_as_far_as(&at(other, other)),
                is_as_far,
                "{other:?}"
            );
        }
        let elsewhere = ReplicaStatus {
            source_port: 3307,
            ..one.clone()
        };
        assert!(!one.has_received_as_far_as(&elsewhere));
        let nowhere = ReplicaStatus {
            read_source_log: None,
            ..one.clone()
        };
        assert!(!one.has_received_as_far_as(&nowhere) && !nowhere.has_received_as_far_as(&one));
    }

    #[test]
    fn only_who_has_not_begun_stands_at_a_place() {
        let cluster = cluster(Flavor::MariaDb, 3);
        let source = |host: &str| cluster.as_source(cluster.host(&name(host)).unwrap());
        let seeded = ReplicaStatus {
            using_gtid: Positioning::File,
            receiver: ThreadState::Stopped,
            applier: ThreadState::Stopped,
            ..at(HERE, HERE)
        };
        assert!(seeded.stands_at_a_place_of(&source("db1")));
        assert!(!seeded.stands_at_a_place_of(&source("db3")));
        let others: [fn(&mut ReplicaStatus); 4] = [
            |status| status.using_gtid = Positioning::Gtid,
            |status| status.receiver = ThreadState::Connecting,
            |status| status.applier = ThreadState::Running,
            |status| status.read_source_pos += 1,
        ];
        for change in others {
            let mut other = seeded.clone();
            change(&mut other);
            assert!(!other.stands_at_a_place_of(&source("db1")), "{other:?}");
        }
    }
}
