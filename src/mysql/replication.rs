//! Statements that steer replication. "Receiver" is the thread that fetches from the source (IO
//! thread), "applier" the one that applies (SQL thread). Must never issue a `CHANGE` of a few
//! options: every option is written, so that none is inherited from an earlier life.
//!
//! What deletes relay logs, and with them rows that were acknowledged to a client (S1, S3): on
//! `MariaDB` any start with both threads stopped; on either flavor [`Dialect::change_source`] and
//! [`Dialect::reset_replica_all`] with both stopped. Drain first.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::quote::{hex, quote_literal};
use super::statement::StatementBuilder;
use super::{Dialect, GtidSet, Rows, SourceTls, Statement, Switch};

/// Everything that a replica needs to know about its source.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// Address or name of the source.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The replication account's user name.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Seconds between attempts to connect. The servers' default of 60 is a minute of needless lag.
    pub connect_retry_s: u32,
    /// Seconds of silence after which the source sends a heartbeat. Less than the replica's
    /// `replica_net_timeout`.
    pub heartbeat_s: u32,
    /// How the connection is protected.
    pub tls: SourceTls,
}

impl SourceOptions {
    /// SHA-256 of the password in hex, to compare with what a probe says of the one in use.
    pub fn password_sha256(&self) -> String {
        let digest = Sha256::digest(self.password.expose_secret().as_bytes());
        hex(&digest).to_ascii_lowercase()
    }
}

/// What must be stopped before a replica can be pointed at another source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepointNeeds {
    /// The receiver only; the applier goes on with what is there.
    ReceiverStopped,
    /// Both threads, hence the relay log must be drained before.
    BothStopped,
}

/// How a wait for a position ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitResult {
    /// Everything is applied.
    Reached,
    /// The time was over first.
    TimedOut,
    /// The server could not wait, for instance because the applier is stopped.
    Impossible,
}

