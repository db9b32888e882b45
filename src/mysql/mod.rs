//! What a server says and understands. Besides the templates, the only room that tells `MySQL` from
//! `MariaDB` and one version from another; everything else asks a [`Dialect`] and uses neutral
//! words. Pure: no I/O, no clock, no randomness.
//!
//! | file | noun |
//! |---|---|
//! | `flavor`, `version`, `dialect` | who a server is |
//! | `compatibility` | who can replicate from whom |
//! | `platform` | how it is packaged: programs, units, files |
//! | `option_file` | its settings: what a new file asks of a running server |
//! | `quote`, `statement` | how to say things to it, without saying secrets to anyone else |
//! | `session`, `client`, `replication`, `source_place`, `source_tls`, `semi_sync`, `event` | statements that steer it |
//! | `account`, `role_privileges`, `privilege`, `password`, `caching_sha2` | its accounts |
//! | `dump`, `provision` | seeding: the ends of the stream, and the marker |
//! | `gtid`, `binlog_name` | positions, and their order |
//! | `binlog_text`, `tail` | binary logs as SQL, and what one of them has alone |
//! | `queries`, `beat`, `row`, `read_facts`, `server_facts`, `replica_status`, `standing`, `error_code` | what it answers |

mod account;
mod account_difference;
mod beat;
mod binlog_name;
mod binlog_text;
mod caching_sha2;
mod client;
mod compatibility;
mod dialect;
mod dump;
mod errant;
pub mod error_code;
mod event;
mod flavor;
mod gtid;
mod open_write;
mod option_file;
mod password;
mod platform;
mod privilege;
mod provision;
mod queries;
mod quote;
mod read_facts;
mod replica_status;
mod replication;
mod rewind;
mod role_privileges;
mod row;
mod semi_sync;
mod server_facts;
mod session;
mod setting;
mod source_place;
mod source_tls;
mod standing;
mod statement;
mod tail;
#[cfg(test)]
mod tests;
mod version;

pub use account::{AccountFacts, AccountName, AccountRole, AccountSpec, Barrier, UnknownRole};
pub use account_difference::AccountDifference;
pub use beat::BeatFacts;
pub use binlog_name::{BadBinlogName, BinlogName};
pub use binlog_text::LOG_BEGINS;
pub use client::ClientSession;
pub use compatibility::{Compatibility, Series};
pub use dialect::{Dialect, TooOld};
pub use dump::{HEAD_LENGTH, TAIL_LENGTH};
pub use errant::OwnWrites;
pub use error_code::ServerError;
pub use event::{EventFacts, EventState};
pub use flavor::{Flavor, UnknownFlavor};
pub use gtid::{
    BinlogState, GtidError, GtidSet, MariaDbGtid, MariaDbPosition, MySqlGtidSet, SourceId,
};
pub use open_write::OpenWrite;
pub use option_file::{ChangedSetting, changed_settings};
pub use password::{PasswordCheck, PasswordHash, Salt, check_password};
pub use privilege::{GrantOption, Privilege, Scope};
pub use queries::{FactName, FactQuery};
pub use quote::{quote_ident, quote_literal};
pub use replica_status::{Positioning, ReplicaStatus, ThreadState};
pub use replication::{RepointNeeds, SourceOptions, WaitResult};
pub use role_privileges::OWN_SCHEMA;
pub use row::{FactError, Row, Rows};
pub use semi_sync::{LONGEST_TIMEOUT_MS, SemiSync, SemiSyncSupport, WaitPoint};
pub use server_facts::{
    AttachedReplica, OwnSchema, ReadOnly, SEEDING_SCHEMA, Seeding, ServerFacts,
};
pub use session::Switch;
pub use setting::{Agreement, compare_setting};
pub use source_tls::SourceTls;
pub use standing::{Received, Standing};
pub use statement::Statement;
pub use tail::Tail;
pub use version::{IDENTITY_QUERY, IdentifyError, Version, identify, identify_program};