impl Dialect {
    /// This server's word for itself as the receiving side.
    fn replica_word(self) -> &'static str {
        if self.is_mariadb() {
            "SLAVE"
        } else {
            "REPLICA"
        }
    }

    /// Starts both threads. On `MariaDB`, with both stopped, this purges the relay log (S1).
    pub fn start_replica(self) -> Statement {
        Statement::new(format!("START {}", self.replica_word()))
    }

    /// Stops both threads.
    pub fn stop_replica(self) -> Statement {
        Statement::new(format!("STOP {}", self.replica_word()))
    }

    /// Lets replication not begin by itself when the server starts, or lets it again, for a server that
    /// begins by itself; `None` where a unit of the host does it (see [`Self::safe_start_program`]).
    ///
    /// Written to the data directory at once, and without a word to the running threads
    /// (`skip_replica_start`, which is read at the start alone).
    pub fn hold_at_start(self, held: Switch) -> Option<Statement> {
        if self.is_mariadb() {
            return None;
        }
        Some(Statement::new(match held {
            Switch::On => "SET PERSIST_ONLY skip_replica_start = ON",
            Switch::Off => "RESET PERSIST IF EXISTS skip_replica_start",
        }))
    }

    /// Starts the receiver.
    pub fn start_receiver(self) -> Statement {
        Statement::new(format!("START {} IO_THREAD", self.replica_word()))
    }

    /// Stops the receiver.
    pub fn stop_receiver(self) -> Statement {
        Statement::new(format!("STOP {} IO_THREAD", self.replica_word()))
    }

    /// What a replica is known by to its source, from the next time that its receiver starts.
    pub fn set_server_id(self, server_id: u32) -> Statement {
        Statement::new(format!("SET GLOBAL server_id = {server_id}"))
    }

    /// Whether the next commit gets through while others wait for an acknowledgement, so that its own stands
    /// for theirs. An acknowledgement that was lost with a connection is asked for again by neither server when
    /// the replica comes back by its GTID (`MariaDB` 10.11.18; `MySQL` 9.7.4, where two commits waited for six
    /// minutes and a third released them); on `MariaDB` the third waits until the second makes room.
    pub fn next_commit_gets_through(self) -> bool {
        !self.is_mariadb()
    }

    /// Starts the applier. On `MariaDB` with the receiver stopped this purges the relay log (S1):
    /// see [`Self::replay_relay_log`].
    pub fn start_applier(self) -> Statement {
        Statement::new(format!("START {} SQL_THREAD", self.replica_word()))
    }

    /// Stops the applier.
    pub fn stop_applier(self) -> Statement {
        Statement::new(format!("STOP {} SQL_THREAD", self.replica_word()))
    }

    /// Forgets that this server is a replica. Deletes the relay logs.
    pub fn reset_replica_all(self) -> Statement {
        Statement::new(format!("RESET {} ALL", self.replica_word()))
    }

    /// Applies what is in the relay log when both threads are stopped, without a source (S3): takes
    /// GTID positioning back and starts the applier at the file and position that the server's
    /// status gives ([`super::ReplicaStatus::relay_log_file`] and `relay_log_pos`). Use
    /// [`Self::change_source`] afterwards.
    pub fn replay_relay_log(self, file: &str, position: u64) -> Vec<Statement> {
        let file = quote_literal(file);
        let change = if self.is_mariadb() {
            format!(
                "CHANGE MASTER TO MASTER_USE_GTID = no, RELAY_LOG_FILE = {file}, \
                 RELAY_LOG_POS = {position}"
            )
        } else {
            format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, RELAY_LOG_FILE = {file}, \
                 RELAY_LOG_POS = {position}"
            )
        };
        vec![Statement::new(change), self.start_applier()]
    }

    /// Points this server at a source, with GTID and with every option. Both threads must be
    /// stopped, and the relay log drained: this deletes it.
    pub fn change_source(self, source: &SourceOptions) -> Statement {
        let statement = self.source_options(source);
        if self.is_mariadb() {
            statement
                .plain(", MASTER_DELAY = 0, MASTER_USE_GTID = slave_pos")
                .build()
        } else {
            statement
                .plain(", SOURCE_DELAY = 0, SOURCE_AUTO_POSITION = 1")
                .build()
        }
    }

    /// What must be stopped before [`Self::repoint`].
    pub fn repoint_needs(self) -> RepointNeeds {
        if self.is_mariadb() {
            RepointNeeds::BothStopped
        } else {
            RepointNeeds::ReceiverStopped
        }
    }

    /// Points a replica at another source, keeping its way of positioning. Where
    /// [`Self::repoint_needs`] says that only the receiver has to be stopped, the relay logs are
    /// kept while the applier runs (`MySQL`, measured).
    pub fn repoint(self, source: &SourceOptions) -> Statement {
        if self.is_mariadb() {
            return self.change_source(source);
        }
        self.source_options(source).build()
    }

    /// The options that concern the receiver.
    pub(super) fn source_options(self, source: &SourceOptions) -> StatementBuilder {
        let SourceOptions {
            port,
            connect_retry_s,
            heartbeat_s,
            ..
        } = *source;
        let (host, user) = (quote_literal(&source.host), quote_literal(&source.user));
        let password = source.password.expose_secret();
        let tls = self.source_tls_options(&source.tls);
        let statement = StatementBuilder::default();
        if self.is_mariadb() {
            return statement
                .plain(&format!(
                    "CHANGE MASTER TO MASTER_HOST = {host}, MASTER_PORT = {port}, \
                     MASTER_USER = {user}, MASTER_PASSWORD = "
                ))
                .secret_literal(password)
                .plain(&format!(
                    ", MASTER_CONNECT_RETRY = {connect_retry_s}, \
                     MASTER_HEARTBEAT_PERIOD = {heartbeat_s}, {tls}"
                ));
        }
        statement
            .plain(&format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = {host}, SOURCE_PORT = {port}, \
                 SOURCE_USER = {user}, SOURCE_PASSWORD = "
            ))
            .secret_literal(password)
            // A retry count of 0 is "for ever"; the default of 10 gives up for good (8.4).
            .plain(&format!(
                ", SOURCE_CONNECT_RETRY = {connect_retry_s}, SOURCE_RETRY_COUNT = 0, \
                 SOURCE_HEARTBEAT_PERIOD = {heartbeat_s}, {tls}, GET_SOURCE_PUBLIC_KEY = 1"
            ))
    }

    /// Empties the server's own binary log and its GTID history. Only before seeding; never in a
    /// switchover.
    pub fn reset_binary_logs(self) -> Statement {
        Statement::new(if !self.is_mariadb() && self.at_least(8, 2, 0) {
            "RESET BINARY LOGS AND GTIDS"
        } else {
            "RESET MASTER"
        })
    }

    /// Declares what a seeded server holds, so that replication goes on from there. All replication
    /// threads must be stopped and the binary log reset ([`Self::reset_binary_logs`]).
    pub fn set_seeded_position(self, position: &GtidSet) -> Statement {
        let variable = if self.is_mariadb() {
            "gtid_slave_pos"
        } else {
            "gtid_purged"
        };
        let text = quote_literal(&position.to_string());
        Statement::new(format!("SET GLOBAL {variable} = {text}"))
    }

    /// Waits on the server until a position is applied, or the time is over; read the answer by
    /// [`Self::read_wait`]. On `MariaDB` it waits for what replication applies, not for own writes.
    pub fn wait_for_position(self, position: &GtidSet, timeout: Duration) -> Statement {
        let function = if self.is_mariadb() {
            "MASTER_GTID_WAIT"
        } else {
            "WAIT_FOR_EXECUTED_GTID_SET"
        };
        let text = quote_literal(&position.to_string());
        // 0 means "for ever" to MySQL: never send it.
        let seconds = timeout.max(Duration::from_millis(1)).as_secs_f64();
        Statement::new(format!("SELECT {function}({text}, {seconds:.3}) AS result"))
    }

    /// How the wait ended.
    pub fn read_wait(self, rows: &Rows) -> WaitResult {
        let result = rows
            .first()
            .and_then(|row| row.get("result"))
            .and_then(Option::as_deref);
        match result {
            Some("0") => WaitResult::Reached,
            Some("1" | "-1") => WaitResult::TimedOut,
            _ => WaitResult::Impossible,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::mysql::Flavor;
    use crate::mysql::dialect::samples::{ALL, MARIADB_10_11, MARIADB_11_8, MYSQL_8_0, MYSQL_9_7};

    pub(in crate::mysql) fn source() -> SourceOptions {
        SourceOptions {
            host: "10.0.0.1".to_owned(),
            port: 3306,
            user: "repl".to_owned(),
            password: SecretString::from("it's"),
            connect_retry_s: 2,
            heartbeat_s: 1,
            tls: SourceTls::Native,
        }
    }

    #[test]
    fn every_option_is_written() {
        assert_eq!(
            MARIADB_10_11.change_source(&source()).text(),
            "CHANGE MASTER TO MASTER_HOST = '10.0.0.1', MASTER_PORT = 3306, MASTER_USER = 'repl', \
             MASTER_PASSWORD = 'it''s', MASTER_CONNECT_RETRY = 2, MASTER_HEARTBEAT_PERIOD = 1, \
             MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_SSL_CA = '', MASTER_DELAY = 0, \
             MASTER_USE_GTID = slave_pos"
        );
        assert_eq!(
            MYSQL_9_7.change_source(&source()).text(),
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '10.0.0.1', SOURCE_PORT = 3306, \
             SOURCE_USER = 'repl', SOURCE_PASSWORD = 'it''s', SOURCE_CONNECT_RETRY = 2, \
             SOURCE_RETRY_COUNT = 0, SOURCE_HEARTBEAT_PERIOD = 1, SOURCE_SSL = 1, \
             SOURCE_SSL_VERIFY_SERVER_CERT = 0, SOURCE_SSL_CA = '', GET_SOURCE_PUBLIC_KEY = 1, \
             SOURCE_DELAY = 0, \
             SOURCE_AUTO_POSITION = 1"
        );
    }

    #[test]
    fn the_password_is_not_shown() {
        let log = "binlog.000042".parse().unwrap();
        for dialect in ALL {
            for statement in [
                dialect.change_source(&source()),
                dialect.change_source_at(&source(), (&log, 4)),
                dialect.repoint(&source()),
            ] {
                assert!(statement.text().contains("'it''s'"));
                let shown = format!("{statement} {statement:?}");
                assert!(
                    shown.contains("'***'") && !shown.contains("it''s"),
                    "{shown}"
                );
            }
        }
    }

    #[test]
    fn a_repoint_keeps_the_applier_running_where_it_can() {
        let text = MYSQL_9_7.repoint(&source()).text().to_owned();
        assert_eq!(MYSQL_9_7.repoint_needs(), RepointNeeds::ReceiverStopped);
        assert!(
            !text.contains("AUTO_POSITION") && !text.contains("DELAY"),
            "{text}"
        );
        assert_eq!(MARIADB_10_11.repoint_needs(), RepointNeeds::BothStopped);
    }

    #[test]
    fn a_relay_log_is_replayed_without_gtid() {
        let texts = |dialect: Dialect| {
            let statements = dialect.replay_relay_log("relay-bin.000002", 866);
            statements
                .iter()
                .map(|s| s.text().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(MARIADB_10_11),
            [
                "CHANGE MASTER TO MASTER_USE_GTID = no, RELAY_LOG_FILE = 'relay-bin.000002', \
                 RELAY_LOG_POS = 866",
                "START SLAVE SQL_THREAD"
            ]
        );
        assert_eq!(
            texts(MYSQL_9_7),
            [
                "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, \
                 RELAY_LOG_FILE = 'relay-bin.000002', RELAY_LOG_POS = 866",
                "START REPLICA SQL_THREAD"
            ]
        );
    }

    #[test]
    fn words_follow_the_version() {
        assert_eq!(MYSQL_8_0.reset_binary_logs().text(), "RESET MASTER");
        assert_eq!(
            MYSQL_9_7.reset_binary_logs().text(),
            "RESET BINARY LOGS AND GTIDS"
        );
        assert_eq!(MARIADB_11_8.hold_at_start(Switch::On), None);
        assert_eq!(
            MYSQL_9_7
                .hold_at_start(Switch::Off)
                .map(|one| one.text().to_owned()),
            Some("RESET PERSIST IF EXISTS skip_replica_start".to_owned())
        );
        assert_eq!(MARIADB_11_8.stop_receiver().text(), "STOP SLAVE IO_THREAD");
        let position = GtidSet::parse(Flavor::MariaDb, "0-1-5").unwrap();
        let seeded = MARIADB_10_11.set_seeded_position(&position);
        assert_eq!(seeded.text(), "SET GLOBAL gtid_slave_pos = '0-1-5'");
    }

    #[test]
    fn a_wait_never_means_for_ever() {
        let position = GtidSet::empty(Flavor::MySql);
        let wait = MYSQL_9_7.wait_for_position(&position, Duration::ZERO);
        assert_eq!(
            wait.text(),
            "SELECT WAIT_FOR_EXECUTED_GTID_SET('', 0.001) AS result"
        );
    }

    #[test]
    fn the_answer_to_a_wait_is_read() {
        let read = |value: Option<&str>| {
            let row = [("result".to_owned(), value.map(str::to_owned))].into();
            MARIADB_10_11.read_wait(&vec![row])
        };
        assert_eq!(read(Some("0")), WaitResult::Reached);
        assert_eq!(read(Some("-1")), WaitResult::TimedOut);
        assert_eq!(read(Some("1")), WaitResult::TimedOut);
        assert_eq!(read(None), WaitResult::Impossible);
        assert_eq!(MYSQL_9_7.read_wait(&Rows::new()), WaitResult::Impossible);
    }
}
